//! The impl half: which method does what, and for which message.

use super::{
    header,
    methods::{self, Takes},
    params::{self, Place},
};
use crate::{
    ast::{Impl, ImplItem, Marker, Method},
    errors::{Errors, instead},
    model::{Call, Game, Message, in_macro},
    names::{Hook, MESSAGE_OPTIONS, RENAME, Role, SPECTATORS},
    options,
};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::{LitStr, Meta, ReturnType, Type, ext::IdentExt};

/// A message, with what its validators ask about it.
struct Handler {
    message: Message,
    /// The names of all its fields, of those with an error as well.
    fields: Vec<String>,
    /// What names it on the wire, for an error about that.
    named_by: TokenStream,
}

pub(crate) fn implementation(
    item: &Impl,
    options: TokenStream,
    errors: &mut Errors,
) -> Option<Game> {
    header::once(&item.attrs, errors);
    let library = header::impl_options(options, errors);
    let (ty, name) = header::game_type(item, errors)?;
    let enum_ = format_ident!("{}Message", name.unraw(), span = in_macro(name.span()));
    let methods = marked(item, errors);

    let mut handlers = Vec::new();
    for (method, marker) in of_role(&methods, Role::Message) {
        handlers.push(handler(method, marker, &ty, errors));
    }
    only_once(&mut handlers, errors);

    let mut game = Game {
        library,
        ty,
        name,
        enum_,
        deprecated: methods
            .iter()
            .any(|(method, _)| !methods::named(&method.attrs, "deprecated").is_empty()),
        messages: Vec::new(),
        validators: Vec::new(),
        create: Vec::new(),
        hooks: Vec::new(),
        view: Vec::new(),
    };
    for (method, marker) in of_role(&methods, Role::Validate) {
        validator(method, marker, item, &mut handlers, &mut game, errors);
    }
    game.messages = handlers.into_iter().map(|it| it.message).collect();

    let mut calls = |role, place| -> Vec<Call> {
        unique(&methods, role, errors)
            .into_iter()
            .map(|(method, marker)| called(method, marker, place, errors))
            .collect()
    };
    game.create = calls(Role::Create, Place::Create);
    for &hook in Hook::ALL {
        let found = calls(Role::Hook(hook), Place::Hook(hook));
        game.hooks
            .extend(found.into_iter().map(|call| (hook, call)));
    }
    game.view = calls(Role::View, Place::View);
    Some(game)
}

/// The methods with one of our attributes.
fn marked<'a>(item: &'a Impl, errors: &mut Errors) -> Vec<(&'a Method, &'a Marker)> {
    let mut marked = Vec::new();
    for item in &item.items {
        match item {
            ImplItem::Other(other) => {
                // A half-typed function is an error already, and so is an attribute on nothing.
                let half_typed = other.tokens.is_empty()
                    || other
                        .tokens
                        .clone()
                        .into_iter()
                        .any(|token| matches!(token, TokenTree::Ident(word) if word == "fn"));
                if let (Some(marker), false) = (other.markers.first(), half_typed) {
                    let name = marker.role.name();
                    errors.at(&marker.attr, format!("`#[{name}]` goes on a method"));
                }
            }
            ImplItem::Method(method) => {
                let mut markers = method.markers.iter();
                let Some(first) = markers.next() else {
                    continue;
                };
                if let Some(second) = markers.next() {
                    let (one, other) = (first.role.name(), second.role.name());
                    errors.at(
                        &second.attr,
                        if one == other {
                            format!("`#[{one}]` is there already: remove this one")
                        } else {
                            format!(
                                "a method is one thing, and `{}` is a `#[{one}]` already: write \
                                 another method for `#[{other}]`",
                                method.sig.ident
                            )
                        },
                    );
                }
                methods::callable(method, first.role, errors);
                marked.push((&**method, first));
            }
        }
    }
    marked
}

fn of_role<'a>(
    methods: &[(&'a Method, &'a Marker)],
    role: Role,
) -> impl Iterator<Item = (&'a Method, &'a Marker)> {
    methods
        .iter()
        .copied()
        .filter(move |(_, marker)| marker.role == role)
}

/// The method of a role that a game has once. Two of them are no mistake if `cfg` decides which.
fn unique<'a>(
    methods: &[(&'a Method, &'a Marker)],
    role: Role,
    errors: &mut Errors,
) -> Vec<(&'a Method, &'a Marker)> {
    let mut found: Vec<(&Method, &Marker)> = Vec::new();
    for (method, marker) in of_role(methods, role) {
        let always = |method: &Method| methods::cfgs(&method.attrs).is_empty();
        match found.first() {
            Some((first, _)) if always(first) || always(method) => errors.at(
                &marker.attr,
                format!(
                    "a game has one `#[{}]`, and `{}` is it: move what this one does there",
                    role.name(),
                    first.sig.ident
                ),
            ),
            _ => found.push((method, marker)),
        }
    }
    found
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

    let ident = &method.sig.ident;
    let pascal = pascal_case(&ident.unraw().to_string());
    let variant = match &rename {
        Some(literal) => identifier(&literal.value()).unwrap_or_else(|| pascal.clone()),
        None => pascal.clone(),
    };
    // `Self` is the one word in PascalCase that can't be a variant.
    let variant = identifier(&variant).unwrap_or_else(|| format!("{variant}_"));
    let (args, fields) = params::of_handler(method, open, game, errors);
    Handler {
        message: Message {
            wire: rename.as_ref().map_or(pascal, LitStr::value),
            variant: Ident::new(&variant, in_macro(ident.span())),
            docs: methods::named(&method.attrs, "doc"),
            fields,
            open,
            validators: Vec::new(),
            handler: Call {
                args,
                ..methods::call(method)
            },
        },
        fields: params::field_names(method),
        named_by: rename.map_or_else(|| ident.to_token_stream(), LitStr::into_token_stream),
    }
}

/// Refuses two messages of one name, unless `cfg` decides between them.
fn only_once(handlers: &mut Vec<Handler>, errors: &mut Errors) {
    let mut kept: Vec<Handler> = Vec::new();
    for handler in handlers.drain(..) {
        let Message {
            wire,
            variant,
            handler: call,
            ..
        } = &handler.message;
        let twin = kept.iter().map(|it| &it.message).find(|earlier| {
            (earlier.wire == *wire || earlier.variant == *variant)
                && earlier.handler.cfgs.is_empty()
                && call.cfgs.is_empty()
        });
        match twin {
            None => kept.push(handler),
            // Two methods of one name: rustc says so.
            Some(twin) if twin.handler.method == call.method => {}
            Some(twin) => errors.at(
                &handler.named_by,
                format!(
                    "`{}` is called `{}` already: give this message another name, \
                     `#[message(rename = \"…\")]`",
                    twin.handler.method, twin.wire
                ),
            ),
        }
    }
    *handlers = kept;
}

fn validator(
    method: &Method,
    marker: &Marker,
    item: &Impl,
    handlers: &mut [Handler],
    game: &mut Game,
    errors: &mut Errors,
) {
    methods::receiver(method, marker.role, Takes::Shared, errors);
    says_why(method, errors);
    if let Meta::Path(_) = marker.attr.meta {
        let place = Place::AnyValidator {
            open: handlers.iter().any(|it| it.message.open),
            message: &game.enum_,
        };
        let args = params::of(method, place, errors);
        game.validators.push(Call {
            args,
            ..methods::call(method)
        });
        return;
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
        return;
    };
    let mut found = false;
    for handler in handlers.iter_mut() {
        let Handler {
            message, fields, ..
        } = handler;
        if message.handler.method != target {
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
        message.validators.push(Call {
            args,
            ..methods::call(method)
        });
        found = true;
    }
    if !found {
        no_such_message(&target, handlers, item, errors);
    }
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
        .find(|it| it.message.wire == wrong || it.message.variant == wrong);
    let names: Vec<_> = handlers
        .iter()
        .map(|it| it.message.handler.method.to_string())
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    errors.at(
        target,
        match called {
            Some(handler) => format!(
                "a validator names the handler: write `#[validate({})]`",
                handler.message.handler.method
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

/// A method that is called without a message.
fn called(method: &Method, marker: &Marker, place: Place<'_>, errors: &mut Errors) -> Call {
    methods::no_options(marker, errors);
    let (takes, returns) = match place {
        Place::Create => (
            Takes::Nothing,
            Some("`#[create]` makes the game: return `Self` or `Result<Self, E>`"),
        ),
        Place::View => (
            Takes::Shared,
            Some("a view shows something: return a type that implements `Serialize`"),
        ),
        _ => (Takes::Mut, None),
    };
    methods::receiver(method, marker.role, takes, errors);
    if let Some(words) = returns {
        methods::returns(method, words, errors);
    }
    if let (Place::View, Some(asyncness)) = (place, &method.sig.asyncness) {
        errors.at(
            asyncness,
            "a view only looks at the game and can't wait: remove `async`",
        );
    }
    Call {
        args: params::of(method, place, errors),
        ..methods::call(method)
    }
}

/// The name, if it can be that of a variant.
fn identifier(name: &str) -> Option<String> {
    syn::parse_str::<Ident>(name).ok().map(|_| name.to_owned())
}

/// `play_card` is `PlayCard`.
fn pascal_case(name: &str) -> String {
    let mut pascal = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            pascal.extend(first.to_uppercase());
            pascal.push_str(letters.as_str());
        }
    }
    if pascal.is_empty() {
        name.to_owned()
    } else {
        pascal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_the_method_in_pascal_case() {
        for (method, variant) in [
            ("play", "Play"),
            ("play_card", "PlayCard"),
            ("r2d2_beep", "R2d2Beep"),
            ("_hidden", "Hidden"),
            ("__", "__"),
        ] {
            assert_eq!(pascal_case(method), variant);
        }
    }
}
