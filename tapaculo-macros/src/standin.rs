//! Attributes of a game's methods, met outside a game.
//!
//! `#[tapaculo::game]` takes them off before the compiler looks for them. They exist as macros so
//! that editors can complete them, and so that one in the wrong place is told where it belongs.

use crate::errors::Errors;
use proc_macro2::{Span, TokenStream};

pub(crate) fn outside(name: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    errors.push(syn::Error::new(
        Span::call_site(),
        format!(
            "`#[{name}]` belongs on a method of a game: put `#[tapaculo::game]` on the `impl` around it"
        ),
    ));
    let mut tokens = errors.into_compile_errors();
    tokens.extend(item);
    tokens
}
