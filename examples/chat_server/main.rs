//! A group chat in the browser: `cargo run --example chat_server`.

mod authors;
mod chat;
mod person;
#[cfg(test)]
mod tests;
mod text;
mod wire;

use std::time::Duration;
use tapaculo::prelude::*;
use tapaculo_examples::files;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tapaculo_examples::log();
    let listener = tapaculo_examples::listen("chat_server", 8081).await?;
    Server::new()
        .with_auth(tapaculo_examples::auth())
        .with_guest_tokens()
        .with_limits(messages())
        .with_connection_limits(connections())
        .with_max_rooms(500)
        .with_game::<chat::Chat>()
        .with_routes(tapaculo_examples::router(files!("page/":
            "index.html", "style.css", "app.js", "chat.js", "composer.js", "conversation.js", "outbox.js",
            "people.js", "shutout.js", "text.js", "time.js",
        )))
        .serve(listener)
        .await
}

/// All that a page sends counts. Somebody who talks fast sends five messages in five seconds and as
/// many signs of typing, and the page a ping whenever it is looked at: there is room for that twice,
/// and none for a flood.
fn messages() -> MessageLimits {
    MessageLimits {
        // The longest text has four bytes a character; JSON adds a little.
        max_size_bytes: 20 * 1024,
        max_messages_per_window: 20,
        window_duration: Duration::from_secs(5),
        ban_duration: Duration::from_secs(10),
    }
}

/// Enough for a class behind one address.
fn connections() -> ConnectionLimits {
    ConnectionLimits {
        rooms_per_user: 4,
        open_per_address: 32,
        ..ConnectionLimits::default()
    }
}
