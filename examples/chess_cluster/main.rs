//! Chess on three nodes and a Redis, with a page that stops them: `cargo run --example chess_cluster`.
//!
//! One command starts it all, each part in a process of its own: it runs itself again for each of the
//! nodes, and to watch over the Redis. What a player connects to is a proxy, which gives each
//! connection to the next node. The page at `/nodes` shows which node has which table, and kills, stops
//! and starts them.
//!
//! | environment | |
//! | --- | --- |
//! | `PORT` | where the proxy listens; 8080 |
//! | `REDIS_URL` | the Redis to use, instead of one that is started and ends with the example |
//! | `LEASE_MS` | how long a node that is gone may keep its tables, in milliseconds; 3000 |

#[path = "../chess_server/chess.rs"]
mod chess;
#[path = "../chess_server/clock.rs"]
mod clock;
#[path = "../chess_server/outcome.rs"]
mod outcome;
#[path = "../chess_server/position.rs"]
mod position;
#[path = "../chess_server/wire.rs"]
mod wire;

mod cluster;
mod node;
mod pages;
mod parent;
mod proxy;
mod redis;
mod supervisor;

use anyhow::bail;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => parent::run().await,
        ["node", name] => node::run(name.parse()?).await,
        ["redis", port] => redis::watch_over(port.parse()?),
        _ => bail!("it takes no arguments: cargo run --example chess_cluster"),
    }
}
