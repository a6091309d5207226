//! Messages: their handlers, and the validators that run before them.

use super::{
    methods::{self, Marked, Takes, of_role},
    params::{self, Place},
    variants,
};
use crate::{
    ast::{Impl, ImplItem, Marker, Method},
    errors::{Errors, instead},
    model::{Call, Message},
    names::{MESSAGE_OPTIONS, RENAME, Role, SPECTATORS},
    options,
};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{LitStr, Meta, ReturnType, Type};

/// A message, with what its validators ask about it.
struct Handler {
    message: Message,
    /// The names of all its fields, of those with an error as well.
    fields: Vec<String>,
    /// What names it on the wire, for an error about that.
    named_by: TokenStream,
}

/// The messages of a game, and the validators of every message.
pub(super) fn messages(
    methods: &[Marked<'_>],
    item: &Impl,
    game: &TokenStream,
    message_enum: &Ident,
    errors: &mut Errors,
) -> (Vec<Message>, Vec<Call>) {
    let handlers = of_role(methods, Role::Message);
    let handlers = handlers.map(|(method, marker)| handler(method, marker, game, errors));
    let mut handlers = variants::only_once(
        handlers.collect(),
        |it| (&it.message.variant, &it.named_by),
        "give this message another name, `#[message(rename = \"…\")]`",
        errors,
    );
    let mut of_all = Vec::new();
    for (method, marker) in of_role(methods, Role::Validate) {
        let call = validator(method, marker, item, &mut handlers, message_enum, errors);
        of_all.extend(call);
    }
    let messages = handlers.into_iter().map(|it| it.message).collect();
    (messages, of_all)
}

fn handler(method: &Method, marker: &Marker, game: &TokenStream, errors: &mut Errors) -> Handler {
    methods::receiver(method, marker.role, Takes::Mut, errors);
    let mut rename: Option<LitStr> = None;
    let mut open = false;
    let written = methods::options(marker, errors);
    for option in options::read(written, MESSAGE_OPTIONS, errors) {
        match option.known.name {
            RENAME => rename = option.value(errors, "a name in quotes"),
            SPECTATORS => open = option.flag(errors),
            _ => {}
        }
    }
    if let Some(literal) = rename.take_if(|literal| literal.value().is_empty()) {
        errors.at(
            literal,
            "a message needs a name on the wire: write `rename = \"Move\"`",
        );
    }

    let place = Place::Handler { open };
    Handler {
        message: Message {
            variant: variants::variant(method, place, rename.as_ref(), game, errors),
            open,
            validators: Vec::new(),
        },
        fields: params::field_names(method),
        named_by: rename.map_or_else(
            || method.sig.ident.to_token_stream(),
            LitStr::into_token_stream,
        ),
    }
}

/// Gives a validator to its handler, or back if it is one of every message.
fn validator(
    method: &Method,
    marker: &Marker,
    item: &Impl,
    handlers: &mut [Handler],
    message_enum: &Ident,
    errors: &mut Errors,
) -> Option<Call> {
    methods::receiver(method, marker.role, Takes::Shared, errors);
    says_why(method, errors);
    if let Meta::Path(_) = marker.attr.meta {
        let place = Place::AnyValidator {
            open: handlers.iter().any(|it| it.message.open),
            message: message_enum,
        };
        let args = params::of(method, place, errors);
        return Some(methods::call(method, args));
    }

    let options = methods::options(marker, errors);
    let Ok(target) = syn::parse2::<Ident>(options.clone()) else {
        // `#[validate = …]` has its error already.
        if let Meta::List(list) = &marker.attr.meta {
            let words = "expected the name of one handler: write `#[validate(handler)]`, or \
                `#[validate]` to see every message";
            if options.is_empty() {
                errors.at(list, words);
            } else {
                errors.at(options, words);
            }
        }
        return None;
    };
    let mut found = false;
    for handler in handlers.iter_mut() {
        let Handler {
            message, fields, ..
        } = handler;
        if message.variant.call.method != target {
            continue;
        }
        let place = Place::Validator {
            open: message.open,
            handler: &target,
            fields,
        };
        // Of several, which differ by `cfg`, one error is enough.
        let mut again = Errors::default();
        let args = params::of(method, place, if found { &mut again } else { errors });
        message.validators.push(methods::call(method, args));
        found = true;
    }
    if !found && !item.half_typed {
        no_such_message(&target, handlers, item, errors);
    }
    None
}

/// A validator that can't say no, or not why, is a mistake.
fn says_why(method: &Method, errors: &mut Errors) {
    let words = "a validator says why it refuses: return `Result<(), E>` with an `E` that displays";
    match &method.sig.output {
        ReturnType::Type(_, ty) if is_yes_or_no(ty) => errors.at(ty, words),
        _ => methods::returns(method, words, errors),
    }
}

/// Whether a return type is `bool`, or the `Option` of something.
fn is_yes_or_no(ty: &Type) -> bool {
    params::last_segment(ty).is_some_and(|last| last.ident == "bool" || last.ident == "Option")
}

fn no_such_message(target: &Ident, handlers: &[Handler], item: &Impl, errors: &mut Errors) {
    let wrong = target.to_string();
    let called = handlers
        .iter()
        .map(|it| &it.message.variant)
        .find(|it| it.tag == wrong || it.name == wrong);
    let names: Vec<_> = handlers
        .iter()
        .map(|it| it.message.variant.call.method.to_string())
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    errors.at(
        target,
        match called {
            Some(called) => format!(
                "a validator names the handler: write `#[validate({})]`",
                called.call.method
            ),
            None if is_unmarked_method(target, item) => {
                format!("`{wrong}` is not a handler: add `#[message]` to it")
            }
            None if names.is_empty() => "this game has no `#[message]` to validate".to_owned(),
            None => format!(
                "no `#[message]` handler is called `{wrong}`: {}",
                instead(&wrong, &names)
            ),
        },
    );
}

fn is_unmarked_method(name: &Ident, item: &Impl) -> bool {
    item.items.iter().any(|item| match item {
        ImplItem::Method(method) => method.sig.ident == *name && method.markers.is_empty(),
        ImplItem::Other(_) => false,
    })
}
