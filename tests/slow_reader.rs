//! Somebody who does not read: what it costs the server, the others, and itself.
//!
//! A process of its own: its allocator counts what server and clients have in use.

use cap::Cap;
use serde::Serialize;
use serde_json::json;
use std::{alloc::System, time::Duration};
use tapaculo::{MessageLimits, prelude::*};
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Received},
    server::TestServer,
};
use tokio::{
    sync::{Mutex, watch},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// How many bytes the room is told.
const TOLD: usize = 64 << 20;

/// How many each event has.
const EVENT: usize = 32 << 10;

/// How many bytes the server may grow by.
const MOST_GROWN: usize = 16 << 20;

/// How long nothing may be taken of what is sent until it is not read any more.
const STALLED: Duration = Duration::from_secs(2);

/// The bytes in use are those of one test at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A room in which much is said.
#[tapaculo::game(players = 5, reconnect = "60s", event = Said)]
#[derive(Default)]
struct Hall;

#[derive(Serialize)]
struct Said {
    number: usize,
    text: String,
}

#[tapaculo::game]
impl Hall {
    #[message]
    fn shout(&mut self, room: &mut Room<Self>, number: usize) {
        let text = "x".repeat(EVENT);
        room.broadcast(Said { number, text });
    }

    /// Is answered with much.
    #[message]
    fn ask(&self) -> String {
        "x".repeat(EVENT)
    }
}

async fn hall() -> TestServer {
    TestServer::start(|server| {
        let never = Duration::from_secs(24 * 60 * 60);
        // Who does not read does not answer pings either: that is not what is tested.
        server.with_game::<Hall>().with_heartbeat(never, never)
    })
    .await
}

/// Reads all events in order, and says how many it has.
async fn read_all(mut client: Client, have: watch::Sender<usize>) {
    while *have.borrow() < TOLD / EVENT {
        let event = client.event().await;
        let next = *have.borrow() + 1;
        assert_eq!(event["number"], next, "nothing is lost or repeated");
        have.send_replace(next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_pays_for_a_slow_reader() {
    let _alone = ALONE.lock().await;
    let server = hall().await;
    let mut speaker = server.join("speaker", "r").await;
    let mut slow = server.connect("slow", "r").await;
    let (_, welcome) = slow.until("welcome").await;
    let epoch = welcome["welcome"]["epoch"]
        .as_str()
        .expect("an epoch")
        .to_owned();
    slow.until("synced").await;
    let mut readers = Vec::new();
    for user in ["a", "b", "c"] {
        let client = server.join(user, "r").await;
        let (have, has) = watch::channel(0);
        readers.push((tokio::spawn(read_all(client, have)), has));
    }
    let before = HEAP.allocated();
    let mut most = 0;
    for number in 1..=TOLD / EVENT {
        // The speaker hears itself; its answer comes after that.
        speaker
            .tell(json!({"type": "Shout", "number": number}))
            .await;
        most = most.max(HEAP.allocated());
        if number % 8 == 0 {
            // Those who read are not to be outrun by this test.
            for (_, has) in &mut readers {
                let caught_up = has.wait_for(|have| *have >= number);
                let caught_up = timeout(DEADLINE, caught_up)
                    .await
                    .expect("they read in time");
                caught_up.expect("nobody is thrown out");
            }
        }
    }
    for (reader, _) in readers {
        reader.await.expect("every other member gets everything");
    }
    let grown = most - before;
    println!("told {TOLD} bytes, grown by at most {grown}");
    assert!(grown < MOST_GROWN, "grown by {grown}");

    // It is told why, once it looks.
    let mut seq = 0;
    let closed = loop {
        match slow.next().await {
            Received::Frame(frame) => seq = frame["seq"].as_u64().unwrap_or(seq),
            Received::Closed(code) => break code,
        }
    };
    assert_eq!(closed, Some(4108));
    // And is brought up to date: what it has missed is no longer known, so it begins anew.
    let mut request = server.request("slow", "r");
    request.url = format!("{}?resume={epoch}-{seq}", request.url);
    let mut slow = request.connect().await.expect("it comes back");
    let (_, welcome) = slow.until("welcome").await;
    assert_eq!(welcome["welcome"]["resumed"], false);
    assert_eq!(welcome["welcome"]["seat"], 1);
    slow.until("synced").await;
    // Had it missed less, it would have been told that.
    drop(slow);
    let last = speaker.tell(json!({"type": "Shout", "number": 0})).await["seq"].clone();
    speaker.tell(json!({"type": "Shout", "number": 1})).await;
    let mut request = server.request("slow", "r");
    request.url = format!("{}?resume={epoch}-{last}", request.url);
    let mut slow = request.connect().await.expect("it comes back");
    let (_, welcome) = slow.until("welcome").await;
    assert_eq!(welcome["welcome"]["resumed"], true);
    assert_eq!(slow.event().await["number"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_without_reading_is_no_longer_read() {
    let _alone = ALONE.lock().await;
    let limits = MessageLimits {
        max_messages_per_window: u32::MAX,
        ..MessageLimits::default()
    };
    let server = TestServer::start(|server| {
        let never = Duration::from_secs(24 * 60 * 60);
        let server = server.with_game::<Hall>().with_limits(limits);
        server.with_heartbeat(never, never)
    });
    let server = server.await;
    let mut deaf = server.join("deaf", "r").await;
    let mut other = server.join("other", "r").await;
    let before = HEAP.allocated();
    // It asks for far more than anyone buffers, until nothing more can be sent.
    let padding = "x".repeat(12 << 10);
    let mut asked = 0;
    loop {
        let frame = json!({"data": {"type": "Ask"}, "id": asked + 1, "padding": padding});
        let sending = deaf.raw(Message::text(frame.to_string()));
        if timeout(STALLED, sending).await.is_err() {
            break;
        }
        asked += 1;
        assert!(asked < 1 << 20, "it is read all the time");
        if asked % 64 == 0 {
            other.tell(json!({"type": "Ask"})).await;
        }
    }
    let grown = HEAP.allocated().saturating_sub(before);
    println!("it asked {asked} times and was then no longer read; grown by {grown}");
    assert!(grown < MOST_GROWN, "grown by {grown}");
    other.tell(json!({"type": "Ask"})).await;
    // Once it reads, it is read and answered again, from where it was.
    for id in 1..=asked {
        assert_eq!(deaf.until("ack").await.1["ack"], id);
    }
}
