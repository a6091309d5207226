//! What an input does to the outside, as data: nothing has happened yet.

use crate::{
    game::Connection,
    log::Entry,
    protocol::{Close, Encoded, Seq},
};
use std::sync::Arc;

/// Something for connections that is not an event.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The connection is a member's from here on: it gets the greeting, then what happens after.
    Enter {
        connection: Connection,
        greeting: Vec<Encoded>,
    },
    /// A frame for one connection.
    Tell(Connection, Encoded),
    /// A frame for every member's connection but one.
    TellOthers(Connection, Encoded),
    /// Goodbye.
    Close(Connection, Close),
    /// Goodbye to every member.
    CloseAll(Close),
}

/// Everything one input does, in order.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The room's new events.
    pub(super) events: Vec<Arc<Entry>>,
    /// What else is to be told, each after the event with that number.
    pub(super) deliveries: Vec<(Seq, Delivery)>,
}
