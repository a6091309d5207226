//! A room that another node has, on a node that has members of it.

mod settle;
mod state;

use self::state::State;
use super::{
    Cluster, Request, Trouble,
    letters::{Attached, Reply, is_for_good, raw},
};
use crate::{
    game::{Census, Connection, Newcomer, Options, Post},
    protocol::{Close, ErrorCode, frames},
    room::{Call, Departure, Door, Ear, Outlet, Publication, Ticket, Unfit, Visitor},
    store::{NodeId, RoomKey, StoreError},
};
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use std::{
    sync::{Arc, Mutex, MutexGuard, Weak, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::Mutex as AsyncMutex, time::sleep};

/// How long is waited before somebody is asked again who could not answer.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the owner is told that somebody has left, if it does not answer.
const MOST_GOODBYES: usize = 600;

/// A room of another node, as this one's members know it.
pub(crate) struct Replica {
    me: Weak<Self>,
    cluster: Arc<Cluster>,
    game: &'static str,
    key: RoomKey,
    state: Mutex<State>,
    /// Held while it is found out where the room is now.
    settling: AsyncMutex<()>,
    /// Held while what was missed is asked for.
    catching_up: AsyncMutex<()>,
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
    /// Publications are missing before that number of that term's.
    CatchUp(u64, u64),
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
        cluster.listen_to(&key).await?;
        let replica = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            cluster: Arc::clone(cluster),
            game,
            key,
            state: Mutex::new(State::new(owner)),
            settling: AsyncMutex::default(),
            catching_up: AsyncMutex::default(),
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
            Next::CatchUp(term, number) => {
                tokio::spawn(async move { me.catch_up(term, number).await });
            }
            Next::Settle => {
                tokio::spawn(async move { me.settle(None).await });
            }
        }
    }

    /// Nobody here can be told what comes next: all are to come again.
    fn send_away(&self, close: Close) {
        let mut state = self.state();
        if state.moved.is_none() {
            state.part(close);
            self.end(state);
        }
    }

    /// Gives the room up if nobody here is in it; answers whether that is so.
    pub(crate) fn leave_if_empty(&self) -> bool {
        let state = self.state();
        let is_empty = state.members.is_empty();
        if is_empty && state.moved.is_none() {
            self.end(state);
        }
        is_empty
    }

    /// Is no door to the room any more.
    fn end(&self, mut state: MutexGuard<'_, State>) {
        state.moved = Some(Moved::Away);
        state.members.clear();
        drop(state);
        let (Some(host), Some(me)) = (self.cluster.host(), self.me.upgrade()) else {
            return;
        };
        let door: Arc<dyn Door> = me;
        host.forget_door(self.game, &self.key.room, &door);
        let (cluster, key) = (Arc::clone(&self.cluster), self.key.clone());
        tokio::spawn(async move { cluster.unlisten(&key).await });
    }

    fn moved(&self) -> Option<Moved> {
        self.state().moved.clone()
    }

    /// Waits until those who were here have been handed to the room that is here now.
    async fn handed_over(&self) {
        drop(self.settling.lock().await);
    }

    /// Tells the owner beside that a connection has left, as which it may know it.
    fn take_back(&self, known_as: Connection, departure: Departure) {
        if let Some(me) = self.me.upgrade() {
            tokio::spawn(async move {
                me.say_goodbye(known_as, departure).await;
                me.leave_if_empty();
            });
        }
    }

    /// Tells the owner that a connection has left, until it is known that it knows.
    async fn say_goodbye(&self, known_as: Connection, departure: Departure) {
        let request = Request::Leave(known_as, is_for_good(departure));
        let mut nobody = 0;
        for _ in 0..MOST_GOODBYES {
            match self.cluster.request(&self.key, request.clone()).await {
                Ok(_) => return,
                // Whoever goes on with the room takes it for gone, unless it was just told otherwise.
                Err(Trouble::NoOwner | Trouble::Gone(_)) if nobody > 2 => return,
                Err(Trouble::NoOwner | Trouble::Gone(_)) => {
                    nobody += 1;
                    self.handed_over().await;
                }
                Err(Trouble::Away(_)) => {}
            }
            if let Some(Moved::Here(_)) = self.moved() {
                return; // it was not handed over
            }
            sleep(PAUSE).await;
        }
    }

    /// Has a connection come again: what it asked for may have been done or not, and nobody knows. To
    /// say `unavailable` would be to say that it was not; who sends it once more is told.
    fn dismiss(&self, connection: Connection) {
        let state = self.state();
        if let Some(outlet) = state.hall.get(connection) {
            outlet.dismiss(Close::TryLater);
        }
    }
}

/// Waits until nobody is there any more who would be let in.
async fn is_abandoned(outlet: &Outlet) {
    while !outlet.is_abandoned() {
        sleep(PAUSE).await;
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
            let unavailable = |words: &str| {
                self.state().take_out(connection);
                self.leave_if_empty();
                let error = frames::error(ErrorCode::Unavailable, words, None);
                outlet.answer(error);
                outlet.dismiss(Close::TryLater);
            };
            loop {
                // It must not come to the room after one that it has made way for.
                let Some(host) = self.cluster.host().filter(|_| !outlet.is_abandoned()) else {
                    return Ok(());
                };
                let known_as = host.next_connection();
                let is_in = {
                    let mut state = self.state();
                    let has_moved = state.moved.is_some();
                    (!has_moved).then(|| state.ask(&outlet, &newcomer, known_as))
                };
                match is_in {
                    Some(true) => return Ok(()),
                    Some(false) => {}
                    None => {
                        self.handed_over().await;
                        return Err(back(newcomer, options));
                    }
                }
                let request = Request::Join {
                    connection: known_as,
                    newcomer: (&newcomer).into(),
                    options: options.json().map(str::to_owned),
                };
                let asked = tokio::select! {
                    asked = self.cluster.request(&self.key, request) => asked,
                    () = is_abandoned(&outlet) => return Ok(()),
                };
                match self.learn(asked).await {
                    Ok(Some(Reply::NoRoom(words))) => {
                        self.take_back(known_as, Departure::Dropped);
                        unavailable(&words);
                        return Ok(());
                    }
                    // It may have been let in before the room moved; and if what has let it in was
                    // missed, it asks again.
                    Ok(_) if outlet.is_let_in() || outlet.is_to_close() => return Ok(()),
                    Ok(_) => self.take_back(known_as, Departure::Dropped),
                    Err(error) => {
                        tracing::debug!(%error, "a visitor can't be brought to the room");
                        self.take_back(known_as, Departure::Dropped);
                        unavailable("the room can't be served right now");
                        return Ok(());
                    }
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
        let (answered, known_as) = {
            let state = self.state();
            (state.answered(connection), state.known_as(connection))
        };
        // Where it is known under none it is on this node.
        let request = Request::message(known_as.unwrap_or(connection), ticket, data);
        Box::pin(async move {
            let count = || {
                answered
                    .as_ref()
                    .map(|answered| answered.load(Ordering::Relaxed))
            };
            let before = count();
            loop {
                match self.moved() {
                    Some(Moved::Here(door)) => {
                        self.handed_over().await;
                        return again(door, connection, request).await;
                    }
                    Some(Moved::Away) => return,
                    None => {}
                }
                match self.ask(request.clone()).await {
                    Ok(Some(Reply::Stranger(_))) => {
                        return self.state().part_one(connection, Close::Moved);
                    }
                    Ok(Some(_)) => return,
                    // The owner's last words may have been the answer.
                    Ok(None) if count() != before => return,
                    Ok(None) if request.may_be_repeated() => {}
                    Ok(None) => return,
                    Err(error) => {
                        tracing::debug!(%error, "a message can't be forwarded");
                        return self.dismiss(connection);
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
            let (known_as, moved) = {
                let mut state = self.state();
                let known_as = state.take_out(connection);
                (known_as, state.moved.clone())
            };
            if let Some(Moved::Here(door)) = moved {
                self.handed_over().await;
                return door.leave(connection, departure).await;
            }
            // The session is over, whatever becomes of this: nobody waits for it.
            match known_as {
                Some(known_as) => self.take_back(known_as, departure),
                None => drop(self.leave_if_empty()),
            }
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
        Box::pin(async move { self.settle(Some(node)).await })
    }
}

/// Hands a message to the room that is on this node now.
async fn again(door: Arc<dyn Door>, connection: Connection, request: Request) {
    let Request::Message { ticket, data, .. } = request else {
        return;
    };
    let data = data.map(raw);
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
