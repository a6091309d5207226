//! Takes an item apart. Nothing here is judged, and nothing that the user wrote is lost.

use crate::{
    ast::{Impl, ImplItem, Item, Marker, Method, Other, OtherItem, Struct},
    errors::{Errors, instead},
    names::{Hook, Role},
};
use proc_macro2::{TokenStream, TokenTree};
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
    let items = split(rest(&body))
        .into_iter()
        .map(|item| impl_item(item, errors))
        .collect::<Result<_>>()?;
    Ok(Impl {
        attrs,
        trait_,
        generics,
        self_ty,
        header: up_to_brace(start),
        brace,
        inner_attrs,
        items,
    })
}

/// The struct's or impl's other attributes are kept as they are; the item of another kind is only
/// named, for the error.
fn other(input: ParseStream<'_>) -> Other {
    let mut other = Other {
        kind: "this item",
        keyword: TokenStream::new(),
        ty: None,
    };
    while let Ok(word) = input.call(Ident::parse_any) {
        let is_type = word == "enum" || word == "union";
        other.kind = match word.to_string().as_str() {
            "enum" => "an enum",
            "union" => "a union",
            "fn" => "a function",
            "trait" => "a trait",
            "mod" => "a module",
            "type" => "a type alias",
            // `pub`, `async`, `const`, …: what matters comes later.
            _ => {
                if other.keyword.is_empty() {
                    other.keyword = word.into_token_stream();
                }
                continue;
            }
        };
        other.keyword = word.into_token_stream();
        if is_type {
            other.ty = input.call(Ident::parse_any).ok();
            // The same for a generic one would not be enough: it keeps its error only.
            if input.peek(Token![<]) {
                other.ty = None;
            }
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
            TokenTree::Punct(punct) => punct.as_char() == ';',
            // A brace ends an item, but not inside `-> Array<{ N }>`.
            TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => {
                !to_semicolon
                    && !matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() != '#')
            }
            TokenTree::Ident(word) if word == "type" => {
                to_semicolon = true;
                false
            }
            TokenTree::Ident(word) if word == "const" => {
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

fn impl_item(tokens: TokenStream, errors: &mut Errors) -> Result<ImplItem> {
    let parser = |input: ParseStream<'_>| -> Result<ImplItem> {
        let (markers, attrs) = markers(input.call(Attribute::parse_outer)?, errors);
        let start = input.fork();
        let vis = input.parse()?;
        // A half-typed signature is put out as it is: rustc says what is wrong with it, and one
        // error is enough.
        let sig: Option<Signature> = is_function(input).then(|| input.parse().ok()).flatten();
        let body = rest(input);
        Ok(match sig {
            Some(sig) => ImplItem::Method(Box::new(Method {
                markers,
                attrs,
                vis,
                sig,
                body,
            })),
            None => ImplItem::Other(OtherItem {
                markers,
                attrs,
                tokens: rest(&start),
            }),
        })
    };
    parser.parse2(tokens)
}

fn is_function(input: ParseStream<'_>) -> bool {
    let after = input.fork();
    // In `const fn`; what follows the other `const` is a name.
    let _: Result<Token![const]> = after.parse();
    let modified = after.peek(Token![async]) || after.peek(Token![unsafe]);
    after.peek(Token![fn]) || modified || after.peek(Token![extern])
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
            let instead = instead(&name, &hooks);
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
