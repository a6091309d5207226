//! What all nodes know of users.

use super::*;
use crate::{
    auth::word,
    clock::Timestamp,
    ids::{SessionId, UserId},
    pubsub::everywhere::{Counted, Counts, News, Use, Used},
};
use futures_util::future::join_all;
use std::time::{SystemTime, UNIX_EPOCH};

/// So many milliseconds from now.
fn in_ms(ms: u64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap() + ms)
}

const AN_HOUR: u64 = 3_600_000;

/// The same in microseconds.
fn micros(at: Timestamp) -> u64 {
    at.as_millis() * 1000
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn banned(name: &str, until: Timestamp) -> News {
    let user = user(name);
    News::Banned { user, until }
}

async fn all(node: &Arc<dyn Nodes>) -> Vec<News> {
    node.all_news().await.unwrap()
}

/// Does once all that is done about users, for other tests.
pub(super) async fn all_there_is_works(node: &Arc<dyn Nodes>, other: &Arc<dyn Nodes>) {
    let revoked = |session| News::RevokedUntil {
        user: user("alice"),
        session,
        moment: micros(in_ms(0)),
    };
    let news = [
        banned("alice", in_ms(AN_HOUR)),
        banned("bob", in_ms(AN_HOUR)),
        News::Unbanned { user: user("bob") },
        revoked(None),
        revoked(SessionId::new("s").ok()),
        News::RevokedMark {
            user: user("alice"),
            mark: "00112233445566778899aabbccddeeff".to_owned(),
            ends: micros(in_ms(AN_HOUR)),
        },
    ];
    node.spread(&news).await.unwrap();
    let known = all(other).await;
    let missing = news.iter().filter(|news| !known.contains(news)).count();
    assert_eq!(missing, 1, "all but bob's ban: {known:?}");
    let token = token("all there is", 0, None);
    assert_eq!(node.redeem(&token).await, Ok(Used::Once));
    let again = other.redeem(&token).await;
    assert!(matches!(again, Ok(Used::Again { .. })), "{again:?}");
    let sent = |node: &str| Counts {
        what: Counted::Messages,
        node: node.to_owned(),
        counts: vec![("alice".to_owned(), 1)],
        since: None,
        gathered: Duration::from_millis(1),
        window: Duration::from_secs(60),
    };
    node.count(&sent("one")).await.unwrap();
    let elsewhere = other.count(&sent("other")).await.unwrap().counts;
    assert_eq!(elsewhere.concat().first().map(|(_, count)| *count), Some(1));
}

#[tokio::test]
async fn news_are_kept_in_their_order_until_they_are_over_and_told_to_all() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut heard = other.hear();
    let (soon, late) = (in_ms(AN_HOUR), in_ms(2 * AN_HOUR));
    let at_least = |name, until| News::BannedAtLeast {
        user: user(name),
        until,
    };
    let names = ["a b", "{users}", "日本", "\u{10ffff}", ":*?"];
    let mut news: Vec<_> = names.iter().map(|name| banned(name, soon)).collect();
    news.extend([
        banned("alice", late),
        banned("alice", soon), // in its place
        at_least("bob", soon),
        at_least("bob", late),
        at_least("bob", soon), // shortens nothing
        banned("carol", late),
        News::Unbanned {
            user: user("carol"),
        },
        banned("dave", in_ms(0)), // over already
    ]);
    one.spread(&news).await.unwrap();
    match next(&mut heard).await {
        Heard::All(message) => assert_eq!(News::read(&message), Some(news)),
        heard => panic!("{heard:?}"),
    }
    let mut expected: Vec<_> = names.iter().map(|name| banned(name, soon)).collect();
    expected.push(banned("alice", soon));
    expected.push(banned("bob", late));
    let known = all(&other).await;
    assert_eq!(known.len(), expected.len() + 1, "{known:?}");
    for news in expected {
        assert!(known.contains(&news), "{news:?} in {known:?}");
    }
    // Who knows of the ban and has not heard that it was lifted has to find that.
    let lifted = News::Unbanned {
        user: user("carol"),
    };
    assert!(known.contains(&lifted));
    one.spread(&[banned("carol", soon)]).await.unwrap();
    let known = all(&other).await;
    assert!(known.contains(&banned("carol", soon)) && !known.contains(&lifted));
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_a_ban_for_ever_is_not() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let for_ever = Timestamp::from_millis(u64::MAX);
    let mark = |mark: &str, ends| News::RevokedMark {
        user: user("alice"),
        mark: mark.to_owned(),
        ends,
    };
    let short = mark("00112233445566778899aabbccddeeff", micros(in_ms(100)));
    let long = mark("10112233445566778899aabbccddeeff", micros(in_ms(AN_HOUR)));
    let news = [
        banned("a", in_ms(100)),
        banned("b", for_ever),
        short,
        long.clone(),
    ];
    node.spread(&news).await.unwrap();
    for key in [":bans", ":revoked"] {
        let left: i64 = server.ask(&["PTTL", &format!("tapaculo:{{users}}{key}")]);
        assert!(left > 0, "{key} stays for ever");
    }
    until("the short ones are over", async || {
        node.spread(&[]).await.unwrap();
        let known = all(&node).await;
        (known.len() == 2).then(|| assert_eq!(known, [banned("b", for_ever), long.clone()]))
    })
    .await;
}

#[tokio::test]
async fn what_was_revoked_until_a_moment_is_so_at_least_and_too_many_are_revoked_together() {
    let server = RedisServer::start();
    let node = node(&server).await;
    let revoked = |name: &str, session: Option<&str>, moment| News::RevokedUntil {
        user: user(name),
        session: session.map(|session| SessionId::new(session).unwrap()),
        moment,
    };
    // As exact as it is said.
    let now = micros(in_ms(0)) + 123;
    let news = [
        revoked("alice", None, now),
        revoked("alice", Some("s"), now + 1),
        revoked("alice", None, now - 1), // takes nothing back
        revoked("a s", Some("a b"), now),
    ];
    node.spread(&news).await.unwrap();
    let mut known = all(&node).await;
    known.sort_by_key(|news| format!("{news:?}"));
    let mut expected = vec![news[0].clone(), news[1].clone(), news[3].clone()];
    expected.sort_by_key(|news| format!("{news:?}"));
    assert_eq!(known, expected);

    let many: Vec<_> = (0..70_000_u64)
        .map(|number| revoked(&format!("user {number}"), None, now + 10 + number))
        .collect();
    for some in many.chunks(1000) {
        node.spread(some).await.unwrap();
    }
    let known = all(&node).await;
    assert!(known.len() <= 64 * 1024, "{}", known.len());
    let floor = known.iter().find_map(|news| match news {
        News::AllRevokedUntil { moment } => Some(*moment),
        _ => None,
    });
    let floor = floor.expect("the older ones are revoked together");
    let kept = |news: &News| matches!(news, News::RevokedUntil { moment, .. } if *moment > floor);
    let kept = known.iter().filter(|news| kept(news)).count();
    let newer = many.iter().filter(|news| match news {
        News::RevokedUntil { moment, .. } => *moment > floor,
        _ => false,
    });
    assert_eq!(kept, newer.count(), "one of them is let back in");
}

fn token(family: &str, generation: u32, attempt: Option<&str>) -> Use {
    Use {
        family: family.to_owned(),
        generation,
        attempt: attempt.map(str::to_owned),
        access_ends: micros(in_ms(AN_HOUR)) + u64::from(generation),
        ends: micros(in_ms(2 * AN_HOUR)),
    }
}

#[tokio::test]
async fn a_refresh_token_works_once_or_again_by_the_name_of_its_attempt() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let redeem = async |node: &Arc<dyn Nodes>, family: &str, generation, attempt| {
        let token = token(family, generation, attempt);
        node.redeem(&token).await.unwrap()
    };
    assert_eq!(redeem(&one, "f", 0, None).await, Used::Once);
    assert_eq!(redeem(&other, "f", 1, None).await, Used::Once);
    let again = redeem(&one, "f", 0, None).await;
    assert!(matches!(again, Used::Again { .. }), "{again:?}");
    let good_one = redeem(&other, "f", 2, None).await;
    assert!(matches!(good_one, Used::Again { .. }), "{good_one:?}");

    assert_eq!(redeem(&one, "g", 0, Some("a")).await, Used::Once);
    assert_eq!(redeem(&other, "g", 0, Some("a")).await, Used::Once);
    assert_eq!(redeem(&one, "g", 1, Some("b")).await, Used::Once);
    let late = redeem(&other, "g", 0, Some("a")).await;
    assert!(
        matches!(late, Used::Again { .. }),
        "its answer was used: {late:?}"
    );
    assert_eq!(redeem(&one, "h", 0, Some("a")).await, Used::Once);
    let another = redeem(&one, "h", 0, Some("b")).await;
    assert!(matches!(another, Used::Again { .. }), "{another:?}");

    // What is not a login's first has left something, unless it was lost.
    assert_eq!(redeem(&one, "unknown", 3, None).await, Used::Forgotten);
    let left: i64 = server.ask(&["PTTL", "tapaculo:family:g"]);
    assert!((1..=7_200_000).contains(&left), "{left}");
}

#[tokio::test]
async fn of_many_who_use_a_token_at_once_one_gets_the_next() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    for round in 0..20 {
        let token = token(&format!("f{round}"), 0, None);
        let asked = (0..20).map(|number| [&one, &other][number % 2].redeem(&token));
        let answers = join_all(asked).await.into_iter().map(Result::unwrap);
        assert_eq!(answers.filter(|answer| *answer == Used::Once).count(), 1);
    }
}

#[tokio::test]
async fn a_use_whose_answer_is_lost_is_asked_again_and_is_no_second_one() {
    let server = RedisServer::start_with(&["--enable-debug-command", "yes"]);
    let config = BackoffConfig {
        max_retries: 50,
        base_delay_ms: 20,
        max_delay_ms: 20,
        timeout_ms: 60,
        ..BackoffConfig::default()
    };
    let node = begun(RedisPubSub::with_config(server.url(), config).unwrap()).await;
    let used = async |family: &str| node.redeem(&token(family, 0, None)).await;
    assert_eq!(used("before").await, Ok(Used::Once));
    let calls = || server.calls().get("evalsha").copied().unwrap_or(0);
    let before = calls();
    let rounds = 8;
    for round in 0..rounds {
        // It reads what was sent meanwhile when it wakes up, and has nobody to answer then.
        let mut connection = server.connection();
        let asleep = tokio::task::spawn_blocking(move || {
            let mut sleep = redis::cmd("DEBUG");
            sleep.arg("SLEEP").arg("0.2");
            sleep.query::<String>(&mut connection).unwrap();
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(used(&format!("f{round}")).await, Ok(Used::Once));
        asleep.await.unwrap();
    }
    let calls = calls() - before;
    assert!(calls > rounds, "no answer was lost: {calls} calls");
}

#[tokio::test]
async fn what_is_counted_is_told_to_other_nodes_for_a_window_and_not_to_its_own() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let window = Duration::from_millis(1600);
    let sent = |node: &str, users: &[(&str, u32)], since| Counts {
        what: Counted::Messages,
        node: node.to_owned(),
        counts: users
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
        since,
        gathered: Duration::from_millis(1),
        window,
    };
    let began = in_ms(0);
    let answer = one
        .count(&sent("one", &[("alice", 3), ("bob", 1)], None))
        .await
        .unwrap();
    assert_eq!(answer.counts, [vec![], vec![]]);
    one.count(&sent("one", &[("alice", 2)], Some(in_ms(0))))
        .await
        .unwrap();
    let asked = sent("other", &[("bob", 7), ("carol", 1), ("alice", 1)], None);
    let answer = other.count(&asked).await.unwrap();
    let totals = |users: &[Vec<(Duration, u32)>]| -> Vec<u32> {
        let all = users
            .iter()
            .map(|elsewhere| elsewhere.iter().map(|(_, count)| count).sum());
        all.collect()
    };
    assert_eq!(totals(&answer.counts), [1, 0, 5]);
    let connections = Counts {
        what: Counted::Connections,
        ..asked
    };
    let answer_of_others = other.count(&connections).await.unwrap();
    assert_eq!(totals(&answer_of_others.counts), [0, 0, 0]);
    // Rather too old than too young.
    let since_then = answer.now.since(began);
    for (age, _) in answer.counts.concat() {
        assert!(age <= since_then + window / 8, "{age:?} {since_then:?}");
    }
    let answer = one.count(&sent("one", &[("bob", 0)], None)).await.unwrap();
    assert_eq!(totals(&answer.counts), [7]);
    // What came before the window is not of now.
    let old = Timestamp::from_millis(in_ms(0).as_millis() - 5000);
    one.count(&sent("one", &[("dave", 9)], Some(old)))
        .await
        .unwrap();
    let answer = other
        .count(&sent("other", &[("dave", 0)], None))
        .await
        .unwrap();
    assert_eq!(totals(&answer.counts), [0]);
    until("the window is over", async || {
        let asked = sent("third", &[("alice", 0)], None);
        let answer = other.count(&asked).await.unwrap();
        (totals(&answer.counts) == [0]).then_some(())
    })
    .await;
    until("all of it is gone", async || {
        let sent: Vec<String> = server.ask(&["KEYS", "tapaculo:{users}:sent:*"]);
        let came: Vec<String> = server.ask(&["KEYS", "tapaculo:{users}:came:*"]);
        (sent.is_empty() && came.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_thousand_are_counted_at_once() {
    let server = RedisServer::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let users: Vec<_> = (0..1234_u32)
        .map(|number| (format!("{number} {}", word(20)), number + 1))
        .collect();
    let sent = |node: &str| Counts {
        what: Counted::Messages,
        node: node.to_owned(),
        counts: users.clone(),
        since: None,
        gathered: Duration::from_millis(1),
        window: Duration::from_secs(60),
    };
    one.count(&sent("one")).await.unwrap();
    let answer = other.count(&sent("other")).await.unwrap();
    assert_eq!(answer.counts.len(), users.len());
    for ((name, count), elsewhere) in users.iter().zip(answer.counts) {
        let total: u32 = elsewhere.iter().map(|(_, count)| count).sum();
        assert_eq!(total, *count, "{name}");
    }
}
