//! Rooms without a macro: closures that get each message as JSON, or as a type of their own.
//!
//! ```no_run
//! use tapaculo::*;
//!
//! #[tokio::main]
//! async fn main() -> anyhow::Result<()> {
//!     Server::new()
//!         .with_auth(JwtAuth::new(std::env::var("TAPACULO_SECRET")?))
//!         .on_message(|ctx, envelope| async move {
//!             ctx.broadcast_to_others(envelope.data).await.ok();
//!         })
//!         .listen("0.0.0.0:8080")
//!         .await
//! }
//! ```
//!
//! They are one more game inside the crate, called `room`: its clients speak the same protocol, its
//! rooms keep the same promises. A handler speaks to its room through a [`Context`], whose calls take
//! effect at once, each for itself; for rules with a state of their own, all-or-nothing handlers,
//! timers and tests, use [`#[tapaculo::game]`](macro@crate::game).
//!
//! A room handles one message at a time here as well: the next one waits until the handler is done.

mod context;
mod game;
mod handlers;
mod info;
mod settings;
#[cfg(test)]
mod tests;

pub use self::{
    context::{Context, ContextError},
    handlers::{Envelope, Outcome, RoomEventHandler},
    info::{PlayerMetadata, RoomInfo, StoredMessage},
    settings::RoomSettings,
};
pub(crate) use self::{game::Closures, handlers::Handlers};
