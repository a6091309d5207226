//! A room that another node has, on a node that has members of it.

use super::{
    Cluster, Reply, Request, Trouble,
    letters::{Attached, is_for_good},
};
use crate::{
    game::{Census, Connection, Newcomer, Options, Post},
    ids::SessionId,
    log::SharedLog,
    protocol::{Close, ErrorCode, Seq, frames},
    room::{
        Call, Departure, Door, Ear, Found, Hall, Outlet, Publication, Standing, Ticket, Unfit,
        Visitor,
    },
    store::{Claim, Claimed, NodeId, RoomKey, StoreError},
};
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};
use tokio::{sync::Mutex as AsyncMutex, time::sleep};

/// How long is waited before somebody is asked again who could not answer.
const PAUSE: Duration = Duration::from_millis(100);

/// How many publications may wait for one that is missing.
const MOST_EARLY: usize = 1024;

/// A room of another node, as this one's members know it.
pub(crate) struct Replica {
    me: Weak<Self>,
    cluster: Arc<Cluster>,
    game: &'static str,
    key: RoomKey,
    state: Mutex<State>,
    /// Held while it is found out where the room is now.
    settling: AsyncMutex<()>,
    /// Held while publications that are missing are asked for.
    catching_up: AsyncMutex<()>,
}

/// Who has a room, as far as is known, and by which claim.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ownership {
    owner: NodeId,
    term: Option<u64>,
}

struct State {
    owner: NodeId,
    hall: Hall,
    members: HashMap<Connection, Local>,
    /// Up to where publications have been heard; `None` before the first.
    at: Option<Standing>,
    /// Publications after one that is missing, by their numbers.
    early: BTreeMap<u64, Publication>,
    /// Those of a later owner than the one that is known.
    later: BTreeMap<(u64, u64), Publication>,
    /// This is no replica any more.
    moved: Option<Moved>,
}

/// A member on this node, or somebody who would be one.
struct Local {
    outlet: Arc<Outlet>,
    session: SessionId,
    /// Whether it has been let in.
    is_in: bool,
}

/// What has become of a replica.
#[derive(Clone)]
enum Moved {
    /// This node has the room now.
    Here(Arc<dyn Door>),
    /// Whoever wants to the room has to find it anew.
    Away,
}

/// Something is to be done beside, since it waits for other nodes.
enum Next {
    Nothing,
    CatchUp,
    Settle,
}

impl Replica {
    /// Begins to hear what is published for a room.
    pub(crate) async fn open(
        cluster: &Arc<Cluster>,
        game: &'static str,
        key: RoomKey,
        owner: NodeId,
    ) -> Result<Arc<dyn Door>, StoreError> {
        cluster.begin_to_hear(&key).await?;
        let replica = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            cluster: Arc::clone(cluster),
            game,
            key,
            state: Mutex::new(State {
                owner,
                hall: Hall::new(SharedLog::beginning_at(Seq::default())),
                members: HashMap::new(),
                at: None,
                early: BTreeMap::new(),
                later: BTreeMap::new(),
                moved: None,
            }),
            settling: AsyncMutex::new(()),
            catching_up: AsyncMutex::new(()),
        });
        Ok(replica)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds a replica's lock")
    }

    /// Hears a publication; they come in the order in which the room has said them, as far as they
    /// come.
    pub(super) fn hear(&self, bytes: &[u8]) {
        let Some(publication) = Publication::read(bytes) else {
            tracing::warn!(room = %self.key.room, "a publication can't be read: is the other node of another version?");
            return;
        };
        let next = self.state().hear(publication, &self.cluster.nodes().me());
        self.spawn(next);
    }

    fn spawn(&self, next: Next) {
        let Some(me) = self.me.upgrade() else {
            return;
        };
        match next {
            Next::Nothing => {}
            Next::CatchUp => {
                tokio::spawn(async move { me.catch_up().await });
            }
            Next::Settle => {
                let known = self.ownership();
                tokio::spawn(async move { me.settle(known, None).await });
            }
        }
    }

    fn ownership(&self) -> Ownership {
        let state = self.state();
        Ownership {
            owner: state.owner.clone(),
            term: state.at.as_ref().map(|at| at.term),
        }
    }

    /// Something may have been missed without a trace: asks where the room stands.
    pub(super) async fn check(&self) {
        loop {
            if self.state().moved.is_some() {
                return;
            }
            let known = self.ownership();
            match self.cluster.request(&self.key, Request::Standing).await {
                Ok(Reply::Done(Some(standing))) => return self.reach(&standing).await,
                Ok(_) | Err(Trouble::NoOwner) => return self.settle(known, None).await,
                Err(Trouble::Gone(owner)) => return self.settle(known, Some(owner)).await,
                Err(Trouble::Away(_)) => sleep(PAUSE).await,
            }
        }
    }

    /// Hears what has been published up to a standing, if something of it is missing.
    async fn reach(&self, standing: &Standing) {
        let is_there = match &self.state().at {
            Some(at) if at.term == standing.term => at.published >= standing.published,
            Some(at) => at.term > standing.term,
            // Nobody has been let in: it begins with whatever comes.
            None => true,
        };
        if !is_there {
            self.catch_up().await;
        }
    }

    /// Asks for publications that are missing.
    async fn catch_up(&self) {
        let Ok(_catching_up) = self.catching_up.try_lock() else {
            // What comes of it is heard by all.
            return;
        };
        let at = self.state().at.clone();
        let Some(at) = at else {
            return;
        };
        let known = self.ownership();
        let replayed = self
            .cluster
            .request(&self.key, Request::Replay(at.published))
            .await;
        match replayed {
            Ok(Reply::Replayed(Some(publications))) => {
                tracing::debug!(room = %self.key.room, missed = publications.len(), "heard what was missed");
                for publication in publications {
                    self.hear(&publication);
                }
                // If they are another term's, the room has moved meanwhile.
            }
            Ok(Reply::Replayed(None)) => self.send_away(Close::Moved),
            Ok(_) | Err(Trouble::NoOwner) => Box::pin(self.settle(known, None)).await,
            Err(Trouble::Gone(owner)) => Box::pin(self.settle(known, Some(owner))).await,
            // Whoever notices next asks again.
            Err(Trouble::Away(error)) => tracing::debug!(%error, "can't ask for what was missed"),
        }
    }

    /// Nobody here can be told what comes next: all are to come again.
    fn send_away(&self, close: Close) {
        let mut state = self.state();
        if state.moved.is_none() {
            state.moved = Some(Moved::Away);
            state.hall.close_all(close);
            state.members.clear();
            drop(state);
            self.forget();
        }
    }

    /// Is no door to the room any more.
    fn forget(&self) {
        let (Some(host), Some(me)) = (self.cluster.host(), self.me.upgrade()) else {
            return;
        };
        let door: Arc<dyn Door> = me;
        host.forget_door(self.game, &self.key.room, &door);
        let (cluster, key) = (Arc::clone(&self.cluster), self.key.clone());
        tokio::spawn(async move { cluster.cease_to_hear(&key).await });
    }

    /// Finds out where the room is now, since who is known to have it has not: here, if nobody else is
    /// to go on with it.
    async fn settle(&self, known: Ownership, mut gone: Option<NodeId>) {
        let _settling = self.settling.lock().await;
        if self.ownership() != known {
            // Somebody else has found out meanwhile.
            return;
        }
        loop {
            {
                let state = self.state();
                if state.moved.is_some() {
                    return;
                }
                if state.members.is_empty() {
                    drop(state);
                    return self.send_away(Close::Moved);
                }
            }
            let claimed = self.cluster.nodes().claim(&self.key, gone.as_ref()).await;
            match claimed {
                Ok(Claimed::Ours(claim)) => return self.take_over(claim).await,
                Ok(Claimed::Theirs(node)) => match self.cluster.is_gone(&node).await {
                    Ok(true) => gone = Some(node),
                    Ok(false) => {
                        if self.attach(node).await {
                            return;
                        }
                        sleep(PAUSE).await;
                    }
                    Err(_) => sleep(PAUSE).await,
                },
                Err(error) => {
                    tracing::debug!(%error, room = %self.key.room, "can't find out who has the room");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// The room is this node's from here on.
    async fn take_over(&self, claim: Claim) {
        let Some(host) = self.cluster.host() else {
            return;
        };
        let commit = claim.saved.as_ref().map(|saved| saved.number);
        let door = match host.take_over(self.game, &self.key, claim).await {
            Ok(door) => door,
            Err(no_room) => {
                tracing::warn!(%no_room, room = %self.key.room, "can't go on with a room");
                return self.send_away(Close::TryLater);
            }
        };
        let standing = door.standing();
        let found = {
            let mut state = self.state();
            let epoch = standing.map(|standing| standing.epoch);
            let is_whole = state
                .at
                .as_ref()
                .is_some_and(|at| Some(&at.epoch) == epoch.as_ref() && Some(at.commit) == commit);
            state.moved = Some(Moved::Here(Arc::clone(&door)));
            if is_whole {
                tracing::info!(room = %self.key.room, members = state.members.len(), "took over a room");
                state.give_members()
            } else {
                tracing::info!(room = %self.key.room, "took over a room; its members are to come again");
                state.hall.close_all(Close::Moved);
                state.members.clear();
                Vec::new()
            }
        };
        door.found(found).await;
        self.cluster.cease_to_hear(&self.key).await;
    }

    /// Tells the node that has the room now who is still here; answers whether it has answered.
    async fn attach(&self, owner: NodeId) -> bool {
        let (members, is_new) = {
            let state = self.state();
            let inside = state.members.values().filter(|local| local.is_in);
            let members = inside
                .map(|local| Attached {
                    user: local.outlet.user.clone(),
                    session: local.session.clone(),
                    connection: local.outlet.connection,
                })
                .collect();
            (members, state.at.is_none())
        };
        if is_new {
            // Nobody was let in yet: whoever wants to be comes again, but not at once.
            sleep(PAUSE).await;
            self.state().owner = owner;
            return true;
        }
        let attached = self
            .cluster
            .request(&self.key, Request::Attach(members))
            .await;
        let standing = match attached {
            Ok(Reply::Attached(standing)) => standing,
            Ok(Reply::NoRoom(_)) => {
                self.send_away(Close::TryLater);
                return true;
            }
            Ok(_) | Err(_) => return false,
        };
        let me = self.cluster.nodes().me();
        let next = {
            let mut state = self.state();
            state.owner = owner;
            match &state.at {
                None => Some(Next::Nothing),
                Some(at) if at.term == standing.term => Some(Next::CatchUp),
                Some(at) if at.epoch == standing.epoch && at.commit == standing.commit => {
                    Some(state.go_on_from(standing, &me))
                }
                Some(_) => None,
            }
        };
        match next {
            Some(next) => self.spawn(next),
            // What was said between is not known here.
            None => self.send_away(Close::Moved),
        }
        true
    }

    /// Asks something of the room's owner on behalf of a connection; if the room has moved, finds it
    /// first and answers with `None`.
    async fn ask(&self, request: Request) -> Result<Option<Reply>, StoreError> {
        let known = self.ownership();
        match self.cluster.request(&self.key, request).await {
            Ok(Reply::Done(Some(standing))) => {
                self.reach(&standing).await;
                Ok(Some(Reply::Done(None)))
            }
            Ok(reply) => Ok(Some(reply)),
            Err(Trouble::NoOwner) => {
                self.settle(known, None).await;
                Ok(None)
            }
            Err(Trouble::Gone(owner)) => {
                self.settle(known, Some(owner)).await;
                Ok(None)
            }
            Err(Trouble::Away(error)) => Err(error),
        }
    }

    fn moved(&self) -> Option<Moved> {
        self.state().moved.clone()
    }

    /// Takes a connection out that was not let in.
    fn take_back(&self, connection: Connection) {
        let mut state = self.state();
        state.members.remove(&connection);
        state.hall.remove(connection);
    }

    /// Gives the room up if nobody here is in it.
    fn leave_if_empty(&self) {
        let is_empty = self.state().members.is_empty();
        if is_empty {
            self.send_away(Close::Moved);
        }
    }
}

impl State {
    fn hear(&mut self, publication: Publication, me: &NodeId) -> Next {
        if self.moved.is_some() {
            return Next::Nothing;
        }
        let Some(at) = &self.at else {
            self.hall = self.hall_from(publication.before());
            return self.apply(publication, me);
        };
        if publication.term > at.term {
            let key = (publication.term, publication.number);
            if self.later.len() < MOST_EARLY {
                self.later.insert(key, publication);
            }
            return Next::Settle;
        }
        if publication.term < at.term || publication.number <= at.published {
            return Next::Nothing;
        }
        if publication.number > at.published + 1 {
            if self.early.len() < MOST_EARLY {
                self.early.insert(publication.number, publication);
            }
            return Next::CatchUp;
        }
        let mut next = self.apply(publication, me);
        while let Some(at) = &self.at
            && let Some(publication) = self.early.remove(&(at.published + 1))
        {
            next = self.apply(publication, me);
        }
        let at = self.at.as_ref().map_or(0, |at| at.published);
        self.early.retain(|number, _| *number > at);
        next
    }

    /// The same connections, with a log that begins after an event.
    fn hall_from(&mut self, last: Seq) -> Hall {
        let mut hall = Hall::new(SharedLog::beginning_at(last));
        for local in self.members.values() {
            hall.insert(Arc::clone(&local.outlet));
        }
        hall
    }

    fn apply(&mut self, publication: Publication, me: &NodeId) -> Next {
        self.at = Some(Standing {
            epoch: publication.epoch.clone(),
            term: publication.term,
            published: publication.number,
            commit: publication.commit,
        });
        let next = match publication.is_released {
            true => Next::Settle,
            false => Next::Nothing,
        };
        let before = publication.before();
        if before != self.hall.log().read().last() {
            // While nobody here was in the room, nothing was published: it goes on from here. Were
            // there somebody after all, it would have missed something.
            if self.members.values().any(|local| local.is_in) {
                tracing::warn!(
                    "members did not hear what was said in their room; they are to come again"
                );
                self.hall.close_all(Close::Moved);
                self.members.clear();
            }
            self.hall = self.hall_from(before);
        }
        let (effects, now, untold) = publication.into_effects(me);
        for connection in effects.entered() {
            if let Some(local) = self.members.get_mut(&connection) {
                local.is_in = true;
            }
        }
        self.hall.deliver(effects, now, untold);
        let hall = &self.hall;
        self.members
            .retain(|connection, _| hall.get(*connection).is_some());
        next
    }

    /// Goes on with what a new owner says from a standing on.
    fn go_on_from(&mut self, standing: Standing, me: &NodeId) -> Next {
        let term = standing.term;
        self.at = Some(standing);
        self.early.clear();
        let later = std::mem::take(&mut self.later);
        let mut next = Next::Nothing;
        for ((of_term, _), publication) in later {
            if of_term == term {
                next = self.hear(publication, me);
            }
        }
        next
    }

    /// Those who are in, for the room that is on this node now. Those who are not are on their way to
    /// it.
    fn give_members(&mut self) -> Vec<(Ear, Found)> {
        let members = std::mem::take(&mut self.members).into_values();
        let inside = members.filter(|local| local.is_in);
        inside
            .map(|local| {
                let found = Found {
                    user: local.outlet.user.clone(),
                    session: local.session,
                    connection: local.outlet.connection,
                };
                (Ear::Here(local.outlet), found)
            })
            .collect()
    }
}

impl Door for Replica {
    fn replica(&self) -> Option<Arc<Replica>> {
        self.me.upgrade()
    }

    fn join(self: Arc<Self>, visitor: Visitor) -> BoxFuture<'static, Result<(), Visitor>> {
        Box::pin(async move {
            let Visitor {
                ear: Ear::Here(outlet),
                newcomer,
                options,
            } = visitor
            else {
                // Who is on a third node goes to the one that has the room.
                return Ok(());
            };
            let connection = outlet.connection;
            let back = |newcomer: Newcomer, options: Options| Visitor {
                ear: Ear::Here(Arc::clone(&outlet)),
                newcomer,
                options,
            };
            {
                let mut state = self.state();
                if state.moved.is_some() {
                    return Err(back(newcomer, options));
                }
                let local = Local {
                    outlet: Arc::clone(&outlet),
                    session: newcomer.session.clone(),
                    is_in: false,
                };
                state.members.insert(connection, local);
                state.hall.insert(Arc::clone(&outlet));
            }
            let request = Request::Join {
                connection,
                newcomer: (&newcomer).into(),
                options: options.json().map(str::to_owned),
            };
            let unavailable = |words: &str| {
                let error = frames::error(ErrorCode::Unavailable, words, None);
                outlet.answer(error);
                outlet.dismiss(Close::TryLater);
            };
            match self.ask(request).await {
                Ok(Some(Reply::Done(_))) => Ok(()),
                Ok(Some(Reply::NoRoom(words))) => {
                    self.take_back(connection);
                    self.leave_if_empty();
                    unavailable(&words);
                    Ok(())
                }
                Ok(_) => {
                    // It may have been let in before the room moved.
                    let is_in = self.moved().is_none() && {
                        let state = self.state();
                        let local = state.members.get(&connection);
                        local.is_some_and(|local| local.is_in)
                    };
                    if is_in || outlet.is_let_in() {
                        return Ok(());
                    }
                    self.take_back(connection);
                    self.leave_if_empty();
                    Err(back(newcomer, options))
                }
                Err(error) => {
                    tracing::debug!(%error, "a visitor can't be brought to the room");
                    self.take_back(connection);
                    self.leave_if_empty();
                    unavailable("the room can't be served right now");
                    Ok(())
                }
            }
        })
    }

    fn message(
        self: Arc<Self>,
        connection: Connection,
        ticket: Option<Ticket>,
        data: Result<&RawValue, Unfit>,
    ) -> BoxFuture<'static, ()> {
        let request = Request::message(connection, ticket, data);
        Box::pin(async move {
            let outlet = self.state().hall.get(connection).cloned();
            let answers = || outlet.as_ref().map(|outlet| outlet.answers());
            let before = answers();
            loop {
                // Whoever had the room may have said so, and no more.
                if answers() != before {
                    return;
                }
                match self.moved() {
                    Some(Moved::Here(door)) => return again(door, request).await,
                    Some(Moved::Away) => return,
                    None => {}
                }
                match self.ask(request.clone()).await {
                    Ok(Some(_)) => return,
                    Ok(None) if request.may_be_repeated() => {}
                    Ok(None) => return,
                    Err(error) => {
                        tracing::debug!(%error, "a message can't be forwarded");
                        let state = self.state();
                        if let Some(outlet) = state.hall.get(connection) {
                            let words = "the room can't be served right now";
                            let id = ticket.map(|ticket| ticket.id);
                            outlet.answer(frames::error(ErrorCode::Unavailable, words, id));
                            outlet.wake();
                        }
                        return;
                    }
                }
            }
        })
    }

    fn leave(
        self: Arc<Self>,
        connection: Connection,
        departure: Departure,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let moved = self.moved();
            if let Some(Moved::Here(door)) = moved {
                return door.leave(connection, departure).await;
            }
            self.take_back(connection);
            // The session is over, whatever becomes of this: nobody waits for it.
            tokio::spawn(async move {
                let request = Request::Leave(connection, is_for_good(departure));
                for _ in 0..600 {
                    match self.cluster.request(&self.key, request.clone()).await {
                        // Whoever goes on with the room hears nothing of it, and takes it for gone.
                        Ok(_) | Err(Trouble::NoOwner | Trouble::Gone(_)) => break,
                        Err(Trouble::Away(_)) => sleep(PAUSE).await,
                    }
                }
                self.leave_if_empty();
            });
        })
    }

    fn census(self: Arc<Self>) -> BoxFuture<'static, Option<Census>> {
        // It is the other node's to say.
        Box::pin(async { None })
    }

    fn post(self: Arc<Self>, _post: Post) -> BoxFuture<'static, Option<()>> {
        // Requests of operators are sent to the node that has the room.
        Box::pin(async { None })
    }

    fn due(self: Arc<Self>, _call: Call) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn close(self: Arc<Self>, close: Close) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // The sessions say that they leave.
            self.state().hall.close_all(close);
        })
    }

    fn nodes(&self) -> Vec<NodeId> {
        vec![self.state().owner.clone()]
    }

    fn node_gone(self: Arc<Self>, node: NodeId) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let known = self.ownership();
            if known.owner == node {
                self.settle(known, Some(node)).await;
            }
        })
    }
}

/// Hands a message to the room that is on this node now.
async fn again(door: Arc<dyn Door>, request: Request) {
    let Request::Message {
        connection,
        ticket,
        data,
    } = request
    else {
        return;
    };
    let data = data.map(super::letters::raw);
    let data = match &data {
        Ok(Some(data)) => Ok(&**data),
        Ok(None) => return,
        Err((code, words)) => Err(Unfit {
            code: *code,
            words: words.clone(),
        }),
    };
    door.message(connection, ticket, data).await;
}
