//! What a handler may touch of its room, without the game's types: who is there, the time, and
//! what it has said so far.

use super::{Refusal, Roster, Settings};
use crate::{
    clock::Timestamp,
    ids::RoomId,
    log::{Audience, Entry},
    protocol::{Author, Seq, frames},
};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Where a room is and what it may use: its identity, set once.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) game: &'static str,
    pub(crate) room: RoomId,
    /// A word that changes whenever the room's numbers start anew.
    pub(crate) epoch: String,
    pub(crate) settings: Settings,
}

/// The room as its handlers see it.
///
/// What a handler says is *staged*, and becomes part of the room when the handler is settled: all
/// of it if it returned `Ok`, none of it otherwise.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) identity: Identity,
    pub(crate) roster: Roster,
    pub(crate) now: Timestamp,
    pub(crate) rng: StdRng,
    /// The last number given to a settled event.
    pub(crate) last: Seq,
    /// Who caused what is being staged.
    author: Author,
    staged: Vec<Entry>,
    /// The first thing that could not be encoded: it fails the handler that said it.
    encode_error: Option<Refusal>,
}

impl Table {
    pub(crate) fn new(identity: Identity, seed: [u8; 32], now: Timestamp) -> Self {
        Self {
            identity,
            roster: Roster::default(),
            now,
            rng: StdRng::from_seed(seed),
            last: Seq::default(),
            author: Author::Server,
            staged: Vec::new(),
            encode_error: None,
        }
    }

    /// A handler is about to run on behalf of somebody.
    pub(crate) fn begin(&mut self, author: Author) {
        self.discard();
        self.author = author;
    }

    /// Stages an event; it has its number at once, since nobody else can stage one meanwhile.
    pub(crate) fn stage(&mut self, audience: Audience, data: Result<Box<RawValue>, Refusal>) {
        let data = match data {
            Ok(data) => data,
            Err(refusal) => {
                self.encode_error.get_or_insert(refusal);
                return;
            }
        };
        let seq = self
            .staged
            .last()
            .map_or(self.last, |entry| entry.seq)
            .next();
        let frame = frames::event(seq, &self.author, &data);
        self.staged.push(Entry {
            seq,
            author: self.author.clone(),
            audience,
            frame,
        });
    }

    /// The handler succeeded: what it said is the room's.
    pub(crate) fn settle(&mut self) -> Result<Vec<Arc<Entry>>, Refusal> {
        if let Some(refusal) = self.encode_error.take() {
            self.discard();
            return Err(refusal);
        }
        let settled: Vec<_> = self.staged.drain(..).map(Arc::new).collect();
        if let Some(entry) = settled.last() {
            self.last = entry.seq;
        }
        Ok(settled)
    }

    /// The handler failed: it has said nothing.
    pub(crate) fn discard(&mut self) {
        self.staged.clear();
        self.encode_error = None;
    }
}
