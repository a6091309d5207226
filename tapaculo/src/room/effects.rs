//! What an input does to the outside, as data: nothing has happened yet.

use crate::{
    game::Connection,
    log::Entry,
    protocol::{Encoded, Goodbye, Seq},
};
use std::sync::Arc;

/// Something for connections that is not an event.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The connection is a member's from here on: it gets the greeting, then what happens after.
    Enter {
        connection: Connection,
        greeting: Vec<Encoded>,
    },
    /// A frame for one connection.
    Tell(Connection, Encoded),
    /// A frame for every member's connection but one.
    TellMembers {
        but: Option<Connection>,
        frame: Encoded,
    },
    /// A frame for every member's connection that has an ear for it.
    Volatile(Encoded),
    /// Goodbye.
    Close(Connection, Goodbye),
    /// Goodbye to every member.
    CloseAll(Goodbye),
}

/// Everything one input does, in order.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// The room's new events.
    pub(crate) events: Vec<Arc<Entry>>,
    /// The hooks that failed, with nobody to tell it to.
    pub(crate) failures: Vec<String>,
    /// Events to be forgotten.
    pub(crate) redacted: Vec<Seq>,
    /// What else is to be told, each after the event with that number.
    pub(crate) deliveries: Vec<(Seq, Delivery)>,
}

impl Effects {
    /// The connections that are let in.
    pub(crate) fn entered(&self) -> Vec<Connection> {
        let deliveries = self.deliveries.iter();
        let entered = deliveries.filter_map(|(_, delivery)| match delivery {
            Delivery::Enter { connection, .. } => Some(*connection),
            _ => None,
        });
        entered.collect()
    }

    /// The connections that are answered, each once for each answer.
    pub(crate) fn answered(&self) -> impl Iterator<Item = Connection> {
        let deliveries = self.deliveries.iter();
        deliveries.filter_map(|(_, delivery)| match delivery {
            Delivery::Tell(connection, _) => Some(*connection),
            _ => None,
        })
    }

    /// Whether nobody is to be told anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.redacted.is_empty() && self.deliveries.is_empty()
    }
}
