//! Redis as it really behaves: it is away, late, or silent.

use super::{proxy::Treatment, *};
use crate::pubsub::redis::keys;
use tokio::time::Instant;

/// Retries that are over soon.
fn hasty() -> BackoffConfig {
    BackoffConfig {
        max_retries: 2,
        base_delay_ms: 20,
        max_delay_ms: 50,
        timeout_ms: 300,
        ..BackoffConfig::default()
    }
}

async fn hasty_node(url: &str) -> Arc<dyn Nodes> {
    begun(RedisPubSub::with_config(url, hasty()).unwrap()).await
}

/// Waits for the subscriptions to be up again.
async fn again(heard: &mut Receiver<Heard>) {
    while next(heard).await != Heard::Again {}
}

#[tokio::test]
async fn a_cut_subscription_is_taken_up_again_with_all_rooms() {
    let server = RedisServer::start();
    let (node, other) = (node(&server).await, node(&server).await);
    let mut heard = node.hear();
    let rooms: Vec<RoomKey> = (0..1200).map(|number| room(&number.to_string())).collect();
    futures_util::future::join_all(rooms.iter().map(|room| node.listen(room)))
        .await
        .into_iter()
        .for_each(Result::unwrap);
    node.unlisten(&rooms[7]).await.unwrap();

    for _ in 0..3 {
        let killed: u32 = server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        assert!(killed > 0);
        assert_eq!(next(&mut heard).await, Heard::Again);
        let (_, seventh): (String, u32) =
            server.ask(&["PUBSUB", "NUMSUB", &keys::channel(&rooms[7])]);
        assert_eq!(seventh, 0);
        for room in [&rooms[0], &rooms[1199]] {
            other.publish(room, vec![1]).await.unwrap();
            assert_eq!(next(&mut heard).await, Heard::Room(room.clone(), vec![1]));
        }
        other.tell(&node.me(), vec![2]).await.unwrap();
        assert_eq!(next(&mut heard).await, Heard::Inbox(vec![2]));
        other.tell_all(vec![3]).await.unwrap();
        assert_eq!(next(&mut heard).await, Heard::All(vec![3]));
    }
}

#[tokio::test]
async fn a_subscription_that_is_silently_dead_is_noticed() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let config = RedisPubSub::with_config(proxy.url(), hasty()).unwrap();
    let node = begun(config.with_lease(Duration::from_secs(1))).await;
    let mut heard = node.hear();
    let room = room("a");
    node.listen(&room).await.unwrap();

    proxy.treat(Treatment::Hold);
    // The pings alone tell: nobody says anything.
    let before = proxy.connections();
    until("it connects anew", async || {
        (proxy.connections() > before).then_some(())
    })
    .await;
    proxy.treat(Treatment::Pass);
    again(&mut heard).await;
    let other = super::node(&server).await;
    other.publish(&room, vec![1]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Room(room, vec![1]));
}

#[tokio::test]
async fn a_subscription_at_a_server_where_nothing_is_said_is_noticed() {
    let (wrong, right) = (RedisServer::start(), RedisServer::start());
    let proxy = Proxy::start(wrong.port()).await;
    let config = RedisPubSub::with_config(proxy.url(), hasty()).unwrap();
    // So long that it is not the pings.
    let node = config
        .with_lease(Duration::from_secs(3600))
        .nodes()
        .unwrap()
        .0;
    let mut heard = node.hear();
    let room = room("a");
    node.listen(&room).await.unwrap();
    // It listens to one server, and from here on speaks to another, as after a failover that it has
    // seen half of.
    proxy.lead_to(right.port());
    node.begin().await.unwrap();
    node.renew().await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Again);
    node.publish(&room, vec![1]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Room(room, vec![1]));
    for _ in 0..5 {
        node.renew().await.unwrap();
        node.publish(&room_of_all(), vec![1]).await.unwrap();
    }
    node.tell_all(vec![2]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::All(vec![2]), "and stays");
}

fn room_of_all() -> RoomKey {
    room("all")
}

#[tokio::test]
async fn while_redis_is_away_operations_fail_within_their_bound_and_then_recover() {
    let mut server = RedisServer::start();
    let node = hasty_node(&server.url()).await;
    let mut heard = node.hear();
    let (room, late) = (room("a"), super::room("b"));
    let term = claim(&node, &room).await.term;
    server.kill();

    let begin = Instant::now();
    let bound = hasty().longest();
    let unavailable = |error| matches!(error, StoreError::Unavailable(_));
    assert!(
        node.commit(commit(&room, term, 1))
            .await
            .is_err_and(unavailable)
    );
    assert!(node.claim(&late, None).await.is_err_and(unavailable));
    assert!(node.forward(&room, vec![1]).await.is_err_and(unavailable));
    assert!(node.renew().await.is_err_and(unavailable));
    assert!(node.begin().await.is_err_and(unavailable));
    assert!(node.listen(&late).await.is_err_and(unavailable));
    assert!(begin.elapsed() < 6 * bound, "{:?}", begin.elapsed());
    // Far more often than an operation is tried.
    for _ in 0..20 {
        assert!(node.renew().await.is_err());
    }

    server.run_again();
    until("it is back", async || {
        node.commit(commit(&room, term, 1)).await.ok()
    })
    .await;
    again(&mut heard).await;
    let (_, listening): (String, u32) = server.ask(&["PUBSUB", "NUMSUB", &keys::channel(&late)]);
    assert_eq!(listening, 0, "what has failed is not done later");
    until("it listens", async || node.listen(&late).await.ok()).await;
    node.publish(&late, vec![1]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Room(late, vec![1]));
}

#[tokio::test]
async fn an_operation_waits_for_a_redis_that_is_away_for_less_than_its_bound() {
    let mut server = RedisServer::start();
    let patient = BackoffConfig {
        max_retries: 40,
        base_delay_ms: 20,
        max_delay_ms: 200,
        ..BackoffConfig::default()
    };
    let node = begun(RedisPubSub::with_config(server.url(), patient).unwrap()).await;
    let room = room("a");
    let term = claim(&node, &room).await.term;
    server.kill();
    let commit = node.commit(commit(&room, term, 1));
    let restart = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.run_again();
    };
    let (saved, ()) = tokio::join!(commit, restart);
    saved.unwrap();
}

/// What is sent next happens, and its answer is lost with the connection; then all is well again.
async fn lose_the_answer(server: &RedisServer, proxy: &Proxy) {
    let (): () = server.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    until("it waits in Redis", async || {
        let list: String = server.ask(&["CLIENT", "LIST"]);
        list.contains("flags=b").then_some(())
    })
    .await;
    let (connections, calls) = (proxy.connections(), server.calls()["evalsha"]);
    proxy.treat(Treatment::Hold);
    let (): () = server.ask(&["CLIENT", "UNPAUSE"]);
    until("it has happened", async || {
        (server.calls()["evalsha"] > calls).then_some(())
    })
    .await;
    until("the node has given that connection up", async || {
        (proxy.connections() > connections).then_some(())
    })
    .await;
    proxy.treat(Treatment::Pass);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_repeated_and_happens_once() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let node = hasty_node(&proxy.url()).await;
    let direct = super::node(&server).await;
    let mut heard = direct.hear();
    let room = room("a");
    direct.listen(&room).await.unwrap();
    let term = claim(&node, &room).await.term;

    // It knows the script from here on, and needs to be asked once.
    node.commit(commit(&room, term, 1)).await.unwrap();

    let commit = Commit {
        publish: Some(vec![1]),
        ..commit(&room, term, 2)
    };
    let cut = lose_the_answer(&server, &proxy);
    let (saved, ()) = tokio::join!(node.commit(commit), cut);
    saved.unwrap();
    assert_eq!(
        server.calls()["hmget"],
        4,
        "a claim, a commit, another twice"
    );
    direct.publish(&room, vec![2]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Room(room.clone(), vec![1]));
    assert_eq!(next(&mut heard).await, Heard::Room(room, vec![2]));
}

#[tokio::test]
async fn what_may_have_been_said_is_not_said_again() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let node = hasty_node(&proxy.url()).await;
    let direct = super::node(&server).await;
    let mut heard = direct.hear();
    let room = room("a");
    claim(&direct, &room).await;
    node.forward(&room, vec![0]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Inbox(vec![0]));

    let say = async {
        let said = node.forward(&room, vec![1]).await;
        // The next one takes the new connection, once there is one.
        until("it is back", async || {
            node.forward(&room, vec![2]).await.ok()
        })
        .await;
        said
    };
    let (said, ()) = tokio::join!(say, lose_the_answer(&server, &proxy));
    assert!(matches!(said, Err(StoreError::Unavailable(_))), "{said:?}");
    assert_eq!(next(&mut heard).await, Heard::Inbox(vec![1]));
    assert_eq!(next(&mut heard).await, Heard::Inbox(vec![2]));
}

#[tokio::test]
async fn a_redis_that_forgets_its_scripts_is_told_them_again() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let term = claim(&node, &room).await.term;
    for number in 1..4 {
        let (): () = server.ask(&["SCRIPT", "FLUSH"]);
        node.commit(commit(&room, term, number)).await.unwrap();
        node.renew().await.unwrap();
    }
}

#[tokio::test]
async fn what_redis_refuses_is_said_and_not_tried_again() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let (): () = server.ask(&["SET", &keys::record(&room), "something else"]);
    let error = node.claim(&room, None).await.unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    assert_eq!(server.calls()["hmget"], 1);
}
