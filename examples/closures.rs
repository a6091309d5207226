//! The smallest server there is: whatever a player says, all others in the room hear.
//!
//! `cargo run --example closures`, then, for a token:
//!
//! ```text
//! curl localhost:8080/token -d '{"name": "Ann", "room": "lobby"}'
//! ```
//!
//! and with it, in the console of a browser that has opened <http://localhost:8080> (an empty page, but
//! a page of the server's: others may not connect):
//!
//! ```text
//! const ws = new WebSocket(`ws://localhost:8080/ws?token=${token}`);
//! ws.onmessage = event => console.log(JSON.parse(event.data));
//! ws.send(JSON.stringify({ data: { hello: "all" } }));
//! ```

use tapaculo::{InMemoryPubSub, JwtAuth, Server};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt::init();
    // Whoever has the secret can be anyone: on a server it comes from outside.
    let secret = std::env::var("TAPACULO_SECRET");
    let auth =
        JwtAuth::new(secret.unwrap_or("a secret for this machine only, 32 bytes".to_owned()));
    let pubsub = InMemoryPubSub::new();

    Server::new()
        .with_auth(auth)
        .with_guest_tokens()
        .with_pubsub(pubsub)
        .on_message(|ctx, envelope| async move {
            // Everyone else hears it; an error would mean that the room is gone.
            ctx.broadcast_to_others(envelope.data).await.ok();
        })
        .listen("0.0.0.0:8080")
        .await
}
