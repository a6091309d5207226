//! Rooms of closures, with members on two nodes.

use super::Node;
use serde_json::{Value, json};
use tapaculo::{PlayerMetadata, RoomSettings, Server};
use tapaculo_tests::redis::Redis;

fn room(server: Server) -> Server {
    server
        .with_room_settings(RoomSettings {
            max_players: Some(2),
            allow_spectators: true,
            store_message_history: true,
            ..RoomSettings::default()
        })
        .on_message_validate(|_ctx, envelope| match envelope.data {
            Value::Null => Err("say something".to_owned()),
            _ => Ok(()),
        })
        .on_message(|ctx, envelope| async move {
            match envelope.data.as_str() {
                Some("who") => {
                    let members = ctx.get_room_members().await;
                    ctx.broadcast(members).await
                }
                Some("history") => {
                    let history = ctx.get_message_history(2).await;
                    let lines: Vec<Value> = history.into_iter().map(|past| past.data).collect();
                    ctx.send_to(ctx.user_id(), lines).await
                }
                Some("others") => ctx.broadcast_to_others("to others").await,
                Some("call me Al") => {
                    let metadata = PlayerMetadata {
                        user_id: ctx.user_id().to_owned(),
                        display_name: "Al".to_owned(),
                        ..PlayerMetadata::default()
                    };
                    ctx.set_user_metadata(metadata).await
                }
                _ => ctx.broadcast(envelope.data).await,
            }
        })
}

#[tokio::test]
async fn closures_know_members_of_every_node_and_reach_them() {
    let redis = Redis::start().await;
    let (one, two) = (
        Node::start(&redis, room).await,
        Node::start(&redis, room).await,
    );
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    for (index, line) in ["hello", "who"].into_iter().enumerate() {
        bob.tell(json!(line)).await;
        let (_, event) = alice.until("from").await;
        assert_eq!(
            (&event["from"], &event["seq"]),
            (&json!("bob"), &json!(index + 1))
        );
        if line == "who" {
            assert_eq!(event["data"], json!(["alice", "bob"]));
        }
    }
    alice.tell(json!("others")).await;
    assert_eq!(bob.event().await, "to others");
    let (before, ack) = bob.ask(json!("history")).await;
    assert!(ack.get("ack").is_some(), "{ack}");
    let mine = before.iter().find(|frame| frame.get("from").is_some());
    assert_eq!(
        mine.expect("what it asked for")["data"],
        json!([["alice", "bob"], "to others"])
    );
    assert_eq!(bob.refused(Value::Null).await, "rejected");
    bob.tell(json!("call me Al")).await;
    loop {
        let (_, presence) = alice.until("presence").await;
        let presence = &presence["presence"];
        if presence["event"] == "changed" {
            assert_eq!(
                (&presence["user"], &presence["name"]),
                (&json!("bob"), &json!("Al"))
            );
            break;
        }
    }
    let mut carol = two.connect("carol", "r").await;
    let (_, welcome) = carol.until("welcome").await;
    assert_eq!(welcome["welcome"]["role"], "spectator", "two play");
    let (history, _) = carol.until("synced").await;
    let history: Vec<_> = history.iter().map(|event| event["data"].clone()).collect();
    assert_eq!(
        history,
        [json!("hello"), json!(["alice", "bob"]), json!("to others")]
    );
}
