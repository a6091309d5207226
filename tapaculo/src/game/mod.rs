//! The rules: the two traits that `#[tapaculo::game]` writes, by which a room decodes a message and
//! calls its handler.
//!
//! A struct with the attribute becomes [`Declared`]: the room's settings and what the room may
//! say. One `impl` with the attribute becomes [`Game`]: its messages, their dispatch and the
//! hooks. Both are written by the macro; nobody implements them by hand.

pub(crate) mod answer;
pub(crate) mod called;
pub(crate) mod create;
mod handle;
mod message;
mod metadata;
mod past;
mod room;
mod roster;
pub(crate) mod saved;
mod settings;
mod table;
mod timers;

pub use self::{
    handle::{PostError, RoomHandle},
    metadata::Metadata,
    past::{Occupancy, PastEvent},
    room::Room,
    roster::{Member, Player},
    saved::{SavedState, SavedStateError},
    timers::TimerId,
};
// The generated code speaks of these; nobody else has a use for them.
#[doc(hidden)]
pub use self::{
    answer::{Answer, Hooked, Refusal, Reply},
    create::Options,
    message::{BadMessage, RawMessage},
    saved::{Encoded, Persist},
    settings::Settings,
};
pub(crate) use self::{
    answer::{Rest, encode},
    handle::{Post, Posts},
    message::read,
    past::Census,
    roster::{Connection, Newcomer, Place, Roster, SeatError, TakenOver},
    saved::restore,
    table::{Aside, Identity, Settled, Table},
    timers::{AnyTimer, SavedTimer},
};

use crate::ids::RoomId;
use serde_json::value::RawValue;
use std::time::Duration;

/// A struct that is the state of one room: written by `#[tapaculo::game]` on the struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as a game",
    label = "this struct needs `#[tapaculo::game]`",
    note = "a game is a struct with `#[tapaculo::game]` on it and one `impl` with `#[tapaculo::game]` on it"
)]
pub trait Declared: Sized + Send + 'static {
    /// The game's name on the wire and in its route, in kebab-case.
    const NAME: &'static str;

    /// The room's settings.
    const SETTINGS: Settings;

    /// How its rooms are kept; `None`: they are not.
    const PERSIST: Option<Persist> = None;

    /// The state to go back to if what runs next fails; `None` without `rollback`.
    fn backup(&self) -> Option<Self> {
        None
    }

    /// The state as it is saved; `None` without `persist`.
    fn save(&self) -> Option<Encoded> {
        None
    }

    /// Reads a state that the present version has saved.
    ///
    /// # Errors
    /// If it is not one, or the game is not kept.
    fn load(_saved: &[u8]) -> Result<Self, Refusal> {
        Err(saved::not_kept())
    }
}

/// A game whose room may say something: written by `#[tapaculo::game(event = …)]` on the struct.
#[diagnostic::on_unimplemented(
    message = "a room of `{Self}` has nothing to say: the struct declares no event",
    label = "add `event = …` to `#[tapaculo::game]` on `{Self}`",
    note = "what a room says is one type of your own, an enum perhaps: `#[tapaculo::game(event = {Self}Event)]`"
)]
pub trait Speaks: Declared {
    /// What the room may say to its members.
    type Event;

    /// Encodes an event for the wire.
    ///
    /// # Errors
    /// If it can't be encoded as JSON.
    fn encode(event: &Self::Event) -> Result<Reply, Refusal>;
}

/// The rules of a game: written by `#[tapaculo::game]` on one inherent `impl`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a game: it has no `impl` with `#[tapaculo::game]`",
    label = "this type needs `#[tapaculo::game] impl {Self} {{ … }}` with its handlers",
    note = "a game is a struct with `#[tapaculo::game]` on it and one `impl` with `#[tapaculo::game]` on it"
)]
pub trait Game: Declared {
    /// What members may send: one variant a `#[message]` handler.
    type Message: Send + 'static;

    /// What `room.after` may set: one variant a `#[timer]`; [`NoTimer`] where there is none.
    type Timer: Send + 'static;

    /// Whether there is a `#[migrate]`.
    #[doc(hidden)]
    const MIGRATES: bool = false;

    /// How often `#[tick]` runs while somebody is connected.
    const TICK: Option<Duration> = None;

    /// The wire names of the messages, in the order of their handlers.
    const MESSAGES: &'static [&'static str];

    /// Reads a message, its `type` first and then that message's fields.
    ///
    /// # Errors
    /// If the game has no such message, or a field is missing or wrong.
    fn decode(message: &RawMessage<'_>) -> Result<Self::Message, BadMessage>;

    /// Reads a message from JSON.
    ///
    /// # Errors
    /// If it is not a message of the game.
    #[doc(hidden)]
    fn read(json: &RawValue) -> Result<Self::Message, BadMessage> {
        Self::decode(&RawMessage::parse(json, Self::MESSAGES)?)
    }

    /// Makes the state of a new room.
    ///
    /// # Errors
    /// If `#[create]` refuses, or the options are not what it takes.
    fn create(
        room: &RoomId,
        options: &Options,
    ) -> impl Future<Output = Result<Self, Refusal>> + Send;

    /// Makes the present state of one that an older version has saved.
    ///
    /// # Errors
    /// If `#[migrate]` refuses it, or there is none.
    fn migrate(old: SavedState) -> Result<Self, Refusal> {
        let version = old.version();
        Err(Refusal::Internal(format!(
            "version {version} of `{}` has saved it, and there is no `#[migrate]`",
            Self::NAME
        )))
    }

    /// A timer as it is saved; `None` without `persist`.
    fn save_timer(_timer: &Self::Timer) -> Option<Encoded> {
        None
    }

    /// Reads a timer that was saved.
    ///
    /// # Errors
    /// If it is not one of the game's, or the game is not kept.
    fn load_timer(_saved: &[u8]) -> Result<Self::Timer, Refusal> {
        Err(saved::not_kept())
    }

    /// Runs the validators of a message, then its handler.
    fn dispatch(
        &mut self,
        room: &mut Room<Self>,
        from: &Member,
        message: Self::Message,
    ) -> impl Future<Output = Answer> + Send;

    /// A player took a seat.
    fn on_join(
        &mut self,
        _room: &mut Room<Self>,
        _player: &Player,
    ) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// The last seat was taken.
    fn on_full(&mut self, _room: &mut Room<Self>) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// A player's connection is gone, and the seat is held.
    fn on_disconnect(
        &mut self,
        _room: &mut Room<Self>,
        _player: &Player,
    ) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// A player came back in time.
    fn on_reconnect(
        &mut self,
        _room: &mut Room<Self>,
        _player: &Player,
    ) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// A player gave up the seat.
    fn on_leave(
        &mut self,
        _room: &mut Room<Self>,
        _player: &Player,
    ) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// The last member has gone.
    fn on_empty(&mut self, _room: &mut Room<Self>) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// A time that was set has come.
    fn timer(
        &mut self,
        _room: &mut Room<Self>,
        _timer: Self::Timer,
    ) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// The regular call, with the time since the one before.
    fn tick(
        &mut self,
        _room: &mut Room<Self>,
        _elapsed: Duration,
    ) -> impl Future<Output = Hooked> + Send {
        async { Ok(()) }
    }

    /// What one member may see, encoded; `None` for a game without a `#[view]`.
    fn view(&self, _viewer: &Member) -> Option<Result<Reply, Refusal>> {
        None
    }
}

/// The timers of a game that has none: there are no values, so nothing can be set.
///
/// If an error names it: add a `#[timer]` method to the game's `impl`.
#[derive(Clone, Copy, Debug)]
pub enum NoTimer {}
