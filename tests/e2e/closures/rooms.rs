//! What the rooms of closures are like.

use serde_json::json;
use std::time::Duration;
use tapaculo::{PlayerMetadata, RoomSettings, Server};
use tapaculo_tests::{DEADLINE, server::TestServer};
use tokio::time::timeout;

/// Everyone in the room hears everything.
async fn party(settings: RoomSettings) -> TestServer {
    TestServer::start(|server| {
        server
            .with_room_settings(settings)
            .on_message(|ctx, envelope| async move { ctx.broadcast(envelope.data).await })
    })
    .await
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
