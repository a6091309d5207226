//! The impl half: which method does what.

use super::{
    header,
    messages::messages,
    methods::{self, Marked, Takes, of_role},
    params::{self, Place},
    variants,
};
use crate::{
    ast::{Impl, ImplItem, Marker, Method},
    errors::{Errors, code},
    model::{Call, Game, Variant, in_macro},
    names::{Hook, Role, TICK_OPTIONS},
    options,
};
use proc_macro2::TokenStream;
use quote::format_ident;
use syn::{Meta, ReturnType, ext::IdentExt};

pub(crate) fn implementation(
    item: &Impl,
    options: TokenStream,
    errors: &mut Errors,
) -> Option<Game> {
    header::once(&item.attrs, errors)?;
    let library = header::impl_options(options, errors);
    let (ty, name) = header::game_type(item, errors)?;
    let generated = |what| format_ident!("{}{what}", name.unraw(), span = in_macro(name.span()));
    let (message_enum, timer_enum) = (generated("Message"), generated("Timer"));
    let methods = marked(item, errors);

    let (messages, validators) = messages(&methods, item, &ty, &message_enum, errors);
    let timers = timers(&methods, &ty, errors);
    let tick = unique(&methods, Role::Tick, errors)
        .into_iter()
        .map(|(method, marker)| {
            let every = every(marker, errors).unwrap_or_default();
            (every, called(method, marker, Place::Tick, &ty, errors))
        })
        .collect();
    let mut calls = |role, place| -> Vec<Call> {
        unique(&methods, role, errors)
            .into_iter()
            .map(|(method, marker)| {
                methods::no_options(marker, errors);
                called(method, marker, place, &ty, errors)
            })
            .collect()
    };
    let create = calls(Role::Create, Place::Create);
    let migrate = calls(Role::Migrate, Place::Migrate);
    let mut hooks = Vec::new();
    for &hook in Hook::ALL {
        let found = calls(Role::Hook(hook), Place::Hook(hook));
        hooks.extend(found.into_iter().map(|call| (hook, call)));
    }
    let view = calls(Role::View, Place::View);
    Some(Game {
        library,
        ty,
        name,
        message_enum,
        timer_enum,
        deprecated: methods
            .iter()
            .any(|(method, _)| !methods::named(&method.attrs, "deprecated").is_empty()),
        messages,
        validators,
        create,
        migrate,
        hooks,
        timers,
        tick,
        view,
    })
}

/// The methods with one of our attributes.
fn marked<'a>(item: &'a Impl, errors: &mut Errors) -> Vec<Marked<'a>> {
    let mut marked = Vec::new();
    for item in &item.items {
        match item {
            ImplItem::Other(other) => {
                // A half-typed function is an error already.
                if let (Some(marker), false) = (other.markers.first(), other.is_function) {
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
                methods::no_serde(method, errors);
                marked.push((&**method, first));
            }
        }
    }
    marked
}

/// The method of a role that a game has once. Two of them are no mistake if `cfg` decides which.
fn unique<'a>(methods: &[Marked<'a>], role: Role, errors: &mut Errors) -> Vec<Marked<'a>> {
    let mut found: Vec<Marked<'_>> = Vec::new();
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

fn timers(methods: &[Marked<'_>], game: &TokenStream, errors: &mut Errors) -> Vec<Variant> {
    let timers = of_role(methods, Role::Timer).map(|(method, marker)| {
        methods::no_options(marker, errors);
        methods::receiver(method, marker.role, Takes::Mut, errors);
        variants::variant(method, Place::Timer, None, game, errors)
    });
    variants::only_once(
        timers.collect(),
        |timer| (timer, &timer.call.method),
        "give this method another name",
        errors,
    )
}

/// How often a tick comes, in milliseconds.
fn every(marker: &Marker, errors: &mut Errors) -> Option<u64> {
    let options = methods::options(marker, errors);
    // `#[tick = …]` has its error already.
    if options.is_empty() && !matches!(marker.attr.meta, Meta::NameValue(_)) {
        errors.at(
            &marker.attr,
            "a tick needs to know how often it comes: write `#[tick(every = \"50ms\")]`",
        );
    }
    let written = options::read(options, TICK_OPTIONS, errors);
    written.first()?.period(errors)
}

/// Refuses a view that may have to wait, or to fail.
fn always_there(method: &Method, errors: &mut Errors) {
    if let Some(asyncness) = &method.sig.asyncness {
        let words = "a view only looks at the game and can't wait: remove `async`";
        errors.at(asyncness, words);
    }
    if let ReturnType::Type(_, ty) = &method.sig.output
        && params::last_segment(ty)
            .is_some_and(|last| last.ident == "Result" && params::arguments(last) == 2)
    {
        let words = "a view can't fail: return what to show, without `Result`";
        errors.at(ty, words);
    }
}

/// A method that has neither a message nor fields of its own.
fn called(
    method: &Method,
    marker: &Marker,
    place: Place<'_>,
    game: &TokenStream,
    errors: &mut Errors,
) -> Call {
    let (takes, returns) = match place {
        Place::Create => (
            Takes::Nothing,
            Some("`#[create]` makes the game: return `Self` or `Result<Self, E>`"),
        ),
        Place::Migrate => (
            Takes::Nothing,
            Some("`#[migrate]` makes the game of what was saved: return `Result<Self, E>`"),
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
    if let Place::View = place {
        always_there(method, errors);
    }
    let before = errors.count();
    let args = params::of(method, place, errors);
    if let Place::Migrate = place {
        at_once(method, game, errors);
        if args.is_empty() && errors.count() == before {
            errors.at(
                &method.sig.ident,
                "`#[migrate]` makes the game of what was saved: add `old: SavedState`",
            );
        }
    }
    methods::call(method, args)
}

/// Refuses a migration that may have to wait, or can't fail.
fn at_once(method: &Method, game: &TokenStream, errors: &mut Errors) {
    if let Some(asyncness) = &method.sig.asyncness {
        let words = "what was saved is there already, and nothing to wait for: remove `async`";
        errors.at(asyncness, words);
    }
    if let ReturnType::Type(_, ty) = &method.sig.output {
        let made = code(ty);
        if made == "Self" || made == code(game) {
            let words = "what was saved may not be what it should: return `Result<Self, E>`";
            errors.at(ty, words);
        }
    }
}
