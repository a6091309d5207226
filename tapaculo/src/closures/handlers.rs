//! What a room of closures calls: validators, message handlers, event handlers.

use super::Context;
use crate::game::{
    Answer, BadMessage, Refusal, Rest,
    answer::{IsRefusal, IsReply},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use std::sync::Arc;

/// A message and its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<T = Value> {
    /// The user of the sender's token, whatever its frame says.
    pub from: String,
    /// The message.
    pub data: T,
}

/// What happens in a room besides messages: given to
/// [`Server::with_event_handler`](crate::Server::with_event_handler).
///
/// What is said in it comes from `"@server"`; the [`Context`] is otherwise that of the player who
/// caused the event. A call that panics is logged, and so are calls that take longer than 10 s, those
/// of all handlers for one event together; the room goes on.
///
/// The calls of a room come one after the other, but messages are handled meanwhile: one may come
/// before what `on_room_full` sets up is there.
///
/// ```
/// use tapaculo::{Context, RoomEventHandler, reexport::async_trait};
///
/// struct Greeter;
///
/// #[async_trait::async_trait]
/// impl RoomEventHandler for Greeter {
///     async fn on_player_joined(&self, ctx: &Context, user_id: &str) {
///         ctx.broadcast(format!("welcome, {user_id}")).await.ok();
///     }
/// }
/// ```
#[async_trait::async_trait]
pub trait RoomEventHandler: Send + Sync + 'static {
    /// A player took a seat. Its own greeting comes after this call, and has what it said.
    async fn on_player_joined(&self, _ctx: &Context, _user_id: &str) {}

    /// A player gave up the seat: it said goodbye, or was gone for longer than
    /// [`with_reconnect`](crate::Server::with_reconnect) allows.
    async fn on_player_left(&self, _ctx: &Context, _user_id: &str) {}

    /// The last seat was taken.
    async fn on_room_full(&self, _ctx: &Context) {}

    /// The last member has gone.
    async fn on_room_empty(&self, _room_id: &str) {}
}

/// What a message handler may return: nothing, or a `Result` whose error the sender is told, as
/// `rejected`, and whose value, if it has one, is the reply.
#[diagnostic::on_unimplemented(
    message = "a message handler can't return `{Self}`",
    label = "expected `()` or a `Result` with an error that displays",
    note = "what others should know is sent: `ctx.broadcast(…).await.ok();`"
)]
pub trait Outcome: Send {
    #[doc(hidden)]
    fn answer(self) -> Answer;
}

impl Outcome for () {
    fn answer(self) -> Answer {
        Ok(None)
    }
}

impl<T: IsReply + Send, E: IsRefusal + Send> Outcome for Result<T, E> {
    fn answer(self) -> Answer {
        self.map_err(|error| error.refuse())?.encode()
    }
}

type Validator = Box<dyn Fn(&Context, &Envelope) -> Answer + Send + Sync>;
type MessageHandler = Box<dyn Fn(&Context, &RawValue) -> Result<Rest, BadMessage> + Send + Sync>;

/// The closures of a server.
#[derive(Default)]
pub(crate) struct Handlers {
    validators: Vec<Validator>,
    /// A message goes to the first whose type it fits.
    messages: Vec<MessageHandler>,
    pub(super) events: Vec<Arc<dyn RoomEventHandler>>,
}

impl Handlers {
    pub(crate) fn is_empty(&self) -> bool {
        self.validators.is_empty() && self.messages.is_empty() && self.events.is_empty()
    }

    pub(crate) fn add_validator<F, E>(&mut self, validator: F)
    where
        F: Fn(&Context, &Envelope) -> Result<(), E> + Send + Sync + 'static,
        E: IsRefusal + Send,
    {
        self.validators.push(Box::new(move |ctx, envelope| {
            validator(ctx, envelope).answer()
        }));
    }

    pub(crate) fn add_message<T, F, Fut>(&mut self, handler: F)
    where
        T: DeserializeOwned,
        F: Fn(Context, Envelope<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        self.messages.push(Box::new(move |ctx, json| {
            let envelope = ctx.envelope(json)?;
            let handling = handler(ctx.clone(), envelope);
            Ok(Box::pin(async move { handling.await.answer() }))
        }));
    }

    pub(crate) fn add_events(&mut self, handler: impl RoomEventHandler) {
        self.events.push(Arc::new(handler));
    }

    /// Asks the validators, then calls the handler that the message fits.
    pub(super) async fn handle(&self, ctx: &Context, json: &RawValue) -> Answer {
        if !self.validators.is_empty() {
            let envelope = ctx.envelope(json).map_err(unfit)?;
            for validator in &self.validators {
                validator(ctx, &envelope)?;
            }
        }
        let mut misfits = Vec::new();
        for handler in &self.messages {
            match handler(ctx, json) {
                Ok(handling) => return handling.await,
                Err(bad) => misfits.push(bad.to_string()),
            }
        }
        match misfits.is_empty() {
            true => Ok(None),
            false => Err(Refusal::BadMessage(misfits.join("; or "))),
        }
    }
}

fn unfit(bad: BadMessage) -> Refusal {
    Refusal::BadMessage(bad.to_string())
}
