//! What players connect to: hands each connection to the next node, and its bytes to and fro.

use crate::cluster::{Cluster, State};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

/// How long a node may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// For how long nobody is let in where the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);

/// Knows nothing of HTTP: a WebSocket is a connection like any other. Where no node takes one, it goes
/// to the address `otherwise`.
pub(crate) async fn serve(
    listener: TcpListener,
    cluster: watch::Receiver<Cluster>,
    otherwise: SocketAddr,
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let mut takers = nodes(&cluster.borrow(), turn);
                takers.push(otherwise);
                tokio::spawn(carry(client, takers));
            }
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

/// The nodes that run, beginning with the one whose turn it is.
fn nodes(cluster: &Cluster, turn: usize) -> Vec<SocketAddr> {
    let running = cluster
        .nodes
        .values()
        .filter(|node| node.state == State::Running);
    let mut running: Vec<_> = running.filter_map(|node| node.address).collect();
    if !running.is_empty() {
        let turn = turn % running.len();
        running.rotate_left(turn);
    }
    running
}

/// Brings a client to the first of these who takes it.
async fn carry(mut client: TcpStream, takers: Vec<SocketAddr>) {
    for taker in takers {
        let Ok(Ok(mut node)) = timeout(PATIENCE, TcpStream::connect(taker)).await else {
            continue; // it has ended just now
        };
        // Moves are small, and each of them is waited for.
        let _ = (client.set_nodelay(true), node.set_nodelay(true));
        // However it ends, there is nobody to tell.
        let _ = copy_bidirectional(&mut client, &mut node).await;
        return;
    }
}

#[cfg(test)]
mod tests;
