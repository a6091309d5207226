//! `kill -9` of a single server that keeps its rooms in a file: it starts again and goes on with them.

use crate::{PROGRAM, SHAPE, alone};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;
use tapaculo_tests::{
    cluster::{
        Entrances,
        check::checked,
        load::{Load, Shape},
    },
    folder::Folder,
    node::{Keeps, Nodes},
};
use tokio::time::sleep;

/// For how long a player may have no answer: the server has to start again meanwhile.
const BOUND: Duration = Duration::from_secs(6);

async fn kill_servers(times: u64, acked: u64) {
    let _alone = alone().await;
    let folder = Folder::new("store");
    let keeps = Keeps::File(folder.path().join("rooms"));
    let nodes = Nodes::new(PROGRAM);
    let entrances = Entrances::default();
    let shape = Shape {
        // There is always something that is being written.
        pause: Duration::from_millis(1),
        seed: 60,
        ..SHAPE
    };
    let mut rng = StdRng::seed_from_u64(shape.seed);
    let mut node = nodes.start(&keeps).await;
    entrances.open(node.address);
    let load = Load::start(&entrances, shape);
    for time in 0..times {
        load.goes_on(6).await;
        load.has_acked(acked * time / times).await;
        // Anywhere in a write.
        sleep(Duration::from_micros(rng.random_range(0..20_000))).await;
        let address = node.address;
        node.kill().await;
        node = nodes.start(&keeps).await;
        entrances.open(node.address);
        entrances.close(address);
    }
    load.goes_on(6).await;
    load.has_acked(acked).await;
    let figures = checked(&load.finish().await, BOUND);
    // Each epoch would have been a reset of everyone.
    assert_eq!(figures.resets, 0, "{figures}");
    println!(
        "cluster: a single server with a file killed {times} times, seed {}: {figures}",
        shape.seed,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_mid_write_goes_on_with_every_game() {
    kill_servers(3, 1000).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_fifty_times_in_mid_write_goes_on_with_every_game() {
    kill_servers(50, 10_000).await;
}
