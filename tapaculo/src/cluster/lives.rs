//! Which nodes live: this one says that it does, and looks after those that it depends on.

use super::Cluster;
use crate::{
    metrics,
    protocol::Close,
    store::{NodeId, StoreError},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How much oftener others are looked after than the own lease is renewed.
const LOOKS: u32 = 6;

/// How often the keys of all rooms get a new lifetime.
const TOUCH: Duration = Duration::from_secs(10 * 60);

/// Renews this node's lease and looks whether others have let theirs run out, for as long as the
/// server runs.
pub(crate) async fn watch_over(cluster: Arc<Cluster>) {
    // Each by itself: nothing may keep a node from saying that it lives.
    tokio::join!(
        renew_for_ever(&cluster),
        look_for_ever(&cluster),
        touch_for_ever(&cluster)
    );
}

async fn renew_for_ever(cluster: &Arc<Cluster>) {
    let mut every = interval(cluster.timing().renew);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        renew(cluster).await;
    }
}

async fn look_for_ever(cluster: &Arc<Cluster>) {
    let mut mourned = HashMap::new();
    loop {
        sleep(cluster.timing().renew / LOOKS).await;
        cluster.look_after_others(&mut mourned).await;
    }
}

async fn touch_for_ever(cluster: &Arc<Cluster>) {
    loop {
        sleep(TOUCH).await;
        cluster.touch().await;
    }
}

async fn renew(cluster: &Arc<Cluster>) {
    let nodes = cluster.nodes();
    let lost = match nodes.renew().await {
        Ok(()) => false,
        Err(StoreError::Lost) => true,
        Err(error) => {
            tracing::warn!(%error, "the lease could not be renewed");
            !nodes.has_lease()
        }
    };
    if !lost {
        return;
    }
    metrics::lease_lost();
    tracing::error!("the lease of this node has run out: its rooms are another's to go on with");
    give_up_all(cluster).await;
    while let Err(error) = nodes.begin().await {
        tracing::warn!(%error, "no new lease yet");
        sleep(cluster.timing().renew / LOOKS).await;
    }
    // Whoever has come between the lives is known to others under a name that is gone.
    give_up_all(cluster).await;
    tracing::info!(node = %nodes.me(), "this node has a lease again");
}

/// Has everyone go. What is left of rooms whose handlers don't end is not waited for: it can't be saved
/// any more.
async fn give_up_all(cluster: &Arc<Cluster>) {
    let Some(host) = cluster.host() else {
        return;
    };
    let giving_up = tokio::spawn(async move { host.give_up_all(Close::Moved).await });
    if timeout(cluster.timing().lease, giving_up).await.is_err() {
        tracing::warn!("some rooms are still busy with a handler");
    }
}

impl Cluster {
    /// Goes on without the nodes that are gone.
    async fn look_after_others(self: &Arc<Self>, mourned: &mut HashMap<NodeId, JoinSet<()>>) {
        let doors = self.host().map(|host| host.doors()).unwrap_or_default();
        let mut all = BTreeSet::new();
        let mut depends = Vec::new();
        for (_, _, door) in doors {
            let nodes = door.nodes();
            if !nodes.is_empty() {
                all.extend(nodes.iter().cloned());
                depends.push((door, nodes));
            }
        }
        if all.is_empty() {
            return;
        }
        let all: Vec<NodeId> = all.into_iter().collect();
        let Ok(gone) = self.nodes().gone(&all).await else {
            return;
        };
        for node in gone {
            let before = mourned.get_mut(&node);
            // Those that were told of it before may not be done.
            if before.is_some_and(|before| {
                while before.try_join_next().is_some() {}
                !before.is_empty()
            }) {
                continue;
            }
            tracing::warn!(%node, "a node is gone");
            let theirs = depends.iter().filter(|(_, nodes)| nodes.contains(&node));
            let told = theirs.map(|(door, _)| Arc::clone(door).node_gone(node.clone()));
            mourned.insert(node.clone(), told.collect());
        }
        mourned.retain(|_, told| !told.is_empty());
    }
}
