//! A rolling restart: each node in turn is asked to end, and another one starts.

use crate::{LONG_LEASE, PROGRAM, SHAPE, SHORT_LEASE, alone};
use std::time::Duration;
use tapaculo_tests::cluster::{
    check::checked,
    fleet::{Fleet, Network},
    load::{Load, Shape},
};

/// For how long nobody may be away for longer.
const BOUND: Duration = Duration::from_secs(5);

const NODES: usize = 3;

async fn restart_all(times: u64, lease: Duration) {
    let _alone = alone().await;
    let mut fleet = Fleet::start(PROGRAM, NODES, lease, Network::Good).await;
    let shape = Shape { seed: 50, ..SHAPE };
    let load = Load::start(&fleet.entrances, shape);
    for _ in 0..times {
        for _ in 0..NODES {
            load.goes_on(6).await;
            assert!(fleet.retire(0).await, "it ends well");
            fleet.add().await;
        }
    }
    load.goes_on(6).await;
    let figures = checked(&load.finish().await, BOUND);
    println!(
        "cluster: {NODES} nodes restarted one after the other, {times} times, lease {} ms, seed {}: \
         {figures}",
        lease.as_millis(),
        shape.seed,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_rolling_restart_nothing_is_lost_and_nobody_is_away_for_5_s() {
    restart_all(1, LONG_LEASE).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_five_rolling_restarts_nothing_is_lost_and_nobody_is_away_for_5_s() {
    restart_all(4, LONG_LEASE).await;
    restart_all(1, SHORT_LEASE).await;
}
