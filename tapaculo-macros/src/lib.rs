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
/// | `players = 2`, `players = 2..=6` | no limit | seats: the upper end; the lower is for the reader |
/// | `spectators` | off | those who find no seat, or ask for the role in their token, watch |
/// | `event = MyEvent` | none | what the room may say: `Serialize`, and as visible as the struct |
/// | `history = 100` | 0 | events kept for newcomers |
/// | `reconnect = "60s"` | `"0s"` | how long a player who is cut off keeps the seat; units `ms`, `s`, `m`, `h` |
/// | `empty_timeout = "5m"` | `"5m"` | how long an empty room is kept |
/// | `handler_timeout = "10s"` | `"10s"` | how long a handler, hook or timer may take; longer counts as a panic |
/// | `rollback` | off | restores the state too when a handler fails: needs `Clone`, and clones before every call |
/// | `name = "chess"` | the struct's name in kebab-case | the name on the wire |
/// | `crate = my::reexport` | `::tapaculo` | where the library is; also on the `impl` |
///
/// On the `impl` it turns methods into the room's rules: [`macro@message`] handlers,
/// [`macro@validate`], the hooks of the table, and the [`macro@view`]. A game has one such `impl`;
/// helpers may be anywhere.
///
/// | hook | when |
/// | --- | --- |
/// | [`macro@create`] | the room is made, by the first who joins |
/// | [`macro@on_join`] | a player takes a seat |
/// | [`macro@on_full`] | the last seat is taken |
/// | [`macro@on_disconnect`] | a player's connection is gone, and the seat is held |
/// | [`macro@on_reconnect`] | the player is back in time |
/// | [`macro@on_leave`] | a player gives up the seat |
/// | [`macro@on_empty`] | the last member has gone |
/// | [`macro@timer`] | a time that was set with `room.after` has come |
/// | [`macro@tick`] | at a steady rate, while somebody is connected |
///
/// # When a method fails
///
/// It fails if it returns `Err`, panics or takes too long; then nothing of what it said, set or
/// scheduled through the room has happened, and what it drew from `room.rng()` is drawn again. With
/// `rollback` the struct, too, is what it was. What has called the method has happened all the same:
/// after an `#[on_leave]` that fails the player is gone, and a `#[timer]` that fails does not come
/// again. So hooks and timers of a game with `rollback` had better not fail; a
/// [`TestRoom`](https://docs.rs/tapaculo/latest/tapaculo/testing/struct.TestRoom.html) says which did.
///
/// # What a method takes
///
/// A method takes what it needs, in any order: `&mut Room<Self>` or `&Room<Self>`, but for a view; the
/// sender, as `&Player` (has a seat) or `&Member` (anyone). Every other parameter of a `#[message]` is a
/// field that the client fills in: an owned `UserId` or `Seat` is what the client claims, not who
/// it is. Of a `#[timer]` it is a field that the game fills in when it sets the timer.
///
/// # What is generated
///
/// The messages become a public enum, `ChessMessage` for `Chess`: one variant a handler, with its
/// fields by name. The timers, if there are any, become another, `ChessTimer`.
#[proc_macro_attribute]
pub fn game(options: TokenStream, item: TokenStream) -> TokenStream {
    item::game(options.into(), item.into()).into()
}

/// The attributes of methods: they do nothing by themselves but say where they belong.
macro_rules! attributes_of_methods {
    ($($(#[$doc:meta])* $attribute:ident,)*) => {$(
        $(#[$doc])*
        #[proc_macro_attribute]
        pub fn $attribute(_options: TokenStream, item: TokenStream) -> TokenStream {
            standin::outside(stringify!($attribute), item.into()).into()
        }
    )*};
}

attributes_of_methods! {
    /// A method that handles a message, inside a `#[tapaculo::game] impl`.
    ///
    /// Its owned parameters are the message's fields; `#[serde(rename, alias, default, with,
    /// deserialize_with, flatten, skip)]` on one is passed on. The message is called as the method in `PascalCase`, or `#[message(rename = "Move")]`;
    /// only with `#[message(spectators)]` may spectators send it. The method takes `&mut self` or
    /// `&self`, may be `async`, and returns `()`, a reply that implements `Serialize`, or a `Result`
    /// of either with an error that displays.
    ///
    /// On an `Err` what the method *said* is dropped, and the sender alone is told why. What it
    /// *changed* in the struct stays, unless the struct has `rollback`: check first, change
    /// afterwards.
    ///
    /// While an `async` handler waits, its room does nothing else, for `handler_timeout` at most.
    message,

    /// A method that may refuse a message before its handler, inside a `#[tapaculo::game] impl`.
    ///
    /// `#[validate(play)]` runs before the handler `play` and sees its fields by reference, by name.
    /// `#[validate]` runs before every handler and may take the message, as `&ChessMessage`. It takes
    /// `&self`, may be `async`, and returns `Result<(), E>`; the sender alone is told the error.
    ///
    /// Those without a name run first, then the handler's own, each in the order of the source.
    validate,

    /// The function that makes a room's first state, inside a `#[tapaculo::game] impl`.
    ///
    /// It may take `&RoomId` and the options of the token that opens the room, any type that is
    /// `Deserialize` and `Default`, and returns `Self` or `Result<Self, E>`. Without it a room begins
    /// with the struct's `Default`.
    create,

    /// A method called when a player takes a seat, inside a `#[tapaculo::game] impl`.
    ///
    /// It may take `&Player` and `&mut Room<Self>`. The player is a member already, and hears what the
    /// method says. An `Err` refuses the player; [`macro@on_leave`] is then not called.
    ///
    /// Spectators call no hook, nor does a user whose new connection takes over the seat.
    on_join,

    /// A method called when the last seat is taken, inside a `#[tapaculo::game] impl`.
    ///
    /// That is the upper end of the struct's `players`, which it needs. It may take `&mut Room<Self>`.
    /// An `Err` is logged, and what the method said is dropped.
    on_full,

    /// A method called when a player's connection is gone, inside a `#[tapaculo::game] impl`.
    ///
    /// The seat is held for the struct's `reconnect`, which this needs: without one there is nothing
    /// to wait for, and [`macro@on_leave`] is called instead. It may take `&Player` and `&mut Room<Self>`. An `Err` is
    /// logged, and what the method said is dropped.
    on_disconnect,

    /// A method called when a player is back in time, inside a `#[tapaculo::game] impl`.
    ///
    /// In time is within the struct's `reconnect`, which this needs. It may take `&Player` and
    /// `&mut Room<Self>`. Neither [`macro@on_join`] nor [`macro@on_full`] is
    /// called again. An `Err` is logged, and what the method said is dropped.
    on_reconnect,

    /// A method called when a player gives up the seat, inside a `#[tapaculo::game] impl`.
    ///
    /// That is to leave, to be kicked, or to be away for longer than the struct's `reconnect`. It may
    /// take `&Player` and `&mut Room<Self>`; the player is no longer among `room.players()`. An `Err`
    /// is logged, and what the method said is dropped.
    on_leave,

    /// A method called when the last member has gone, inside a `#[tapaculo::game] impl`.
    ///
    /// It may take `&mut Room<Self>`. The room is kept for `empty_timeout`: whoever comes by then finds
    /// the state as it is. Nothing is called when it is dropped.
    on_empty,

    /// A method called when a time has come, inside a `#[tapaculo::game] impl`.
    ///
    /// `room.after(duration, ChessTimer::Flag { seat })` calls `fn flag(&mut self, seat: Seat)` once
    /// the duration has passed. The method may take `&mut Room<Self>`; its owned parameters are the
    /// fields of its variant of `ChessTimer`, any types that are `Send`. It may be `async`, and returns
    /// `()` or `Result<(), E>`. An `Err` is logged, and what the method said is dropped.
    timer,

    /// A method called again and again, inside a `#[tapaculo::game] impl`.
    ///
    /// `#[tick(every = "50ms")]` runs at that rate while somebody is connected; those that come late
    /// do not pile up. A game has one. The method may take `&mut Room<Self>` and the time since the
    /// tick before, or since somebody came, a `Duration`. It may be `async`, and returns `()` or `Result<(), E>`. An `Err` is
    /// logged, and what the method said is dropped.
    tick,

    /// A method that says what one member may see, inside a `#[tapaculo::game] impl`.
    ///
    /// It takes `&self` and perhaps the `&Member` who looks, and returns anything that implements
    /// `Serialize`.
    view,
}
