//! Which connections there are, and whose; and a way to wait until there are none.

use crate::{auth::Identity, ids::UserId, protocol::Close, room::Outlet};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;

/// The connections of a server.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    open: watch::Sender<usize>,
    most: usize,
    /// By user: whatever ends a connection from outside knows whose it is.
    users: Mutex<HashMap<UserId, Vec<Open>>>,
}

/// A connection that is open.
struct Open {
    outlet: Arc<Outlet>,
    /// Of the token by which it is here.
    identity: Identity,
}

/// One connection, for as long as it lives.
pub(super) struct Admission {
    connections: Connections,
    outlet: Arc<Outlet>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

impl Connections {
    pub(super) fn new(most: Option<usize>) -> Self {
        Self(Arc::new(Shared {
            open: watch::Sender::new(0),
            most: most.unwrap_or(usize::MAX),
            users: Mutex::default(),
        }))
    }

    /// Takes up one more, if it may be here; `None` at the limit.
    ///
    /// Whether it may is asked while nobody can look for it: a ban or a revocation that the answer
    /// does not know of yet finds the connection.
    pub(super) fn admit<E>(
        &self,
        outlet: &Arc<Outlet>,
        identity: Identity,
        may: impl FnOnce(&Identity) -> Result<(), E>,
    ) -> Result<Option<Admission>, E> {
        let mut users = self.0.users();
        may(&identity)?;
        let admitted = self.0.open.send_if_modified(|open| {
            let room = *open < self.0.most;
            *open += usize::from(room);
            room
        });
        if !admitted {
            return Ok(None);
        }
        let of_user = users.entry(outlet.user.clone()).or_default();
        of_user.reserve_exact(1); // most users have one
        of_user.push(Open {
            outlet: Arc::clone(outlet),
            identity,
        });
        drop(users);
        Ok(Some(Admission {
            connections: self.clone(),
            outlet: Arc::clone(outlet),
        }))
    }

    /// Closes those connections of a user whose tokens are meant; answers with how many.
    pub(super) fn close(
        &self,
        user: &UserId,
        close: Close,
        is_meant: impl Fn(&Identity) -> bool,
    ) -> usize {
        let meant: Vec<_> = {
            let users = self.0.users();
            let of_user = users.get(user).map(Vec::as_slice).unwrap_or_default();
            let staying = of_user.iter().filter(|open| !open.outlet.is_to_close());
            let meant = staying.filter(|open| is_meant(&open.identity));
            meant.map(|open| Arc::clone(&open.outlet)).collect()
        };
        for outlet in &meant {
            outlet.dismiss(close);
        }
        meant.len()
    }

    /// Whose they are: each user once, in no order.
    pub(super) fn whose(&self) -> Vec<UserId> {
        self.0.users().keys().cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        *self.0.open.borrow()
    }

    pub(super) async fn none_left(&self) {
        // The sender lives in `self`, so the wait can't fail.
        let _ = self.0.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

impl Admission {
    /// The connection is here by another token from now on.
    pub(super) fn renew(&self, identity: Identity) {
        let mut users = self.connections.0.users();
        let of_user = users.get_mut(&self.outlet.user);
        let open = of_user.and_then(|all| all.iter_mut().find(|open| open.is(&self.outlet)));
        if let Some(open) = open {
            open.identity = identity;
        }
    }

    /// Closes it.
    pub(super) fn dismiss(&self, close: Close) {
        self.outlet.dismiss(close);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut users = self.connections.0.users();
        if let Some(of_user) = users.get_mut(&self.outlet.user) {
            of_user.retain(|open| !open.is(&self.outlet));
            if of_user.is_empty() {
                users.remove(&self.outlet.user);
            }
        }
        // What a rush of users took is given back, but not at each one's end.
        if users.capacity() > 64 && users.len() < users.capacity() / 8 {
            users.shrink_to_fit();
        }
        drop(users);
        self.connections.0.open.send_modify(|open| *open -= 1);
    }
}

impl Open {
    fn is(&self, outlet: &Arc<Outlet>) -> bool {
        Arc::ptr_eq(&self.outlet, outlet)
    }
}

impl Shared {
    fn users(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Open>>> {
        self.users
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::JwtAuth, game::Connection, protocol::Dialect};

    fn identity(user: &str, session: &str) -> Identity {
        let auth = JwtAuth::new("a secret of at least thirty-two bytes");
        let token = auth.sign_access(user, "r", session, 60).unwrap();
        auth.identity(&token).unwrap()
    }

    fn admit(connections: &Connections, user: &str, session: &str) -> Option<Admission> {
        let user = UserId::new(user).unwrap();
        let identity = identity(user.as_str(), session);
        let outlet = Arc::new(Outlet::new(Connection(1), user, Dialect::Json));
        let admitted = connections.admit(&outlet, identity, |_| Ok::<(), ()>(()));
        admitted.unwrap()
    }

    #[test]
    fn nobody_slips_in_between_a_look_at_the_bans_and_the_look_for_the_banned() {
        let connections = Connections::new(None);
        let user = UserId::new("alice").unwrap();
        let outlet = Arc::new(Outlet::new(Connection(1), user, Dialect::Json));
        let refused = connections.admit(&outlet, identity("alice", "s"), |_| {
            let nobody_can_look = connections.0.users.try_lock().is_err();
            assert!(nobody_can_look);
            Err("banned")
        });
        assert_eq!(refused.err(), Some("banned"));
        assert_eq!(connections.count(), 0);
        assert!(connections.0.users().is_empty());
    }

    #[test]
    fn no_more_than_the_limit_at_a_time() {
        let connections = Connections::new(Some(2));
        let one = admit(&connections, "alice", "s");
        let two = admit(&connections, "alice", "s");
        assert!(one.is_some() && two.is_some());
        assert!(admit(&connections, "alice", "s").is_none());
        drop(one);
        assert!(admit(&connections, "alice", "s").is_some());
    }

    #[test]
    fn what_is_closed_is_what_is_meant() {
        let connections = Connections::new(None);
        let here = admit(&connections, "alice", "here").unwrap();
        let there = admit(&connections, "alice", "there").unwrap();
        let bob = admit(&connections, "bob", "here").unwrap();
        let alice = here.outlet.user.clone();
        let is_here = |identity: &Identity| identity.session.as_ref().unwrap() == "here";
        assert_eq!(connections.close(&alice, Close::Revoked, is_here), 1);
        assert!(here.outlet.is_to_close());
        assert!(!there.outlet.is_to_close() && !bob.outlet.is_to_close());
        there.renew(identity("alice", "here"));
        assert_eq!(connections.close(&alice, Close::Revoked, is_here), 1);
        assert!(there.outlet.is_to_close());
        drop((here, there));
        assert_eq!(connections.close(&alice, Close::Revoked, |_| true), 0);
        assert_eq!(connections.0.users().len(), 1);
    }
}
