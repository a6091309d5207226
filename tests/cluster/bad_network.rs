//! A network between the nodes and Redis that drops, delays and cuts: nobody misses anything.

use crate::{PROGRAM, SHAPE, SHORT_LEASE, alone};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;
use tapaculo_tests::{
    cluster::{
        check::checked,
        fleet::{Fleet, Network},
        load::{Load, Shape},
    },
    proxy::{Cut, Proxy, Way},
};
use tokio::time::sleep;

/// For how long a player may have no answer: several things may happen in a row.
const BOUND: Duration = Duration::from_secs(20);

/// How often everyone is waited for.
const WAIT_EVERY: u64 = 10;

/// Does something to a network, and mends it.
async fn disturb(proxy: &Proxy, rng: &mut StdRng) {
    let way = if rng.random() { Way::Up } else { Way::Down };
    let some_time = Duration::from_millis(rng.random_range(10..1500));
    match rng.random_range(0..5) {
        // In the middle of something.
        0 | 1 => proxy.cut_after(way, rng.random_range(1..5000)),
        2 => {
            proxy.delay(Duration::from_millis(rng.random_range(1..150)));
            sleep(some_time).await;
            proxy.delay(Duration::ZERO);
        }
        // Bytes get lost, and the connection with them, but later.
        3 => {
            proxy.swallow(way);
            sleep(some_time).await;
            let how = if rng.random() {
                Cut::Reset
            } else {
                Cut::Finish
            };
            proxy.cut(how);
        }
        _ => {
            proxy.refuse(true);
            proxy.cut(Cut::Reset);
            sleep(some_time).await;
            proxy.refuse(false);
        }
    }
}

async fn disturb_all(times: u64, seed: u64) {
    let _alone = alone().await;
    let fleet = Fleet::start(PROGRAM, 3, SHORT_LEASE, Network::Bad).await;
    let shape = Shape { seed, ..SHAPE };
    let mut rng = StdRng::seed_from_u64(seed);
    let load = Load::start(&fleet.entrances, shape);
    for time in 0..times {
        if time % WAIT_EVERY == 0 {
            load.goes_on(6).await;
        }
        let member = rng.random_range(0..fleet.members.len());
        let proxy = fleet.members[member].proxy.as_ref();
        disturb(proxy.expect("the network is bad"), &mut rng).await;
    }
    load.goes_on(6).await;
    let proxies = fleet
        .members
        .iter()
        .filter_map(|member| member.proxy.as_ref());
    let connections: usize = proxies.map(|proxy| proxy.counts().connections).sum();
    let figures = checked(&load.finish().await, BOUND);
    println!(
        "cluster: the network to Redis disturbed {times} times, {connections} connections, seed \
         {seed}: {figures}",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_network_that_drops_delays_and_cuts_nobody_misses_anything() {
    disturb_all(30, 40).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_network_that_drops_delays_and_cuts_for_minutes_nobody_misses_anything() {
    for seed in 41..46 {
        disturb_all(100, seed).await;
    }
}
