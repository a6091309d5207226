//! What this node asks of others and what it answers them.

use super::{
    Host, Replica,
    letters::{Letter, OUTSIDE, Reply, Request, raw},
};
use crate::{
    game::{Options, Post},
    ids::UserId,
    pubsub::{Heard, Nodes, Timing},
    room::{Departure, Door, Ear, Far, Found, Unfit, Visitor},
    store::{NodeId, RoomKey, StoreError},
};
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc::UnboundedReceiver, oneshot},
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
    answered: Mutex<Answered>,
    /// How many replicas want to hear of a room: one may begin while another ends.
    listening: AsyncMutex<HashMap<RoomKey, usize>>,
}

#[derive(Default)]
struct Answered {
    replies: HashMap<(NodeId, u64), Option<Reply>>,
    order: VecDeque<(NodeId, u64)>,
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
            listening: AsyncMutex::default(),
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

    /// Is ready once this node hears what is published for a room.
    pub(super) async fn begin_to_hear(&self, room: &RoomKey) -> Result<(), StoreError> {
        let mut listening = self.listening.lock().await;
        if !listening.contains_key(room) {
            self.nodes.listen(room).await?;
        }
        *listening.entry(room.clone()).or_default() += 1;
        Ok(())
    }

    /// One less wants to hear of a room.
    pub(super) async fn cease_to_hear(&self, room: &RoomKey) {
        let mut listening = self.listening.lock().await;
        let Some(count) = listening.get_mut(room) else {
            return;
        };
        *count -= 1;
        if *count > 0 {
            return;
        }
        listening.remove(room);
        if let Err(error) = self.nodes.unlisten(room).await {
            tracing::debug!(%error, "still listening");
        }
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
        let letter = Letter::Request {
            from: self.nodes.me(),
            number,
            room: room.clone(),
            request,
        };
        let letter = letter.write();
        let mut first = None;
        loop {
            let forwarded = self.nodes.forward(room, letter.clone()).await;
            let owner = forwarded.map_err(Trouble::Away)?.ok_or(Trouble::NoOwner)?;
            // Another one may not know what the first has done of it.
            if *first.get_or_insert_with(|| owner.clone()) != owner {
                return Err(Trouble::NoOwner);
            }
            match timeout(PATIENCE, &mut answered).await {
                Ok(Ok(Reply::NotHere)) | Ok(Err(_)) => return Err(Trouble::NoOwner),
                Ok(Ok(reply)) => return Ok(reply),
                Err(_) => {}
            }
            if self.is_gone(&owner).await.map_err(Trouble::Away)? {
                return Err(Trouble::Gone(owner));
            }
            if began.elapsed() > MOST_PATIENCE {
                let words = format!("{owner} does not answer");
                return Err(Trouble::Away(StoreError::Unavailable(words)));
            }
        }
    }

    /// Acts on what comes in, until nothing more does.
    pub(crate) async fn listen(self: Arc<Self>, mut heard: UnboundedReceiver<Heard>) {
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Inbox(bytes) => self.open_letter(&bytes),
                // In the order in which they come.
                Heard::Room(room, bytes) => {
                    if let Some(replica) = self.replica(&room) {
                        replica.hear(&bytes);
                    }
                }
                Heard::All(_) => {}
                Heard::Again => self.catch_up(),
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
                let known = self.answered().begin(&from, number);
                let cluster = Arc::clone(self);
                match known {
                    Known::New => tokio::spawn(async move {
                        let reply = cluster.handle(&from, room, request).await;
                        cluster.answered().end(&from, number, reply.clone());
                        cluster.reply(&from, number, reply).await;
                    }),
                    Known::Answered(reply) => tokio::spawn(async move {
                        cluster.reply(&from, number, reply).await;
                    }),
                    Known::InHand => return,
                };
            }
            None => {
                tracing::warn!("another node's letter can't be read: is it of another version?");
            }
        }
    }

    async fn reply(&self, to: &NodeId, number: u64, reply: Reply) {
        let letter = Letter::Reply { number, reply };
        if let Err(error) = self.nodes.tell(to, letter.write()).await {
            tracing::debug!(%error, "a reply is lost; it is asked for again");
        }
    }

    /// Does what another node asks of a room.
    async fn handle(&self, from: &NodeId, key: RoomKey, request: Request) -> Reply {
        let Some(host) = self.host() else {
            return Reply::NotHere;
        };
        let Some(game) = host.game(&key.game) else {
            return Reply::NoRoom(format!(
                "the node that has the room serves no `{}`",
                key.game
            ));
        };
        let far = |connection| Far {
            node: from.clone(),
            connection,
        };
        if let Request::Join {
            connection,
            newcomer,
            options,
        } = request
        {
            if let Some(door) = host.door(&key.game, &key.room)
                && Arc::clone(&door).known(far(connection)).await.is_some()
            {
                return done(&*door);
            }
            let visitor = Visitor {
                ear: Ear::There(host.next_connection(), far(connection)),
                newcomer: newcomer.into(),
                options: Options::new(options.and_then(raw)),
            };
            let door = match host.find(game, &key.room).await {
                Ok(door) if door.replica().is_some() => return Reply::NotHere,
                Ok(_) => host.admit(game, &key.room, visitor).await,
                Err(no_room) => Err(no_room),
            };
            return match door {
                Ok(door) => Reply::Done(door.standing()),
                Err(no_room) => Reply::NoRoom(no_room.to_string()),
            };
        }
        let door = match request {
            // What was here is to go on here, if it is this node's.
            Request::Attach(_) => host.find(game, &key.room).await.ok(),
            _ => host.door(&key.game, &key.room),
        };
        let Some(door) = door.filter(|door| door.replica().is_none()) else {
            return Reply::NotHere;
        };
        match request {
            Request::Join { .. } => Reply::NotHere,
            Request::Message {
                connection,
                ticket,
                data,
            } => {
                if let Some(connection) = Arc::clone(&door).known(far(connection)).await {
                    let data = data.map(raw);
                    let data = match &data {
                        Ok(Some(data)) => Ok(&**data),
                        Ok(None) => return Reply::NotHere,
                        Err((code, words)) => Err(Unfit {
                            code: *code,
                            words: words.clone(),
                        }),
                    };
                    Arc::clone(&door).message(connection, ticket, data).await;
                }
                done(&*door)
            }
            Request::Leave(connection, for_good) => {
                if let Some(connection) = Arc::clone(&door).known(far(connection)).await {
                    let departure = match for_good {
                        true => Departure::GaveUp,
                        false => Departure::Dropped,
                    };
                    Arc::clone(&door).leave(connection, departure).await;
                }
                done(&*door)
            }
            Request::Attach(members) => {
                let mut found = Vec::new();
                for member in members {
                    let far = far(member.connection);
                    if Arc::clone(&door).known(far.clone()).await.is_some() {
                        continue;
                    }
                    let connection = host.next_connection();
                    let ear = Ear::There(connection, far);
                    let member = Found {
                        user: member.user,
                        session: member.session,
                        connection,
                    };
                    found.push((ear, member));
                }
                match door.found(found).await {
                    Some(standing) => Reply::Attached(standing),
                    None => Reply::NotHere,
                }
            }
            Request::Replay(after) => {
                let replayed = door.replay(after).await;
                Reply::Replayed(replayed.map(|all| all.iter().map(|one| one.to_vec()).collect()))
            }
            Request::Standing => done(&*door),
            Request::Say(audience, json) => match raw(json) {
                Some(data) => post(door, Post::Say(OUTSIDE, audience, data)).await,
                None => Reply::NotHere,
            },
            Request::Kick(user, words) => post(door, Post::Kick(user, words)).await,
            Request::Close(words) => post(door, Post::Close(words)).await,
            Request::Members => match door.census().await {
                Some(census) => {
                    let members = census.members.iter();
                    let users: Vec<UserId> =
                        members.map(|(member, _)| member.user().clone()).collect();
                    Reply::Members(users)
                }
                None => Reply::NotHere,
            },
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Reply>>> {
        self.waiting
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn answered(&self) -> MutexGuard<'_, Answered> {
        self.answered
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

fn done(door: &dyn Door) -> Reply {
    Reply::Done(door.standing())
}

async fn post(door: Arc<dyn Door>, post: Post) -> Reply {
    match door.post(post).await {
        Some(()) => Reply::Done(None),
        None => Reply::NotHere,
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

/// What is known of a request that has come in.
enum Known {
    New,
    InHand,
    Answered(Reply),
}

impl Answered {
    fn begin(&mut self, from: &NodeId, number: u64) -> Known {
        let key = (from.clone(), number);
        match self.replies.get(&key) {
            Some(Some(reply)) => return Known::Answered(reply.clone()),
            Some(None) => return Known::InHand,
            None => {}
        }
        self.replies.insert(key.clone(), None);
        self.order.push_back(key);
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.replies.remove(&oldest);
            }
        }
        Known::New
    }

    fn end(&mut self, from: &NodeId, number: u64, reply: Reply) {
        if let Some(known) = self.replies.get_mut(&(from.clone(), number)) {
            *known = Some(reply);
        }
    }
}
