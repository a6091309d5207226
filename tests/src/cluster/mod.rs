//! Nodes as processes, a real Redis, players who never give up, and the checker over all that they
//! were told.

pub mod check;
pub mod diary;
pub mod fleet;
pub mod ledger;
pub mod load;
pub mod player;

use rand::{RngExt, rngs::StdRng};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

/// Where players may connect: what a load balancer knows, which is not at once who has died.
#[derive(Clone, Debug, Default)]
pub struct Entrances(Arc<Mutex<Vec<SocketAddr>>>);

impl Entrances {
    /// Another one is open.
    pub fn open(&self, address: SocketAddr) {
        self.all().push(address);
    }

    /// One is no longer there.
    pub fn close(&self, address: SocketAddr) {
        self.all().retain(|other| *other != address);
    }

    /// Any of them; `None` if there is none.
    #[must_use]
    pub fn any(&self, rng: &mut StdRng) -> Option<SocketAddr> {
        let all = self.all();
        (!all.is_empty()).then(|| all[rng.random_range(0..all.len())])
    }

    fn all(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.0.lock().expect("not poisoned")
    }
}
