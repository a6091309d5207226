//! The attribute macros of tapaculo. Use them through the `tapaculo` crate, which documents them.
//!
//! An item goes one way: [`parse`] reads what the user wrote, [`check`] turns it into a model or
//! into errors, [`expand`] writes the model out and cannot fail.

mod ast;
mod check;
mod errors;
mod expand;
mod fallback;
mod item;
mod model;
mod names;
mod options;
mod parse;
#[cfg(test)]
mod snapshot;
mod standin;

use proc_macro::TokenStream;

/// Makes a struct the state of a room, and one `impl` of it the room's rules.
#[proc_macro_attribute]
pub fn game(options: TokenStream, item: TokenStream) -> TokenStream {
    item::game(options.into(), item.into()).into()
}

/// A method that handles a message, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn message(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::MESSAGE, item.into()).into()
}

/// A method that may refuse a message before its handler, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn validate(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::VALIDATE, item.into()).into()
}

/// The function that makes a room's first state, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn create(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::CREATE, item.into()).into()
}

/// A method called when a player takes a seat, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn on_join(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::ON_JOIN, item.into()).into()
}

/// A method called when the last seat is taken, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn on_full(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::ON_FULL, item.into()).into()
}

/// A method called when a player gives up the seat, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn on_leave(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::ON_LEAVE, item.into()).into()
}

/// A method called when the last member has gone, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn on_empty(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::ON_EMPTY, item.into()).into()
}

/// A method that says what one member may see, inside a `#[tapaculo::game] impl`.
#[proc_macro_attribute]
pub fn view(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::VIEW, item.into()).into()
}
