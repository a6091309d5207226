//! `kill -9` of the node that has a room: another goes on with it.

use crate::{LONG_LEASE, PROGRAM, SHAPE, SHORT_LEASE, alone};
use std::time::Duration;
use tapaculo_tests::cluster::{
    check::checked,
    fleet::{Fleet, Network},
    load::{Load, Shape, room_name},
};

/// How much longer than a lease a takeover may take: others look whether it has run out, and players
/// come back from where they were.
const MORE: Duration = Duration::from_secs(2);

async fn kill_owners(times: u64, acked: u64, lease: Duration, bound: Duration) {
    let _alone = alone().await;
    let mut fleet = Fleet::start(PROGRAM, 3, lease, Network::Good).await;
    let shape = Shape { seed: 10, ..SHAPE };
    let load = Load::start(&fleet.entrances, shape);
    let mut slowest = Duration::ZERO;
    for time in 0..times {
        load.goes_on(2).await;
        load.has_acked(acked * time / times).await;
        let owner = fleet.owner(&room_name(time % shape.rooms)).await;
        let address = fleet.kill(owner).await;
        fleet.add().await;
        fleet.entrances.close(address);
        // More than may have been under way already.
        slowest = slowest.max(load.goes_on(6).await);
    }
    load.has_acked(acked).await;
    let figures = checked(&load.finish().await, bound);
    println!(
        "cluster: the owner killed {times} times, lease {} ms, seed {}: all go on after {} ms at \
         most; {figures}",
        lease.as_millis(),
        shape.seed,
        slowest.as_millis(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_node_that_has_a_room_is_killed_another_goes_on_with_all_that_was_acked() {
    kill_owners(3, 1000, SHORT_LEASE, SHORT_LEASE + 2 * MORE).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_is_killed_fifty_times_another_goes_on_within_12_s() {
    kill_owners(50, 10_000, LONG_LEASE, LONG_LEASE + MORE).await;
}
