//! The closures of the builder, and what their rooms are like.

use super::{
    Server,
    registry::{AnyGame, Served},
};
use crate::closures::{Context, Envelope, Handlers, Outcome, RoomEventHandler, RoomSettings};
use anyhow::bail;
use serde::de::DeserializeOwned;
use std::{fmt::Display, sync::Arc, time::Duration};

/// What a server is told of its rooms of closures.
#[derive(Default)]
pub(super) struct Builder {
    handlers: Handlers,
    settings: Option<RoomSettings>,
    reconnect: Option<Duration>,
}

impl Builder {
    /// The game that they are, if there are any.
    pub(super) fn served(self) -> anyhow::Result<Option<Arc<dyn AnyGame>>> {
        if self.handlers.is_empty() {
            if self.settings.is_some() || self.reconnect.is_some() {
                bail!(
                    "with_room_settings and with_reconnect are for rooms of closures, and there is no \
                     on_message(…); the settings of a game are on its struct, #[tapaculo::game(…)]"
                );
            }
            return Ok(None);
        }
        let settings = self.settings.unwrap_or_default();
        if settings.max_players == Some(0) {
            bail!("a room with `max_players: Some(0)` is for nobody; `None` is no limit");
        }
        let settings = settings.for_rooms(self.reconnect.unwrap_or_default());
        Ok(Some(Arc::new(Served::closures(settings, self.handlers))))
    }
}

/// Rooms of [closures](crate::closures), instead of a game of one's own or beside it: they are a game
/// called `room`.
impl Server {
    /// Has a closure called with each message, whatever JSON it is.
    ///
    /// Of several message handlers, typed or not, a message goes to the first whose type it fits. A
    /// handler returns nothing, or a `Result` whose error the sender is told; it has 10 s.
    ///
    /// ```
    /// use tapaculo::Server;
    ///
    /// let server = Server::new().on_message(|ctx, envelope| async move {
    ///     ctx.broadcast_to_others(envelope.data).await.ok();
    /// });
    /// # drop(server);
    /// ```
    pub fn on_message<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Context, Envelope) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        self.on_message_typed(handler)
    }

    /// Has a closure called with each message that is a `T`; one that fits no handler is refused as
    /// `bad_message`, in words that name the field.
    ///
    /// What clients send is what serde makes of `T`: of this enum, with its `tag`,
    /// `{"data": {"type": "Move", "x": 1, "y": 2}}`; without, `{"data": {"Move": {"x": 1, "y": 2}}}`.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use tapaculo::Server;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// #[serde(tag = "type")]
    /// enum Action { Move { x: i32, y: i32 }, Wave }
    ///
    /// let server = Server::new().on_message_typed::<Action, _, _>(|ctx, envelope| async move {
    ///     if let Action::Move { x, y } = envelope.data {
    ///         ctx.broadcast(Action::Move { x: x.clamp(0, 9), y: y.clamp(0, 9) }).await.ok();
    ///     }
    /// });
    /// # drop(server);
    /// ```
    pub fn on_message_typed<T, F, Fut>(mut self, handler: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(Context, Envelope<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        self.closures.handlers.add_message(handler);
        self
    }

    /// Has each message checked before a handler gets it: of an `Err` the sender is told, as
    /// `rejected`, and nobody else. Several are asked in turn.
    ///
    /// It gets the message as JSON, whatever the handlers make of it, and cannot `await`: what has to
    /// ask the [`Context`] who is in the room is for the handler, whose `Err` is told the same way.
    ///
    /// ```
    /// use tapaculo::Server;
    ///
    /// let server = Server::new().on_message_validate(|_ctx, envelope| {
    ///     if envelope.data.get("type").is_none() {
    ///         return Err("a message has a type");
    ///     }
    ///     Ok(())
    /// });
    /// # drop(server);
    /// ```
    pub fn on_message_validate<F, E>(mut self, validator: F) -> Self
    where
        F: Fn(&Context, &Envelope) -> Result<(), E> + Send + Sync + 'static,
        E: Display + Send,
    {
        self.closures.handlers.add_validator(validator);
        self
    }

    /// Has it called when players come and go. Several are called in turn.
    pub fn with_event_handler(mut self, handler: impl RoomEventHandler) -> Self {
        self.closures.handlers.add_events(handler);
        self
    }

    /// What the rooms of closures are like.
    pub fn with_room_settings(mut self, settings: RoomSettings) -> Self {
        self.closures.settings = Some(settings);
        self
    }

    /// How long, in rooms of closures, the seat of a player whose connection is lost is held; not at
    /// all unless told.
    pub fn with_reconnect(mut self, time: Duration) -> Self {
        self.closures.reconnect = Some(time);
        self
    }
}
