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
//! The guide has [a chapter](crate::docs::closures) about them.
//!
//! A room handles one message at a time here as well: the next one waits until the handler is done.
//!
//! What all rooms share is cloned into each call. An error is told to the sender:
//!
//! ```
//! use std::{collections::HashMap, sync::{Arc, Mutex}};
//! use tapaculo::Server;
//!
//! let scores = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
//! let server = Server::new().on_message_typed::<u32, _, _>(move |ctx, envelope| {
//!     let scores = Arc::clone(&scores);
//!     async move {
//!         if envelope.data > 10 {
//!             return Err("nobody scores more than 10 at once".to_owned());
//!         }
//!         let score = {
//!             let mut scores = scores.lock().unwrap();
//!             let score = scores.entry(envelope.from).or_default();
//!             *score += envelope.data;
//!             *score
//!         };
//!         ctx.broadcast(score).await.map_err(|error| error.to_string())?;
//!         Ok(score) // the sender's reply
//!     }
//! });
//! # drop(server);
//! ```

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
