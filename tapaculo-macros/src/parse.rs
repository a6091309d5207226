//! Takes an item apart. Nothing here is judged, and nothing that the user wrote is lost.

use crate::{
    ast::{Impl, ImplItem, Item, Marker, Method, Other, OtherItem, Struct},
    errors::{Errors, instead},
    names::{Hook, Role},
};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Generics, Ident, Path, Result, Signature, Token, Type, Visibility, WhereClause,
    braced,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

/// Reads the item that the attribute is on.
pub(crate) fn item(tokens: TokenStream, errors: &mut Errors) -> Result<Item> {
    let parser = |input: ParseStream<'_>| -> Result<Item> {
        let attrs = input.call(Attribute::parse_outer)?;
        let start = input.fork();
        let _: Visibility = input.parse()?;
        if input.peek(Token![struct]) {
            return structure(attrs, input).map(Item::Struct);
        }
        if input.peek(Token![impl]) || (input.peek(Token![unsafe]) && input.peek2(Token![impl])) {
            return implementation(attrs, &start, input, errors).map(|it| Item::Impl(Box::new(it)));
        }
        Ok(Item::Other(other(input)))
    };
    parser.parse2(tokens)
}

fn structure(attrs: Vec<Attribute>, input: ParseStream<'_>) -> Result<Struct> {
    input.parse::<Token![struct]>()?;
    let ident = input.parse()?;
    let generics = input.parse()?;
    rest(input);
    Ok(Struct {
        attrs,
        ident,
        generics,
    })
}

fn implementation(
    attrs: Vec<Attribute>,
    start: ParseStream<'_>,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Result<Impl> {
    input.parse::<Option<Token![unsafe]>>()?;
    input.parse::<Token![impl]>()?;
    let mut generics: Generics = if input.peek(Token![<]) && !input.peek2(Token![<]) {
        input.parse()?
    } else {
        Generics::default()
    };
    input.parse::<Option<Token![!]>>()?;
    let mut self_ty: Type = input.parse()?;
    let mut trait_: Option<Path> = None;
    if input.parse::<Option<Token![for]>>()?.is_some() {
        if let Type::Path(path) = self_ty {
            trait_ = Some(path.path);
        }
        self_ty = input.parse()?;
    }
    generics.where_clause = input.parse::<Option<WhereClause>>()?;

    let body;
    let brace = braced!(body in input);
    let inner_attrs = body.call(Attribute::parse_inner)?;
    let mut half_typed = false;
    let mut items = Vec::new();
    for item in split(rest(&body)) {
        let item = impl_item(item, errors);
        half_typed |= match &item {
            Some(ImplItem::Method(_)) => false,
            Some(ImplItem::Other(other)) => other.is_function,
            None => true,
        };
        items.extend(item);
    }
    Ok(Impl {
        attrs,
        trait_,
        generics,
        self_ty,
        header: up_to_brace(start),
        brace,
        inner_attrs,
        items,
        half_typed,
    })
}

/// The struct's or impl's other attributes are kept as they are; the item of another kind is only
/// named, for the error.
fn other(input: ParseStream<'_>) -> Other {
    const KINDS: &[(&str, &str)] = &[
        ("enum", "an enum"),
        ("union", "a union"),
        ("fn", "a function"),
        ("trait", "a trait"),
        ("mod", "a module"),
        ("type", "a type alias"),
    ];
    let mut other = Other {
        kind: "this item",
        keyword: TokenStream::new(),
        ty: None,
    };
    // `pub`, `async`, `const`, …: what matters comes later.
    while let Ok(word) = input.call(Ident::parse_any) {
        let kind = KINDS.iter().find(|(keyword, _)| word == keyword);
        if kind.is_some() || other.keyword.is_empty() {
            other.keyword = word.to_token_stream();
        }
        let Some((keyword, kind)) = kind else {
            continue;
        };
        other.kind = kind;
        if matches!(*keyword, "enum" | "union") {
            let ty = input.call(Ident::parse_any).ok();
            // The same for a generic one would not be enough: it keeps its error only.
            other.ty = ty.filter(|_| !input.peek(Token![<]));
        }
        break;
    }
    rest(input);
    other
}

/// Splits what is inside an `impl` into its items, by their ends alone, so that one that is
/// half-typed spoils no other.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut items = Vec::new();
    let mut item = Vec::new();
    let mut to_semicolon = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let end = match &token {
            // The next item begins where this one has not ended.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if !is_attributes(&item) && tokens.peek().is_some_and(is_marker) {
                    items.push(item.drain(..).collect());
                    to_semicolon = false;
                }
                false
            }
            TokenTree::Punct(punct) => punct.as_char() == ';',
            // A brace ends an item, but not inside `-> Array<{ N }>`.
            token if is_braced(token) => {
                !to_semicolon
                    && !matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() != '#')
            }
            TokenTree::Ident(word) if word == "type" => {
                to_semicolon = true;
                false
            }
            // The others are in `<const N: usize>` and `*const u8`.
            TokenTree::Ident(word) if word == "const" && is_beginning(&item) => {
                // `const fn` is a function; what follows `const` otherwise is a name.
                to_semicolon |= !matches!(
                    tokens.peek(),
                    Some(TokenTree::Ident(next))
                        if ["fn", "async", "unsafe", "extern"].iter().any(|word| next == word)
                );
                false
            }
            _ => false,
        };
        item.push(token);
        if end {
            items.push(item.drain(..).collect());
            to_semicolon = false;
        }
    }
    if !item.is_empty() {
        items.push(item.into_iter().collect());
    }
    items
}

/// Whether there is nothing yet but `#[…]`, doc comments among them.
fn is_attributes(item: &[TokenTree]) -> bool {
    item.iter().all(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Bracket,
        TokenTree::Punct(punct) => punct.as_char() == '#',
        _ => false,
    })
}

/// Whether the item's keyword comes next: there is nothing yet but attributes and a visibility.
fn is_beginning(item: &[TokenTree]) -> bool {
    item.iter().all(|token| match token {
        TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == '#',
        TokenTree::Ident(word) => word == "pub",
        TokenTree::Literal(_) => false,
    })
}

/// Whether it is the `[message]` of `#[message]`.
fn is_marker(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if Role::of(&name.to_string()).is_some())
}

/// An item of an `impl`, or `None` if too little of it is there yet. That is left out: rustc has read
/// the `impl` before us and said what is missing, and would say so again, in place of all that
/// follows.
fn impl_item(tokens: TokenStream, errors: &mut Errors) -> Option<ImplItem> {
    let (attrs, item) = attributed.parse2(tokens).ok()?;
    let (markers, attrs) = markers(attrs, errors);
    if let Ok((vis, sig, body)) = function.parse2(item.clone()) {
        return ends(&body).then(|| {
            ImplItem::Method(Box::new(Method {
                markers,
                attrs,
                vis,
                sig,
                body,
            }))
        });
    }
    // A parameter that is half-typed spoils nothing else.
    let without_parameters = item.clone().into_iter().map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            TokenTree::from(Group::new(Delimiter::Parenthesis, TokenStream::new()))
        }
        other => other,
    });
    let is_function = begins_a_function.parse2(item.clone()).unwrap_or(false);
    let is_whole =
        ends(&item) && (!is_function || function.parse2(without_parameters.collect()).is_ok());
    is_whole.then_some(ImplItem::Other(OtherItem {
        markers,
        attrs,
        is_function,
        tokens: item,
    }))
}

fn attributed(input: ParseStream<'_>) -> Result<(Vec<Attribute>, TokenStream)> {
    Ok((input.call(Attribute::parse_outer)?, rest(input)))
}

fn function(input: ParseStream<'_>) -> Result<(Visibility, Signature, TokenStream)> {
    Ok((input.parse()?, input.parse()?, rest(input)))
}

/// Whether an item ends as items do.
fn ends(item: &TokenStream) -> bool {
    match item.clone().into_iter().last() {
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(token) => is_braced(&token),
        None => false,
    }
}

/// Whether it is `{ … }`, perhaps as the `$body:block` of a macro, which has a group of its own
/// around it.
fn is_braced(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Brace => true,
            Delimiter::None => group
                .stream()
                .into_iter()
                .last()
                .is_some_and(|it| is_braced(&it)),
            _ => false,
        },
        _ => false,
    }
}

fn begins_a_function(input: ParseStream<'_>) -> Result<bool> {
    let _: Visibility = input.parse()?;
    // In `const fn`; what follows the other `const` is a name.
    let _: Option<Token![const]> = input.parse()?;
    let modified = input.peek(Token![async]) || input.peek(Token![unsafe]);
    let begins = input.peek(Token![fn]) || modified || input.peek(Token![extern]);
    rest(input);
    Ok(begins)
}

/// Tells our attributes from the others, by the last segment of their path. A hook that does not
/// exist is taken off here: the compiler would not know it either, but with less to say.
fn markers(attrs: Vec<Attribute>, errors: &mut Errors) -> (Vec<Marker>, Vec<Attribute>) {
    let mut ours = Vec::new();
    let mut others = Vec::new();
    for attr in attrs {
        let last = attr.path().segments.last();
        let name = last.map_or_else(String::new, |last| last.ident.to_string());
        if let Some(role) = Role::of(&name) {
            ours.push(Marker { role, attr });
        } else if name.starts_with(Hook::PREFIX) && attr.path().get_ident().is_some() {
            let hooks: Vec<_> = Hook::ALL.iter().map(|hook| hook.name()).collect();
            let instead = match name
                .strip_prefix(Hook::PREFIX)
                .filter(|it| Role::of(it).is_some())
            {
                Some(role) => format!("did you mean `#[{role}]`?"),
                None => instead(&name, &hooks),
            };
            errors.at(attr.path(), format!("unknown hook `{name}`: {instead}"));
        } else {
            others.push(attr);
        }
    }
    (ours, others)
}

/// Everything up to the braces of an `impl`.
fn up_to_brace(input: ParseStream<'_>) -> TokenStream {
    let mut tokens: Vec<TokenTree> = rest(input).into_iter().collect();
    tokens.pop();
    tokens.into_iter().collect()
}

/// Everything that is left.
fn rest(input: ParseStream<'_>) -> TokenStream {
    input.parse().unwrap_or_default()
}
