//! The game that the cluster is tested with: a list that only grows, in which every mistake shows.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use tapaculo::prelude::*;

/// How long an entry takes that is to come later.
const LATER: Duration = Duration::from_millis(300);

/// Every entry of so many has a word to its sender alone.
const WHISPERS_EVERY: u64 = 4;

/// Entries in the order in which they were made.
///
/// It does not look whether an entry is there already: that a message is applied once is the
/// library's promise.
#[tapaculo::game(reconnect = "10m", event = LedgerEvent, persist)]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The keys of all entries.
    pub entries: Vec<u64>,
    /// How many are to come later.
    pub due: u64,
    /// How often each user was told something that was for it alone.
    pub whispers: BTreeMap<String, u64>,
}

/// What the ledger tells its players.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum LedgerEvent {
    /// There is one more entry.
    Added {
        /// Which one it is, from 1.
        number: u64,
        /// What it is.
        key: u64,
    },
    /// A word for one of them.
    Whispered {
        /// For whom.
        to: String,
        /// Which one of those for it, from 1.
        nth: u64,
    },
}

impl Ledger {
    /// How often a user was told something that was for it alone.
    #[must_use]
    pub fn whispers_to(&self, user: &str) -> u64 {
        self.whispers.get(user).copied().unwrap_or(0)
    }
}

#[tapaculo::game]
impl Ledger {
    /// Makes an entry, and answers with its number.
    #[message]
    fn add(&mut self, room: &mut Room<Self>, player: &Player, key: u64) -> u64 {
        self.entries.push(key);
        let number = self.entries.len() as u64;
        room.broadcast(LedgerEvent::Added { number, key });
        if key.is_multiple_of(WHISPERS_EVERY) {
            let to = player.user().to_string();
            let nth = self.whispers.entry(to.clone()).or_default();
            *nth += 1;
            let whispered = LedgerEvent::Whispered { to, nth: *nth };
            room.send_to(player.user(), whispered);
        }
        number
    }

    /// Makes an entry in a moment.
    #[message]
    fn add_later(&mut self, room: &mut Room<Self>, key: u64) {
        self.due += 1;
        room.after(LATER, LedgerTimer::Due { key });
    }

    #[timer]
    fn due(&mut self, room: &mut Room<Self>, key: u64) {
        self.due -= 1;
        self.entries.push(key);
        let number = self.entries.len() as u64;
        room.broadcast(LedgerEvent::Added { number, key });
    }

    /// All there is.
    #[message]
    fn read(&self) -> Ledger {
        self.clone()
    }

    #[view]
    fn view(&self) -> Ledger {
        self.clone()
    }
}
