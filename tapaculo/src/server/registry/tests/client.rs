//! Somebody who plays, whatever happens, and compares what it is told with what it knows.

use super::{Ledger, Node};
use crate::{
    clock::Timestamp,
    game::{Declared, Newcomer, Options},
    ids::{Role, RoomId, SessionId, UserId},
    protocol::{Dialect, Position, Seq},
    room::{Departure, Door, Ear, Outlet, Taken, Ticket, Visitor},
    server::{arrival, registry::tests::world::Run},
};
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

/// The time of all nodes: that which the test lets pass.
fn world_time() -> Timestamp {
    thread_local! {
        static BEGAN: Instant = Instant::now();
    }
    BEGAN.with(|began| Timestamp::from_millis(0) + began.elapsed())
}

/// Somebody who wants to play, where to be reached, and up to where it knows what was said.
pub(super) fn visitor(user: &UserId, position: Option<Position>) -> (Arc<Outlet>, Visitor) {
    let outlet = Arc::new(Outlet::new(arrival::next(), user.clone(), Dialect::Json));
    let visitor = Visitor {
        ear: Ear::Here(Arc::clone(&outlet)),
        newcomer: Newcomer {
            user: user.clone(),
            name: None,
            session: SessionId::new("s").unwrap(),
            role: Role::Player,
            position,
            expires: None,
            came: world_time(),
        },
        options: Options::default(),
    };
    (outlet, visitor)
}

/// A message that puts a word.
pub(super) fn put(word: &str) -> Box<RawValue> {
    let data = json!({"type": "Put", "word": word}).to_string();
    RawValue::from_string(data).unwrap()
}

/// How long anybody waits for anything at most.
const PATIENCE: Duration = Duration::from_secs(120);

/// What all have been told together.
#[derive(Default)]
pub(super) struct History {
    /// What each was answered, by its word.
    pub(super) acked: BTreeMap<String, u64>,
    epoch: Option<String>,
}

/// A user, through all connections.
pub(super) struct Client {
    pub(super) user: UserId,
    pub(super) history: Arc<Mutex<History>>,
    epoch: String,
    /// The last number that it knows of.
    at: Option<u64>,
    /// The message that is not answered yet, and how many there were.
    unanswered: bool,
    pub(super) sent: u64,
    connection: Option<Connected>,
    /// When the last connection came that is gone without knowing whether it had been let in: one that
    /// came not much later may be taken for the older one.
    in_doubt: Option<Instant>,
}

/// How much later a connection has to come to be the newer one in any case.
const CLOCKS_DIFFER: Duration = Duration::from_secs(1);

struct Connected {
    node: Arc<Node>,
    outlet: Arc<Outlet>,
    work: Option<JoinHandle<Option<Arc<dyn Door>>>>,
    came: Instant,
    working_since: Instant,
    door: Option<Arc<dyn Door>>,
    welcomed: bool,
    synced: bool,
    /// Whether a message of this connection is to be answered.
    asks: bool,
    acks: u64,
    closed: Option<u16>,
    /// What this connection was told, for whoever looks for an error.
    told: Vec<String>,
}

impl Client {
    pub(super) fn new(user: &str, history: &Arc<Mutex<History>>) -> Self {
        Self {
            user: UserId::new(user).unwrap(),
            history: Arc::clone(history),
            epoch: String::new(),
            at: None,
            unanswered: false,
            sent: 0,
            connection: None,
            in_doubt: None,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether it is in the room and is waiting for nothing.
    pub(super) fn is_at_rest(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| {
            connection.synced && connection.work.is_none() && !self.unanswered
        })
    }

    pub(super) fn at(&self) -> Option<u64> {
        self.at
    }

    pub(super) fn is_on(&self, node: &Arc<Node>) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| Arc::ptr_eq(&connection.node, node))
    }

    pub(super) fn connect(&mut self, node: &Arc<Node>, room: &RoomId, anew: bool) {
        assert!(self.connection.is_none());
        if anew {
            self.at = None;
        }
        let position = self.at.map(|seq| Position {
            epoch: self.epoch.clone(),
            seq: Seq(seq),
        });
        node.fake.world().note(|| {
            let Self { user, at, .. } = self;
            format!("{user} connects to {:?}, anew {anew}, at {at:?}", node.fake)
        });
        let (outlet, visitor) = visitor(&self.user, position);
        let entering = Arc::clone(&node.registry).enter(Ledger::NAME, room.clone(), visitor);
        self.connection = Some(Connected {
            node: Arc::clone(node),
            outlet,
            work: Some(tokio::spawn(entering)),
            came: Instant::now(),
            working_since: Instant::now(),
            door: None,
            welcomed: false,
            synced: false,
            asks: false,
            acks: 0,
            closed: None,
            told: Vec::new(),
        });
    }

    /// Sends the next message, or the last one once more, if it may send one now.
    pub(super) fn send(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let (Some(door), None) = (&connection.door, &connection.work) else {
            return;
        };
        if !connection.synced || connection.closed.is_some() || connection.asks {
            return;
        }
        if !self.unanswered {
            self.sent += 1;
            self.unanswered = true;
        }
        let word = format!("{} {}", self.user, self.sent);
        let data = put(&word);
        let ticket = Ticket::new(self.sent, data.get());
        let door = Arc::clone(door);
        let handling =
            Arc::clone(&door).message(connection.outlet.connection, Some(ticket), Ok(&data));
        connection.asks = true;
        connection.working_since = Instant::now();
        connection.work = Some(tokio::spawn(async move {
            handling.await;
            Some(door)
        }));
    }

    /// Its connection is cut by its node's end.
    pub(super) fn lose(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.doubt(&connection);
        }
    }

    fn doubt(&mut self, gone: &Connected) {
        if !gone.synced {
            self.in_doubt = Some(gone.came);
        }
    }

    /// Goes, as soon as what is in hand is over.
    pub(super) async fn go(&mut self, departure: Departure) {
        self.hear();
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        connection.node.fake.world().note(|| {
            let closed = connection.closed;
            format!("{} goes: {departure:?}, closed {closed:?}", self.user)
        });
        if departure == Departure::GaveUp {
            self.at = None;
        }
        self.doubt(&connection);
        connection.outlet.abandon();
        let leaving = async move {
            if let Some(work) = connection.work.take() {
                connection.door = work.await.unwrap();
            }
            if let Some(door) = connection.door {
                door.leave(connection.outlet.connection, departure).await;
            }
        };
        // Beside, as a session ends; a node that stands goes on with it later.
        tokio::spawn(leaving);
    }

    /// Hears what there is to hear.
    pub(super) fn hear(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if connection.node.fake.run() != Run::Runs {
            connection.working_since = Instant::now();
            return;
        }
        let mut frames = VecDeque::new();
        loop {
            match connection.outlet.take(64, &mut frames) {
                Taken::More => {}
                Taken::Nothing => break,
                Taken::Close(goodbye) => {
                    connection.closed = Some(goodbye.close.code());
                    break;
                }
            }
        }
        if let Some(work) = connection.work.take_if(|work| work.is_finished()) {
            let done = futures_util::FutureExt::now_or_never(work);
            connection.door = done.expect("it is finished").expect("nothing panics");
        }
        let waits = connection.asks || !connection.synced || connection.work.is_some();
        if waits && connection.closed.is_none() {
            assert!(
                connection.working_since.elapsed() < PATIENCE,
                "{} waits for ever: asks {}, synced {}, works {}, has a door {}, {:?}",
                self.user,
                connection.asks,
                connection.synced,
                connection.work.is_some(),
                connection.door.is_some(),
                connection.told,
            );
        } else if !waits {
            connection.working_since = Instant::now();
        }
        for frame in frames {
            let frame: Value = serde_json::from_str(frame.as_json()).unwrap();
            self.understand(&frame);
        }
    }

    /// Whether it may be closed for an older connection.
    pub(super) fn is_in_doubt(&self) -> bool {
        let came = self.connection.as_ref().map(|connection| connection.came);
        let doubt = self.in_doubt.zip(came);
        doubt.is_some_and(|(older, came)| came <= older + CLOCKS_DIFFER)
    }

    /// The code with which it was closed, once.
    pub(super) fn closed(&self) -> Option<u16> {
        self.connection.as_ref()?.closed
    }

    fn understand(&mut self, frame: &Value) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        connection.told.push(frame.to_string());
        let world = connection.node.fake.world();
        world.note(|| format!("{} hears {frame}", self.user));
        let told = &connection.told;
        let mut history = self.history.lock().unwrap();
        if let Some(welcome) = frame.get("welcome") {
            assert!(
                !connection.welcomed,
                "{} is greeted twice: {told:?}",
                self.user
            );
            connection.welcomed = true;
            let epoch = welcome["epoch"].as_str().unwrap();
            let first = history.epoch.get_or_insert_with(|| epoch.to_owned());
            assert_eq!(first, epoch, "nothing was lost");
            self.epoch = epoch.to_owned();
            if welcome["resumed"] == false {
                // It was away for so long that its place was given up.
                self.at = None;
            }
            return;
        }
        assert!(
            connection.welcomed || frame.get("error").is_some(),
            "{}: {told:?}",
            self.user
        );
        if frame.get("state").is_some() {
            self.at = frame["seq"].as_u64();
            return;
        }
        if let Some(seq) = frame["synced"].as_u64() {
            connection.synced = true;
            connection.working_since = Instant::now();
            if let Some(at) = self.at {
                assert_eq!(at, seq, "{} is told all: {told:?}", self.user);
            }
            self.at = Some(seq);
            return;
        }
        if frame.get("from").is_some() {
            let seq = frame["seq"].as_u64().unwrap();
            let word = frame["data"].as_str().unwrap();
            let at = self.at.expect("the state or a position comes before");
            assert_eq!(
                seq,
                at + 1,
                "{} has no gap and no repeat: {told:?}",
                self.user
            );
            self.at = Some(seq);
            let saved = connection.node.fake.word(seq);
            assert_eq!(
                saved.as_deref(),
                Some(word),
                "{} hears what is saved: {told:?}",
                self.user
            );
            return;
        }
        if let Some(id) = frame["ack"].as_u64() {
            assert!(connection.asks, "{} is answered once: {told:?}", self.user);
            assert_eq!(id, self.sent);
            assert!(
                frame["seq"].as_u64() <= self.at,
                "events come before: {told:?}"
            );
            let word = format!("{} {id}", self.user);
            let reply = frame["reply"].as_u64().unwrap();
            let saved = connection.node.fake.word(reply);
            assert_eq!(saved.as_ref(), Some(&word), "it is saved before: {told:?}");
            let known = *history.acked.entry(word).or_insert(reply);
            assert_eq!(known, reply);
            connection.asks = false;
            connection.acks += 1;
            self.unanswered = false;
            connection.working_since = Instant::now();
            return;
        }
        if let Some(error) = frame.get("error") {
            assert_eq!(error["code"], "unavailable", "{told:?}");
            connection.asks = false;
        }
    }
}

/// Has all hear until something is so.
pub(super) async fn until(
    clients: &mut [Client],
    what: &str,
    mut is: impl FnMut(&mut Client) -> bool,
) {
    let began = Instant::now();
    loop {
        let mut all = true;
        for client in clients.iter_mut() {
            client.hear();
            all &= is(client);
        }
        if all {
            return;
        }
        let who: Vec<_> = clients
            .iter()
            .map(|client| (client.user.as_str(), client.at()))
            .collect();
        assert!(began.elapsed() < PATIENCE, "{what}: {who:?}");
        sleep(Duration::from_millis(5)).await;
    }
}
