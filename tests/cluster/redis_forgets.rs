//! Redis comes back without the last of what it had said that it has written, as after a failover:
//! nobody takes one history for another.

use crate::{LONG_LEASE, PROGRAM, SHAPE, SHORT_LEASE, alone};
use std::time::Duration;
use tapaculo_tests::cluster::{
    check::{Breach, check, checked},
    diary::What,
    fleet::{Fleet, Network},
    load::{Load, Shape},
};

/// For how long a player may have no answer.
const BOUND: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_redis_has_lost_something_the_node_that_has_the_room_saves_it_anew() {
    let _alone = alone().await;
    // Of a lease that would have run out since, Redis would have lost the renewals, too.
    let mut fleet = Fleet::start(PROGRAM, 3, LONG_LEASE, Network::Good).await;
    let shape = Shape { seed: 70, ..SHAPE };
    let load = Load::start(&fleet.entrances, shape);
    load.goes_on(6).await;
    fleet.redis.remember();
    load.goes_on(10).await;
    fleet.redis.forget();
    fleet.redis.restart().await;
    load.goes_on(10).await;
    let figures = checked(&load.finish().await, BOUND);
    println!(
        "cluster: Redis forgot what the nodes know, seed {}: {figures}",
        shape.seed
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_acked_messages_are_lost_with_their_nodes_everyone_is_told_by_a_new_epoch() {
    let _alone = alone().await;
    let mut fleet = Fleet::start(PROGRAM, 2, SHORT_LEASE, Network::Good).await;
    let shape = Shape { seed: 71, ..SHAPE };
    let load = Load::start(&fleet.entrances, shape);
    load.goes_on(6).await;
    fleet.redis.remember();
    load.goes_on(10).await;
    for _ in 0..2 {
        let address = fleet.kill(0).await;
        fleet.entrances.close(address);
    }
    fleet.redis.forget();
    fleet.redis.restart().await;
    fleet.add().await;
    fleet.add().await;
    load.goes_on(10).await;
    let accounts = load.finish().await;

    let found = check(&accounts, BOUND).expect_err("there is something that was lost");
    let (mut lost, mut other) = (0, Vec::new());
    for violation in found {
        match violation.breach {
            Breach::Lost(_) => lost += 1,
            // They are told that there is less, and that other things have happened.
            Breach::WentBack(..) | Breach::Forked(_) => {}
            _ => other.push(violation.to_string()),
        }
    }
    assert!(lost > 0, "something was lost");
    assert!(other.is_empty(), "{other:#?}");
    for diary in accounts.iter().flat_map(|account| &account.diaries) {
        let mut epochs: Vec<_> = diary
            .notes
            .iter()
            .filter_map(|note| match &note.what {
                What::Welcomed { epoch, .. } => Some(epoch),
                _ => None,
            })
            .collect();
        epochs.dedup();
        assert_eq!(epochs.len(), 2, "{}: {epochs:?}", diary.user);
    }
    println!(
        "cluster: Redis and all nodes forgot {lost} acked messages, seed {}: all {} players were told \
         by a new epoch",
        shape.seed,
        shape.rooms * shape.players
    );
}
