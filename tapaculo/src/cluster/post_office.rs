//! What this node asks of the one that has a room, and how letters come and go.

use super::{
    Host, Listener, Replica,
    letters::{Letter, Reply, Request},
};
use crate::{
    pubsub::{Heard, Nodes, Timing},
    room::{Departure, Far},
    store::{NodeId, RoomKey, StoreError},
};
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc::Receiver, oneshot},
    time::{Instant, timeout},
};

/// How long an answer is waited for before the request is sent again, in case it was lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a request is repeated at most: a handler takes 10 s, and some may wait before it.
const MOST_PATIENCE: Duration = Duration::from_secs(60);

/// How many answers are remembered for requests that are sent again.
const REMEMBERED: usize = 16 * 1024;

/// Why a request was not answered.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Nobody has the room, or not any more.
    NoOwner,
    /// The node that has it is gone.
    Gone(NodeId),
    /// The other nodes can't be reached.
    Away(StoreError),
}

/// This node among the others.
pub(crate) struct Cluster {
    nodes: Arc<dyn Nodes>,
    host: Weak<dyn Host>,
    next_request: AtomicU64,
    /// The requests that are waited for.
    waiting: Mutex<HashMap<u64, oneshot::Sender<Reply>>>,
    /// The requests of others, with the answer once there is one.
    answered: Mutex<Recent<(NodeId, u64), Option<Reply>>>,
    /// Connections of others that have left: what is said of them may come later than that.
    left: Mutex<Recent<Far, Departure>>,
    /// How often each room is listened to: one replica of it may begin before another has ended.
    listening: Mutex<HashMap<RoomKey, usize>>,
}

/// What was said lately, by what it is about.
pub(super) struct Recent<K, V> {
    all: HashMap<K, V>,
    order: VecDeque<K>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("me", &self.nodes.me())
            .finish_non_exhaustive()
    }
}

impl Cluster {
    pub(crate) fn new(nodes: Arc<dyn Nodes>, host: Weak<dyn Host>) -> Arc<Self> {
        Arc::new(Self {
            nodes,
            host,
            next_request: AtomicU64::new(0),
            waiting: Mutex::default(),
            answered: Mutex::default(),
            left: Mutex::default(),
            listening: Mutex::default(),
        })
    }

    pub(crate) fn nodes(&self) -> Arc<dyn Nodes> {
        Arc::clone(&self.nodes)
    }

    pub(crate) fn timing(&self) -> Timing {
        self.nodes.timing()
    }

    pub(super) fn host(&self) -> Option<Arc<dyn Host>> {
        self.host.upgrade()
    }

    /// Whether a node has let its lease run out.
    pub(crate) async fn is_gone(&self, node: &NodeId) -> Result<bool, StoreError> {
        let gone = self.nodes.gone(std::slice::from_ref(node)).await?;
        Ok(!gone.is_empty())
    }

    /// Gives the keys of this node's rooms a new lifetime.
    pub(super) async fn touch(&self) {
        let doors = self.host().map(|host| host.doors()).unwrap_or_default();
        let mut rooms = Vec::new();
        for (game, room, door) in doors {
            if let Some(keep_for) = door.keep_for() {
                let game = game.into();
                rooms.push((RoomKey { game, room }, keep_for));
            }
        }
        if let Err(error) = self.nodes.touch(&rooms).await {
            tracing::warn!(%error, "the lifetimes of the rooms' keys were not renewed");
        }
    }

    /// Hears what is published for a room, until as many times as this it was unlistened to.
    pub(super) async fn listen_to(&self, room: &RoomKey) -> Result<(), StoreError> {
        *self.listening().entry(room.clone()).or_default() += 1;
        let listening = self.nodes.listen(room).await;
        if listening.is_err() {
            self.unlisten(room).await;
        }
        listening
    }

    pub(super) async fn unlisten(&self, room: &RoomKey) {
        let ended = {
            let mut listening = self.listening();
            let times = listening.entry(room.clone()).or_default();
            *times = times.saturating_sub(1);
            if *times > 0 {
                return;
            }
            listening.remove(room);
            // Asked for before the next one can ask for the contrary.
            self.nodes.unlisten(room)
        };
        if let Err(error) = ended.await {
            tracing::debug!(%error, "still listening");
        }
    }

    /// Asks something of the node that has a room, and waits for the answer.
    pub(crate) async fn request(&self, room: &RoomKey, request: Request) -> Result<Reply, Trouble> {
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        let (answer, mut answered) = oneshot::channel();
        self.waiting().insert(number, answer);
        let _waits = Waits {
            cluster: self,
            number,
        };
        let began = Instant::now();
        let me = self.nodes.me();
        let letter = Letter::Request {
            from: me.clone(),
            number,
            room: room.clone(),
            request,
        };
        let letter = letter.write();
        let forwarded = self.nodes.forward(room, letter.clone()).await;
        let owner = forwarded.map_err(Trouble::Away)?.ok_or(Trouble::NoOwner)?;
        loop {
            match timeout(PATIENCE, &mut answered).await {
                Ok(Ok(Reply::NotHere)) | Ok(Err(_)) => return Err(Trouble::NoOwner),
                Ok(Ok(reply)) => return Ok(reply),
                Err(_) => {}
            }
            if self.is_gone(&owner).await.map_err(Trouble::Away)? {
                return Err(Trouble::Gone(owner));
            }
            if self.nodes.me() != me {
                let words = "this node has another name now, and is not answered by the old one";
                return Err(Trouble::Away(StoreError::Unavailable(words.to_owned())));
            }
            if began.elapsed() > MOST_PATIENCE {
                let words = format!("{owner} does not answer");
                return Err(Trouble::Away(StoreError::Unavailable(words)));
            }
            // To the same one: another would not know what that has done of it.
            let told = self.nodes.tell(&owner, letter.clone()).await;
            told.map_err(Trouble::Away)?;
        }
    }

    /// Acts on what comes in, until nothing more does.
    pub(crate) async fn listen(
        self: Arc<Self>,
        mut heard: Receiver<Heard>,
        users: Arc<dyn Listener>,
    ) {
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Inbox(bytes) => self.open_letter(&bytes),
                // In the order in which they come.
                Heard::Room(room, bytes) => {
                    if let Some(replica) = self.replica(&room) {
                        replica.hear(&bytes);
                    }
                }
                Heard::All(bytes) => users.hear(&bytes),
                Heard::Again => {
                    self.catch_up();
                    Arc::clone(&users).missed();
                }
            }
        }
    }

    fn replica(&self, room: &RoomKey) -> Option<Arc<Replica>> {
        let door = self.host()?.door(&room.game, &room.room)?;
        door.replica()
    }

    /// Publications may have been missed, of any room.
    fn catch_up(&self) {
        let doors = self.host().map(|host| host.doors()).unwrap_or_default();
        for replica in doors.into_iter().filter_map(|(_, _, door)| door.replica()) {
            tokio::spawn(async move { replica.check().await });
        }
    }

    fn open_letter(self: &Arc<Self>, bytes: &[u8]) {
        match Letter::read(bytes) {
            Some(Letter::Reply { number, reply }) => {
                if let Some(waiting) = self.waiting().remove(&number) {
                    let _ = waiting.send(reply);
                }
            }
            Some(Letter::Request {
                from,
                number,
                room,
                request,
            }) => {
                let known = self.answered().put((from.clone(), number), None);
                let cluster = Arc::clone(self);
                match known {
                    None => tokio::spawn(async move {
                        let reply = cluster.handle(&from, room, request).await;
                        cluster.remember(&from, number, &reply);
                        cluster.reply(&from, number, reply).await;
                    }),
                    Some(Some(reply)) => tokio::spawn(async move {
                        cluster.reply(&from, number, reply).await;
                    }),
                    // It is in hand.
                    Some(None) => return,
                };
            }
            None => {
                tracing::warn!("another node's letter can't be read: is it of another version?");
            }
        }
    }

    /// Remembers an answer, in case the request is sent again; but what was only looked at may as
    /// well be looked at again.
    fn remember(&self, from: &NodeId, number: u64, reply: &Reply) {
        let request = (from.clone(), number);
        match reply {
            Reply::Replayed(_) | Reply::Members(_) => self.answered().forget(&request),
            reply => self.answered().replace(&request, Some(reply.clone())),
        }
    }

    async fn reply(&self, to: &NodeId, number: u64, reply: Reply) {
        let letter = Letter::Reply { number, reply };
        if let Err(error) = self.nodes.tell(to, letter.write()).await {
            tracing::debug!(%error, "a reply is lost; it is asked for again");
        }
    }

    pub(super) fn left(&self) -> MutexGuard<'_, Recent<Far, Departure>> {
        self.left
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn listening(&self) -> MutexGuard<'_, HashMap<RoomKey, usize>> {
        self.listening
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Reply>>> {
        self.waiting
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn answered(&self) -> MutexGuard<'_, Recent<(NodeId, u64), Option<Reply>>> {
        self.answered
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

/// A request that is waited for, until it is not any more.
struct Waits<'a> {
    cluster: &'a Cluster,
    number: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.cluster.waiting().remove(&self.number);
    }
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Recent<K, V> {
    /// What is known, or else this from now on.
    pub(super) fn put(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.all.get(&key) {
            return Some(known.clone());
        }
        self.all.insert(key.clone(), value);
        self.order.push_back(key);
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.all.remove(&oldest);
            }
        }
        None
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.all.get(key)
    }

    /// Changes what is known, unless it has been forgotten.
    fn replace(&mut self, key: &K, value: V) {
        if let Some(known) = self.all.get_mut(key) {
            *known = value;
        }
    }

    fn forget(&mut self, key: &K) {
        self.all.remove(key);
    }
}
