//! Several nodes on one Redis, and what may happen to them.

use super::Entrances;
use crate::{
    DEADLINE,
    node::{Keeps, Node, Nodes, Signal},
    proxy::Proxy,
    redis::{Redis, Reply},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often is looked whether something has come to pass.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Nodes on one Redis; all of it is gone when this is dropped.
#[derive(Debug)]
pub struct Fleet {
    /// The nodes, in the order in which they were started.
    pub members: Vec<Member>,
    /// Where players connect.
    pub entrances: Entrances,
    /// What connects the nodes.
    pub redis: Redis,
    nodes: Nodes,
    lease: Duration,
    network: Network,
}

/// How nodes reach their Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// As it is.
    Good,
    /// Through a proxy of each, with which a test does what it likes.
    Bad,
}

/// One of the nodes.
#[derive(Debug)]
pub struct Member {
    /// Its process.
    pub node: Node,
    /// What is between it and Redis, where the network is bad.
    pub proxy: Option<Proxy>,
}

impl Fleet {
    /// Starts so many nodes of a program.
    pub async fn start(
        program: &'static str,
        count: usize,
        lease: Duration,
        network: Network,
    ) -> Self {
        let mut fleet = Self {
            members: Vec::new(),
            entrances: Entrances::default(),
            redis: Redis::start().await,
            nodes: Nodes::new(program),
            lease,
            network,
        };
        for _ in 0..count {
            fleet.add().await;
        }
        fleet
    }

    /// Starts another one, and lets players in.
    pub async fn add(&mut self) {
        let (url, proxy) = match self.network {
            Network::Good => (self.redis.url(), None),
            Network::Bad => {
                let proxy = Proxy::start(self.redis.address).await;
                (format!("redis://{}", proxy.address), Some(proxy))
            }
        };
        let node = self.nodes.start(&Keeps::Redis(url, self.lease)).await;
        self.entrances.open(node.address);
        self.members.push(Member { node, proxy });
    }

    /// Kills a node. Players are sent there for as long as the test does not close its entrance, which
    /// is at the address that this gives.
    pub async fn kill(&mut self, index: usize) -> std::net::SocketAddr {
        let Member { node, .. } = self.members.remove(index);
        let address = node.address;
        node.kill().await;
        address
    }

    /// Asks a node to end, which is then no entrance any more; waits until it has, and says whether it
    /// ended well.
    pub async fn retire(&mut self, index: usize) -> bool {
        let Member { node, .. } = self.members.remove(index);
        self.entrances.close(node.address);
        node.signal(Signal::Terminate);
        node.ended().await.success()
    }

    /// Which of the nodes has a room.
    ///
    /// # Panics
    /// If for a long time it is none of them.
    pub async fn owner(&self, room: &str) -> usize {
        let start = Instant::now();
        let key = record(room);
        loop {
            let owner = self.redis.ask(&["HGET", &key, "@owner"]).await;
            if let Ok(Reply::Text(owner)) = &owner {
                let names = self.members.iter().map(|member| member.node.name());
                let mut found = names
                    .enumerate()
                    .filter(|(_, name)| name.as_ref() == Some(owner));
                if let Some((index, _)) = found.next() {
                    return index;
                }
            }
            assert!(start.elapsed() < DEADLINE, "{key} is had by {owner:?}");
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The key of a room's record.
#[must_use]
pub fn record(room: &str) -> String {
    let encoded: String = room
        .bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("tapaculo:{{ledger/{encoded}}}")
}
