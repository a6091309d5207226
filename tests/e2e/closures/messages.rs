//! What becomes of a message: which handler has it, who hears of it, what fails.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tapaculo::{Context, ContextError, InMemoryPubSub, RoomEventHandler, RoomSettings};
use tapaculo_tests::{client::Client, server::TestServer};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_newcomer_is_told_the_newest_messages_that_were_for_everyone() {
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                store_message_history: true,
                max_history_messages: 3,
                ..RoomSettings::default()
            })
            .on_message(|ctx, envelope| async move {
                match envelope.data {
                    Value::String(to) => ctx.send_to(&to, "psst").await?,
                    Value::Null => {
                        let history = ctx.get_message_history(2).await;
                        let history: Vec<_> = history
                            .into_iter()
                            .map(|message| json!([message.from, message.data]))
                            .collect();
                        ctx.send_to(ctx.user_id(), history).await?;
                    }
                    data => ctx.broadcast_to_others(data).await?,
                }
                Ok::<_, ContextError>(())
            })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    for number in 1..=5 {
        alice.tell(json!(number)).await;
        alice.tell(json!("alice")).await;
    }
    let mut bob = server.connect("bob", "r").await;
    let (before, _) = bob.until("synced").await;
    let heard: Vec<_> = before
        .iter()
        .filter_map(|frame| frame.get("data"))
        .collect();
    assert_eq!(heard, [3, 4, 5]);
    bob.send(json!({"data": null})).await;
    assert_eq!(bob.event().await, json!([["alice", 4], ["alice", 5]]));
}

#[tokio::test]
async fn what_is_soon_out_of_date_has_no_number_and_is_told_to_no_newcomer() {
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                store_message_history: true,
                ..RoomSettings::default()
            })
            .on_message(|ctx, _| async move {
                let name = ctx.display_name().unwrap_or("somebody").to_owned();
                ctx.broadcast_volatile(format!("{name} is typing")).await
            })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let token = server.token_with("bob", "r", &json!({"name": "Bob"}));
    let request = tapaculo_tests::client::Request::new(server.url("/ws"))
        .protocols(tapaculo_tests::client::JSON)
        .header("Authorization", format!("Bearer {token}"));
    let mut bob = request.connect().await.expect("accepted");
    bob.until("synced").await;
    bob.tell(json!(0)).await;
    let (_, event) = alice.until("data").await;
    assert_eq!(event, json!({"from": "bob", "data": "Bob is typing"}));
    alice.tell(json!(0)).await;
    assert_eq!(bob.event().await, "somebody is typing");
    let mut carol = server.connect("carol", "r").await;
    let (before, synced) = carol.until("synced").await;
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(synced, json!({"synced": 0}));
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "type")]
enum Action {
    Move { x: i32, y: i32 },
    Wave,
}

#[tokio::test]
async fn a_message_goes_to_the_first_handler_that_it_fits() {
    let server = TestServer::start(|server| {
        server
            .on_message_validate(|ctx, envelope| {
                assert_eq!(ctx.user_id(), envelope.from);
                match envelope.data == json!({"type": "Wave"}) {
                    true => Err("no waving"),
                    false => Ok(()),
                }
            })
            .on_message_typed::<Action, _, _>(|ctx, envelope| async move {
                ctx.broadcast(envelope.data).await.ok();
            })
            .on_message_typed::<u32, _, _>(|_, envelope| async move {
                match envelope.data {
                    0 => Err("nothing comes of nothing"),
                    number => Ok(number * 2),
                }
            })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let (before, _) = alice.ask(json!({"type": "Move", "x": 1, "y": 2})).await;
    assert_eq!(before[0]["data"], json!({"type": "Move", "x": 1, "y": 2}));
    let answer = alice.tell(json!(21)).await;
    assert_eq!(answer["reply"], 42);
    for (data, code, words) in [
        (json!({"type": "Wave"}), "rejected", "no waving"),
        (json!(0), "rejected", "nothing comes of nothing"),
        (
            json!({"type": "Move", "x": "1", "y": 2}),
            "bad_message",
            "the message: invalid type: string \"1\", expected i32; or the message: invalid type: \
             map, expected u32",
        ),
        (
            json!({"type": "Jump"}),
            "bad_message",
            "`type` of the message: unknown variant `Jump`, expected `Move` or `Wave`; or the \
             message: invalid type: map, expected u32",
        ),
    ] {
        let (before, answer) = alice.ask(data).await;
        assert!(before.is_empty(), "{before:?}");
        let error = json!({"code": code, "message": words});
        assert_eq!(answer["error"], error);
    }
    // It is answered as any message is: once, and again if it is sent again.
    alice.send(json!({"data": 5, "id": 100})).await;
    alice.send(json!({"data": 5, "id": 100})).await;
    for _ in 0..2 {
        let (_, ack) = alice.until("ack").await;
        assert_eq!(ack, json!({"ack": 100, "seq": 1, "reply": 10}));
    }
}

/// What the handlers of a room of closures may do wrong, and it goes on.
#[tokio::test]
async fn a_panic_is_the_senders_trouble_only_and_the_room_goes_on() {
    struct Fragile;

    #[async_trait::async_trait]
    impl RoomEventHandler for Fragile {
        async fn on_player_joined(&self, _: &Context, user_id: &str) {
            assert_ne!(user_id, "carol", "this panic is part of a test");
        }
    }

    /// Comes after it.
    struct Witness(mpsc::UnboundedSender<String>);

    #[async_trait::async_trait]
    impl RoomEventHandler for Witness {
        async fn on_player_joined(&self, _: &Context, user_id: &str) {
            self.0.send(user_id.to_owned()).expect("the test is there");
        }
    }

    let (tell, mut told) = mpsc::unbounded_channel();
    let server = TestServer::start(|server| {
        server
            .with_event_handler(Fragile)
            .with_event_handler(Witness(tell))
            .on_message_validate(|_, envelope| {
                assert_ne!(envelope.data, 1, "this panic is part of a test");
                Ok::<_, String>(())
            })
            .on_message(|ctx, envelope| {
                assert_ne!(envelope.data, 2, "this panic is part of a test");
                async move {
                    ctx.broadcast(&envelope.data).await.ok();
                    assert_ne!(envelope.data, 3, "this panic is part of a test");
                    tokio::task::yield_now().await;
                    assert_ne!(envelope.data, 4, "this panic is part of a test");
                }
            })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    for number in 1..=4 {
        assert_eq!(alice.refused(json!(number)).await, "internal");
    }
    alice.tell(json!(5)).await;
    for heard in [3, 4, 5] {
        assert_eq!(bob.event().await, heard);
    }
    // An event handler has nobody to refuse.
    let mut carol = server.join("carol", "r").await;
    carol.tell(json!(6)).await;
    assert_eq!(bob.event().await, 6);
    for user in ["alice", "bob", "carol"] {
        assert_eq!(told.try_recv().as_deref(), Ok(user));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_is_not_slow_however_much_comes_at_once() {
    let server = TestServer::start(|server| {
        server
            .with_pubsub(InMemoryPubSub::with_buffer(16))
            .on_message(|ctx, _| async move {
                for number in 0..1000 {
                    ctx.broadcast(number).await.ok();
                }
            })
    })
    .await;
    let mut alice: Client = server.join("alice", "r").await;
    let (before, _) = alice.ask(json!(null)).await;
    assert_eq!(before.len(), 1000);
}
