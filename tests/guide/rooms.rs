//! What the guide does with rooms: settings, sending, events, information, limits, validation,
//! typed messages, metadata.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::*;
use tapaculo_tests::server::TestServer;

#[test]
fn room_settings() {
    let room_settings = RoomSettings {
        max_players: Some(4),                               // Limit to 4 players
        allow_spectators: true,                             // Allow additional viewers
        store_message_history: true,                        // Enable history replay
        max_history_messages: 100,                          // Keep last 100 messages
        empty_room_timeout: Some(Duration::from_secs(300)), // Auto-cleanup
    };
    drop(Server::new().with_room_settings(room_settings));
}

async fn send(ctx: Context, data: Value) -> anyhow::Result<()> {
    // To all players in room
    ctx.broadcast(data.clone()).await?;

    // To all OTHER players (exclude sender)
    ctx.broadcast_to_others(data.clone()).await?;

    // Custom filter
    ctx.broadcast_filtered(data.clone(), |user_id| {
        user_id != "spectator123" // Exclude specific user
    })
    .await?;

    // Direct message to one player
    ctx.send_to("player456", data).await?;
    Ok(())
}

#[tokio::test]
async fn sending_messages() {
    let server = TestServer::start(|server| {
        server.on_message(|ctx, envelope| async move {
            send(ctx, envelope.data)
                .await
                .map_err(|error| error.to_string())
        })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut other = server.join("player456", "r").await;
    let mut excluded = server.join("spectator123", "r").await;
    let (before, ack) = alice.ask(json!("x")).await;
    assert_eq!(ack["ack"], 1, "{ack}");
    let heard = |frames: &[Value]| frames.iter().filter(|f| f.get("data").is_some()).count();
    assert_eq!(heard(&before), 2);
    for (client, expected) in [(&mut other, vec![1, 2, 3, 4]), (&mut excluded, vec![1, 2])] {
        for seq in expected {
            let (_, event) = client.until("data").await;
            assert_eq!(event["seq"], seq);
        }
    }
}

struct MyEventHandler;

#[async_trait::async_trait]
impl RoomEventHandler for MyEventHandler {
    async fn on_player_joined(&self, ctx: &Context, user_id: &str) {
        // Send welcome message, current game state, etc.
        ctx.send_to(user_id, "welcome").await.ok();
    }
    async fn on_player_left(&self, ctx: &Context, user_id: &str) {
        // Handle disconnects, pause game, etc.
        ctx.broadcast(format!("{user_id} left")).await.ok();
    }
    async fn on_room_full(&self, ctx: &Context) {
        // Start game when all players connected
        ctx.broadcast("start").await.ok();
    }
    async fn on_room_empty(&self, room_id: &str) {
        // Cleanup, save game state, etc.
        assert_eq!(room_id, "r");
    }
}

#[tokio::test]
async fn room_events() {
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                max_players: Some(2),
                ..Default::default()
            })
            .with_event_handler(MyEventHandler)
    })
    .await;
    let mut alice = server.connect("alice", "r").await;
    assert_eq!(alice.event().await, "welcome");
    let bob = server.join("bob", "r").await;
    assert_eq!(alice.event().await, "start");
    bob.close().await;
    assert_eq!(alice.event().await, "bob left");
}

async fn ask(ctx: Context) -> (Vec<String>, String, usize) {
    let mut said = String::new();

    // Get all members in room
    let members = ctx.get_room_members().await;

    // Check if specific user is in room
    if ctx.has_member("user123").await {
        said += "user123 is here; ";
    }

    // Get room info
    if let Some(info) = ctx.get_room_info().await {
        said += &format!(
            "Room has {} / {:?} players; ",
            info.member_count, info.max_members
        );
        said += &format!("Is full: {}", info.is_full);
    }

    // Get message history
    let history = ctx.get_message_history(50).await;
    let StoredMessage {
        from,
        data,
        timestamp,
    } = &history[0];
    assert_eq!((from.as_str(), data), ("user123", &json!("first")));
    assert!(timestamp.as_millis() > 1_700_000_000_000);
    (members, said, history.len())
}

#[tokio::test]
async fn room_information() {
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                store_message_history: true,
                ..Default::default()
            })
            .on_message(|ctx, envelope| async move {
                ctx.broadcast(envelope.data)
                    .await
                    .map_err(|error| error.to_string())?;
                Ok::<_, String>(ask(ctx).await)
            })
    })
    .await;
    let mut client = server.join("user123", "r").await;
    let answer = client.tell(json!("first")).await;
    let said = "user123 is here; Room has 1 / None players; Is full: false";
    assert_eq!(answer["reply"], json!([["user123"], said, 1]));
}

#[tokio::test]
async fn rate_limits() {
    let limits = MessageLimits {
        max_size_bytes: 10 * 1024,               // 10KB per message
        max_messages_per_window: 10,             // 10 messages max
        window_duration: Duration::from_secs(1), // per second
        ban_duration: Duration::from_secs(60),   // 1 minute ban
    };
    let server = TestServer::start(|server| {
        server
            .with_limits(limits)
            .on_message(|ctx, envelope| async move { ctx.broadcast(envelope.data).await })
    })
    .await;
    let mut client = server.join("alice", "r").await;
    assert_eq!(
        client.refused(json!("x".repeat(10 * 1024))).await,
        "too_large"
    );
    client.tell(json!("x".repeat(10 * 1024 - 100))).await;
}

fn is_valid_move(data: &Value) -> bool {
    data["type"] == "Move"
}

#[tokio::test]
async fn validation() {
    let server = TestServer::start(|server| {
        server
            .on_message_validate(|_ctx, envelope| {
                // Example: validate chess moves
                if !is_valid_move(&envelope.data) {
                    return Err("Invalid move".to_string());
                }
                Ok(())
            })
            .on_message(|ctx, envelope| async move { ctx.broadcast(envelope.data).await })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    alice.tell(json!({"type": "Move"})).await;
    let (_, answer) = alice.ask(json!({"type": "Jump"})).await;
    let error = json!({"code": "rejected", "message": "Invalid move"});
    assert_eq!(answer["error"], error);
}

#[derive(Serialize, Deserialize)]
enum GameAction {
    Move { x: i32, y: i32 },
    Attack { target: String },
    UseItem { item_id: String },
}

#[expect(
    clippy::match_wildcard_for_single_variants,
    reason = "the guide has it so"
)]
#[tokio::test]
async fn typed_messages() {
    let server = TestServer::start(|server| {
        server.on_message_typed::<GameAction, _, _>(|ctx, envelope| async move {
            match envelope.data {
                GameAction::Move { x, y } => {
                    // Handle move
                    ctx.broadcast([x, y]).await.ok();
                }
                GameAction::Attack { target } => {
                    // Handle attack
                    ctx.broadcast(target).await.ok();
                }
                _ => {}
            }
        })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    for (action, event) in [
        (json!({"Move": {"x": 1, "y": -2}}), Some(json!([1, -2]))),
        (json!({"Attack": {"target": "bob"}}), Some(json!("bob"))),
        (json!({"UseItem": {"item_id": "7"}}), None),
    ] {
        let (before, ack) = alice.ask(action).await;
        assert!(ack.get("ack").is_some(), "{ack}");
        assert_eq!(before.first().map(|frame| frame["data"].clone()), event);
    }
}

async fn describe(ctx: Context) -> anyhow::Result<String> {
    // Set metadata
    let metadata = PlayerMetadata {
        user_id: "player1".to_string(),
        display_name: "Alice".to_string(),
        avatar_url: Some("https://...".to_string()),
        custom: json!({ "level": 10, "team": "red" }),
        ..Default::default()
    };
    ctx.set_user_metadata(metadata).await?;

    // Get metadata
    if let Some(metadata) = ctx.get_user_metadata("player1").await {
        return Ok(format!("Display name: {}", metadata.display_name));
    }
    anyhow::bail!("it was set")
}

#[tokio::test]
async fn user_metadata() {
    let server = TestServer::start(|server| {
        server.on_message(
            |ctx, _| async move { describe(ctx).await.map_err(|error| error.to_string()) },
        )
    })
    .await;
    let mut client = server.join("player1", "r").await;
    let answer = client.tell(json!(null)).await;
    assert_eq!(answer["reply"], "Display name: Alice");
}

#[test]
fn in_memory_pubsub() {
    let pubsub = InMemoryPubSub::new();
    drop(Server::new().with_pubsub(pubsub));
    // or with custom buffer size
    let pubsub = InMemoryPubSub::with_buffer(128);
    drop(Server::new().with_pubsub(pubsub));
}
