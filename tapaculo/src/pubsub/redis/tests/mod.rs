//! What is promised of Redis, with a real `redis-server`.

mod cuts;
mod nodes;
mod proxy;
mod rooms;
mod server;
mod topologies;
mod users;

use self::{proxy::Proxy, server::RedisServer};
use super::{BackoffConfig, RedisPubSub};
use crate::{
    ids::RoomId,
    pubsub::{
        nodes::{Heard, Nodes},
        sealed::Sealed,
    },
    store::{Claim, Claimed, Commit, NodeId, RoomKey, StoreError, Then},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc::Receiver, time::timeout};

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// So long a room is kept in these tests.
const KEPT: Duration = Duration::from_secs(100);

fn pubsub(url: &str) -> RedisPubSub {
    RedisPubSub::new(url).unwrap()
}

/// A node that has begun.
async fn node(server: &RedisServer) -> Arc<dyn Nodes> {
    begun(pubsub(&server.url())).await
}

async fn begun(pubsub: RedisPubSub) -> Arc<dyn Nodes> {
    let node = pubsub.nodes().unwrap().0;
    node.begin().await.unwrap();
    node
}

fn room(name: &str) -> RoomKey {
    RoomKey {
        game: "chess".into(),
        room: RoomId::new(name).unwrap(),
    }
}

async fn claim(node: &Arc<dyn Nodes>, room: &RoomKey) -> Claim {
    match node.claim(room, None).await.unwrap() {
        Claimed::Ours(claim) => claim,
        Claimed::Theirs(other) => panic!("{other} has it"),
    }
}

/// The commit of this number, with one cell.
fn commit(room: &RoomKey, term: u64, number: u64) -> Commit<'_> {
    Commit {
        room,
        term,
        number,
        anew: false,
        put: vec![("state".into(), number.to_string().into())],
        delete: Vec::new(),
        then: Then::Keep,
        keep_for: KEPT,
        publish: None,
    }
}

async fn next(heard: &mut Receiver<Heard>) -> Heard {
    timeout(DEADLINE, heard.recv())
        .await
        .expect("nothing was heard")
        .expect("nobody listens")
}

/// Asks until it is so.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match timeout(DEADLINE, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("not in time: {what}"),
    }
}
