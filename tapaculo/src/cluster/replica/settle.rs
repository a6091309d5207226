//! Where the room is now: what a replica does when it has missed something, or its room has moved.

use super::{Moved, Next, PAUSE, Replica};
use crate::{
    cluster::{Reply, Request, Trouble},
    protocol::Close,
    room::{Door, Standing},
    store::{Claim, Claimed, NodeId, StoreError},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How long members are kept waiting while the store can't say who has their room, besides what the
/// try in hand takes.
const MOST_AWAY: Duration = Duration::from_secs(5);

impl Replica {
    /// Something may have been missed without a trace: asks where the room stands.
    pub(in crate::cluster) async fn check(&self) {
        loop {
            if self.state().moved.is_some() {
                return;
            }
            match self.cluster.request(&self.key, Request::Standing).await {
                Ok(Reply::Done(Some(standing))) => return self.reach(&standing).await,
                Ok(_) | Err(Trouble::NoOwner) => return self.settle(None).await,
                Err(Trouble::Gone(owner)) => return self.settle(Some(owner)).await,
                Err(Trouble::Away(_)) => sleep(PAUSE).await,
            }
        }
    }

    /// Hears what has been published up to a standing, if something of it is missing.
    pub(super) async fn reach(&self, standing: &Standing) {
        let term = self.state().term();
        match term {
            Some(term) if term == standing.term => {
                self.catch_up(standing.term, standing.published).await;
            }
            Some(term) if term < standing.term => self.settle(None).await,
            // Another has it since, or nobody has been let in: it begins with whatever comes.
            _ => {}
        }
    }

    /// Hears publications that are missing, up to a number of a term's. Whatever of them comes
    /// meanwhile need not be asked for.
    pub(super) async fn catch_up(&self, term: u64, number: u64) {
        let _catching_up = self.catching_up.lock().await;
        loop {
            let published = match &*self.state() {
                state if state.moved.is_some() => return,
                state => match &state.at {
                    Some(at) if at.term == term && at.published < number => at.published,
                    _ => return,
                },
            };
            let request = Request::Replay(published);
            match self.cluster.request(&self.key, request).await {
                Ok(Reply::Replayed(Some(publications))) => {
                    tracing::debug!(room = %self.key.room, missed = publications.len(), "heard what was missed");
                    for publication in publications {
                        self.hear(&publication);
                    }
                    let has_moved = match &self.state().at {
                        Some(at) => at.term == term && at.published < number,
                        None => false,
                    };
                    if has_moved {
                        self.settle(None).await;
                    }
                    return;
                }
                Ok(Reply::Replayed(None)) => return self.send_away(Close::Moved),
                Ok(_) | Err(Trouble::NoOwner) => return self.settle(None).await,
                Err(Trouble::Gone(owner)) => return self.settle(Some(owner)).await,
                Err(Trouble::Away(error)) => {
                    tracing::debug!(%error, "can't ask for what was missed");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Finds out where the room is now: here, if nobody else is to go on with it.
    pub(in crate::cluster) async fn settle(&self, mut gone: Option<NodeId>) {
        let term = self.state().term();
        let _settling = self.settling.lock().await;
        if self.state().term() != term {
            return; // somebody else has found out meanwhile
        }
        let mut away: Option<Instant> = None;
        loop {
            if self.state().moved.is_some() || self.leave_if_empty() {
                return;
            }
            if away.is_some_and(|since| since.elapsed() > MOST_AWAY) {
                tracing::warn!(room = %self.key.room, "nobody can say who has the room: its members are to come again");
                return self.send_away(Close::TryLater);
            }
            let began = Instant::now();
            let claimed = self.cluster.nodes().claim(&self.key, gone.as_ref()).await;
            match claimed {
                Ok(Claimed::Ours(claim)) => return self.take_over(claim).await,
                Ok(Claimed::Theirs(node)) => match self.cluster.is_gone(&node).await {
                    Ok(true) => (gone, away) = (Some(node), None),
                    Ok(false) => {
                        if self.attach(node).await {
                            return;
                        }
                        away = None;
                        sleep(PAUSE).await;
                    }
                    Err(_) => {
                        away.get_or_insert(began);
                        sleep(PAUSE).await;
                    }
                },
                Err(error) => {
                    tracing::debug!(%error, room = %self.key.room, "can't find out who has the room");
                    away.get_or_insert(began);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// The room is this node's from here on.
    async fn take_over(&self, claim: Claim) {
        let (Some(host), Some(me)) = (self.cluster.host(), self.me.upgrade()) else {
            return;
        };
        // Its last visitor may have gone meanwhile, and the room may have been opened without it.
        if self.moved().is_some() {
            return;
        }
        let taken = host.take_over(self.game, &self.key, claim, &me).await;
        if let Err(no_room) = taken {
            tracing::warn!(%no_room, room = %self.key.room, "can't go on with a room");
            return self.send_away(Close::TryLater);
        }
        self.cluster.unlisten(&self.key).await;
    }

    /// Gives its members to the room that is on this node now: those who have heard all that was
    /// saved notice nothing. To be done before anybody else finds that room.
    pub(crate) async fn hand_over(&self, door: &Arc<dyn Door>) {
        let standing = door.standing();
        let found = {
            let mut state = self.state();
            let is_whole = match (&state.at, &standing) {
                (Some(at), Some(now)) => at.epoch == now.epoch && at.commit == now.began,
                _ => false,
            };
            state.moved = Some(Moved::Here(Arc::clone(door)));
            if !is_whole {
                state.part(Close::Moved);
            }
            let found = state.give_members();
            tracing::info!(room = %self.key.room, members = found.len(), is_whole, "took over a room");
            found
        };
        Arc::clone(door).found(found).await;
    }

    /// Tells the node that has the room now who is still here; answers whether that is settled.
    async fn attach(&self, owner: NodeId) -> bool {
        let members = {
            let mut state = self.state();
            match state.at {
                Some(_) => Some(state.attached()),
                None => {
                    state.owner = owner.clone();
                    None
                }
            }
        };
        let Some(members) = members else {
            // Nobody was let in yet, so there is nothing to say. The owner may not be ready.
            sleep(PAUSE).await;
            return true;
        };
        let request = Request::Attach(members.clone());
        let standing = match self.cluster.request(&self.key, request).await {
            Ok(Reply::Attached(standing)) => standing,
            Ok(Reply::NoRoom(_)) => {
                self.send_away(Close::TryLater);
                return true;
            }
            Ok(_) | Err(_) => return false,
        };
        let me = self.cluster.nodes().me();
        let (next, is_all) = {
            let mut state = self.state();
            state.owner = owner;
            let next = match state.term() {
                Some(term) if term == standing.term => {
                    Next::CatchUp(standing.term, standing.published)
                }
                Some(term) if term > standing.term => return false,
                _ => state.go_on_from(&standing, &me),
            };
            // Somebody may have been let in by the last words of the owner before.
            let is_said = |connection| members.iter().any(|said| said.connection == connection);
            let now = state.attached();
            (next, now.iter().all(|member| is_said(member.connection)))
        };
        self.spawn(next);
        is_all
    }

    /// Asks something of the room's owner on behalf of a connection; if the room has moved, finds it
    /// first and answers with `None`.
    pub(super) async fn ask(&self, request: Request) -> Result<Option<Reply>, StoreError> {
        let asked = self.cluster.request(&self.key, request).await;
        self.learn(asked).await
    }

    /// Learns where the room stands from what comes of a request.
    pub(super) async fn learn(
        &self,
        asked: Result<Reply, Trouble>,
    ) -> Result<Option<Reply>, StoreError> {
        match asked {
            Ok(reply) => {
                if let Reply::Joined(before, standing) = &reply {
                    self.state().begin_at(*before, standing);
                }
                if let Reply::Done(Some(standing))
                | Reply::Joined(_, standing)
                | Reply::Stranger(standing) = &reply
                {
                    self.reach(standing).await;
                }
                Ok(Some(reply))
            }
            Err(Trouble::NoOwner) => {
                self.settle(None).await;
                Ok(None)
            }
            Err(Trouble::Gone(owner)) => {
                self.settle(Some(owner)).await;
                Ok(None)
            }
            Err(Trouble::Away(error)) => Err(error),
        }
    }
}
