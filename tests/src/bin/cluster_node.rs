//! A server for tests, in a process of its own: `cluster_node memory`, `cluster_node file PATH` or
//! `cluster_node redis URL LEASE_IN_MS`. It prints its address, and ends when its input does.

use anyhow::{Context, bail};
use std::{io::Read, process::exit, thread, time::Duration};
use tapaculo::{FileStore, JwtAuth, RedisPubSub, Server};
use tapaculo_tests::{cluster::ledger::Ledger, server::SECRET};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    thread::spawn(|| {
        // The test has ended, however it did.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        exit(1);
    });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let server = Server::new()
        .with_auth(JwtAuth::new(SECRET))
        .with_game::<Ledger>();
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let server = match words[..] {
        ["memory"] => server,
        ["file", path] => server.with_store(FileStore::open(path)?),
        ["redis", url, lease] => {
            let lease = Duration::from_millis(lease.parse()?);
            server.with_pubsub(RedisPubSub::new(url)?.with_lease(lease))
        }
        _ => bail!("`memory`, `file PATH` or `redis URL LEASE_IN_MS`, not {words:?}"),
    };
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("no free port")?;
    println!("{}", listener.local_addr()?);
    server.serve(listener).await
}
