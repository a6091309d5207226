//! Ways to Redis: users, TLS, Sentinel and Cluster.

use super::{server::free_port, *};
use crate::pubsub::redis::keys;
use redis::Connection;
use std::{fs, path::Path, process::Command};

/// The rules of `docs/redis.md`.
fn documented_acl() -> Vec<String> {
    let text = include_str!("../../../../docs/redis.md");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ACL SETUSER tapaculo "))
        .expect("the document has an ACL");
    line.split(' ').map(str::to_owned).collect()
}

/// Makes a user with the documented rights, and no more, of this password.
fn make_user(server: &RedisServer, password: &str) {
    let rules = documented_acl();
    let password = format!(">{password}");
    let mut user = vec!["ACL", "SETUSER", "tapaculo"];
    user.extend(rules.iter().map(|rule| match rule.as_str() {
        ">password" => &password,
        rule => rule,
    }));
    let (): () = server.ask(&user);
}

/// Does once all that a node does.
async fn works(node: &Arc<dyn Nodes>, other: &Arc<dyn Nodes>) {
    let mut heard = other.hear();
    for name in ["a", "b", "c", "d}{/", "e"] {
        let room = room(name);
        other.listen(&room).await.unwrap();
        let claim = claim(node, &room).await;
        assert_eq!(claim.saved, None);
        let refused = Claimed::Theirs(node.me());
        assert_eq!(other.claim(&room, None).await, Ok(refused));
        for then in [Then::Keep, Then::Release] {
            let number = 1 + u64::from(then == Then::Release);
            let said = Commit {
                publish: Some(vec![1]),
                anew: true,
                delete: vec!["none".into()],
                then,
                ..commit(&room, claim.term, number)
            };
            node.commit(said).await.unwrap();
            assert_eq!(next(&mut heard).await, Heard::Room(room.clone(), vec![1]));
        }
        let claim = super::claim(other, &room).await;
        assert_eq!(claim.saved.as_ref().unwrap().number, 2);
        assert_eq!(node.forward(&room, vec![2]).await, Ok(Some(other.me())));
        assert_eq!(next(&mut heard).await, Heard::Inbox(vec![2]));
        node.touch(&[(room.clone(), KEPT)]).await.unwrap();
        node.publish(&room, vec![3]).await.unwrap();
        assert_eq!(next(&mut heard).await, Heard::Room(room.clone(), vec![3]));
        other.unlisten(&room).await.unwrap();
        let over = Commit {
            then: Then::Remove,
            ..commit(&room, claim.term, 3)
        };
        other.commit(over).await.unwrap();
    }
    node.tell(&other.me(), vec![4]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Inbox(vec![4]));
    node.tell_all(vec![5]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::All(vec![5]));
    users::all_there_is_works(node, other).await;
    let told = next(&mut heard).await;
    assert!(matches!(told, Heard::All(_)), "{told:?}");
    node.renew().await.unwrap();
    let nobody = NodeId::random();
    let nodes = [node.me(), nobody.clone(), other.me()];
    assert_eq!(node.gone(&nodes).await, Ok(vec![nobody]));
}

#[tokio::test]
async fn a_user_with_the_documented_rights_and_no_more_is_enough() {
    let server = RedisServer::start();
    let password = "p@ss/w:rd#?";
    make_user(&server, password);
    let (): () = server.ask(&["ACL", "SETUSER", "default", "off"]);
    let url = |password: &str| format!("redis://tapaculo:{password}@127.0.0.1:{}", server.port());
    let right = url("p%40ss%2Fw%3Ard%23%3F");

    let (node, other) = (begun(pubsub(&right)).await, begun(pubsub(&right)).await);
    works(&node, &other).await;
    node.end().await;
    assert_eq!(other.gone(&[node.me()]).await.unwrap(), [node.me()]);
    // The rights are not simply all: what is not its own is not reached.
    let mut connection = redis::Client::open(right.as_str())
        .unwrap()
        .get_connection()
        .unwrap();
    for command in [["SET", "other", "1"], ["PUBLISH", "other", "1"]] {
        let refused = redis::cmd(command[0])
            .arg(&command[1..])
            .query::<()>(&mut connection);
        assert!(refused.is_err(), "{command:?}");
    }

    let wrong = RedisPubSub::with_config(
        url("wr0ng"),
        BackoffConfig {
            max_retries: 0,
            ..BackoffConfig::default()
        },
    )
    .unwrap();
    let wrong = wrong.nodes().unwrap().0;
    let error = wrong.claim(&room("a"), None).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("password"), "{error}");
    for text in [error, format!("{wrong:?}"), format!("{node:?}")] {
        assert!(
            !text.contains("wr0ng") && !text.contains(password),
            "{text}"
        );
    }
}

/// Makes an authority, and a certificate that it has signed.
fn certificates(directory: &Path) {
    let script = "
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
            -subj /CN=authority -keyout ca.key -out ca.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -subj /CN=redis -keyout redis.key -out redis.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE' > redis.ext
        openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile redis.ext -out redis.pem
    ";
    let made = Command::new("sh")
        .args(["-ec", script])
        .current_dir(directory)
        .output()
        .expect("`sh` can't be run");
    assert!(
        made.status.success(),
        "`openssl` can't be run, or fails (Debian: openssl): {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

#[tokio::test]
async fn redis_is_spoken_to_over_tls() {
    let server = RedisServer::start();
    let directory = server.directory();
    certificates(directory);
    let file = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let port = free_port().to_string();
    for (name, value) in [
        ("tls-cert-file", file("redis.pem").as_str()),
        ("tls-key-file", &file("redis.key")),
        ("tls-ca-cert-file", &file("ca.pem")),
        ("tls-port", &port),
    ] {
        let (): () = server.ask(&["CONFIG", "SET", name, value]);
    }
    let read = |name: &str| fs::read(file(name)).unwrap();
    let tls = pubsub(&format!("rediss://localhost:{port}"));
    let trusting = tls.clone().with_root_certificate(read("ca.pem")).unwrap();
    let showing = trusting
        .clone()
        .with_client_certificate(read("redis.pem"), read("redis.key"))
        .unwrap();
    let (node, other) = (begun(showing.clone()).await, begun(showing).await);
    works(&node, &other).await;

    for stranger in [
        // Nobody vouches for the server.
        tls, // The server asks who this is.
        trusting,
    ] {
        let stranger = stranger.nodes().unwrap().0;
        let error = stranger.claim(&room("a"), None).await;
        assert!(
            matches!(error, Err(StoreError::Unavailable(_))),
            "{error:?}"
        );
    }
}

fn connection(port: u16) -> Connection {
    redis::Client::open(format!("redis://127.0.0.1:{port}"))
        .unwrap()
        .get_connection()
        .unwrap()
}

#[tokio::test]
async fn a_failover_by_sentinel_is_followed_and_what_it_may_have_lost_is_doubtful() {
    let mut first = RedisServer::start();
    let replica_of = format!("127.0.0.1 {}", first.port());
    let second = RedisServer::start_with(&["--replicaof", &replica_of]);
    let config = format!(
        "sentinel monitor my-master 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds my-master 500\n\
         sentinel failover-timeout my-master 5000\n\
         user watcher on >w0rd -@all +role +sentinel|masters\n",
        first.port()
    );
    let sentinel = RedisServer::start_sentinel(&config);
    until(
        "the replica is in step, and the sentinel knows it",
        async || {
            let replication: String = second.ask(&["INFO", "replication"]);
            let sentinels: String = sentinel.ask(&["INFO", "sentinel"]);
            (replication.contains("master_link_status:up") && sentinels.contains("slaves=1"))
                .then_some(())
        },
    )
    .await;

    for server in [&first, &second] {
        make_user(server, "word");
    }
    let nobody = free_port();
    let url = |password: &str| {
        format!(
            "redis-sentinel://tapaculo:word@127.0.0.1:{nobody},127.0.0.1:{}/my-master\
             ?sentinel_user=watcher&sentinel_password={password}",
            sentinel.port()
        )
    };
    let wrong = pubsub(&url("wrong")).nodes().unwrap().0;
    let refused = wrong.begin().await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("password"), "{refused}");
    let url = url("w0rd");
    let (node, other) = (begun(pubsub(&url)).await, begun(pubsub(&url)).await);
    works(&node, &other).await;
    let other = begun(pubsub(&url)).await;
    let mut heard = other.hear();
    let (room, lost) = (room("kept"), super::room("lost"));
    other.listen(&room).await.unwrap();
    let term = claim(&node, &room).await.term;
    node.commit(commit(&room, term, 1)).await.unwrap();
    until("the replica has it", async || {
        let number: Option<u64> = second.ask(&["HGET", &keys::record(&room), "@number"]);
        number
    })
    .await;
    // The replica does not get this any more.
    let (): () = second.ask(&["REPLICAOF", "127.0.0.1", &nobody.to_string()]);
    let lost_term = claim(&node, &lost).await.term;
    node.commit(commit(&lost, lost_term, 1)).await.unwrap();
    node.commit(commit(&room, term, 2)).await.unwrap();
    first.kill();

    let behind = until("the new master answers", async || {
        match node.commit(commit(&room, term, 3)).await {
            Err(StoreError::Unavailable(_)) => None,
            answer => Some(answer),
        }
    })
    .await;
    assert_eq!(behind, Err(StoreError::Behind));
    assert_eq!(
        node.commit(commit(&lost, lost_term, 2)).await,
        Err(StoreError::Behind)
    );
    let again = claim(&node, &room).await;
    let saved = again.saved.unwrap();
    assert_eq!((saved.number, saved.doubtful), (1, true));
    while next(&mut heard).await != Heard::Again {}
    node.publish(&room, vec![1]).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Room(room, vec![1]));
}

/// Servers that are one cluster, each with its part of the slots.
async fn cluster(size: u16) -> Vec<RedisServer> {
    let servers: Vec<RedisServer> = (0..size).map(|_| RedisServer::start_in_cluster()).collect();
    for (server, number) in servers.iter().zip(0..) {
        let share = |number: u16| (u32::from(number) * 16384 / u32::from(size)).to_string();
        let last = share(number + 1).parse::<u32>().unwrap() - 1;
        let (first, last) = (share(number), last.to_string());
        let (): () = server.ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        let (): () = server.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        let bus = servers[0].bus_port().to_string();
        let port = servers[0].port().to_string();
        let (): () = server.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    }
    until("they are one cluster", async || {
        servers
            .iter()
            .all(|server| {
                let info: String = server.ask(&["CLUSTER", "INFO"]);
                let nodes: String = server.ask(&["CLUSTER", "NODES"]);
                // What is published goes only to those that know each other.
                let known = nodes
                    .lines()
                    .filter(|line| line.contains(" connected") && !line.contains("handshake"));
                info.contains("cluster_state:ok") && known.count() == usize::from(size)
            })
            .then_some(())
    })
    .await;
    servers
}

#[tokio::test]
async fn a_cluster_is_used_as_a_whole() {
    let servers = cluster(3).await;
    for server in &servers {
        make_user(server, "word");
    }
    let url = |seeds: &[&RedisServer]| {
        let seeds: Vec<String> = seeds
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port()))
            .collect();
        format!("redis-cluster://tapaculo:word@{}", seeds.join(","))
    };
    let node = begun(pubsub(&url(&[&servers[0]]))).await;
    // It subscribes elsewhere, since the first is not there, and hears the same.
    let seeds = url(&[&servers[2], &servers[1]]);
    let seeds = seeds.replace('@', &format!("@127.0.0.1:{},", free_port()));
    let other = begun(pubsub(&seeds)).await;
    works(&node, &other).await;
    let rooms: Vec<RoomKey> = (0..60).map(|number| room(&number.to_string())).collect();
    for room in &rooms {
        claim(&node, room).await;
    }
    let touched: Vec<_> = rooms.iter().map(|room| (room.clone(), KEPT)).collect();
    node.touch(&touched).await.unwrap();
    for server in &servers {
        let keys: Vec<String> = server.ask(&["KEYS", "tapaculo:{*"]);
        assert!(!keys.is_empty(), "each has a part of the rooms");
    }
    // One for all subscriptions, and one to each server for commands.
    let connections: usize = servers
        .iter()
        .map(|server| {
            let list: String = server.ask(&["CLIENT", "LIST"]);
            list.lines()
                .filter(|line| !line.contains("cmd=client"))
                .count()
        })
        .sum();
    assert_eq!(connections, 2 * (3 + 1));
}

#[tokio::test]
async fn a_cluster_whose_servers_restart_is_found_again() {
    let mut servers = cluster(2).await;
    let seeds = format!(
        "redis-cluster://127.0.0.1:{},127.0.0.1:{}",
        servers[0].port(),
        servers[1].port()
    );
    let node = begun(pubsub(&seeds)).await;
    let mut heard = node.hear();
    let rooms: Vec<RoomKey> = (0..20).map(|number| room(&number.to_string())).collect();
    for room in &rooms {
        claim(&node, room).await;
    }
    // Both: whatever it was connected to is gone.
    for server in &mut servers {
        server.kill();
    }
    let away = node.claim(&rooms[0], None).await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
    for server in &mut servers {
        server.run_again();
    }
    for room in &rooms {
        until("each room is served again", async || {
            node.claim(room, None).await.ok()
        })
        .await;
    }
    assert_eq!(next(&mut heard).await, Heard::Again);
}

#[tokio::test]
async fn slots_that_move_are_followed() {
    let servers = cluster(2).await;
    for server in &servers {
        make_user(server, "word");
    }
    let seeds = format!(
        "redis-cluster://tapaculo:word@127.0.0.1:{}",
        servers[0].port()
    );
    let node = begun(pubsub(&seeds)).await;
    let room = room("a");
    let term = claim(&node, &room).await.term;
    node.commit(commit(&room, term, 1)).await.unwrap();
    let key = keys::record(&room);
    let slot: u32 = servers[0].ask(&["CLUSTER", "KEYSLOT", &key]);
    let here = |server: &RedisServer| {
        let count: u32 = server.ask(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]);
        count > 0
    };
    let (from, to) = match servers.as_slice() {
        [one, other] if here(one) => (one, other),
        [one, other] => (other, one),
        _ => panic!("two"),
    };
    let name = |server: &RedisServer| server.ask::<String>(&["CLUSTER", "MYID"]);
    let slot = slot.to_string();
    let (): () = to.ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &name(from)]);
    let (): () = from.ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &name(to)]);
    let port = to.port().to_string();
    let moved: String = from.ask(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
    assert_eq!(moved, "OK");
    node.commit(commit(&room, term, 2)).await.unwrap();
    for server in [to, from] {
        let (): () = server.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &name(to)]);
    }
    node.commit(commit(&room, term, 3)).await.unwrap();
    let mut connection = connection(to.port());
    let number: u64 = redis::cmd("HGET")
        .arg(&[&key, "@number"])
        .query(&mut connection)
        .unwrap();
    assert_eq!(number, 3);
}
