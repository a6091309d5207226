//! The connections that a room has on other nodes, and what those nodes are told: publications.

use super::effects::{Delivery, Effects};
use crate::{
    clock::Timestamp,
    game::Connection,
    log::Entry,
    protocol::{Encoded, Goodbye, Seq},
    store::NodeId,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// How many bytes of publications are kept for nodes that have missed some.
const RING_BYTES: usize = 512 * 1024;

/// A connection on another node, by its number there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Far {
    pub(crate) node: NodeId,
    pub(crate) connection: Connection,
}

/// What the nodes that have members of a room are told of one input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Publication {
    /// By what right it is said.
    pub(crate) term: u64,
    /// Its number among those of the term, from 1, without gaps.
    pub(crate) number: u64,
    /// The commit with which it is saved, or the last one before.
    pub(crate) commit: u64,
    pub(crate) epoch: String,
    now: Timestamp,
    /// The last event, those in here included.
    pub(crate) last: Seq,
    events: Vec<Arc<Entry>>,
    redacted: Vec<Seq>,
    said: Vec<(Seq, Said)>,
    untold: Option<Seq>,
    /// The room is free: another node is to go on with it.
    pub(crate) is_released: bool,
}

/// A delivery for another node.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Enter(Far, Vec<Encoded>),
    Tell(Far, Encoded),
    TellMembers(Option<Far>, Encoded),
    Volatile(Encoded),
    Close(Far, Goodbye),
    CloseAll(Goodbye),
}

/// Where a room stands, for a node that has members of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) epoch: String,
    pub(crate) term: u64,
    /// How much has been published in this term.
    pub(crate) published: u64,
    /// The commit after which the term began.
    pub(crate) began: u64,
}

/// A room's connections on other nodes.
#[derive(Debug, Default)]
pub(crate) struct Abroad {
    connections: HashMap<Connection, Far>,
    numbers: HashMap<Far, Connection>,
    is_changed: bool,
    published: u64,
    /// The last publications, each with its number.
    ring: VecDeque<(u64, Arc<[u8]>)>,
    ring_bytes: usize,
}

/// What there is to say, and on what grounds.
pub(super) struct Grounds<'a> {
    pub(super) term: u64,
    pub(super) commit: u64,
    pub(super) epoch: &'a str,
    pub(super) now: Timestamp,
    pub(super) last: Seq,
    pub(super) untold: Option<Seq>,
    pub(super) is_released: bool,
}

impl Abroad {
    pub(super) fn insert(&mut self, connection: Connection, far: Far) {
        self.is_changed = true;
        self.numbers.insert(far.clone(), connection);
        self.connections.insert(connection, far);
    }

    pub(super) fn remove(&mut self, connection: Connection) {
        if let Some(far) = self.connections.remove(&connection) {
            self.is_changed = true;
            self.numbers.remove(&far);
        }
    }

    pub(super) fn clear(&mut self) {
        self.is_changed = true;
        self.connections.clear();
        self.numbers.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// The connections that a node has, which is gone.
    pub(super) fn of_node(&self, node: &NodeId) -> Vec<Connection> {
        let all = self.connections.iter();
        let theirs = all.filter(|(_, far)| far.node == *node);
        theirs.map(|(connection, _)| *connection).collect()
    }

    /// The nodes that have members, if others may have since this was asked.
    pub(super) fn changed_nodes(&mut self) -> Option<Vec<NodeId>> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let mut nodes: Vec<_> = self
            .connections
            .values()
            .map(|far| far.node.clone())
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        Some(nodes)
    }

    /// Whether a connection on the same node as this one's came after it.
    pub(super) fn is_older(&self, far: &Far, than: Connection) -> bool {
        let than = self.connections.get(&than);
        than.is_some_and(|than| than.node == far.node && than.connection > far.connection)
    }

    /// The number here of a connection there.
    pub(super) fn known(&self, far: &Far) -> Option<Connection> {
        self.numbers.get(far).copied()
    }

    /// What the other nodes are to be told of an input, to be [published](Self::publish) once it is
    /// saved.
    pub(super) fn publication(&self, effects: &Effects, grounds: &Grounds<'_>) -> Vec<u8> {
        let far = |connection: &Connection| self.connections.get(connection).cloned();
        let said = effects.deliveries.iter().filter_map(|(after, delivery)| {
            let said = match delivery {
                Delivery::Enter {
                    connection,
                    greeting,
                } => Said::Enter(far(connection)?, greeting.clone()),
                Delivery::Tell(connection, frame) => Said::Tell(far(connection)?, frame.clone()),
                Delivery::TellMembers { but, frame } => {
                    Said::TellMembers(but.as_ref().and_then(far), frame.clone())
                }
                Delivery::Volatile(frame) => Said::Volatile(frame.clone()),
                Delivery::Close(connection, goodbye) => {
                    Said::Close(far(connection)?, goodbye.clone())
                }
                // Members elsewhere stay: another node goes on with the room.
                Delivery::CloseAll(_) if grounds.is_released => return None,
                Delivery::CloseAll(goodbye) => Said::CloseAll(goodbye.clone()),
            };
            Some((*after, said))
        });
        let publication = Publication {
            term: grounds.term,
            number: self.published + 1,
            commit: grounds.commit,
            epoch: grounds.epoch.to_owned(),
            now: grounds.now,
            last: grounds.last,
            events: effects.events.clone(),
            redacted: effects.redacted.clone(),
            said: said.collect(),
            untold: grounds.untold,
            is_released: grounds.is_released,
        };
        rmp_serde::to_vec(&publication).expect("a publication can be encoded")
    }

    /// It holds, and whoever has missed it may be told: nobody may be told what is not saved.
    pub(super) fn publish(&mut self, publication: Vec<u8>) {
        self.published += 1;
        self.ring_bytes += publication.len();
        self.ring.push_back((self.published, publication.into()));
        while self.ring_bytes > RING_BYTES && self.ring.len() > 1 {
            if let Some((_, oldest)) = self.ring.pop_front() {
                self.ring_bytes -= oldest.len();
            }
        }
    }

    /// The last publication.
    pub(super) fn last_published(&self) -> Option<Vec<u8>> {
        let (_, last) = self.ring.back()?;
        Some(last.to_vec())
    }

    /// The publications after a number, if all of them are still there.
    pub(super) fn replay(&self, after: u64) -> Option<Vec<Arc<[u8]>>> {
        let missing = usize::try_from(self.published.checked_sub(after)?).ok()?;
        let skip = self.ring.len().checked_sub(missing)?;
        let wanted = self.ring.range(skip..);
        Some(wanted.map(|(_, bytes)| Arc::clone(bytes)).collect())
    }
}

impl Publication {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }

    /// The event before the first of these.
    pub(crate) fn before(&self) -> Seq {
        let first = self.events.first();
        first.map_or(self.last, |first| Seq(first.seq.0 - 1))
    }

    /// What of it is to be delivered on this node.
    pub(crate) fn into_effects(
        self,
        here: impl Fn(Far) -> Option<Connection>,
    ) -> (Effects, Timestamp, Option<Seq>) {
        let deliveries = self.said.into_iter().filter_map(|(after, said)| {
            let delivery = match said {
                Said::Enter(far, greeting) => Delivery::Enter {
                    connection: here(far)?,
                    greeting,
                },
                Said::Tell(far, frame) => Delivery::Tell(here(far)?, frame),
                Said::TellMembers(but, frame) => Delivery::TellMembers {
                    but: but.and_then(&here),
                    frame,
                },
                Said::Volatile(frame) => Delivery::Volatile(frame),
                Said::Close(far, goodbye) => Delivery::Close(here(far)?, goodbye),
                Said::CloseAll(goodbye) => Delivery::CloseAll(goodbye),
            };
            Some((after, delivery))
        });
        let effects = Effects {
            events: self.events,
            redacted: self.redacted,
            deliveries: deliveries.collect(),
            ..Effects::default()
        };
        (effects, self.now, self.untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_saved_is_told_to_nobody_who_asks_what_it_has_missed() {
        let mut abroad = Abroad::default();
        let publication = |abroad: &Abroad| {
            let grounds = Grounds {
                term: 1,
                commit: 1,
                epoch: "e",
                now: Timestamp::default(),
                last: Seq::default(),
                untold: None,
                is_released: false,
            };
            abroad.publication(&Effects::default(), &grounds)
        };
        let saved = publication(&abroad);
        abroad.publish(saved.clone());
        publication(&abroad);
        assert_eq!(abroad.published(), 1);
        let told = abroad.replay(0).expect("it is all there");
        assert_eq!(told, [Arc::from(saved)]);
        assert!(abroad.replay(2).is_none());
    }
}
