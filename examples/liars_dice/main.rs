//! Two to six people and bots bluff with hidden dice: `cargo run --example liars_dice`.

mod bots;
mod dice;
mod rules;
#[cfg(test)]
mod tests;
mod wire;

use tapaculo::prelude::*;
use tapaculo_examples::files;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tapaculo_examples::log();
    let listener = tapaculo_examples::listen("liars_dice", 8082).await?;
    let auth = tapaculo_examples::auth();
    bots::open_agency(auth.clone(), listener.local_addr()?.port());
    Server::new()
        .with_auth(auth)
        .with_guest_tokens()
        .with_limits(MessageLimits::default())
        .with_connection_limits(connections())
        .with_max_rooms(1_000)
        .with_game::<dice::LiarsDice>()
        .with_routes(tapaculo_examples::router(files!("page/":
            "index.html", "style.css", "table.css", "app.js", "bidding.js", "game.js", "sound.js", "table.js",
        )))
        .serve(listener)
        .await
}

/// All bots come from one address, that of this machine.
fn connections() -> ConnectionLimits {
    let limits = ConnectionLimits::default();
    ConnectionLimits {
        open_per_address: limits.open_per_address + bots::MOST_BOTS,
        joins_per_address: limits.joins_per_address + 2 * bots::MOST_BOTS,
        ..limits
    }
}
