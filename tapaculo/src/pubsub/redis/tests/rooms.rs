//! Who has a room, and what is kept of it.

use super::*;
use crate::{
    pubsub::{
        nodes::CLAIM_KEPT,
        redis::{address::Address, keys, line::Line, record},
    },
    store::Saved,
};

fn saved(cells: &[(&str, &str)], number: u64, doubtful: bool) -> Saved {
    Saved {
        cells: cells
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), (*bytes).into()))
            .collect(),
        number,
        doubtful,
    }
}

#[tokio::test]
async fn a_room_is_of_one_node_at_a_time() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let room = room("a");
    let claim = claim(&one, &room).await;
    assert_eq!(claim.saved, None);
    let refused = Claimed::Theirs(one.me());
    assert_eq!(other.claim(&room, None).await.unwrap(), refused);
    // One that is gone is not whoever has it.
    let nobody = NodeId::random();
    assert_eq!(other.claim(&room, Some(&nobody)).await.unwrap(), refused);

    one.commit(commit(&room, claim.term, 1)).await.unwrap();
    let stranger = other.commit(commit(&room, claim.term, 2)).await;
    assert_eq!(stranger, Err(StoreError::Lost));
}

#[tokio::test]
async fn rooms_are_kept_and_none_is_any_nodes_to_go_on_with() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let room = room("a");
    let term = claim(&one, &room).await.term;
    let release = Commit {
        then: Then::Release,
        ..commit(&room, term, 1)
    };
    one.commit(release).await.unwrap();
    assert!(other.keeps());
    assert_eq!(other.left().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_released_room_is_the_next_ones_with_all_that_was_saved() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let room = room("a");
    let first = claim(&one, &room).await;
    one.commit(commit(&room, first.term, 1)).await.unwrap();
    let release = || Commit {
        put: vec![("more".into(), vec![0, 255, b'\n'])],
        then: Then::Release,
        ..commit(&room, first.term, 2)
    };
    one.commit(release()).await.unwrap();

    let second = claim(&other, &room).await;
    assert!(second.term > first.term);
    let mut expected = saved(&[("state", "1")], 2, false);
    expected.cells.insert("more".into(), vec![0, 255, b'\n']);
    assert_eq!(second.saved, Some(expected));

    // What has happened is not denied, though another has it since.
    one.commit(release()).await.unwrap();
    let late = one.commit(commit(&room, first.term, 3)).await;
    assert_eq!(late, Err(StoreError::Lost));
}

#[tokio::test]
async fn a_dead_nodes_room_is_taken_over_and_its_token_is_worth_nothing() {
    let server = RedisServer::start();
    let dead = begun(pubsub(&server.url()).with_lease(Duration::from_millis(300))).await;
    let heir = node(&server).await;
    let room = room("a");
    let old = claim(&dead, &room).await;
    dead.commit(commit(&room, old.term, 1)).await.unwrap();

    let nodes = [heir.me(), dead.me()];
    let gone = until("the node is gone", async || {
        let gone = heir.gone(&nodes).await.unwrap();
        (!gone.is_empty()).then_some(gone)
    })
    .await;
    assert_eq!(gone, [dead.me()]);
    let Claimed::Ours(new) = heir.claim(&room, Some(&gone[0])).await.unwrap() else {
        panic!("it was not taken over");
    };
    assert!(new.term > old.term);
    assert_eq!(new.saved, Some(saved(&[("state", "1")], 1, false)));

    let stale = Commit {
        put: vec![("state".into(), "stale".into())],
        ..commit(&room, old.term, 2)
    };
    assert_eq!(dead.commit(stale).await, Err(StoreError::Lost));
    let state: String = server.ask(&["HGET", &keys::record(&room), "state"]);
    assert_eq!(state, "1");
    heir.commit(commit(&room, new.term, 2)).await.unwrap();
}

#[tokio::test]
async fn a_repeated_commit_happens_and_is_told_once() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let mut heard = node.hear();
    let room = room("a");
    node.listen(&room).await.unwrap();
    let claim = claim(&node, &room).await;
    for number in [1, 1, 2, 2] {
        let said = Commit {
            publish: Some(vec![number as u8]),
            ..commit(&room, claim.term, number)
        };
        node.commit(said).await.unwrap();
    }
    node.publish(&room, vec![3]).await.unwrap();
    for number in 1..=3 {
        assert_eq!(
            next(&mut heard).await,
            Heard::Room(room.clone(), vec![number])
        );
    }
}

#[tokio::test]
async fn a_store_that_has_lost_something_is_behind() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let first = claim(&node, &room).await;
    node.commit(commit(&room, first.term, 1)).await.unwrap();
    let skips = node.commit(commit(&room, first.term, 3)).await;
    assert_eq!(skips, Err(StoreError::Behind));

    // An older record, as a server has that was promoted too early.
    let record = keys::record(&room);
    let (): () = server.ask(&["HSET", &record, "@term", "7", "@owner", "another"]);
    let older = node.commit(commit(&room, first.term, 2)).await;
    assert_eq!(older, Err(StoreError::Behind));

    let (): () = server.ask(&["DEL", &record]);
    let all = node.commit(commit(&room, first.term, 2)).await;
    assert_eq!(all, Err(StoreError::Behind));
    let second = claim(&node, &room).await;
    assert_eq!(second.saved, None);
    assert!(
        second.term > first.term,
        "though the older one is forgotten"
    );
}

#[tokio::test]
async fn who_has_a_room_may_save_anew_what_the_store_has_lost() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let record = keys::record(&room("a"));
    let losses: [&[&str]; 4] = [
        &["DEL", &record],
        &["HSET", &record, "@number", "1"],
        &[
            "HSET", &record, "@term", "7", "@owner", "another", "@number", "1",
        ],
        &["HDEL", &record, "@number", "@by", "@run", "state"],
    ];
    for loss in losses {
        let room = room("a");
        let first = claim(&one, &room).await;
        let number = first.saved.map_or(0, |saved| saved.number);
        let term = first.term;
        for number in number + 1..number + 3 {
            one.commit(commit(&room, term, number)).await.unwrap();
        }
        let number = number + 3;
        let (): () = server.ask(loss);
        let behind = one.commit(commit(&room, term, number)).await;
        assert_eq!(behind, Err(StoreError::Behind), "{loss:?}");
        let anew = || Commit {
            anew: true,
            put: vec![("all".into(), "there is".into())],
            ..commit(&room, term, number)
        };
        one.commit(anew()).await.unwrap();
        one.commit(anew()).await.unwrap();
        let refused = Claimed::Theirs(one.me());
        assert_eq!(other.claim(&room, None).await.unwrap(), refused, "{loss:?}");
        one.commit(commit(&room, term, number + 1)).await.unwrap();
        let again = claim(&one, &room).await;
        let state = (number + 1).to_string();
        let cells = [("all", "there is"), ("state", state.as_str())];
        assert_eq!(again.saved, Some(saved(&cells, number + 1, false)));
    }
}

#[tokio::test]
async fn nobody_saves_anew_what_another_has() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let room = room("a");
    let term = claim(&one, &room).await.term;
    let release = Commit {
        then: Then::Release,
        ..commit(&room, term, 1)
    };
    one.commit(release).await.unwrap();
    let anew = || Commit {
        anew: true,
        ..commit(&room, term, 2)
    };
    let given_up = one.commit(anew()).await;
    assert_eq!(given_up, Err(StoreError::Lost));
    // It is another's, who has found nothing of it.
    let (): () = server.ask(&["DEL", &keys::record(&room)]);
    claim(&other, &room).await;
    assert_eq!(one.commit(anew()).await, Err(StoreError::Lost));
}

#[tokio::test]
async fn cells_are_put_deleted_and_replaced() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let mut term = claim(&node, &room).await.term;
    let put = |cells: &[&str]| {
        cells
            .iter()
            .map(|name| ((*name).to_owned(), (*name).into()))
            .collect()
    };
    let names = ["a", "@owner", "@@", ""];
    let first = Commit {
        put: put(&names),
        ..commit(&room, term, 1)
    };
    node.commit(first).await.unwrap();
    let cells = names.map(|name| (name, name));
    // Its own room may be claimed again.
    let again = claim(&node, &room).await;
    assert_eq!(again.saved, Some(saved(&cells, 1, false)));
    assert!(again.term > term);
    term = again.term;

    let second = Commit {
        put: put(&["b"]),
        delete: vec!["@owner".into(), "nothing".into(), "".into()],
        ..commit(&room, term, 2)
    };
    node.commit(second).await.unwrap();
    let again = claim(&node, &room).await;
    let cells = ["@@", "a", "b"].map(|name| (name, name));
    assert_eq!(again.saved, Some(saved(&cells, 2, false)));
    term = again.term;

    let third = Commit {
        anew: true,
        ..commit(&room, term, 3)
    };
    node.commit(third).await.unwrap();
    let again = claim(&node, &room).await;
    assert_eq!(again.saved, Some(saved(&[("state", "3")], 3, false)));
}

#[tokio::test]
async fn a_commit_may_have_thousands_of_cells() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let term = claim(&node, &room).await.term;
    let names: Vec<String> = (0..9001).map(|number| format!("log:{number}")).collect();
    let all = Commit {
        put: names
            .iter()
            .map(|name| (name.clone(), name.clone().into()))
            .collect(),
        ..commit(&room, term, 1)
    };
    node.commit(all).await.unwrap();
    let again = claim(&node, &room).await;
    let cells = again.saved.unwrap().cells;
    assert_eq!(cells.len(), 9001);
    assert!(names.iter().all(|name| cells[name] == name.as_bytes()));
    let most = Commit {
        put: Vec::new(),
        delete: names[1..].to_vec(),
        ..commit(&room, again.term, 2)
    };
    node.commit(most).await.unwrap();
    let cells = claim(&node, &room).await.saved.unwrap().cells;
    assert_eq!(cells.keys().collect::<Vec<_>>(), ["log:0"]);
}

#[tokio::test]
async fn nothing_is_left_of_a_room_that_is_over() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let mut heard = node.hear();
    let room = room("a");
    node.listen(&room).await.unwrap();
    let term = claim(&node, &room).await.term;
    node.commit(commit(&room, term, 1)).await.unwrap();
    let last = || Commit {
        then: Then::Remove,
        publish: Some(b"over".to_vec()),
        ..commit(&room, term, 2)
    };
    node.commit(last()).await.unwrap();
    let left: Vec<String> = server.ask(&["KEYS", "*{*"]);
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(
        next(&mut heard).await,
        Heard::Room(room.clone(), b"over".to_vec())
    );
    node.commit(last()).await.unwrap();
    assert_eq!(claim(&node, &room).await.saved, None);
}

#[tokio::test]
async fn a_restart_of_redis_makes_what_it_has_doubtful_until_it_is_saved_again() {
    let mut server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let term = claim(&node, &room).await.term;
    node.commit(commit(&room, term, 1)).await.unwrap();
    server.run_again();

    let again = claim(&node, &room).await;
    assert_eq!(again.saved, Some(saved(&[("state", "1")], 1, true)));
    let still = claim(&node, &room).await;
    assert_eq!(still.saved, Some(saved(&[("state", "1")], 1, true)));
    node.commit(commit(&room, still.term, 2)).await.unwrap();
    let sure = claim(&node, &room).await;
    assert_eq!(sure.saved, Some(saved(&[("state", "2")], 2, false)));
}

#[tokio::test]
async fn a_restart_that_loses_nothing_does_not_disturb_the_owner() {
    let mut server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let term = claim(&node, &room).await.term;
    for number in 1..=3 {
        node.commit(commit(&room, term, number)).await.unwrap();
        server.run_again();
    }
}

#[tokio::test]
async fn a_claim_that_comes_late_takes_nothing_back() {
    let server = RedisServer::start();
    let address = Arc::new(Address::parse(&server.url()).unwrap());
    let line = Line::new(address, BackoffConfig::default());
    let (room, me) = (room("a"), NodeId::random());
    let claim = async |count| record::claim(&line, &room, &me, count, None).await;
    let term = |claimed| match claimed {
        Ok(Claimed::Ours(claim)) => claim.term,
        other => panic!("{other:?}"),
    };

    let second = term(claim(2).await);
    assert_eq!(term(claim(2).await), second, "a repeat");
    assert!(matches!(claim(1).await, Err(StoreError::Unavailable(_))));
    let release = Commit {
        then: Then::Release,
        ..commit(&room, second, 1)
    };
    record::commit(&line, &release, &me).await.unwrap();
    assert!(matches!(claim(1).await, Err(StoreError::Unavailable(_))));
    let owner: Option<String> = server.ask(&["HGET", &keys::record(&room), "@owner"]);
    assert_eq!(owner, None);
    assert!(term(claim(3).await) > second);
}

#[tokio::test]
async fn every_key_of_a_room_expires() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let room = room("a");
    let left = || {
        let left: i64 = server.ask(&["PTTL", &keys::record(&room)]);
        Duration::from_millis(left.try_into().expect("it has a lifetime"))
    };
    let about = |time: Duration| time - Duration::from_secs(10)..=time;

    let claim_ = claim(&node, &room).await;
    assert!(about(CLAIM_KEPT).contains(&left()), "{:?}", left());
    for (number, then) in [(1, Then::Keep), (2, Then::Release)] {
        let saved = Commit {
            then,
            anew: number == 1,
            ..commit(&room, claim_.term, number)
        };
        node.commit(saved).await.unwrap();
        assert!(about(KEPT).contains(&left()), "{:?}", left());
    }
    claim(&node, &room).await;
    assert!(about(CLAIM_KEPT).contains(&left()), "{:?}", left());

    let day = Duration::from_secs(24 * 3600);
    node.touch(&[(room.clone(), day), (super::room("none"), day)])
        .await
        .unwrap();
    assert!(about(day).contains(&left()), "{:?}", left());
    claim(&node, &room).await;
    assert!(about(day).contains(&left()), "a claim shortens nothing");
    node.touch(&[(room.clone(), Duration::MAX)]).await.unwrap();
    assert!(left() > day);

    for key in server.ask::<Vec<String>>(&["KEYS", "*"]) {
        let left: i64 = server.ask(&["PTTL", &key]);
        assert!(left > 0, "{key} stays for ever");
    }
}

#[tokio::test]
async fn no_name_reaches_another_rooms_keys_or_channel() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let mut heard = node.hear();
    let names = [
        "a",
        "a}b{c/d",
        "*",
        "?",
        "[a-z]",
        ":said",
        "a}:said",
        // With the game `chess`, what `a` is with the game `chess/a`.
        "a/a",
        "%61",
        "A",
        " a",
        "\u{e4}",
        "}\u{1f600}{",
    ];
    let mut rooms: Vec<RoomKey> = names.map(room).to_vec();
    for game in ["chess/a", "chess}", "b"] {
        rooms.push(RoomKey {
            game: game.into(),
            ..room("a")
        });
    }
    for (number, room) in (1..).zip(&rooms) {
        node.listen(room).await.unwrap();
        let claim = claim(&node, room).await;
        assert_eq!(claim.saved, None, "{room:?} is another's");
        let own = Commit {
            put: vec![("name".into(), room.room.as_str().into())],
            publish: Some(vec![number]),
            ..commit(room, claim.term, 1)
        };
        node.commit(own).await.unwrap();
    }
    for (number, room) in (1..).zip(&rooms) {
        assert_eq!(
            next(&mut heard).await,
            Heard::Room(room.clone(), vec![number])
        );
        let saved = claim(&node, room).await.saved.unwrap();
        assert_eq!(saved.cells["name"], room.room.as_str().as_bytes());
    }
    for key in server.ask::<Vec<String>>(&["KEYS", "*"]) {
        assert!(key.starts_with("tapaculo:"), "{key}");
    }
}
