//! What a `Context` does: during its handler, beside it, and after it.

use super::Chronicle;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tapaculo::{Context, ContextError, Envelope, PlayerMetadata, RoomSettings};
use tapaculo_tests::{DEADLINE, client::Client, server::TestServer};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// A server whose handler hands each message, and its context, to the test, and waits for its word.
async fn stage() -> (TestServer, mpsc::UnboundedReceiver<Scene>) {
    let (tell, told) = mpsc::unbounded_channel();
    let server = TestServer::start(|server| {
        server.on_message(move |ctx, Envelope { from, data }| {
            let tell = tell.clone();
            async move {
                let (end, ended) = oneshot::channel();
                let scene = Scene {
                    ctx,
                    from,
                    data,
                    end,
                };
                tell.send(scene).map_err(|_| "the test is over")?;
                ended.await.map_err(|_| "the test has ended this scene")
            }
        })
    })
    .await;
    (server, told)
}

/// A handler at work.
struct Scene {
    ctx: Context,
    from: String,
    data: Value,
    end: oneshot::Sender<()>,
}

async fn scene(told: &mut mpsc::UnboundedReceiver<Scene>) -> Scene {
    let scene = timeout(DEADLINE, told.recv()).await;
    scene.expect("a handler begins in time").expect("it does")
}

#[tokio::test]
async fn what_a_handler_says_is_heard_before_it_is_done() {
    let (server, mut told) = stage().await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    alice.send(json!({"data": "go", "id": 1})).await;
    let Scene {
        ctx,
        from,
        data,
        end,
    } = scene(&mut told).await;
    assert_eq!((from.as_str(), data), ("alice", json!("go")));
    assert_eq!((ctx.user_id(), ctx.room_id()), ("alice", "r"));
    assert_eq!(ctx.session_id(), "s");
    ctx.broadcast(1).await.expect("said");
    let (_, event) = bob.until("data").await;
    assert_eq!(event, json!({"seq": 1, "from": "alice", "data": 1}));
    ctx.broadcast_to_others(2).await.expect("said");
    assert_eq!(bob.event().await, 2);
    ctx.send_to("bob", 3).await.expect("said");
    assert_eq!(bob.event().await, 3);
    ctx.broadcast_filtered(4, |user| user != "bob")
        .await
        .expect("said");
    end.send(()).expect("it waits");
    // The answer comes after all of it.
    let (before, ack) = alice.until("ack").await;
    let heard: Vec<_> = before
        .iter()
        .filter_map(|frame| frame.get("data"))
        .collect();
    assert_eq!(heard, [1, 4]);
    assert_eq!(ack, json!({"ack": 1, "seq": 4}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_never_waits_for_its_own_handler_whoever_uses_it() {
    let server = TestServer::start(|server| {
        let server = server.on_message_validate(|ctx, _| {
            // A validator that blocks, and a filter.
            let runtime = tokio::runtime::Handle::current();
            let said = ctx.broadcast_filtered("a validator", |user| {
                tokio::task::block_in_place(|| runtime.block_on(ctx.has_member(user)))
            });
            tokio::task::block_in_place(|| runtime.block_on(said))
        });
        server.on_message(|ctx, _| async move {
            // A task that the handler waits for.
            let other = ctx.clone();
            let task = tokio::spawn(async move {
                other.broadcast("a task").await?;
                Ok::<_, ContextError>(other.get_room_members().await)
            });
            let members = task.await.map_err(|error| error.to_string())?;
            assert_eq!(members, Ok(vec!["alice".to_owned()]));
            // A thread that blocks the handler's own.
            let runtime = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| runtime.block_on(ctx.broadcast("a thread")))
                .map_err(|error| error.to_string())?;
            // Many at once.
            let all = (0..100).map(|number| ctx.broadcast(number));
            for said in futures_util::future::join_all(all).await {
                said.map_err(|error| error.to_string())?;
            }
            // One that outlives the handler.
            let late = ctx.clone();
            tokio::spawn(async move { late.broadcast("later").await });
            Ok::<_, String>(())
        })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    alice.send(json!({"data": null, "id": 1})).await;
    let mut heard = Vec::new();
    let mut acked = false;
    while !acked || heard.len() < 104 {
        let frame = alice.frame().await;
        acked |= frame.get("ack").is_some();
        heard.extend(frame.get("data").cloned());
        assert!(frame.get("error").is_none(), "{frame}");
    }
    assert_eq!(heard[..3], ["a validator", "a task", "a thread"]);
    let numbers: Vec<_> = heard.iter().filter_map(Value::as_u64).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    assert!(heard.contains(&json!("later")));
}

#[tokio::test]
async fn a_context_is_of_use_after_its_handler_and_says_when_its_room_is_gone() {
    let (keep, mut kept) = mpsc::unbounded_channel();
    let server = TestServer::start(|server| {
        let settings = RoomSettings {
            empty_room_timeout: Some(Duration::ZERO),
            ..RoomSettings::default()
        };
        let server = server.with_room_settings(settings);
        server.on_message(move |ctx, _| {
            keep.send(ctx).expect("the test is there");
            async {}
        })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    alice.tell(json!(0)).await;
    let ctx = kept.recv().await.expect("a context");
    ctx.broadcast("still here").await.expect("said");
    assert_eq!(alice.event().await, "still here");
    assert!(ctx.has_member("alice").await);
    assert!(!ctx.has_member("bob").await);
    let absent = ctx.send_to("bob", 1).await;
    assert_eq!(absent, Err(ContextError::NotInRoom));
    let nameless = ctx.send_to("", 1).await;
    assert_eq!(nameless, Err(ContextError::NotInRoom));
    alice.close().await;
    let gone = async {
        while ctx.get_room_info().await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, gone).await.expect("the room goes");
    assert_eq!(ctx.broadcast(1).await, Err(ContextError::Closed));
    assert_eq!(ctx.send_to("alice", 1).await, Err(ContextError::Closed));
    let metadata = PlayerMetadata {
        user_id: "alice".to_owned(),
        ..Default::default()
    };
    let set = ctx.set_user_metadata(metadata).await;
    assert_eq!(set, Err(ContextError::Closed));
    assert!(ctx.get_room_members().await.is_empty());
    assert!(!ctx.has_member("alice").await);
    // Another room of its name is another room.
    let mut alice = server.join("alice", "r").await;
    assert_eq!(ctx.broadcast("a ghost").await, Err(ContextError::Closed));
    alice.tell(json!(0)).await;
}

#[tokio::test]
async fn a_room_handles_one_message_at_a_time() {
    let (server, mut told) = stage().await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    alice.send(json!({"data": 1, "id": 1})).await;
    let first = scene(&mut told).await;
    bob.send(json!({"data": 2, "id": 1})).await;
    // Another room does not wait for this one.
    let mut carol = server.join("carol", "elsewhere").await;
    carol.send(json!({"data": 3, "id": 1})).await;
    let third = scene(&mut told).await;
    assert_eq!(third.data, 3);
    third.end.send(()).expect("it waits");
    carol.until("ack").await;
    assert!(told.try_recv().is_err(), "the second has begun");
    first.end.send(()).expect("it waits");
    let second = scene(&mut told).await;
    assert_eq!(second.data, 2);
    second.end.send(()).expect("it waits");
    bob.until("ack").await;
}

/// Handlers, tasks of theirs that go on, joins and leaves, all at once: everyone hears one story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_hears_the_same_in_one_order_whoever_speaks_from_wherever() {
    const SPEAKERS: usize = 6;
    const MESSAGES: usize = 40;
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                store_message_history: true,
                max_history_messages: 10_000,
                ..RoomSettings::default()
            })
            .with_event_handler(Chronicle::default())
            .on_message(|ctx, envelope| async move {
                let later = ctx.clone();
                let data = envelope.data.clone();
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    later.broadcast(json!(["later", data])).await
                });
                ctx.broadcast(json!(["at once", envelope.data])).await?;
                tokio::task::yield_now().await;
                ctx.broadcast(json!(["at last", ctx.user_id()])).await
            })
    })
    .await;
    let server = Arc::new(server);
    let speakers = (0..SPEAKERS).map(|number| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let user = format!("user {number}");
            let mut client = server.join(&user, "r").await;
            for message in 0..MESSAGES {
                client.tell(json!(message)).await;
                if message % 10 == 9 {
                    client.close().await;
                    client = server.join(&user, "r").await;
                }
            }
            client.close().await;
        })
    });
    let witness = server.connect("witness", "r").await;
    let witness = tokio::spawn(story_of(witness, SPEAKERS * MESSAGES * 3));
    let spoken = timeout(2 * DEADLINE, futures_util::future::join_all(speakers)).await;
    assert!(spoken.expect("in time").iter().all(Result::is_ok));
    // Whoever was there has heard what those are told who come now.
    let late = server.connect("late", "r").await;
    let story = story_of(late, SPEAKERS * MESSAGES * 3).await;
    assert_eq!(witness.await.expect("no panic"), story);
    let seqs: Vec<_> = story
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert!(seqs.is_sorted_by(|a, b| a + 1 == *b), "{seqs:?}");
    for number in 0..SPEAKERS {
        let user = format!("user {number}");
        for kind in ["at once", "later"] {
            let said: Vec<_> = story
                .iter()
                .filter(|event| event["from"] == user.as_str() && event["data"][0] == kind)
                .filter_map(|event| event["data"][1].as_u64())
                .collect();
            let mut sorted = said.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..MESSAGES as u64).collect::<Vec<_>>(), "{kind}");
            // What handlers say is in the order of their messages.
            assert!(kind == "later" || said == sorted);
        }
    }
}

/// Reads until so many events that handlers have caused are there; with them, the others.
async fn story_of(mut client: Client, events: usize) -> Vec<Value> {
    let mut story: Vec<Value> = Vec::new();
    let mut heard = 0;
    while heard < events {
        let (_, event) = client.until("data").await;
        heard += usize::from(event["data"].is_array());
        story.push(event);
    }
    story
}

#[tokio::test]
async fn a_handler_may_ask_the_servers_handle_for_its_own_room() {
    let server = TestServer::start(|server| {
        let handle = server.handle();
        server.on_message(move |ctx, Envelope { from, data }| {
            let handle = handle.clone();
            async move {
                let room = ctx.room_id().parse().map_err(|_| "no room")?;
                let user = from.parse().map_err(|_| "no user")?;
                let done = match data.as_str() {
                    Some("say") => handle.broadcast("room", &room, &"said").await,
                    Some("kick") => handle.kick("room", &room, &user, "rude").await,
                    _ => handle.close_room("room", &room, "enough").await,
                };
                done.map_err(|_| "not done")
            }
        })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let begun = Instant::now();
    let (before, _) = alice.ask(json!("say")).await;
    assert!(before.iter().any(|frame| frame["data"] == "said"));
    // What ends the sender's connection comes after its answer.
    alice.tell(json!("kick")).await;
    assert_eq!(alice.closed().await, Some(4011));
    bob.tell(json!("close")).await;
    assert_eq!(bob.closed().await, Some(4010));
    assert!(begun.elapsed() < Duration::from_secs(5));
}
