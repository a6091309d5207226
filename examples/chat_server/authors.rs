//! Who has written which message, so that nobody changes another's.

use crate::wire::Refused;
use std::collections::BTreeMap;
use tapaculo::prelude::*;

/// For how many messages it is remembered. A room keeps the last 1,024 events for those who come
/// back, and fewer for newcomers: of whatever anybody may still be told, the author is known.
const MOST: usize = 1_024;

/// A message, by what never changes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The number of the event that first said it: its place in the conversation.
    pub(crate) id: u64,
    pub(crate) by: UserId,
    pub(crate) at: Timestamp,
}

/// The messages that may still be changed, by the number of the event that says them now: an edit
/// takes the place of what it edits.
#[derive(Debug, Default)]
pub(crate) struct Authors(BTreeMap<u64, Written>);

impl Authors {
    /// An event says this message; too old ones are let go.
    pub(crate) fn note(&mut self, seq: u64, message: Written) {
        self.0.insert(seq, message);
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Whether the message that an event says is this user's.
    pub(crate) fn check(&self, seq: u64, user: &UserId) -> Result<(), Refused> {
        match self.0.get(&seq) {
            Some(message) if message.by == *user => Ok(()),
            Some(_) => Err(Refused::NotYours),
            None => Err(Refused::Gone),
        }
    }

    /// The message that an event says; from now on it says nothing.
    pub(crate) fn take(&mut self, seq: u64) -> Result<Written, Refused> {
        self.0.remove(&seq).ok_or(Refused::Gone)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
