//! What an operator sees and does through the handle of a server.

use crate::games::{Desk, Gate, Patience};
use serde_json::json;
use std::time::Duration;
use tapaculo::{
    Context, RoomEventHandler,
    server::{AdminError, ServerHandle},
};
use tapaculo_tests::{DEADLINE, client::Client, room, server::TestServer, user};
use tokio::{task::yield_now, time::timeout};

async fn server() -> TestServer {
    TestServer::start(|server| server.with_game::<Desk>().with_game::<Patience>()).await
}

async fn join(server: &TestServer, game: &str, user: &str, room: &str) -> Client {
    let mut request = server.request(user, room);
    request.url = server.url(&format!("/ws/{game}"));
    let mut client = request.connect().await.expect("accepted");
    client.until("synced").await;
    client
}

#[tokio::test]
async fn an_operator_sees_all_rooms_and_who_is_in_them() {
    let server = server().await;
    assert!(server.handle.rooms().await.is_empty());
    let _clients = [
        join(&server, "solo", "eve", "b").await,
        join(&server, "desk", "alice", "a").await,
        join(&server, "desk", "bob", "a").await,
        join(&server, "desk", "carol", "a").await,
    ];
    let rooms = server.handle.rooms().await;
    let names: Vec<_> = rooms
        .iter()
        .map(|status| (status.game.as_str(), status.room.as_str()))
        .collect();
    assert_eq!(names, [("desk", "a"), ("solo", "b")]);
    let desk = serde_json::to_value(&rooms[0]).expect("JSON");
    assert_eq!(desk["players"], 2);
    assert_eq!(desk["spectators"], 1);
    assert_eq!(desk["seats"], 2);
    assert_eq!(desk["is_full"], true);
    assert_eq!(
        desk["members"][0],
        json!({
            "user": "alice", "name": null, "role": "player", "seat": 0, "session": "s",
            "is_connected": true
        })
    );
    assert_eq!(desk["members"][2]["user"], "carol");
    assert_eq!(desk["members"][2]["role"], "spectator");
}

#[tokio::test]
async fn an_operator_speaks_to_a_room_and_to_no_other() {
    let server = server().await;
    let mut alice = join(&server, "desk", "alice", "a").await;
    let mut bob = join(&server, "desk", "bob", "b").await;
    let notice = json!({"type": "Notice", "text": "we close at ten"});
    let told = server.handle.broadcast("desk", &room("a"), &notice).await;
    assert_eq!(told, Ok(()));
    let (_, event) = alice.until("data").await;
    assert_eq!(event["from"], "@server");
    assert_eq!(event["data"], notice);
    let (before, _) = bob.ask(json!({"type": "Say", "text": "hi"})).await;
    assert_eq!(before.len(), 1, "{before:?}");
    for (game, name) in [("desk", "c"), ("solo", "a"), ("none", "a")] {
        let told = server.handle.broadcast(game, &room(name), &notice).await;
        assert_eq!(told, Err(AdminError::NoSuchRoom));
    }
    let unsayable = std::collections::BTreeMap::from([(vec![1], 1)]);
    let told = server
        .handle
        .broadcast("desk", &room("a"), &unsayable)
        .await;
    assert!(matches!(told, Err(AdminError::Event(_))), "{told:?}");
}

#[tokio::test]
async fn an_operator_sends_somebody_away_and_closes_a_room() {
    let server = server().await;
    let handle: &ServerHandle = &server.handle;
    let mut alice = join(&server, "desk", "alice", "a").await;
    let mut bob = join(&server, "desk", "bob", "a").await;
    let kicked = handle.kick("desk", &room("a"), &user("eve"), "").await;
    assert_eq!(kicked, Err(AdminError::NotInRoom));
    let kicked = handle
        .kick("desk", &room("a"), &user("bob"), "enough")
        .await;
    assert_eq!(kicked, Ok(()));
    assert_eq!(bob.closed().await, Some(4011));
    let left = handle.rooms().await;
    assert_eq!(left[0].members.len(), 1);
    // It waits for the message in hand.
    let gate = "an operator closes a room";
    alice
        .send(json!({"data": {"type": "Ponder", "gate": gate}, "id": 1}))
        .await;
    Gate::of(gate).begun().await;
    let closing = tokio::spawn({
        let handle = handle.clone();
        async move { handle.close_room("desk", &room("a"), "good night").await }
    });
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!closing.is_finished(), "the message is still in hand");
    Gate::of(gate).open();
    alice.until("ack").await;
    assert_eq!(alice.closed().await, Some(4010));
    let closed = timeout(DEADLINE, closing).await.expect("in time");
    assert_eq!(closed.expect("no panic"), Ok(()));
    assert!(handle.rooms().await.is_empty());
    let closed = handle.close_room("desk", &room("a"), "").await;
    assert_eq!(closed, Err(AdminError::NoSuchRoom));
}

/// Where `Farewell` waits.
const FAREWELL: &str = "somebody is sent away";

/// Takes its time when somebody leaves.
struct Farewell;

#[async_trait::async_trait]
impl RoomEventHandler for Farewell {
    async fn on_player_left(&self, _ctx: &Context, _user_id: &str) {
        Gate::of(FAREWELL).pass().await;
    }
}

#[tokio::test]
async fn what_an_operator_has_begun_is_done_though_nobody_waits_for_it() {
    let server = TestServer::start(|server| {
        server
            .with_event_handler(Farewell)
            .on_message(|ctx, envelope| async move { ctx.broadcast(envelope.data).await })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let handle = server.handle.clone();
    // As in a route whose client hangs up.
    let kicking = tokio::spawn(async move {
        let (room, bob) = (room("r"), user("bob"));
        handle.kick("room", &room, &bob, "enough").await
    });
    Gate::of(FAREWELL).begun().await;
    kicking.abort();
    assert!(kicking.await.expect_err("it was given up").is_cancelled());
    Gate::of(FAREWELL).open();
    assert_eq!(bob.closed().await, Some(4011));
    // The room goes on.
    alice.tell(json!("still here")).await;
}

#[tokio::test]
async fn an_operator_bans_a_user_from_everywhere_and_lets_it_back_in() {
    let server = server().await;
    let handle = &server.handle;
    let mut bob = join(&server, "desk", "bob", "a").await;
    let mut also_bob = join(&server, "solo", "bob", "b").await;
    let mut alice = join(&server, "desk", "alice", "a").await;
    handle.ban(&user("bob"), Duration::from_secs(3600));
    assert_eq!(bob.closed().await, Some(4008));
    assert_eq!(also_bob.closed().await, Some(4008));
    let request = || {
        let mut request = server.request("bob", "a");
        request.url = server.url("/ws/desk");
        request
    };
    for _ in 0..100 {
        let Err(refused) = request().connect().await else {
            panic!("a banned user is let in");
        };
        assert_eq!(refused.status(), 429);
        let seconds: u64 = refused.headers()["Retry-After"]
            .to_str()
            .expect("text")
            .parse()
            .expect("a number");
        assert!((3500..=3600).contains(&seconds), "{seconds}");
    }
    alice.tell(json!({"type": "Say", "text": "hi"})).await;
    let banned = handle.bans();
    assert_eq!(banned.len(), 1);
    assert_eq!(banned[0].user, "bob");
    assert!(handle.unban(&user("bob")) && !handle.unban(&user("bob")));
    assert!(handle.bans().is_empty());
    assert!(request().connect().await.is_ok());
}

#[tokio::test]
async fn who_was_banned_before_the_server_serves_is_not_let_in() {
    let server = TestServer::start(|server| {
        server.handle().ban(&user("bob"), Duration::from_secs(3600));
        server.with_game::<Desk>()
    })
    .await;
    assert_eq!(server.request("bob", "r").status().await, 429);
    assert_eq!(server.request("alice", "r").status().await, 101);
}
