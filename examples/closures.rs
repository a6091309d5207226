//! The smallest server there is: whatever a player says, all others in the room hear.
//!
//! `cargo run --example closures`, then open <http://localhost:8080/tapaculo.js> in two tabs (pages of
//! other origins are refused, and so is the browser's own for a path that is not found), and in the
//! console of each:
//!
//! ```text
//! const login = { method: "POST", body: JSON.stringify({ name: "Ann", room: "lobby" }) };
//! const { token } = await (await fetch("/token", login)).json();
//! const ws = new WebSocket(`ws://${location.host}/ws?token=${token}`);
//! ws.onmessage = event => console.log(JSON.parse(event.data));
//! ws.onopen = () => ws.send(JSON.stringify({ data: { hello: "all" } }));
//! ```

use tapaculo::{InMemoryPubSub, JwtAuth, Server};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
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
