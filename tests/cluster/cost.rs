//! What a cluster costs, by what Redis itself has counted.

use crate::{LONG_LEASE, PROGRAM, alone};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tapaculo_tests::{
    client::Client,
    cluster::{
        fleet::{Fleet, Network},
        load::enter,
    },
};
use tokio::time::sleep;

/// How many messages are counted: beside them the leases are renewed.
const MESSAGES: u64 = 300;

/// How much of a message those may seem to cost.
const NOISE: f64 = 0.2;

/// How many rooms are idle.
const IDLE: usize = 1000;

/// For how long it is counted what they cost.
const WHILE: Duration = Duration::from_secs(6);

/// Somebody comes in through each node in turn; the first one's has the room.
async fn members(fleet: &Fleet, room: &str) -> Vec<Client> {
    let mut members = Vec::new();
    for (number, member) in fleet.members.iter().enumerate() {
        let entered = enter(member.node.address, &format!("user {number}"), room).await;
        members.push(entered.expect("it is let in"));
    }
    assert_eq!(fleet.owner(room).await, 0, "the first node has the room");
    members
}

/// What Redis is asked while so many messages are sent one after the other: how often, and what.
async fn send(fleet: &Fleet, sender: &mut Client) -> (f64, BTreeMap<String, f64>) {
    fleet.redis.commandstats().await;
    let before = fleet.redis.reads().await;
    for _ in 0..MESSAGES {
        // Nobody gets a word of its own.
        sender.tell(json!({"type": "Add", "key": 1})).await;
    }
    let reads = fleet.redis.reads().await - before;
    let stats = fleet.redis.commandstats().await.into_iter();
    let each = |count: u64| count as f64 / MESSAGES as f64;
    (
        each(reads),
        stats
            .map(|(command, calls)| (command, each(calls)))
            .collect(),
    )
}

/// A member hears of an entry.
async fn hears_of(member: &mut Client, number: u64) {
    while member.event().await["number"] != number {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_through_another_node_is_two_round_trips_more_and_a_broadcast_is_published_once()
{
    let _alone = alone().await;
    let fleet = Fleet::start(PROGRAM, 3, LONG_LEASE, Network::Good).await;
    // Nobody is anywhere else: nothing has to be published.
    let address = fleet.members[0].node.address;
    let mut alone = enter(address, "user", "alone").await.expect("it is let in");
    let (by_itself, stats) = send(&fleet, &mut alone).await;
    let published = |stats: &BTreeMap<String, f64>| stats.get("publish").copied().unwrap_or(0.0);
    assert!(published(&stats) < NOISE, "{stats:?}");
    assert!(
        by_itself < 1.0 + NOISE,
        "{by_itself} round trips, {stats:?}"
    );

    let mut members = members(&fleet, "shared").await;
    let (owning, stats) = send(&fleet, &mut members[0]).await;
    let once = published(&stats);
    assert!(
        (1.0..1.0 + NOISE).contains(&once),
        "{once} times published, {stats:?}"
    );
    assert!(owning < 1.0 + NOISE, "{owning} round trips, {stats:?}");
    for member in &mut members[1..] {
        hears_of(member, MESSAGES).await;
    }

    let (other, stats) = send(&fleet, &mut members[1]).await;
    assert!(
        other - owning < 2.0 + NOISE,
        "{other} round trips, not {owning}: {stats:?}"
    );
    hears_of(&mut members[2], 2 * MESSAGES).await;
    println!(
        "cluster: round trips to Redis for a message: {by_itself:.2} in a room on one node, {owning:.2} \
         in one on three, {other:.2} through another node than the room's; {once:.2} publications for a \
         broadcast to three nodes"
    );
}

/// What Redis is asked while nobody does anything.
async fn idle(fleet: &Fleet) -> u64 {
    fleet.redis.commandstats().await;
    sleep(WHILE).await;
    fleet.redis.commandstats().await.values().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_in_which_nothing_happens_cost_nothing_but_the_leases_of_their_nodes() {
    let _alone = alone().await;
    let lease = Duration::from_secs(3);
    let fleet = Fleet::start(PROGRAM, 3, lease, Network::Good).await;
    let mut there = members(&fleet, "0").await;
    let one = idle(&fleet).await;
    for number in 1..IDLE {
        let room = number.to_string();
        let node = &fleet.members[number % 3].node;
        let entered = enter(node.address, "somebody", &room).await;
        there.push(entered.expect("it is let in"));
        // Some have members on two nodes.
        if number.is_multiple_of(10) {
            let node = &fleet.members[(number + 1) % 3].node;
            let entered = enter(node.address, "another", &room).await;
            there.push(entered.expect("it is let in"));
        }
    }
    let all = idle(&fleet).await;
    println!(
        "cluster: in {} s three nodes ask Redis {one} things for one idle room, {all} for {IDLE}",
        WHILE.as_secs()
    );
    assert!(one > 0, "leases are renewed");
    // One room more or less is renewed within that time.
    assert!(
        all <= one + one / 2 + 10,
        "{all} for {IDLE} rooms, {one} for one"
    );
    drop(there);
}
