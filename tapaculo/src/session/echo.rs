//! A connection that says back what it hears, for tests of all that is below the protocol.
//!
//! Tools that test a WebSocket server send it any messages and want them back. A room does not do
//! that, so a session of a certain user does, in builds for the crate's own tests only; everything
//! around the one place where a message goes to its room is what is served.

use crate::ids::UserId;
use tokio_tungstenite::tungstenite::Message;

/// Whose messages come back. Known by its name, so that nothing on the way from the server to
/// here has to know of it.
pub(crate) const USER: &str = "whose messages come back";

/// The message to be said back: no further one is read before it is on its way.
#[derive(Debug)]
pub(super) struct Echo {
    is_on: bool,
    message: Option<Message>,
}

impl Echo {
    pub(super) fn of(user: &UserId) -> Self {
        Self {
            is_on: user == USER,
            message: None,
        }
    }

    /// Keeps a message that is to be said back; otherwise it is the session's to look at.
    pub(super) fn hear(&mut self, message: Message) -> Option<Message> {
        if self.is_on && (message.is_text() || message.is_binary()) {
            self.message = Some(message);
            return None;
        }
        Some(message)
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.message.is_some()
    }

    pub(super) fn take(&mut self) -> Option<Message> {
        self.message.take()
    }
}
