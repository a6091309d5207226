//! Who comes and goes, as event handlers are told.

use super::Chronicle;
use serde_json::json;
use std::time::Duration;
use tapaculo::{Context, RoomEventHandler, RoomSettings};
use tapaculo_tests::server::TestServer;

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
