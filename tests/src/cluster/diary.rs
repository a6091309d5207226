//! What one player has sent and was told, in order: what the checker goes by.

use super::ledger::{Ledger, LedgerEvent};
use std::time::Duration;

/// A player's diary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diary {
    /// Whose it is.
    pub user: String,
    /// What happened.
    pub notes: Vec<Note>,
    /// When it was closed.
    pub closed: Duration,
    /// Whether its owner would wait for anything, however long it takes.
    pub is_patient: bool,
}

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Since the beginning of the test.
    pub at: Duration,
    /// What it was.
    pub what: What,
}

/// What happens to a player.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It sent a message, for the first time or again.
    Sent {
        /// The message's id.
        id: u64,
        /// The entry it is to make.
        key: u64,
    },
    /// A message was acked.
    Acked {
        /// The message's id.
        id: u64,
        /// The entry that it makes.
        key: u64,
        /// Which one it has become; `None` if it is to come later.
        number: Option<u64>,
    },
    /// A message was refused.
    Refused {
        /// The message's id.
        id: u64,
        /// The entry that it would have made.
        key: u64,
        /// Why.
        code: String,
    },
    /// A connection began.
    Welcomed {
        /// The room's epoch.
        epoch: String,
        /// Whether it goes on from its position.
        resumed: bool,
        /// Its seat.
        seat: Option<u64>,
    },
    /// It was shown all there is.
    Shown {
        /// As of which event.
        seq: u64,
        /// All there is.
        ledger: Ledger,
    },
    /// It was told an event.
    Told {
        /// The event's number.
        seq: u64,
        /// The event.
        event: LedgerEvent,
    },
    /// It is up to date.
    Synced {
        /// Up to which event.
        seq: u64,
    },
    /// Its connection ended, or could not be made.
    Lost {
        /// With which code, if the other side said one.
        code: Option<u16>,
    },
    /// It was told something that is not of the protocol.
    Puzzled {
        /// What that was.
        by: String,
    },
}
