//! Fields: the parameters that the client fills in, or whoever sets a timer.

use super::{
    methods::{cfgs, named},
    params::{first_argument, last_segment, misspelt, not_lent, plain_name, referent, strip},
};
use crate::{
    errors::{Errors, code},
    model::{Field, Reading, in_macro},
    names::{PLAYER, ROOM, Role, TAG},
};
use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Pat, PatType, Type, ext::IdentExt, parse_quote_spanned};

/// The field that a parameter is, of a message or of a timer.
pub(super) fn field(
    param: &PatType,
    role: Role,
    game: &TokenStream,
    errors: &mut Errors,
) -> Option<Field> {
    let of = role.name();
    owned(&param.ty, role, errors)?;
    let Some(name) = plain_name(&param.pat) else {
        let ty = code(&param.ty);
        errors.at(
            &param.pat,
            match &*param.pat {
                Pat::Wild(_) => format!("a field of a {of} needs a name: write `name: {ty}`"),
                _ => format!(
                    "a field of a {of} is a plain name: write `name: {ty}` and take it apart inside"
                ),
            },
        );
        return None;
    };
    let serde = named(&param.attrs, "serde");
    let options: Vec<_> = serde
        .iter()
        .flat_map(|attr| serde_options(attr.meta.to_token_stream()))
        .collect();
    if role == Role::Message {
        called_type(name, &options, errors)?;
    } else if let Some(attr) = serde.first() {
        errors.at(
            attr,
            "a timer is set by the game and not read from a message: remove `#[serde]`",
        );
    }
    let cfgs = cfgs(&param.attrs);
    let mut name = name.clone();
    name.set_span(in_macro(name.span()));
    Some(Field {
        name,
        ty: without_self(param.ty.to_token_stream(), game),
        reading: reading(&cfgs, &options),
        cfgs,
        docs: named(&param.attrs, "doc"),
        serde,
    })
}

fn reading(cfgs: &[Attribute], serde: &[SerdeOption]) -> Reading {
    let mut or_default = false;
    for SerdeOption { name, value } in serde {
        match (name.to_string().as_str(), value) {
            ("default", None) => or_default = true,
            (
                "default" | "with" | "deserialize_with" | "skip" | "skip_deserializing" | "bound",
                _,
            ) => {
                return Reading::OfItsOwn;
            }
            _ => {}
        }
    }
    if cfgs.is_empty() {
        Reading::ByType { or_default }
    } else {
        Reading::OfItsOwn
    }
}

/// Refuses types that can't be those of a field.
fn owned(ty: &Type, role: Role, errors: &mut Errors) -> Option<()> {
    let words = match strip(ty) {
        Type::Reference(reference) => borrowed(ty, &reference.elem, role),
        ty if is_room_of_self(ty) => "the room is lent: write `&mut Room<Self>`".to_owned(),
        ty if is_optional_player(ty) && role == Role::Message => asked("Member", "player"),
        ty => match unnameable(ty.to_token_stream()) {
            Some(words) => format!("a field of a {} {words}", role.name()),
            None => return Some(()),
        },
    };
    errors.at(ty, words);
    None
}

/// What to take instead of a reference, of which only a few are lent.
fn borrowed(ty: &Type, to: &Type, role: Role) -> String {
    if let Some(near) = misspelt(ty) {
        return not_lent(ty, &near);
    }
    // Not "write `UserId`": that would be whoever the client says it is.
    let sender = |method| {
        format!(
            "who sends a message is lent as `&Player` or `&Member`: take that and ask for its \
             `{method}()`"
        )
    };
    let owned = |ty: String| format!("a field of a {} is owned: write `{ty}`", role.name());
    if let Type::Slice(slice) = strip(to) {
        return match last_segment(&slice.elem) {
            Some(last) if last.ident == PLAYER => asked("Room<Self>", "players"),
            _ => owned(format!("Vec<{}>", code(&slice.elem))),
        };
    }
    let has_sender = role == Role::Message;
    let name = last_segment(to).map(|last| last.ident.to_string());
    match name.as_deref() {
        Some("UserId" | "SessionId") if has_sender => sender("user"),
        Some("Seat") if has_sender => sender("seat"),
        Some("Role") if has_sender => asked("Member", "role"),
        Some("Timestamp") => asked("Room<Self>", "now"),
        Some("Self") => "that is `self`: remove it".to_owned(),
        Some("str") => owned("String".to_owned()),
        _ => owned(code(to)),
    }
}

fn asked(lent: &str, method: &str) -> String {
    format!("take `&{lent}` and ask for its `{method}()`")
}

fn is_room_of_self(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| {
        last.ident == ROOM && last.arguments.to_token_stream().to_string() == "< Self >"
    })
}

/// Whether it is `Option<&Player>`.
fn is_optional_player(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| {
        let of = first_argument(last).and_then(referent);
        last.ident == "Option" && of.is_some_and(|(name, _)| name == PLAYER)
    })
}

/// What inside a type makes it impossible for a field.
fn unnameable(tokens: TokenStream) -> Option<&'static str> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let words = match &token {
            TokenTree::Group(group) => unnameable(group.stream()),
            TokenTree::Ident(word) if word == "impl" => {
                Some("has one type: write it out instead of `impl …`")
            }
            TokenTree::Ident(word) if word == "_" => {
                Some("has one type: write it out instead of `_`")
            }
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                Some("is owned: write it without `&`")
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(name)) if name != "static" => {
                    Some("is owned: write it without a lifetime")
                }
                _ => None,
            },
            _ => None,
        };
        if words.is_some() {
            return words;
        }
    }
    None
}

/// Refuses a field that would have the name of the message's tag.
fn called_type(name: &Ident, serde: &[SerdeOption], errors: &mut Errors) -> Option<()> {
    const WORDS: &str = "a field can't be called `type` on the wire, where that is the name of \
        the message: choose another, such as `#[serde(rename = \"kind\")]`";
    let mut renamed = false;
    for SerdeOption { name, value } in serde {
        let (true, Some(literal)) = (
            ["rename", "deserialize", "alias"]
                .iter()
                .any(|it| name == it),
            value,
        ) else {
            continue;
        };
        renamed |= name != "alias";
        if literal.to_string() == format!("\"{TAG}\"") {
            errors.at(literal, WORDS);
            return None;
        }
    }
    if !renamed && name.unraw() == TAG {
        errors.at(name, WORDS);
        return None;
    }
    Some(())
}

/// `name` or `name = "value"` in an attribute of serde, at whatever depth.
struct SerdeOption {
    name: Ident,
    value: Option<Literal>,
}

fn serde_options(tokens: TokenStream) -> Vec<SerdeOption> {
    let mut options: Vec<SerdeOption> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => options.extend(serde_options(group.stream())),
            TokenTree::Ident(name) => options.push(SerdeOption { name, value: None }),
            TokenTree::Literal(literal) => {
                if let Some(option) = options.last_mut() {
                    option.value = Some(literal);
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
    options
}

/// A type as it means the same outside the `impl`: with the game's name for `Self`.
fn without_self(tokens: TokenStream, game: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "Self" => {
                let ty: Type = parse_quote_spanned!(word.span()=> #game);
                quote!(#ty)
            }
            TokenTree::Group(group) => {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), without_self(group.stream(), game));
                inner.set_span(group.span());
                TokenTree::from(inner).into()
            }
            other => other.into(),
        })
        .collect()
}
