//! One node, a process of its own: a chess server like any other, but for its pubsub.

use crate::{
    chess::Chess,
    cluster::{Cluster, Name, Said, Share, Table, Told},
    pages,
};
use anyhow::Context;
use std::{
    env,
    io::{self, Write},
    net::SocketAddr,
    process::exit,
    thread,
    time::Duration,
};
use tapaculo::{RedisPubSub, ServerHandle, prelude::*};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::watch,
    time::{interval, sleep},
};

/// How often it looks what its share of the work is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn run(name: Name) -> anyhow::Result<()> {
    tapaculo_examples::log_to(io::stderr);
    let (cluster, known) = watch::channel(Cluster::default());
    let url = env::var("REDIS_URL").context("a node needs REDIS_URL")?;
    let server = Server::new()
        .with_auth(tapaculo_examples::auth())
        .with_guest_tokens()
        .with_limits(MessageLimits::default())
        .with_connection_limits(ConnectionLimits::default())
        .with_max_rooms(1_000)
        .with_pubsub(RedisPubSub::new(url)?.with_lease(lease()?))
        .with_game::<Chess>()
        .with_routes(pages::router(known, |order| say(&Said::Asks(order))));
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tracing::info!(%name, "starts");
    listen_to_parent(cluster, handle.clone());
    tokio::spawn(report(handle, listener.local_addr()?));
    server.serve(listener).await
}

/// How long a node that is gone may keep its rooms: about as long as the players of a game wait after
/// a crash. Three seconds are short enough for that, and on one machine long enough for a node that is
/// merely slow; where nodes and Redis are far apart, the library's ten are better.
pub(crate) fn lease() -> anyhow::Result<Duration> {
    let lease = env::var("LEASE_MS").unwrap_or_else(|_| "3000".to_owned());
    let lease = lease.parse().context("LEASE_MS is in milliseconds");
    lease.map(Duration::from_millis)
}

/// A thread, since nothing else could be waiting for a line while the process ends.
fn listen_to_parent(cluster: watch::Sender<Cluster>, server: ServerHandle) {
    let runtime = Handle::current();
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Told::Cluster(now)) => drop(cluster.send_replace(now)),
                Ok(Told::ShutDown) => {
                    let server = server.clone();
                    runtime.spawn(async move { server.shutdown().await });
                }
                Err(error) => tracing::warn!(%error, "no idea what the parent says"),
            }
        }
        exit(1); // it is gone, however it went
    });
}

/// Tells the parent where this node is, once players may come, and from then on what its share of the
/// work is, whenever it is another.
async fn report(server: ServerHandle, address: SocketAddr) {
    while !is_ready(address).await.unwrap_or(false) {
        sleep(LOOK_EVERY).await;
    }
    say(&Said::ListensAt(address));
    let mut last = Share::default();
    let mut ticks = interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let rooms = server.rooms().await;
        let share = Share {
            rooms: rooms.into_iter().map(Table::from).collect(),
            users: server.connected(),
        };
        if share != last {
            last = share.clone();
            say(&Said::Has(share));
        }
    }
}

/// Asks this node itself, as a proxy would.
async fn is_ready(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200 "))
}

fn say(said: &Said) {
    let line = serde_json::to_string(said).expect("what a node says is plain data");
    if writeln!(io::stdout(), "{line}").is_err() {
        exit(1); // the parent is gone
    }
}
