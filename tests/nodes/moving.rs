//! A room goes from one node to another: by a shutdown, or because its node is dead.

use super::{Node, event, to_the_end, two, until, write};
use serde_json::json;
use tapaculo::{Server, prelude::*};
use tapaculo_tests::{
    client::{Client, Request},
    codec::Codec,
    redis::Redis,
};

/// Counts by itself, from a number that whoever makes the room chooses.
#[tapaculo::game(persist, event = u64, reconnect = "30s")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Counter {
    count: u64,
}

#[derive(Default, serde::Deserialize)]
struct CounterOptions {
    from: u64,
}

#[tapaculo::game]
impl Counter {
    #[create]
    fn create(options: CounterOptions) -> Self {
        Self {
            count: options.from,
        }
    }

    #[tick(every = "50ms")]
    fn count(&mut self, room: &mut Room<Self>) {
        self.count += 1;
        room.broadcast(self.count);
    }
}

/// The next number that a member is told.
async fn number(member: &mut Client) -> u64 {
    let (_, event) = member.until("from").await;
    event["data"].as_u64().expect("it is a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ticks_of_a_room_go_on_where_they_were() {
    let redis = Redis::start().await;
    let mut one = Node::start(&redis, Server::with_game::<Counter>).await;
    let two = Node::start(&redis, Server::with_game::<Counter>).await;
    let token = one.token_with("alice", "r", &json!({"options": {"from": 100}}));
    let asks = Request::new(one.url("/ws"))
        .protocols(Codec::Json.protocol())
        .header("Authorization", format!("Bearer {token}"));
    let mut alice = asks.connect().await.expect("she is let in");
    alice.until("synced").await;
    let mut bob = two.join("bob", "r").await;
    let mut last = number(&mut bob).await;
    assert!((100..10_000).contains(&last), "{last}");
    one.die();
    for _ in 0..50 {
        let next = number(&mut bob).await;
        assert_eq!(next, last + 1);
        last = next;
    }
    // Whoever comes later is in the same room.
    let mut carol = two.join("carol", "r").await;
    assert!(number(&mut carol).await >= last);
}

/// Makes a room on the first node, with a member there and two on the second.
async fn party(one: &Node, two: &Node) -> [Client; 3] {
    let alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    let carol = two.join("carol", "r").await;
    until(&mut bob, "carol is here").await;
    [alice, bob, carol]
}

#[derive(Clone, Copy)]
enum How {
    Ends,
    Dies,
}

/// Ends a node in one way or the other; its member hears what it is told.
async fn stop(node: &mut Node, how: How, member: &mut Client) {
    match how {
        How::Ends => {
            let ((), (_, code)) = tokio::join!(node.end(), to_the_end(member));
            assert_eq!(code, Some(1012));
        }
        How::Dies => node.die(),
    }
}

/// What members of the other nodes notice: nothing but a pause.
async fn goes_on(how: How) {
    let (redis, mut one, two) = two().await;
    let three = Node::of_notes(&redis).await;
    let [mut alice, mut bob, mut carol] = party(&one, &two).await;
    let mut dora = three.join("dora", "r").await;
    alice.tell(write("before")).await;
    until(&mut bob, "alice: before").await;
    until(&mut carol, "alice: before").await;
    let before = until(&mut dora, "alice: before").await;
    bob.tell(json!({"type": "Remind", "ms": 1, "line": "early"}))
        .await;
    until(&mut carol, "early").await;
    until(&mut dora, "early").await;
    bob.tell(json!({"type": "Remind", "ms": 2_500, "line": "later"}))
        .await;

    stop(&mut one, how, &mut alice).await;
    assert_eq!(bob.tell(write("after")).await["reply"], 3);
    let after = until(&mut carol, "bob: after").await;
    assert_eq!(until(&mut dora, "bob: after").await, after);
    assert_eq!(after, before + 2);
    dora.tell(write("and more")).await;
    until(&mut carol, "dora: and more").await;
    assert_eq!(
        until(&mut carol, "later").await,
        after + 2,
        "its timers go on"
    );

    // Whoever was on the other one goes on anywhere.
    let mut alice = two.connect("alice", "r").await;
    let (_, welcome) = alice.until("welcome").await;
    assert_eq!(welcome["welcome"]["seat"], 0);
    alice.until("synced").await;
    alice.tell(write("back")).await;
    until(&mut dora, "alice: back").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_elsewhere_stay_when_the_node_that_has_the_room_ends() {
    goes_on(How::Ends).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_elsewhere_stay_when_the_node_that_has_the_room_dies() {
    goes_on(How::Dies).await;
}

/// Somebody who sends all the time and resends nothing, for the connection never breaks.
async fn speak(mut client: Client, user: &str, times: u64) -> Vec<(u64, String)> {
    let mut events = Vec::new();
    for id in 1..=times {
        let (before, ack) = client.ask(write(&format!("{user} {id}"))).await;
        assert!(ack.get("ack").is_some(), "{ack}");
        events.extend(before);
    }
    client.tell(write("done")).await;
    let events = events.iter().filter(|frame| frame.get("from").is_some());
    events
        .map(|event| {
            let line = event["data"].as_str().expect("a text").to_owned();
            (event["seq"].as_u64().expect("a number"), line)
        })
        .collect()
}

async fn under_load(how: How) {
    let (redis, mut one, two) = two().await;
    let three = Node::of_notes(&redis).await;
    let mut alice = one.join("alice", "r").await;
    let bob = two.join("bob", "r").await;
    let carol = three.join("carol", "r").await;
    let mut watcher = two.join("watcher", "r").await;
    let speaking =
        tokio::spawn(
            async move { tokio::join!(speak(bob, "bob", 150), speak(carol, "carol", 150)) },
        );
    until(&mut watcher, "bob: bob 20").await;
    stop(&mut one, how, &mut alice).await;
    let (bob, carol) = speaking.await.expect("both are done");
    for (user, heard) in [("bob", &bob), ("carol", &carol)] {
        for ((seq, _), (next, _)) in heard.iter().zip(&heard[1..]) {
            assert_eq!(*next, seq + 1, "without a gap or a repeat, for {user}");
        }
        let own = format!("{user}: ");
        let mine: Vec<_> = heard
            .iter()
            .filter(|(_, line)| line.starts_with(&own))
            .map(|(_, line)| line.clone())
            .collect();
        let all: Vec<_> = (1..=150).map(|id| format!("{own}{user} {id}")).collect();
        assert_eq!(mine, all, "each once, in order");
    }
    let shared = bob.iter().find(|event| carol.contains(event));
    assert!(shared.is_some());
    for event in &bob {
        if let Some(other) = carol.iter().find(|(seq, _)| *seq == event.0) {
            assert_eq!(event, other, "one history");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_load_loses_nothing_and_nobody_elsewhere_is_closed() {
    under_load(How::Ends).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_under_load_loses_nothing_and_nobody_elsewhere_is_closed() {
    under_load(How::Dies).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_of_a_dead_node_are_missed_and_may_resume_on_another() {
    let (_redis, mut one, two) = two().await;
    let mut bob = two.join("bob", "r").await;
    let mut alice = one.connect("alice", "r").await;
    let (greeting, synced) = alice.until("synced").await;
    let epoch = greeting[0]["welcome"]["epoch"].as_str().expect("one");
    let position = format!("{epoch}-{}", synced["synced"]);
    one.die();
    loop {
        let (_, presence) = bob.until("presence").await;
        if presence["presence"]["event"] == "disconnected" {
            assert_eq!(presence["presence"]["user"], "alice");
            break;
        }
    }
    bob.tell(write("where are you?")).await;
    let mut request = two.request("alice", "r");
    request.url = format!("{}?resume={position}", request.url);
    let mut alice = request.connect().await.expect("accepted");
    let (_, welcome) = alice.until("welcome").await;
    assert_eq!(welcome["welcome"]["resumed"], true);
    assert_eq!(event(&mut alice).await.1, "bob: where are you?");
}
