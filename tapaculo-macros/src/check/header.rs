//! What both halves check: the attribute stands there once, and names the library.

use crate::{
    ast::Impl,
    errors::{Errors, code},
    model::Library,
    names::{CRATE, GAME, IMPL_OPTIONS, STRUCT_OPTIONS},
    options::{self, Written},
};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Path, PathArguments, Type};

/// Refuses a second `#[tapaculo::game]` on one item, and leaves to it to make the game.
pub(super) fn once(attrs: &[Attribute], errors: &mut Errors) -> Option<()> {
    for attr in attrs {
        let mut segments = attr.path().segments.iter().rev();
        let is_game = segments.next().is_some_and(|last| last.ident == GAME)
            && segments
                .next()
                .is_none_or(|before| before.ident == "tapaculo");
        if is_game {
            errors.at(attr, "one `#[tapaculo::game]` is enough: remove this one");
            return None;
        }
    }
    Some(())
}

/// The path that `crate = …` gives.
pub(super) fn library(option: &Written, errors: &mut Errors) -> Library {
    let path: Option<Path> = option.value(errors, "a path without quotes");
    Library(path.map_or_else(|| quote!(::tapaculo), Path::into_token_stream))
}

/// The `crate = …` of an `impl`, the only option there.
pub(super) fn impl_options(options: TokenStream, errors: &mut Errors) -> Library {
    let elsewhere = |name: &str| {
        let known = STRUCT_OPTIONS.iter().find(|known| known.name == name)?;
        Some(format!(
            "options go on the struct: write `#[tapaculo::game({})]` there, and \
             `#[tapaculo::game]` here",
            known.example
        ))
    };
    let mut library = Library(quote!(::tapaculo));
    for option in options::read_or(options, IMPL_OPTIONS, errors, elsewhere) {
        if option.known.name == CRATE {
            library = self::library(&option, errors);
        }
    }
    library
}

/// The game's type as the impl names it, and its name alone.
pub(super) fn game_type(item: &Impl, errors: &mut Errors) -> Option<(TokenStream, Ident)> {
    let Impl {
        trait_,
        generics,
        self_ty,
        ..
    } = item;
    let path = match self_ty {
        Type::Path(ty) if ty.qself.is_none() => &ty.path,
        _ => {
            errors.at(
                self_ty,
                "expected the game's struct: write `impl MyGame`, where `struct MyGame` has \
                 `#[tapaculo::game]` too",
            );
            return None;
        }
    };
    if let Some(trait_) = trait_ {
        errors.at(
            trait_,
            format!(
                "the handlers of a game go into an `impl` without a trait: write `impl {}`",
                code(self_ty)
            ),
        );
        return None;
    }
    let last = path.segments.last()?;
    let parameters = if generics.params.is_empty() {
        match &last.arguments {
            PathArguments::None => None,
            arguments => Some(arguments.to_token_stream()),
        }
    } else {
        Some(generics.to_token_stream())
    };
    if let Some(parameters) = parameters {
        errors.at(
            parameters,
            format!(
                "a game can't be generic: write a struct without parameters, and `impl {}`",
                last.ident
            ),
        );
        return None;
    }
    Some((path.to_token_stream(), last.ident.clone()))
}
