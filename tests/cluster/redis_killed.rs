//! `kill -9` of Redis: it comes back with what it had written, and the rooms by themselves.

use crate::{LONG_LEASE, PROGRAM, SHAPE, SHORT_LEASE, alone};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;
use tapaculo_tests::cluster::{
    check::checked,
    fleet::{Fleet, Network},
    load::{Load, Shape},
};
use tokio::time::sleep;

/// For how long a player may have no answer.
const BOUND: Duration = Duration::from_secs(12);

async fn kill_redis(times: u64, lease: Duration) {
    let _alone = alone().await;
    let mut fleet = Fleet::start(PROGRAM, 3, lease, Network::Good).await;
    let shape = Shape { seed: 20, ..SHAPE };
    let mut rng = StdRng::seed_from_u64(shape.seed);
    let load = Load::start(&fleet.entrances, shape);
    let mut slowest = Duration::ZERO;
    for _ in 0..times {
        load.goes_on(6).await;
        fleet.redis.kill();
        // It is away for shorter and for longer than a short lease.
        sleep(Duration::from_millis(rng.random_range(0..1500))).await;
        fleet.redis.restart().await;
        slowest = slowest.max(load.goes_on(6).await);
    }
    let figures = checked(&load.finish().await, BOUND);
    println!(
        "cluster: Redis killed {times} times, lease {} ms, seed {}: all go on after {} ms at most; \
         {figures}",
        lease.as_millis(),
        shape.seed,
        slowest.as_millis(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_redis_is_killed_and_comes_back_the_rooms_go_on_with_all_that_was_acked() {
    kill_redis(3, SHORT_LEASE).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_redis_is_killed_twenty_times_the_rooms_go_on_with_all_that_was_acked() {
    kill_redis(10, SHORT_LEASE).await;
    kill_redis(10, LONG_LEASE).await;
}
