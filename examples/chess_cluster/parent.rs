//! What one command starts: a Redis, the nodes and the proxy before them; and the end of them all.

use crate::{
    cluster::{Act, Cluster, NAMES, Node, Order, State},
    node, pages, proxy,
    redis::Redis,
    supervisor::{self, Environment},
};
use anyhow::bail;
use std::{io, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    process::Command,
    sync::{broadcast, watch},
    task::JoinSet,
    time::timeout,
};

/// How many orders may wait for a node to hear them: more than anybody gives at once.
const ORDERS: usize = 64;

/// How long the nodes may take to end in order.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run() -> anyhow::Result<()> {
    tapaculo_examples::log();
    let lease = node::lease()?;
    let redis = Redis::find_or_start().await?;
    let cluster = Arc::new(watch::Sender::new(Cluster {
        redis: redis.place().to_owned(),
        lease_ms: u64::try_from(lease.as_millis())?,
        nodes: NAMES.map(|name| (name, Node::default())).into(),
    }));
    let orders = broadcast::Sender::new(ORDERS);
    let environment = Environment::new(&redis.url);

    // What is still running when this function ends is ended with it.
    let mut tasks = JoinSet::new();
    for name in NAMES {
        let cluster = Arc::clone(&cluster);
        let orders = orders.clone();
        tasks.spawn(supervisor::run(name, environment.clone(), cluster, orders));
    }
    let last_resort = TcpListener::bind("127.0.0.1:0").await?;
    let otherwise = last_resort.local_addr()?;
    let given = orders.clone();
    let router = pages::without_nodes(cluster.subscribe(), move |order| drop(given.send(order)));
    tasks.spawn(async move { Ok(axum::serve(last_resort, router).await?) });

    let mut known = cluster.subscribe();
    let begun = known.wait_for(|cluster| cluster.all(|state| state != State::Starting));
    if begun.await?.all(|state| !state.is_alive()) {
        bail!("no node has come up: what is wrong stands above");
    }
    let listener = tapaculo_examples::listen("chess_cluster", 8080).await?;
    let port = listener.local_addr()?.port();
    println!("chess_cluster: the nodes are at http://localhost:{port}/nodes");
    tasks.spawn(proxy::serve(listener, known, otherwise));

    tokio::select! {
        Some(failed) = tasks.join_next() => failed??,
        () = told_to_end() => {}
    }
    for node in NAMES {
        let act = Act::ShutDown;
        // One that has ended does not hear it.
        let _ = orders.send(Order { node, act });
    }
    let mut known = cluster.subscribe();
    let ended = known.wait_for(|cluster| cluster.all(|state| !state.is_alive()));
    if timeout(PATIENCE, ended).await.is_err() {
        tracing::warn!("not all nodes have ended in order");
    }
    redis.end().await;
    Ok(())
}

/// This program, to be run again for a part of it that ends when its input does.
pub(crate) fn itself() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdin(Stdio::piped());
    // Ctrl-c is for the parent alone, which then ends the others in order.
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
