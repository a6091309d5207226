//! Two people play chess in two browser tabs: `cargo run --example chess_server`.

mod chess;
mod clock;
mod outcome;
mod position;
#[cfg(test)]
mod tests;
mod wire;

use tapaculo::prelude::*;
use tapaculo_examples::files;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tapaculo_examples::log();
    let listener = tapaculo_examples::listen("chess_server", 8080).await?;
    Server::new()
        .with_auth(tapaculo_examples::auth())
        .with_guest_tokens()
        .with_limits(MessageLimits::default())
        .with_connection_limits(ConnectionLimits::default())
        .with_max_rooms(1_000)
        .with_game::<chess::Chess>()
        .with_routes(tapaculo_examples::router(files!("page/":
            "index.html", "style.css", "app.js", "board.js", "clock.js", "game.js", "rules.js", "sound.js",
        )))
        .serve(listener)
        .await
}
