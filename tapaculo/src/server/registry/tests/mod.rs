//! Several nodes, and everything between them that can go wrong: whatever happens, there is one history.

mod client;
mod world;

use self::{
    client::{Client, History, put, until, visitor},
    world::{Fake, Faults, Run, World},
};
use super::{AnyGame, Registry, Served};
use crate::{
    clock::Clock,
    cluster::{Cluster, Host, Listener, watch_over},
    game::Declared,
    ids::{RoomId, UserId},
    prelude::*,
    protocol::Close,
    pubsub::Nodes,
    room::{Departure, Outlet, Taken},
    store::{RoomKey, Store},
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    task::AbortHandle,
    time::{sleep, timeout},
};

/// Keeps words, each once, in the order in which they come.
#[tapaculo::game(persist, event = String, reconnect = "30s", empty_timeout = "1h", crate = tapaculo)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Ledger {
    words: Vec<String>,
}

#[tapaculo::game(crate = tapaculo)]
impl Ledger {
    #[message]
    fn put(&mut self, room: &mut Room<Self>, word: String) -> usize {
        assert!(!self.words.contains(&word), "{word} comes twice");
        self.words.push(word.clone());
        room.broadcast(word);
        self.words.len()
    }

    #[view]
    fn view(&self) -> usize {
        self.words.len()
    }
}

/// The same, and nothing of it is kept.
#[tapaculo::game(event = String, reconnect = "30s", crate = tapaculo)]
#[derive(Default)]
struct Talk;

#[tapaculo::game(crate = tapaculo)]
impl Talk {
    #[message]
    fn put(&self, room: &mut Room<Self>, word: String) {
        room.broadcast(word);
    }
}

/// Nothing is said of users here.
struct NoUsers;

impl Listener for NoUsers {
    fn hear(&self, _message: &[u8]) {}
    fn missed(self: Arc<Self>) {}
}

/// A node as a server has it.
struct Node {
    fake: Arc<Fake>,
    registry: Arc<Registry>,
    task: AbortHandle,
}

impl Node {
    async fn start(world: &Arc<World>) -> Arc<Self> {
        let fake = world.node();
        let nodes: Arc<dyn Nodes> = fake.clone();
        let store: Arc<dyn Store> = fake.clone();
        while nodes.begin().await.is_err() {}
        let games: Vec<Arc<dyn AnyGame>> = vec![
            Arc::new(Served::<Ledger>::declared()),
            Arc::new(Served::<Talk>::declared()),
        ];
        let registry = Registry::new(games, None, Clock::start(), store);
        let host: Arc<dyn Host> = registry.clone();
        let cluster = Cluster::new(Arc::clone(&nodes), Arc::downgrade(&host));
        registry.join_cluster(Arc::clone(&cluster));
        let heard = nodes.hear();
        let work = async move {
            let listening = Arc::clone(&cluster).listen(heard, Arc::new(NoUsers));
            tokio::join!(listening, watch_over(cluster));
        };
        Arc::new(Self {
            fake,
            registry,
            task: tokio::spawn(work).abort_handle(),
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(room: &RoomId) -> RoomKey {
    RoomKey {
        game: Ledger::NAME.into(),
        room: room.clone(),
    }
}

/// What happens to nodes.
#[derive(Clone, Copy)]
struct Fates {
    dies: u32,
    stands: u32,
    ends: u32,
}

/// Lets users play for a while on nodes that come and go, then looks whether all is well.
async fn play(seed: u64, steps: u32, faults: Faults, fates: Fates) {
    let world = World::new(seed, faults);
    let room = RoomId::new("r").unwrap();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Node::start(&world).await);
    }
    let history = Arc::new(Mutex::new(History::default()));
    let names = ["ann", "ben", "cleo", "dora", "erin"];
    let mut clients: Vec<Client> = names.map(|name| Client::new(name, &history)).into();
    for _ in 0..steps {
        sleep(Duration::from_millis(world.random(40).into())).await;
        for client in &mut clients {
            step(client, &world, &nodes, &room).await;
        }
        let slot = world.random(3) as usize;
        let fate = world.random(1000);
        let node = Arc::clone(&nodes[slot]);
        let fates = [fates.dies, fates.stands, fates.ends];
        let is = |index: usize| {
            let before: u32 = fates[..index].iter().sum();
            (before..before + fates[index]).contains(&fate)
        };
        if is(0) {
            node.fake.set(Run::Dead);
            lose(&mut clients, &node);
            nodes[slot] = Node::start(&world).await;
        } else if is(1) {
            node.fake.set(Run::Stands);
            let length = u64::from(world.random(20_000));
            tokio::spawn(async move {
                sleep(Duration::from_millis(length)).await;
                if node.fake.run() == Run::Stands {
                    node.fake.set(Run::Runs);
                }
            });
        } else if is(2) && node.fake.run() == Run::Runs {
            nodes[slot] = Node::start(&world).await;
            tokio::spawn(async move {
                node.registry.close_all(Close::Restarting).await;
                // Sessions say that they leave.
                sleep(Duration::from_secs(1)).await;
                node.fake.end().await;
            });
        }
    }
    world.be(Faults::default());
    for node in &nodes {
        node.fake.set(Run::Runs);
    }
    all_is_well(clients, &world, &nodes, &room, &history).await;
}

/// Those of a node that is dead are not connected any more.
fn lose(clients: &mut [Client], node: &Arc<Node>) {
    for client in clients {
        if client.is_on(node) {
            client.lose();
        }
    }
}

async fn step(client: &mut Client, world: &Arc<World>, nodes: &[Arc<Node>], room: &RoomId) {
    client.hear();
    if let Some(code) = client.closed() {
        let allowed = [1012, 1013, 4201];
        let may_be = allowed.contains(&code) || (code == 4009 && client.is_in_doubt());
        assert!(may_be, "{} is closed with {code}", client.user);
        return client.go(Departure::Dropped).await;
    }
    if !client.is_connected() {
        if world.random(4) == 0 {
            let node = &nodes[world.random(3) as usize];
            if node.fake.run() == Run::Runs {
                client.connect(node, room, world.random(5) == 0);
            }
        }
        return;
    }
    match world.random(100) {
        0..50 => client.send(),
        50..52 if client.is_at_rest() => client.go(Departure::Dropped).await,
        52 => client.go(Departure::Dropped).await,
        53 if client.is_at_rest() => client.go(Departure::GaveUp).await,
        _ => {}
    }
}

/// With nothing more going wrong, all come together, and nothing that was said is missing.
async fn all_is_well(
    mut clients: Vec<Client>,
    world: &Arc<World>,
    nodes: &[Arc<Node>],
    room: &RoomId,
    history: &Mutex<History>,
) {
    let came = tokio::time::Instant::now();
    loop {
        let mut settled = true;
        for (client, node) in clients.iter_mut().zip(nodes.iter().cycle()) {
            client.hear();
            if client.closed().is_some() {
                client.go(Departure::Dropped).await;
            }
            if !client.is_connected() {
                client.connect(node, room, false);
            }
            if !client.is_at_rest() {
                client.send(); // what was not answered
                settled = false;
            }
        }
        // Old leases run out meanwhile.
        if settled && came.elapsed() > 2 * world::LEASE {
            break;
        }
        assert!(
            came.elapsed() < 20 * world::LEASE,
            "they never come to rest"
        );
        sleep(Duration::from_millis(20)).await;
    }
    for client in &mut clients {
        client.send();
    }
    until(&mut clients, "everyone is answered", |client| {
        client.is_at_rest()
    })
    .await;
    let said = world.said();
    let last = *said.last_key_value().unwrap().0;
    until(&mut clients, "everyone hears all", |client| {
        assert_eq!(client.closed(), None, "nobody is closed any more");
        client.at() == Some(last)
    })
    .await;
    {
        let history = history.lock().unwrap();
        assert!(said.keys().copied().eq(1..=last), "no number is left out");
        let words: BTreeSet<&String> = said.values().collect();
        assert_eq!(words.len(), said.len(), "each once");
        for (word, reply) in &history.acked {
            assert_eq!(said.get(reply), Some(word), "what was acked is there");
        }
        let sent: u64 = clients.iter().map(|client| client.sent).sum();
        assert_eq!(
            history.acked.len() as u64,
            sent,
            "all were answered in the end"
        );
    }
    for client in &mut clients {
        client.go(Departure::GaveUp).await;
    }
    // Whoever has gone is gone, wherever it was.
    sleep(Duration::from_secs(60)).await;
    let left = world.cells(&key(room), "place:");
    assert!(left.is_empty(), "{left:?}");
}

/// Each seed in a world of its own, with a clock that jumps.
fn worlds(seeds: std::ops::Range<u64>, steps: u32, faults: Faults, fates: Fates) {
    let only = std::env::var("TAPACULO_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed: u64| seed..seed + 1) {
        let played = std::panic::catch_unwind(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(play(seed, steps, faults, fates));
        });
        assert!(played.is_ok(), "with seed {seed}");
    }
}

const NOTHING: Fates = Fates {
    dies: 0,
    stands: 0,
    ends: 0,
};

#[test]
fn where_nothing_goes_wrong_all_is_well() {
    worlds(0..3, 400, Faults::default(), NOTHING);
}

#[test]
fn what_is_said_may_be_lost_late_and_repeated() {
    let faults = Faults {
        lost: 20,
        twice: 20,
        late: 50,
        failed: 0,
    };
    worlds(0..8, 400, faults, NOTHING);
}

#[test]
fn nodes_may_end() {
    let fates = Fates {
        ends: 20,
        ..NOTHING
    };
    worlds(0..8, 400, Faults::default(), fates);
}

#[test]
fn nodes_may_die() {
    let fates = Fates {
        dies: 10,
        ..NOTHING
    };
    worlds(0..8, 600, Faults::default(), fates);
}

#[test]
fn nodes_may_stand_still_for_longer_than_their_lease() {
    let fates = Fates {
        stands: 10,
        ..NOTHING
    };
    worlds(0..8, 600, Faults::default(), fates);
}

#[test]
fn the_store_may_fail() {
    let faults = Faults {
        failed: 10,
        ..Faults::default()
    };
    worlds(0..8, 400, faults, NOTHING);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_published_is_said_again_though_nothing_follows() {
    let world = World::new(0, Faults::default());
    let (here, there) = (Node::start(&world).await, Node::start(&world).await);
    let room = RoomId::new("r").unwrap();
    let mut members = Vec::new();
    for (node, user) in [(&here, "ann"), (&there, "ben")] {
        let (outlet, visitor) = visitor(&UserId::new(user).unwrap(), None);
        let registry = Arc::clone(&node.registry);
        let door = registry.enter(Talk::NAME, room.clone(), visitor).await;
        members.push((outlet, door.expect("there is room")));
    }
    let hears = |outlet: &Outlet, word: &str| {
        let mut frames = VecDeque::new();
        while matches!(outlet.take(64, &mut frames), Taken::More) {}
        frames.iter().any(|frame| frame.as_json().contains(word))
    };
    let (ann, door) = &members[0];
    let (ben, _) = &members[1];
    world.be(Faults {
        failed: 1000,
        ..Faults::default()
    });
    let message = put("hello");
    Arc::clone(door)
        .message(ann.connection, None, Ok(&message))
        .await;
    assert!(hears(ann, "hello"));
    sleep(Duration::from_secs(2)).await;
    assert!(!hears(ben, "hello"));
    world.be(Faults::default());
    sleep(Duration::from_secs(2)).await;
    assert!(hears(ben, "hello"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_room_is_sent_away_while_the_store_is() {
    let world = World::new(0, Faults::default());
    let (here, there) = (Node::start(&world).await, Node::start(&world).await);
    let room = RoomId::new("r").unwrap();
    let (mut members, mut doors) = (Vec::new(), Vec::new());
    for (node, user) in [(&here, "ann"), (&there, "ben")] {
        let (outlet, visitor) = visitor(&UserId::new(user).unwrap(), None);
        let registry = Arc::clone(&node.registry);
        let door = registry.enter(Ledger::NAME, room.clone(), visitor).await;
        doors.push(door.expect("there is room"));
        members.push(outlet);
    }
    // The one that has the room is gone, and the store does not answer who is to go on.
    let owner = here.fake.me();
    here.fake.set(Run::Dead);
    world.be(Faults {
        failed: 1000,
        ..Faults::default()
    });
    let settled = Arc::clone(&doors[1]).node_gone(owner);
    let settled = timeout(world::LEASE, settled).await;
    settled.expect("nobody waits for ever");
    assert!(members[1].is_to_close());
}

#[test]
fn all_of_it_may_happen_at_once() {
    let faults = Faults {
        lost: 10,
        twice: 10,
        late: 30,
        failed: 5,
    };
    let fates = Fates {
        dies: 5,
        stands: 5,
        ends: 5,
    };
    worlds(0..16, 800, faults, fates);
}
