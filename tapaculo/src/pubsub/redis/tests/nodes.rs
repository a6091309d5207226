//! The nodes: their leases, what they say to each other, and what all that costs.

use super::*;
use crate::pubsub::redis::keys;
use std::collections::BTreeMap;
use tokio::time::Instant;

#[tokio::test]
async fn what_is_said_reaches_whom_it_is_for() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let (mut one_heard, mut other_heard) = (one.hear(), other.hear());
    let room = room("a");
    one.listen(&room).await.unwrap();

    // Each channel in its own order, hence one after the other.
    one.tell(&other.me(), vec![1]).await.unwrap();
    assert_eq!(next(&mut other_heard).await, Heard::Inbox(vec![1]));
    other.publish(&room, vec![2]).await.unwrap();
    assert_eq!(
        next(&mut one_heard).await,
        Heard::Room(room.clone(), vec![2])
    );
    other.tell_all(vec![0, 255]).await.unwrap();
    assert_eq!(next(&mut one_heard).await, Heard::All(vec![0, 255]));
    assert_eq!(next(&mut other_heard).await, Heard::All(vec![0, 255]));

    one.unlisten(&room).await.unwrap();
    let subscribers = async || {
        let channel = keys::channel(&room);
        let (_, count): (String, u32) = server.ask(&["PUBSUB", "NUMSUB", &channel]);
        (count == 0).then_some(())
    };
    until("nobody listens", subscribers).await;
    other.publish(&room, vec![3]).await.unwrap();
    other.tell_all(vec![4]).await.unwrap();
    assert_eq!(next(&mut one_heard).await, Heard::All(vec![4]));
    assert_eq!(one.hear().recv().await, None, "it is heard once");
}

#[tokio::test]
async fn what_is_forwarded_reaches_the_owner() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut heard = one.hear();
    let room = room("a");
    assert_eq!(other.forward(&room, vec![0]).await, Ok(None));
    let claim = claim(&one, &room).await;
    assert_eq!(other.forward(&room, vec![1]).await, Ok(Some(one.me())));
    assert_eq!(next(&mut heard).await, Heard::Inbox(vec![1]));
    let release = Commit {
        then: Then::Release,
        ..commit(&room, claim.term, 1)
    };
    one.commit(release).await.unwrap();
    assert_eq!(other.forward(&room, vec![2]).await, Ok(None));
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_it_is_renewed() {
    let server = RedisServer::start();
    let short = Duration::from_secs(2);
    let node = begun(pubsub(&server.url()).with_lease(short)).await;
    let watcher = super::node(&server).await;
    assert_eq!(node.timing().lease, short);
    assert_eq!(node.timing().renew, Duration::from_millis(600));
    let me = [node.me()];
    let mut until_ = node.good_until();
    assert!(until_ <= Instant::now() + short);

    let begin = Instant::now();
    while begin.elapsed() < 2 * short {
        tokio::time::sleep(node.timing().renew).await;
        node.renew().await.unwrap();
        assert!(node.good_until() > until_);
        until_ = node.good_until();
        assert!(until_ <= Instant::now() + short);
        assert_eq!(watcher.gone(&me).await.unwrap(), []);
    }

    until("the lease runs out", async || {
        let gone = watcher.gone(&me).await.unwrap();
        (gone == me).then_some(())
    })
    .await;
    // Redis has waited for at least as long as this node.
    assert!(node.good_until() <= Instant::now());
    assert_eq!(node.renew().await, Err(StoreError::Lost));
    assert_eq!(
        node.renew().await,
        Err(StoreError::Lost),
        "it does not come back"
    );

    node.begin().await.unwrap();
    assert_ne!([node.me()], me);
    assert!(node.good_until() > Instant::now());
    node.renew().await.unwrap();
}

#[tokio::test]
async fn a_lease_that_redis_has_forgotten_ends_at_once() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let (): () = server.ask(&["DEL", &keys::lease(&node.me())]);
    assert!(node.good_until() > Instant::now());
    assert_eq!(node.renew().await, Err(StoreError::Lost));
    assert!(node.good_until() <= Instant::now());
}

#[tokio::test]
async fn after_a_new_life_the_old_name_is_not_answered_to() {
    let server = RedisServer::start();
    let (node, other) = (node(&server).await, node(&server).await);
    let mut heard = node.hear();
    let room = room("a");
    let old = node.me();
    let claim = claim(&node, &room).await;
    node.begin().await.unwrap();
    let stale = node.commit(commit(&room, claim.term, 1)).await;
    assert_eq!(stale, Err(StoreError::Lost));
    until("nobody listens to the old inbox", async || {
        let (_, count): (String, u32) = server.ask(&["PUBSUB", "NUMSUB", &keys::inbox(&old)]);
        (count == 0).then_some(())
    })
    .await;
    other.tell(&old, vec![1]).await.unwrap();
    other.tell(&node.me(), vec![2]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Inbox(vec![2]));
}

#[tokio::test]
async fn a_node_that_ends_is_gone_at_once_and_leaves_no_connection() {
    let server = RedisServer::start();
    let (node, other) = (node(&server).await, node(&server).await);
    node.end().await;
    assert!(node.good_until() <= Instant::now());
    assert_eq!(other.gone(&[node.me()]).await.unwrap(), [node.me()]);
    drop(node);
    until("its connections are closed", async || {
        (clients(&server).len() == 2).then_some(())
    })
    .await;
}

/// What is connected, but for this question.
fn clients(server: &RedisServer) -> Vec<String> {
    let list: String = server.ask(&["CLIENT", "LIST"]);
    list.lines()
        .filter(|line| !line.contains("cmd=client"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_node_has_two_connections_whatever_it_does() {
    let server = RedisServer::start();
    let node = pubsub(&server.url()).nodes().unwrap().0;
    let total = || {
        let stats: String = server.ask(&["INFO", "stats"]);
        let total = stats
            .lines()
            .find_map(|line| line.strip_prefix("total_connections_received:"))
            .unwrap();
        total.trim().parse::<u32>().unwrap()
    };
    let before = total();
    let rooms: Vec<RoomKey> = (0..300).map(|number| room(&number.to_string())).collect();
    let all = rooms.iter().map(async |room| {
        node.listen(room).await.unwrap();
        let claim = claim(&node, room).await;
        node.commit(commit(room, claim.term, 1)).await.unwrap();
        node.forward(room, vec![1]).await.unwrap();
    });
    futures_util::future::join_all(all).await;
    node.begin().await.unwrap();
    node.renew().await.unwrap();
    // The third is that of this question.
    assert_eq!(total() - before, 3);
    let clients = clients(&server);
    assert_eq!(clients.len(), 2, "{clients:#?}");
}

/// What Redis did between two counts, but for the counting.
fn since(server: &RedisServer, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    server
        .calls()
        .into_iter()
        .filter(|(command, _)| !matches!(command.as_str(), "ping" | "client|setinfo"))
        .map(|(command, calls)| {
            let before = before.get(&command).copied().unwrap_or(0);
            (command, calls - before)
        })
        .filter(|(command, calls)| *calls > 0 && command != "info" || *calls > 1)
        .collect()
}

fn calls<const N: usize>(calls: [(&str, u64); N]) -> BTreeMap<String, u64> {
    calls
        .into_iter()
        .map(|(command, calls)| (command.to_owned(), calls))
        .collect()
}

#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let server = RedisServer::start();
    let (owner, other) = (node(&server).await, node(&server).await);
    let rooms: Vec<RoomKey> = (0..100).map(|number| room(&number.to_string())).collect();
    let mut terms = Vec::new();
    for room in &rooms {
        owner.listen(room).await.unwrap();
        terms.push(claim(&owner, room).await.term);
    }
    let told = |room, term, number| Commit {
        publish: Some(vec![1]),
        ..commit(room, term, number)
    };
    // Redis knows the scripts from here on.
    owner.commit(told(&rooms[0], terms[0], 1)).await.unwrap();
    other.forward(&rooms[0], vec![1]).await.unwrap();
    owner.renew().await.unwrap();

    let before = server.calls();
    for number in 2..=11 {
        owner
            .commit(told(&rooms[0], terms[0], number))
            .await
            .unwrap();
    }
    let spent = since(&server, &before);
    let expected = [("evalsha", 10), ("hmget", 10), ("hset", 20), ("info", 11)];
    let mut expected = calls(expected);
    expected.extend(calls([("pexpire", 10), ("publish", 10)]));
    assert_eq!(spent, expected, "a commit");

    let before = server.calls();
    for _ in 0..10 {
        other.forward(&rooms[0], vec![1]).await.unwrap();
    }
    let expected = calls([("evalsha", 10), ("hget", 10), ("publish", 10)]);
    assert_eq!(since(&server, &before), expected, "a forward");

    let before = server.calls();
    for _ in 0..10 {
        owner.renew().await.unwrap();
    }
    let expected = calls([("evalsha", 10), ("pexpire", 10), ("publish", 10)]);
    assert_eq!(
        since(&server, &before),
        expected,
        "a renewal, for all rooms"
    );

    let before = server.calls();
    for _ in 0..10 {
        owner.publish(&rooms[0], vec![1]).await.unwrap();
        owner.tell(&other.me(), vec![1]).await.unwrap();
        owner.tell_all(vec![1]).await.unwrap();
    }
    assert_eq!(since(&server, &before), calls([("publish", 30)]));
}
