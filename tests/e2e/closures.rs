//! Rooms of closures: the same promises as any other's, through a `Context`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tapaculo::{
    Context, ContextError, Envelope, InMemoryPubSub, PlayerMetadata, RoomEventHandler,
    RoomSettings, Server,
};
use tapaculo_tests::{DEADLINE, client::Client, server::TestServer};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// Everyone in the room hears everything.
async fn party(settings: RoomSettings) -> TestServer {
    TestServer::start(|server| {
        server
            .with_room_settings(settings)
            .on_message(|ctx, envelope| async move { ctx.broadcast(envelope.data).await })
    })
    .await
}

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

/// Writes down what it is told, and says it.
#[derive(Clone, Default)]
struct Chronicle(Arc<Mutex<Vec<String>>>);

impl Chronicle {
    async fn note(&self, ctx: Option<&Context>, event: String) {
        if let Some(ctx) = ctx {
            ctx.broadcast(&event).await.expect("the room is there");
        }
        self.0.lock().expect("not poisoned").push(event);
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().expect("not poisoned").clone()
    }

    async fn until(&self, event: &str) {
        let told = async {
            while !self.told().iter().any(|told| told == event) {
                tokio::task::yield_now().await;
            }
        };
        let told = timeout(DEADLINE, told).await;
        assert!(told.is_ok(), "{event} is not among {:?}", self.told());
    }
}

#[async_trait::async_trait]
impl RoomEventHandler for Chronicle {
    async fn on_player_joined(&self, ctx: &Context, user_id: &str) {
        assert_eq!(ctx.user_id(), user_id);
        assert_eq!(ctx.session_id(), "s");
        self.note(Some(ctx), format!("joined {user_id}")).await;
    }

    async fn on_player_left(&self, ctx: &Context, user_id: &str) {
        assert!(!ctx.has_member(user_id).await);
        self.note(Some(ctx), format!("left {user_id}")).await;
    }

    async fn on_room_full(&self, ctx: &Context) {
        let members = ctx.get_room_members().await;
        self.note(Some(ctx), format!("full {}", members.join(" ")))
            .await;
    }

    async fn on_room_empty(&self, room_id: &str) {
        self.note(None, format!("empty {room_id}")).await;
    }
}

#[tokio::test]
async fn those_who_join_are_greeted_with_what_their_joining_caused() {
    let chronicle = Chronicle::default();
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                max_players: Some(2),
                allow_spectators: true,
                ..RoomSettings::default()
            })
            .with_event_handler(chronicle.clone())
    })
    .await;
    let mut alice = server.connect("alice", "r").await;
    let (before, _) = alice.until("synced").await;
    assert_eq!(before[0]["welcome"]["role"], "player");
    assert_eq!(
        before[1..],
        [json!({"seq": 1, "from": "@server", "data": "joined alice"})]
    );
    let mut bob = server.connect("bob", "r").await;
    let (before, synced) = bob.until("synced").await;
    let heard: Vec<_> = before
        .iter()
        .filter_map(|frame| frame.get("data"))
        .collect();
    assert_eq!(heard, ["joined bob", "full alice bob"]);
    assert_eq!(synced, json!({"synced": 3}));
    let (presence, event) = alice.until("data").await;
    assert_eq!(presence[0]["presence"]["user"], "bob");
    assert_eq!(event["data"], "joined bob");
    assert_eq!(alice.event().await, "full alice bob");

    // Spectators come and go in `presence` only, and may not send.
    let mut eve = server.connect("eve", "r").await;
    let (before, _) = eve.until("synced").await;
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0]["welcome"]["role"], "spectator");
    assert_eq!(eve.refused(json!("hello")).await, "spectator");

    alice.close().await;
    assert_eq!(bob.event().await, "left alice");
    // The freed seat is the first, but who comes now comes last.
    let mut carol = server.connect("carol", "r").await;
    let (before, _) = carol.until("synced").await;
    assert_eq!(before[0]["welcome"]["seat"], 0);
    assert_eq!(before.last().expect("events")["data"], "full bob carol");
    for client in [bob, carol, eve] {
        client.close().await;
    }
    chronicle.until("empty r").await;
    let told = chronicle.told();
    assert_eq!(told.iter().filter(|told| *told == "empty r").count(), 1);
    assert_eq!(told.last().expect("some"), "empty r");
}

#[tokio::test]
async fn a_lost_player_is_gone_at_once_or_after_the_time_to_reconnect() {
    for reconnect in [None, Some(Duration::from_secs(60))] {
        let chronicle = Chronicle::default();
        let server = TestServer::start(|server| {
            let server = server.with_event_handler(chronicle.clone());
            match reconnect {
                Some(time) => server.with_reconnect(time),
                None => server,
            }
        })
        .await;
        let mut alice = server.join("alice", "r").await;
        let bob = server.join("bob", "r").await;
        drop(bob);
        let expected = if reconnect.is_some() {
            "disconnected"
        } else {
            "left"
        };
        loop {
            let (_, presence) = alice.until("presence").await;
            if presence["presence"]["event"] != "joined" {
                assert_eq!(presence["presence"]["event"], expected);
                break;
            }
        }
        if reconnect.is_some() {
            let mut bob = server.connect("bob", "r").await;
            bob.until("synced").await;
            let told = chronicle.told();
            assert_eq!(told, ["joined alice", "joined bob"]);
        } else {
            chronicle.until("left bob").await;
        }
    }
}

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

#[tokio::test]
async fn metadata_is_the_rooms_and_shown_to_everyone() {
    let server = TestServer::start(|server| {
        server.on_message(|ctx, envelope| async move {
            let user_id = envelope.data["user"].as_str().unwrap_or_default();
            ctx.set_user_metadata(PlayerMetadata {
                user_id: user_id.to_owned(),
                display_name: "Bobby".to_owned(),
                avatar_url: Some("/bob.png".to_owned()),
                custom: json!({"level": 10}),
                ..Default::default()
            })
            .await
            .map_err(|error| error.to_string())?;
            let set = ctx.get_user_metadata(user_id).await.ok_or("it was set")?;
            assert_eq!(set.user_id, user_id);
            assert_eq!(set.display_name, "Bobby");
            assert_eq!(set.avatar_url.as_deref(), Some("/bob.png"));
            assert_eq!(ctx.get_user_metadata("nobody").await, None);
            Ok::<_, String>(set.custom)
        })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let answer = alice.tell(json!({"user": "bob"})).await;
    assert_eq!(answer["reply"], json!({"level": 10}));
    let (_, changed) = bob.until("presence").await;
    let presence = &changed["presence"];
    assert_eq!(presence["event"], "changed");
    assert_eq!(presence["name"], "Bobby");
    assert_eq!(presence["avatar"], "/bob.png");
    assert_eq!(alice.refused(json!({"user": "@server"})).await, "rejected");
    // Another room knows nothing of it.
    let mut bob = server.connect("bob", "elsewhere").await;
    let (_, welcome) = bob.until("welcome").await;
    assert_eq!(welcome["welcome"]["members"][0].get("name"), None);
}

#[tokio::test]
async fn a_room_says_how_full_it_is_with_its_players_in_order_of_arrival() {
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                max_players: Some(3),
                allow_spectators: true,
                ..RoomSettings::default()
            })
            .on_message(|ctx, _| async move {
                let info = ctx.get_room_info().await.ok_or("it is there")?;
                assert_eq!(info.members, ctx.get_room_members().await);
                Ok::<_, &str>(json!({
                    "room": info.room_id,
                    "members": info.members,
                    "count": info.member_count,
                    "most": info.max_members,
                    "full": info.is_full,
                    "spectators": info.spectator_count,
                }))
            })
    })
    .await;
    let ann = server.join("ann", "r").await;
    let mut bob = server.join("bob", "r").await;
    let info = |members: &[&str], spectators| {
        json!({
            "room": "r", "members": members, "count": members.len(), "most": 3,
            "full": members.len() == 3, "spectators": spectators,
        })
    };
    assert_eq!(bob.tell(json!(0)).await["reply"], info(&["ann", "bob"], 0));
    let _cat = server.join("cat", "r").await;
    let _dan = server.join("dan", "r").await;
    let told = bob.tell(json!(0)).await;
    assert_eq!(told["reply"], info(&["ann", "bob", "cat"], 1));
    ann.close().await;
    while bob.tell(json!(0)).await["reply"]["count"] == 3 {}
    let _eve = server.join("eve", "r").await;
    let told = bob.tell(json!(0)).await;
    assert_eq!(told["reply"], info(&["bob", "cat", "eve"], 1));
}

#[tokio::test]
async fn an_empty_room_goes_after_its_time_or_is_kept_for_good() {
    let settings = |timeout| RoomSettings {
        store_message_history: true,
        empty_room_timeout: timeout,
        ..RoomSettings::default()
    };
    /// The history that a newcomer is told.
    async fn visit(server: &TestServer) -> usize {
        let mut client = server.connect("bob", "r").await;
        let (before, _) = client.until("synced").await;
        client.close().await;
        before
            .iter()
            .filter(|frame| frame.get("data").is_some())
            .count()
    }
    let (short, kept) = (Duration::from_millis(50), None);
    let (going, staying) = (
        party(settings(Some(short))).await,
        party(settings(kept)).await,
    );
    for server in [&going, &staying] {
        let mut alice = server.join("alice", "r").await;
        alice.tell(json!("was here")).await;
        alice.close().await;
    }
    let gone = async {
        while visit(&going).await != 0 {
            // Each visit begins the time anew.
            tokio::time::sleep(2 * short).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("the room goes");
    assert_eq!(visit(&staying).await, 1);
}

#[tokio::test]
async fn settings_that_can_be_no_rooms_are_an_error_of_listen() {
    async fn error(server: Server) -> String {
        let auth = tapaculo::JwtAuth::new(tapaculo_tests::server::SECRET);
        let listening = server.with_auth(auth).listen("127.0.0.1:0");
        let ended = timeout(DEADLINE, listening)
            .await
            .expect("it does not start");
        ended.expect_err("it does not start").to_string()
    }
    let nobody = RoomSettings {
        max_players: Some(0),
        ..RoomSettings::default()
    };
    let handled = Server::new().on_message(|_, _| async {});
    let words = error(handled.with_room_settings(nobody)).await;
    assert!(words.contains("max_players"), "{words}");
    let mute = Server::new()
        .on_message(|_, _| async {})
        .with_limits(tapaculo::MessageLimits {
            max_messages_per_window: 0,
            ..Default::default()
        });
    let words = error(mute).await;
    assert!(words.contains("max_messages_per_window"), "{words}");
    let unused = Server::new().with_game::<crate::games::Desk>();
    let words = error(unused.with_room_settings(RoomSettings::default())).await;
    assert!(words.contains("on_message"), "{words}");
    let words = error(Server::new()).await;
    assert!(words.contains("on_message"), "{words}");
}

#[tokio::test]
async fn closures_and_games_are_served_side_by_side() {
    let server = TestServer::start(|server| {
        server
            .with_game::<crate::games::Desk>()
            .on_message(|ctx, envelope| async move { ctx.broadcast(envelope.data).await })
    })
    .await;
    let mut request = server.request("alice", "r");
    request.url = server.url("/ws/room");
    let mut alice = request.connect().await.expect("accepted");
    let (_, welcome) = alice.until("welcome").await;
    assert_eq!(welcome["welcome"]["game"], "room");
    alice.until("synced").await;
    let (before, _) = alice.ask(json!({"type": "Say", "text": "hi"})).await;
    assert_eq!(before[0]["data"], json!({"type": "Say", "text": "hi"}));
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

/// Speaks for longer than anything waits for, before a newcomer is let in.
struct LongStory;

#[async_trait::async_trait]
impl RoomEventHandler for LongStory {
    async fn on_player_joined(&self, ctx: &Context, _user_id: &str) {
        for number in 0..1100 {
            ctx.broadcast(number).await.ok();
        }
        // What is older than a second is kept for nobody who only lags.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for number in 1100..1200 {
            ctx.broadcast(number).await.ok();
        }
    }
}

#[tokio::test]
async fn a_newcomer_misses_nothing_however_long_its_hook_takes() {
    let server = TestServer::start(|server| server.with_event_handler(LongStory)).await;
    let mut alice = server.connect("alice", "r").await;
    let (before, synced) = alice.until("synced").await;
    let told = before.iter().filter_map(|frame| frame["seq"].as_u64());
    assert_eq!(told.collect::<Vec<_>>(), (1..=1200).collect::<Vec<_>>());
    assert_eq!(synced["synced"], 1200);
}
