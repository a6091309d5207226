//! Fields: the parameters that the client fills in, or whoever sets a timer.

use super::{
    methods::{cfgs, named},
    params::{first_argument, last_segment, misspelt, not_lent, plain_name, referent, strip},
};
use crate::{
    errors::{Errors, code},
    model::{Field, Reading, in_macro},
    names::{
        ALIAS, DEFAULT, DESERIALIZE_WITH, Known, PLAYER, RENAME, ROOM, Role, SERDE_OPTIONS,
        SERIALIZE_WITH, SKIP, TAG, TIMER_SERDE_OPTIONS, WITH,
    },
    options,
};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, LitStr, Meta, Pat, PatType, Type, ext::IdentExt, parse_quote_spanned};

/// The field that a parameter is, of a message or of a timer; `taken` are the names on the wire of
/// those before it.
pub(super) fn field(
    param: &PatType,
    role: Role,
    game: &TokenStream,
    taken: &mut Vec<(String, Ident)>,
    errors: &mut Errors,
) -> Option<Field> {
    let of = role.name();
    let ty = match owned(&param.ty, role, errors) {
        Some(()) => without_self(param.ty.to_token_stream(), game),
        // There all the same, for whoever fills it in.
        None => errors.last_as_a_type()?.into_token_stream(),
    };
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
    let cfgs = cfgs(&param.attrs);
    let mut reading = Reading::ByType { or_default: false };
    let is_message = role == Role::Message;
    let known = if is_message {
        SERDE_OPTIONS
    } else {
        TIMER_SERDE_OPTIONS
    };
    let names = read_serde(&serde, known, &mut reading, errors);
    // Where `cfg` decides, both may be of one name.
    let mut none = Vec::new();
    let among = if cfgs.is_empty() { taken } else { &mut none };
    has_own_name(name, &names, is_message, among, errors)?;
    if is_message && !cfgs.is_empty() {
        reading = Reading::OfItsOwn;
    }
    let mut name = name.clone();
    name.set_span(in_macro(name.span()));
    Some(Field {
        name,
        ty,
        reading,
        cfgs,
        docs: named(&param.attrs, "doc"),
        serde,
    })
}

/// Reads the attributes of serde: what they say about how the field is read goes into `reading`,
/// and its names on the wire come back.
fn read_serde(
    attrs: &[Attribute],
    known: &'static [Known],
    reading: &mut Reading,
    errors: &mut Errors,
) -> Vec<WireName> {
    let mut names = Vec::new();
    for attr in attrs {
        let Meta::List(list) = &attr.meta else {
            let words = "options go between parentheses: write `#[serde(default)]`";
            errors.at(attr, words);
            continue;
        };
        for option in options::read(list.tokens.clone(), known, errors) {
            match option.known.name {
                name @ (RENAME | ALIAS) => {
                    let instead = name == RENAME;
                    let literal = option.value(errors, "a name in quotes");
                    names.extend(literal.map(|literal| WireName { literal, instead }));
                }
                DEFAULT if option.tokens().is_empty() => {
                    if let Reading::ByType { or_default } = reading {
                        *or_default = true;
                    }
                }
                DEFAULT | WITH | SERIALIZE_WITH | DESERIALIZE_WITH => {
                    let _: Option<LitStr> = option.value(errors, "a path in quotes");
                    *reading = Reading::OfItsOwn;
                }
                SKIP => {
                    option.flag(errors);
                    *reading = Reading::OfItsOwn;
                }
                _ => {
                    option.flag(errors);
                }
            }
        }
    }
    names
}

/// A name that serde gives a field, instead of its own or beside it.
struct WireName {
    literal: LitStr,
    instead: bool,
}

/// Refuses types that can't be those of a field.
fn owned(ty: &Type, role: Role, errors: &mut Errors) -> Option<()> {
    let words = match strip(ty) {
        Type::Reference(reference) => borrowed(ty, &reference.elem, role),
        ty if matches!(ty, Type::Slice(_)) || is_str(ty) => owned_as(ty, role),
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
    if let Type::Slice(slice) = strip(to)
        && last_segment(&slice.elem).is_some_and(|last| last.ident == PLAYER)
    {
        return asked("Room<Self>", "players");
    }
    let has_sender = role == Role::Message;
    let name = last_segment(to).map(|last| last.ident.to_string());
    match name.as_deref() {
        Some("UserId" | "SessionId") if has_sender => sender("user"),
        Some("Seat") if has_sender => sender("seat"),
        Some("Role") if has_sender => asked("Member", "role"),
        Some("Timestamp") => asked("Room<Self>", "now"),
        Some("Context") => {
            "a `Context` is for the builder's closures: take `&mut Room<Self>`, and \
            `&Player` for who sends this"
                .to_owned()
        }
        Some("Self") => "that is `self`: remove it".to_owned(),
        _ => owned_as(to, role),
    }
}

/// What to write for something that has no size of its own, or is not to be lent.
fn owned_as(ty: &Type, role: Role) -> String {
    let ty = match strip(ty) {
        Type::Slice(slice) => format!("Vec<{}>", code(&slice.elem)),
        ty if is_str(ty) => "String".to_owned(),
        ty => code(ty),
    };
    format!("a field of a {} is owned: write `{ty}`", role.name())
}

fn is_str(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == "str")
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

/// Refuses a field that would have the name of the message's tag, or of another field.
fn has_own_name(
    name: &Ident,
    others: &[WireName],
    beside_a_tag: bool,
    taken: &mut Vec<(String, Ident)>,
    errors: &mut Errors,
) -> Option<()> {
    const TYPE: &str = "a field can't be called `type` on the wire, where that is the name of \
        the message: choose another, such as `#[serde(rename = \"kind\")]`";
    let own = (name.unraw().to_string(), name.to_token_stream());
    let own = others.iter().all(|it| !it.instead).then_some(own);
    let others = others
        .iter()
        .map(|it| (it.literal.value(), it.literal.to_token_stream()));
    for (on_wire, wrong) in own.into_iter().chain(others) {
        if beside_a_tag && on_wire == TAG {
            errors.at(wrong, TYPE);
            return None;
        }
        if let Some((_, other)) = taken.iter().find(|(taken, _)| *taken == on_wire) {
            let place = if beside_a_tag {
                "on the wire"
            } else {
                "where it is saved"
            };
            let words =
                format!("`{other}` is called `{on_wire}` {place} already: choose another name");
            errors.at(wrong, words);
            return None;
        }
        taken.push((on_wire, name.clone()));
    }
    Some(())
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
