//! The whole servers of the guide.

use serde_json::json;
use tapaculo::*;
use tapaculo_tests::server::TestServer;

/// "Quick start".
mod the_basic_server {
    use tapaculo::*;

    #[tokio::main]
    #[expect(
        dead_code,
        reason = "it listens on a fixed port: that it compiles is what is tested"
    )]
    async fn main() -> anyhow::Result<()> {
        let auth = JwtAuth::new("your-secret-key");
        let pubsub = InMemoryPubSub::new();

        Server::new()
            .with_auth(auth)
            .with_pubsub(pubsub)
            .on_message(|ctx, envelope| async move {
                // Echo messages to all other players
                ctx.broadcast_to_others(envelope.data).await.ok();
            })
            .listen("0.0.0.0:8080")
            .await
    }
}

#[tokio::test]
async fn the_basic_server_echoes_messages_to_all_other_players() {
    let server = TestServer::start(|server| {
        server
            .with_pubsub(InMemoryPubSub::new())
            .on_message(|ctx, envelope| async move {
                ctx.broadcast_to_others(envelope.data).await.ok();
            })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let (before, _) = alice.ask(json!({"any": ["json"]})).await;
    assert!(before.iter().all(|frame| frame.get("data").is_none()));
    let (_, event) = bob.until("data").await;
    assert_eq!(event["from"], "alice");
    assert_eq!(event["data"], json!({"any": ["json"]}));
}

/// "Chess": typed messages, two players, an event handler.
mod the_chess_server {
    use serde::{Deserialize, Serialize};
    use tapaculo::*;

    #[derive(Serialize, Deserialize)]
    pub(crate) enum ChessMove {
        Move { from: String, to: String },
        Resign,
        OfferDraw,
    }

    #[derive(Serialize)]
    struct GameStart {
        white: String,
        black: String,
    }

    #[tokio::main]
    #[expect(
        dead_code,
        reason = "it listens on a fixed port: that it compiles is what is tested"
    )]
    async fn main() -> anyhow::Result<()> {
        let room_settings = RoomSettings {
            max_players: Some(2), // Exactly 2 for chess
            allow_spectators: false,
            store_message_history: true,
            ..Default::default()
        };

        Server::new()
            .with_auth(JwtAuth::new("secret"))
            .with_pubsub(InMemoryPubSub::new())
            .with_room_settings(room_settings)
            .on_message_typed::<ChessMove, _, _>(|ctx, envelope| async move {
                // Validate and broadcast move to opponent only
                ctx.broadcast_to_others(envelope.data).await.ok();
            })
            .with_event_handler(ChessEventHandler)
            .listen("0.0.0.0:8080")
            .await
    }

    pub(crate) struct ChessEventHandler;

    #[async_trait::async_trait]
    impl RoomEventHandler for ChessEventHandler {
        async fn on_room_full(&self, ctx: &Context) {
            // Both players connected - start game
            let members = ctx.get_room_members().await;
            ctx.broadcast(GameStart {
                white: members[0].clone(),
                black: members[1].clone(),
            })
            .await
            .ok();
        }
    }
}

#[tokio::test]
async fn the_chess_server_starts_when_both_are_there_and_tells_moves_to_the_opponent() {
    use the_chess_server::{ChessEventHandler, ChessMove};
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                max_players: Some(2),
                allow_spectators: false,
                store_message_history: true,
                ..Default::default()
            })
            .on_message_typed::<ChessMove, _, _>(|ctx, envelope| async move {
                ctx.broadcast_to_others(envelope.data).await.ok();
            })
            .with_event_handler(ChessEventHandler)
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.connect("bob", "r").await;
    let start = json!({"white": "alice", "black": "bob"});
    assert_eq!(bob.event().await, start);
    assert_eq!(alice.event().await, start);
    let play = json!({"Move": {"from": "e2", "to": "e4"}});
    alice.tell(play.clone()).await;
    assert_eq!(bob.event().await, play);
    assert_eq!(alice.refused(json!({"Castle": 1})).await, "bad_message");
    alice.tell(json!("OfferDraw")).await;
    assert_eq!(bob.event().await, "OfferDraw");
    let mut carol = server.connect("carol", "r").await;
    assert_eq!(carol.frame().await["error"]["code"], "room_full");
}

/// "Chat": fifty players, history, limits.
mod the_chat_server {
    use std::time::Duration;
    use tapaculo::*;

    #[tokio::main]
    #[expect(
        dead_code,
        reason = "it listens on a fixed port: that it compiles is what is tested"
    )]
    async fn main() -> anyhow::Result<()> {
        Server::new()
            .with_auth(JwtAuth::new("secret"))
            .with_pubsub(InMemoryPubSub::new())
            .with_room_settings(RoomSettings {
                max_players: Some(50),
                store_message_history: true,
                max_history_messages: 200,
                ..Default::default()
            })
            .with_limits(MessageLimits {
                max_messages_per_window: 10,
                window_duration: Duration::from_secs(1),
                ..Default::default()
            })
            .on_message(|ctx, envelope| async move {
                // Broadcast to everyone (including sender)
                ctx.broadcast(envelope.data).await.ok();
            })
            .listen("0.0.0.0:8081")
            .await
    }
}

#[tokio::test]
async fn the_chat_server_tells_everyone_and_newcomers_what_was_said_and_bans_spammers() {
    let server = TestServer::start(|server| {
        server
            .with_room_settings(RoomSettings {
                max_players: Some(50),
                store_message_history: true,
                max_history_messages: 200,
                ..Default::default()
            })
            .with_limits(MessageLimits {
                max_messages_per_window: 10,
                window_duration: std::time::Duration::from_secs(60),
                ..Default::default()
            })
            .on_message(|ctx, envelope| async move {
                ctx.broadcast(envelope.data).await.ok();
            })
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    for number in 0..10 {
        alice.send(json!({"data": number})).await;
        assert_eq!(alice.event().await, number);
    }
    alice.send(json!({"data": "spam"})).await;
    let (_, error) = alice.until("error").await;
    assert_eq!(error["error"]["code"], "banned");
    assert_eq!(alice.closed().await, Some(4008));
    let mut bob = server.connect("bob", "r").await;
    let (before, _) = bob.until("synced").await;
    let told = before.iter().filter_map(|frame| frame.get("data"));
    assert!(told.eq(&(0..10).map(|number| json!(number)).collect::<Vec<_>>()));
}
