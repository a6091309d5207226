//! The attribute macros of tapaculo. Use them through the `tapaculo` crate, which documents them.
//!
//! An item goes one way: `parse` reads what the user wrote, `check` turns it into a model or into
//! errors, `expand` writes the model out and cannot fail.

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
///
/// On the struct it declares the room. All options may be left out:
///
/// | option | default | |
/// | --- | --- | --- |
/// | `players = 2`, `players = 2..=6` | no limit | seats; full is the upper end |
/// | `spectators` | off | those who find no seat, or ask for the role in their token, watch |
/// | `event = MyEvent` | none | what the room may say, a type that implements `Serialize` |
/// | `history = 100` | 0 | events kept for newcomers |
/// | `empty_timeout = "5m"` | `"5m"` | how long an empty room is kept; units `ms`, `s`, `m`, `h` |
/// | `name = "chess"` | the struct's name in kebab-case | the name on the wire |
/// | `crate = my::reexport` | `::tapaculo` | where the library is; also on the `impl` |
///
/// On the `impl` it turns methods into the room's rules: [`macro@message`] handlers,
/// [`macro@validate`], the hooks [`macro@create`], [`macro@on_join`], [`macro@on_full`],
/// [`macro@on_leave`] and [`macro@on_empty`], and the [`macro@view`]. The messages become a public
/// enum, `ChessMessage` for `Chess`.
///
/// Their parameters are lent by the library where they are references to its types, in any order
/// or left out: `&mut Room<Self>` or `&Room<Self>`, `&Player` (who has a seat), `&Member`
/// (anyone).
#[proc_macro_attribute]
pub fn game(options: TokenStream, item: TokenStream) -> TokenStream {
    item::game(options.into(), item.into()).into()
}

/// A method that handles a message, inside a `#[tapaculo::game] impl`.
///
/// Its owned parameters are the message's fields; `#[serde(rename, default, with)]` on one is
/// passed on. The message is called as the method in `PascalCase`, or `#[message(rename = "Move")]`;
/// only with `#[message(spectators)]` may spectators send it. The method takes `&mut self` or
/// `&self`, may be `async`, and returns `()`, a reply that implements `Serialize`, or a `Result`
/// of either with an error that displays.
#[proc_macro_attribute]
pub fn message(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::MESSAGE, item.into()).into()
}

/// A method that may refuse a message before its handler, inside a `#[tapaculo::game] impl`.
///
/// `#[validate(play)]` runs before the handler `play` and sees its fields by reference, by name.
/// `#[validate]` runs before every handler and may take the message, as `&ChessMessage`. It takes
/// `&self` and returns `Result<(), E>`; the sender alone is told the error.
#[proc_macro_attribute]
pub fn validate(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::VALIDATE, item.into()).into()
}

/// The function that makes a room's first state, inside a `#[tapaculo::game] impl`.
///
/// It may take `&RoomId` and the options of the token that opens the room, any type that is
/// `Deserialize` and `Default`, and returns `Self` or `Result<Self, E>`. Without it a room begins
/// with the struct's `Default`.
#[proc_macro_attribute]
pub fn create(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::CREATE, item.into()).into()
}

/// A method called when a player takes a seat, inside a `#[tapaculo::game] impl`.
///
/// It may take `&Player` and the room; an `Err` refuses the player.
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
///
/// It takes `&self` and perhaps the `&Member` who looks, and returns anything that implements
/// `Serialize`.
#[proc_macro_attribute]
pub fn view(_options: TokenStream, item: TokenStream) -> TokenStream {
    standin::outside(names::VIEW, item.into()).into()
}
