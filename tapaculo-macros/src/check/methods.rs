//! What is checked of a method whatever it is for: its receiver, its signature, its attribute.

use crate::{
    ast::{Marker, Method},
    errors::Errors,
    model::{Arg, Call},
    names::Role,
};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, GenericParam, Meta, Receiver, ReceiverKind, ReturnType, Safety, Type};

/// A method with one of our attributes.
pub(super) type Marked<'a> = (&'a Method, &'a Marker);

pub(super) fn of_role<'a>(methods: &[Marked<'a>], role: Role) -> impl Iterator<Item = Marked<'a>> {
    methods
        .iter()
        .copied()
        .filter(move |(_, marker)| marker.role == role)
}

/// How a method may take the game.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// `&mut self`, or `&self` if it changes nothing.
    Mut,
    /// `&self`.
    Shared,
    /// Nothing: there is no game yet.
    Nothing,
}

/// What a method of one of our attributes is at all: neither generic nor unsafe.
pub(super) fn callable(method: &Method, role: Role, errors: &mut Errors) {
    let name = role.name();
    if let Safety::Unsafe(unsafety) = &method.sig.safety {
        errors.at(
            unsafety,
            format!("a `#[{name}]` method is called by the library: remove `unsafe`"),
        );
    }
    let generic = method.sig.generics.params.iter().find(|param| {
        // A lifetime is only a name for what is lent anyway.
        !matches!(param, GenericParam::Lifetime(_))
    });
    if let Some(generic) = generic {
        errors.at(
            generic,
            format!("a `#[{name}]` method can't be generic: write the types out"),
        );
    }
}

/// Refuses what serde can't be told of a method: it is not even a struct.
pub(super) fn no_serde(method: &Method, errors: &mut Errors) {
    for attr in named(&method.attrs, "serde") {
        errors.at(
            attr,
            "`#[serde]` goes on a parameter, which is a field; to rename a message, write \
             `#[message(rename = \"…\")]`",
        );
    }
}

/// Checks the receiver.
pub(super) fn receiver(method: &Method, role: Role, takes: Takes, errors: &mut Errors) {
    let name = role.name();
    let Some(receiver) = method.sig.receiver() else {
        match takes {
            Takes::Nothing => {}
            Takes::Mut => errors.at(
                &method.sig.ident,
                format!("a `#[{name}]` method acts on the game: add `&mut self` (or `&self`)"),
            ),
            Takes::Shared => errors.at(
                &method.sig.ident,
                format!("a `#[{name}]` method looks at the game: add `&self`"),
            ),
        }
        return;
    };
    let words = match (takes, lent(receiver)) {
        (Takes::Nothing, _) => {
            format!("`#[{name}]` makes the game, so that there is no `self` yet: remove it")
        }
        (Takes::Shared, Some(false)) | (Takes::Mut, Some(_)) => return,
        (Takes::Shared, _) => {
            format!("a `#[{name}]` method changes nothing: write `&self`")
        }
        (Takes::Mut, None) => "the room keeps the game: write `&mut self` (or `&self`)".to_owned(),
    };
    errors.at(receiver, words);
}

/// Whether the game is lent for changes, or `None` if it is taken away.
fn lent(receiver: &Receiver) -> Option<bool> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => Some(mutability.is_some()),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(ty) => Some(ty.mutability.is_some()),
            _ => None,
        },
        _ => None,
    }
}

/// The options of our attribute: what is between its parentheses.
pub(super) fn options(marker: &Marker, errors: &mut Errors) -> TokenStream {
    match &marker.attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(meta) => {
            let name = marker.role.name();
            errors.at(
                &meta.value,
                format!("options go between parentheses: write `#[{name}(…)]`"),
            );
            TokenStream::new()
        }
    }
}

/// Checks that our attribute has no options.
pub(super) fn no_options(marker: &Marker, errors: &mut Errors) {
    let options = options(marker, errors);
    if !options.is_empty() {
        let name = marker.role.name();
        errors.at(
            options,
            format!("`#[{name}]` takes no options: remove the parentheses"),
        );
    }
}

/// Refuses a method that returns nothing.
pub(super) fn returns(method: &Method, words: &str, errors: &mut Errors) {
    if matches!(method.sig.output, ReturnType::Default) {
        errors.at(&method.sig.ident, words);
    }
}

/// The call of a method.
pub(super) fn call(method: &Method, args: Vec<Arg>) -> Call {
    Call {
        method: method.sig.ident.clone(),
        cfgs: cfgs(&method.attrs),
        is_async: method.sig.asyncness.is_some(),
        takes_self: method.sig.receiver().is_some(),
        args,
        output: ends(&method.sig.output, method.sig.ident.span()),
    }
}

/// The attributes that decide whether something exists at all.
pub(super) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    named(attrs, "cfg")
}

pub(super) fn named(attrs: &[Attribute], name: &str) -> Vec<Attribute> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident(name))
        .cloned()
        .collect()
}

/// The first and the last token of a return type, between which an error about it is shown.
fn ends(output: &ReturnType, name: Span) -> (Span, Span) {
    let ReturnType::Type(_, ty) = output else {
        return (name, name);
    };
    let tokens: Vec<_> = ty.to_token_stream().into_iter().collect();
    let first = tokens.first().map_or(name, |token| match token {
        TokenTree::Group(group) => group.span_open(),
        token => token.span(),
    });
    let last = tokens.last().map_or(name, |token| match token {
        TokenTree::Group(group) => group.span_close(),
        token => token.span(),
    });
    (first, last)
}
