//! Where a room is heard on one node: its log, and the connections that read it.

use super::{
    Outlet,
    effects::{Delivery, Effects},
};
use crate::{
    clock::Timestamp,
    game::Connection,
    log::SharedLog,
    protocol::{Close, Goodbye, Seq},
};
use std::{collections::HashMap, sync::Arc};

/// The connections of a room on this node.
///
/// The node that has the room, and each of those that only have members of it, deliver with the same
/// code what an input has caused.
#[derive(Debug)]
pub(crate) struct Hall {
    log: SharedLog,
    outlets: HashMap<Connection, Arc<Outlet>>,
}

impl Hall {
    pub(crate) fn new(log: SharedLog) -> Self {
        Self {
            log,
            outlets: HashMap::new(),
        }
    }

    pub(crate) fn log(&self) -> &SharedLog {
        &self.log
    }

    pub(crate) fn insert(&mut self, outlet: Arc<Outlet>) {
        self.outlets.insert(outlet.connection, outlet);
    }

    pub(crate) fn remove(&mut self, connection: Connection) -> Option<Arc<Outlet>> {
        self.outlets.remove(&connection)
    }

    pub(crate) fn get(&self, connection: Connection) -> Option<&Arc<Outlet>> {
        self.outlets.get(&connection)
    }

    /// Has everyone go on from another log, which has the same events under the same numbers.
    pub(crate) fn rehome(&mut self, log: SharedLog) {
        for outlet in self.outlets.values() {
            outlet.rehome(&log);
        }
        self.log = log;
    }

    /// Sends one away, after what it has been told so far.
    pub(crate) fn close(&mut self, connection: Connection, close: Close) {
        let after = self.log.read().last();
        if let Some(outlet) = self.outlets.remove(&connection) {
            outlet.close(after, close.into());
            outlet.wake();
        }
    }

    /// Sends everyone away, after what they have been told so far.
    pub(crate) fn close_all(&mut self, close: Close) {
        let after = self.log.read().last();
        for (_, outlet) in self.outlets.drain() {
            outlet.close(after, close.into());
            outlet.wake();
        }
    }

    /// Puts everything where its connection finds it, and wakes the connections.
    ///
    /// What is told carries the number of the event it comes after, so it is put in first: a
    /// connection that is awake anyway must not overtake it with a later event.
    pub(crate) fn deliver(&mut self, effects: Effects, now: Timestamp, untold: Option<Seq>) {
        let mut touched = Vec::new();
        for (after, delivery) in effects.deliveries {
            match delivery {
                Delivery::Enter {
                    connection,
                    greeting,
                } => {
                    if let Some(outlet) = self.outlets.get(&connection) {
                        outlet.enter(greeting, &self.log, after);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::Tell(connection, frame) => {
                    if let Some(outlet) = self.outlets.get(&connection) {
                        outlet.tell(after, frame);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::TellMembers { but, frame } => {
                    let others = self.outlets.values();
                    for outlet in others.filter(|outlet| but != Some(outlet.connection)) {
                        outlet.tell_member(after, &frame);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::Volatile(frame) => {
                    for outlet in self.outlets.values() {
                        outlet.tell_if_idle(after, &frame);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::Close(connection, close) => {
                    if let Some(outlet) = self.outlets.remove(&connection) {
                        outlet.close(after, close);
                        touched.push(outlet);
                    }
                }
                Delivery::CloseAll(close) => self.say_goodbye(after, &close, &mut touched),
            }
        }
        self.log
            .append(&effects.events, &effects.redacted, now, untold);
        if !effects.events.is_empty() {
            for outlet in self.outlets.values() {
                outlet.notice(&effects.events, &effects.redacted);
            }
        }
        touched.iter().for_each(|outlet| outlet.wake());
    }

    fn say_goodbye(&mut self, after: Seq, close: &Goodbye, touched: &mut Vec<Arc<Outlet>>) {
        for (_, outlet) in self.outlets.drain() {
            outlet.close(after, close.clone());
            touched.push(outlet);
        }
    }
}
