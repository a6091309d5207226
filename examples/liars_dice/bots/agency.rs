//! The agency: a task that sends bots to the tables that ask for one, and not more than there are.

use super::client;
use crate::wire::Refused;
use std::sync::{Arc, OnceLock};
use tapaculo::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many bots there may be at all tables together. A single table has seats for five.
pub(crate) const MOST_BOTS: usize = 200;

/// The agency of this process: a game is made by its room, which knows no one to hand it over.
static OPEN: OnceLock<Agency> = OnceLock::new();

/// Where a room asks for bots. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Agency {
    calls: mpsc::UnboundedSender<Call>,
    /// As many permits as there are bots that are free: so the channel can't grow without bounds.
    free: Arc<Semaphore>,
}

/// A table wants a bot.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) room: RoomId,
    pub(crate) user: UserId,
    pub(crate) name: &'static str,
    /// Given back when the bot is done.
    _permit: OwnedSemaphorePermit,
}

/// Opens the agency. Its bots play on this machine's server at this port. Where that counts
/// connections (`with_connection_limits`), they all come from one address.
pub(crate) fn open_agency(auth: JwtAuth, port: u16) {
    OPEN.get_or_init(|| Agency::start(MOST_BOTS, auth, port));
}

impl Agency {
    /// Starts an agency of so many bots, as a task.
    pub(crate) fn start(bots: usize, auth: JwtAuth, port: u16) -> Self {
        let (agency, mut calls) = Self::new(bots);
        let url = format!("ws://127.0.0.1:{port}/ws/liars-dice");
        tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                let (auth, url) = (auth.clone(), url.clone());
                tokio::spawn(async move {
                    if let Err(error) = client::play(&auth, &url, &call).await {
                        // Nobody waits: the room keeps the seat for a while, and turns have an end.
                        let Call { room, user, .. } = call;
                        tracing::warn!(%room, bot = %user, "a bot has failed: {error:#}");
                    }
                });
            }
        });
        agency
    }

    /// An agency of so many bots, and where its calls come in.
    pub(crate) fn new(bots: usize) -> (Self, mpsc::UnboundedReceiver<Call>) {
        let (calls, incoming) = mpsc::unbounded_channel();
        let free = Arc::new(Semaphore::new(bots));
        (Self { calls, free }, incoming)
    }

    /// The one that is open in this process.
    pub(crate) fn open() -> Option<Self> {
        OPEN.get().cloned()
    }

    /// Sends a bot to a room: under this id, which the room expects, and by this name.
    pub(crate) fn call(
        &self,
        room: &RoomId,
        user: &UserId,
        name: &'static str,
    ) -> Result<(), Refused> {
        let permit = Arc::clone(&self.free).try_acquire_owned();
        let call = Call {
            room: room.clone(),
            user: user.clone(),
            name,
            _permit: permit.map_err(|_| Refused::NoBotsLeft)?,
        };
        self.calls.send(call).map_err(|_| Refused::NoBotsLeft)
    }

    /// How many bots wait for a call.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.available_permits()
    }
}
