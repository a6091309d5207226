//! How a return value becomes an answer: nothing, a reply, or a refusal in words.
//!
//! A handler returns `()`, a value to reply with, or a `Result` of either. The macro cannot tell
//! which (the type may be an alias), so the compiler does: in `Returned(value).result()` the
//! inherent method, for results only, goes before the method of [`Infallibly`], for everything.

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{convert::Infallible, fmt::Display};

/// A value encoded as JSON, ready to be put into a frame.
pub type Reply = Box<RawValue>;

/// What came of a message: perhaps a reply, or why it was refused.
pub type Answer = Result<Option<Reply>, Refusal>;

/// What came of a hook.
pub type Hooked = Result<(), Refusal>;

/// Why a message, a hook or a newcomer was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A validator, a handler or a hook said no, in these words.
    Rejected(String),
    /// Spectators may not send this message.
    Spectator,
    /// It is not a message of this room: what is wrong with it.
    BadMessage(String),
    /// The game itself is at fault: it panicked, or said something that can't be encoded.
    Internal(String),
}

impl Refusal {
    /// Why, for the log and for those who may know.
    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Rejected(words) | Self::BadMessage(words) | Self::Internal(words) => words,
            Self::Spectator => "spectators may not send this",
        }
    }
}

/// What is left of a handler when it gives the room back: it runs beside the room, and its sender is
/// answered when it is done.
pub(crate) type Rest = BoxFuture<'static, Answer>;

/// What a handler, hook or validator returned.
#[derive(Debug)]
pub struct Returned<T>(pub T);

impl<T, E> Returned<Result<T, E>> {
    /// The result as it is.
    #[doc(hidden)]
    pub fn result(self) -> Result<T, E> {
        self.0
    }
}

/// What to do with a value that is not a `Result`: take it as a success.
#[doc(hidden)]
pub trait Infallibly {
    type Value;
    fn result(self) -> Result<Self::Value, Infallible>;
}

impl<T> Infallibly for Returned<T> {
    type Value = T;
    fn result(self) -> Result<T, Infallible> {
        Ok(self.0)
    }
}

/// A handler's result as the answer to its message.
#[doc(hidden)]
pub fn answer<T: IsReply, E: IsRefusal>(result: Result<T, E>) -> Answer {
    result.map_err(|e| e.refuse())?.encode()
}

/// A hook's or validator's result.
#[doc(hidden)]
pub fn hooked<T: IsNothing, E: IsRefusal>(result: Result<T, E>) -> Hooked {
    result.map(|_| ()).map_err(|e| e.refuse())
}

/// What all but handlers and views may return besides an error: nothing, for nobody would get it.
#[diagnostic::on_unimplemented(
    message = "a hook, timer, tick or validator can't return `{Self}`: nobody would get it",
    label = "expected `()` or `Result<(), E>`",
    note = "what members should know is an event: `room.broadcast(…)`"
)]
pub trait IsNothing {}

impl IsNothing for () {}

/// The result of `#[create]`.
#[doc(hidden)]
pub fn created<G, T: IsGame<G>, E: IsRefusal>(result: Result<T, E>) -> Result<G, Refusal> {
    result.map(T::game).map_err(|e| e.refuse())
}

/// What `#[create]` may make: the game itself.
#[diagnostic::on_unimplemented(
    message = "`#[create]` makes the first state of `{G}`, and can't return `{Self}`",
    label = "expected `Self` or `Result<Self, E>`"
)]
pub trait IsGame<G> {
    /// The game.
    #[doc(hidden)]
    fn game(self) -> G;
}

impl<G> IsGame<G> for G {
    fn game(self) -> G {
        self
    }
}

/// What `#[view]` returned or a room says, encoded.
#[doc(hidden)]
pub fn encoded<V: IsReply>(view: &V) -> Result<Reply, Refusal> {
    encode(view)
}

/// Encodes a value for the wire.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Reply, Refusal> {
    serde_json::value::to_raw_value(value)
        .map_err(|e| Refusal::Internal(format!("a value could not be encoded as JSON: {e}")))
}

/// A copy of the state, to go back to if what runs next fails.
#[doc(hidden)]
pub fn backup<G: IsRestorable>(game: &G) -> Option<G> {
    Some(game.clone())
}

/// A game that can be rolled back: anything `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be rolled back: it does not implement `Clone`",
    label = "`{Self}` does not implement `Clone`",
    note = "`rollback` keeps a copy of the state while a handler runs: add `#[derive(Clone)]` to the struct"
)]
pub trait IsRestorable: Clone {}

#[diagnostic::do_not_recommend]
impl<G: Clone> IsRestorable for G {}

/// What a `#[message]` handler may reply with, a room say and a `#[view]` show: anything `Serialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be sent: it does not implement `Serialize`",
    label = "this can't be a reply, an event or a view",
    note = "a handler returns `()`, a reply that implements `serde::Serialize`, or a `Result` of either; an event and a view implement it too",
    note = "for a type of your own: `#[derive(serde::Serialize)]`"
)]
pub trait IsReply: Serialize {
    /// Encodes the reply; `None` if its type has no value to tell, as `()`.
    #[doc(hidden)]
    fn encode(&self) -> Answer;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> IsReply for T {
    fn encode(&self) -> Answer {
        let reply = encode(self)?;
        let nothing = size_of::<T>() == 0 && reply.get() == "null";
        Ok((!nothing).then_some(reply))
    }
}

/// An error that can be told to a player: anything that implements `Display`.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` can't be told to the sender: it does not implement `Display`",
    label = "this can't be the error of a handler, hook or validator",
    note = "the sender is told the error in words: implement `std::fmt::Display` for it, or return a `String`"
)]
pub trait IsRefusal: Display {
    /// The words.
    #[doc(hidden)]
    fn refuse(&self) -> Refusal;
}

impl<E: Display> IsRefusal for E {
    fn refuse(&self) -> Refusal {
        Refusal::Rejected(self.to_string())
    }
}
