//! "Redis" of the guide: one program, many nodes.

use serde_json::json;
use tapaculo::*;
use tapaculo_tests::{redis::Redis, server::TestServer};

/// As the guide has it. Nothing is connected to before a server listens.
#[test]
fn redis_pubsub() -> anyhow::Result<()> {
    let pubsub = RedisPubSub::new("redis://localhost:6379")?;
    drop(Server::new().with_pubsub(pubsub));

    // With custom retry configuration
    let config = BackoffConfig {
        max_retries: 10,
        base_delay_ms: 100,
        max_delay_ms: 5000,
        ..Default::default()
    };
    let pubsub = RedisPubSub::with_config("redis://localhost", config)?;
    drop(Server::new().with_pubsub(pubsub));
    Ok(())
}

/// "Swap between in-memory and Redis backends without code changes": the basic server, twice.
#[tokio::test]
async fn players_on_two_servers_are_in_one_room() {
    let redis = Redis::start().await;
    let node = async || {
        let pubsub = RedisPubSub::new(redis.url()).expect("it is a URL");
        TestServer::start(|server| {
            server
                .with_pubsub(pubsub)
                .on_message(|ctx, envelope| async move {
                    // Echo messages to all other players
                    ctx.broadcast_to_others(envelope.data).await.ok();
                })
        })
        .await
    };
    let (one, two) = (node().await, node().await);
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    for (speaker, listener, user) in [(&mut alice, &mut bob, "alice")] {
        speaker.ask(json!({"any": ["json"]})).await;
        let (_, event) = listener.until("data").await;
        assert_eq!(event["from"], user);
        assert_eq!(event["data"], json!({"any": ["json"]}));
    }
    let (before, _) = bob.ask(json!("back")).await;
    assert!(before.iter().all(|frame| frame.get("data").is_none()));
    let (_, event) = alice.until("data").await;
    assert_eq!(event["data"], "back");
}
