//! `SIGSTOP` of the node that has a room, for longer than its lease: when it wakes up, it has nothing
//! to say any more.

use crate::{LONG_LEASE, PROGRAM, SHAPE, SHORT_LEASE, alone};
use std::time::Duration;
use tapaculo_tests::{
    cluster::{
        check::checked,
        fleet::{Fleet, Network},
        load::{Load, Shape, room_name},
    },
    node::Signal,
};

/// For how long a player may have no answer beyond a lease: it has to notice that there is none, too.
const MORE: Duration = Duration::from_secs(6);

async fn stop_owners(times: u64, lease: Duration) {
    let _alone = alone().await;
    let fleet = Fleet::start(PROGRAM, 3, lease, Network::Good).await;
    let shape = Shape {
        // These stay with a node that is stopped, and hear whatever it says when it wakes up.
        patient: 2,
        seed: 30,
        ..SHAPE
    };
    let load = Load::start(&fleet.entrances, shape);
    let mut slowest = Duration::ZERO;
    for time in 0..times {
        load.goes_on(6).await;
        let owner = fleet.owner(&room_name(time % shape.rooms)).await;
        let address = fleet.members[owner].node.address;
        let before = fleet.members[owner].node.name();
        fleet.members[owner].node.signal(Signal::Stop);
        fleet.entrances.close(address);
        slowest = slowest.max(load.impatient_go_on(6).await);
        fleet.members[owner].node.signal(Signal::Continue);
        fleet.entrances.open(address);
        load.goes_on(6).await;
        let after = fleet.members[owner].node.name();
        assert_ne!(before, after, "it has noticed that its lease is over");
    }
    let figures = checked(&load.finish().await, lease + MORE);
    println!(
        "cluster: the owner stopped past its lease and continued {times} times, lease {} ms, seed {}: \
         all go on after {} ms at most; 0 stale writes; {figures}",
        lease.as_millis(),
        shape.seed,
        slowest.as_millis(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_stopped_past_its_lease_writes_and_says_nothing_stale() {
    stop_owners(3, SHORT_LEASE).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_stopped_past_its_lease_twenty_times_writes_and_says_nothing_stale() {
    stop_owners(15, SHORT_LEASE).await;
    stop_owners(5, LONG_LEASE).await;
}
