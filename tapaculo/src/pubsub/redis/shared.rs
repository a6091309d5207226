//! What all nodes know of users, as it is kept in Redis.

use super::{
    keys,
    line::{Again, Script},
    node::RedisNode,
    record::{milliseconds, parse},
};
use crate::{
    auth::word,
    clock::Timestamp,
    ids::{SessionId, UserId},
    pubsub::everywhere::{Counted, Counts, CountsElsewhere, Everywhere, News, Use, Used},
    store::StoreError,
};
use futures_util::future::BoxFuture;
use redis::Value;
use std::{sync::LazyLock, time::Duration};

static SPREAD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/spread.lua")));
static NEWS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/news.lua")));
static REDEEM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/redeem.lua")));
static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/count.lua")));

/// How many revocations of users and sessions are known one by one.
const MOST_CUTOFFS: usize = 64 * 1024;

/// How many counts are told by one call.
const COUNTS_AT_ONCE: usize = 500;

/// A window is counted in so many spans: as exact as that it is.
const SPANS: u32 = 16;

/// Between the parts of a name in a sorted set: no id has it.
const BETWEEN: char = '\0';

/// Something in a sorted set: what, about whom, and its moment.
type Entry = (&'static str, String, u64);

fn entry(news: &News) -> Entry {
    match news {
        News::Banned { user, until } => ("ban", user.to_string(), until.as_millis()),
        News::BannedAtLeast { user, until } => {
            ("ban at least", user.to_string(), until.as_millis())
        }
        News::Unbanned { user } => ("unban", user.to_string(), 0),
        News::RevokedMark { user, mark, ends } => ("mark", format!("{mark}{BETWEEN}{user}"), *ends),
        News::RevokedUntil {
            user,
            session: None,
            moment,
        } => ("cutoff", user.to_string(), *moment),
        News::RevokedUntil {
            user,
            session: Some(session),
            moment,
        } => ("cutoff", format!("{user}{BETWEEN}{session}"), *moment),
        News::AllRevokedUntil { moment } => ("cutoff", String::new(), *moment),
    }
}

fn mark(name: &str, ends: u64) -> Option<News> {
    let (mark, user) = name.split_once(BETWEEN)?;
    Some(News::RevokedMark {
        user: UserId::new(user).ok()?,
        mark: mark.to_owned(),
        ends,
    })
}

fn cutoff(name: &str, moment: u64) -> Option<News> {
    if name.is_empty() {
        return Some(News::AllRevokedUntil { moment });
    }
    let (user, session) = match name.split_once(BETWEEN) {
        Some((user, session)) => (user, Some(SessionId::new(session).ok()?)),
        None => (name, None),
    };
    Some(News::RevokedUntil {
        user: UserId::new(user).ok()?,
        session,
        moment,
    })
}

impl Everywhere for RedisNode {
    fn spread<'a>(&'a self, news: &'a [News]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let message = News::message(news);
            let most = MOST_CUTOFFS.to_string();
            let entries: Vec<_> = news
                .iter()
                .map(entry)
                .map(|(what, whom, when)| (what, whom, when.to_string()))
                .collect();
            let mut arguments: Vec<&[u8]> = vec![keys::NODES.as_bytes(), &message, most.as_bytes()];
            for (what, whom, when) in &entries {
                arguments.extend([what.as_bytes(), whom.as_bytes(), when.as_bytes()]);
            }
            self.line()
                .call(&SPREAD, keys::USERS, &arguments, Again::Harmless)
                .await
                .map(drop)
        })
    }

    fn all_news(&self) -> BoxFuture<'_, Result<Vec<News>, StoreError>> {
        Box::pin(async move {
            let answer = self
                .line()
                .call(&NEWS, keys::USERS, &[], Again::Harmless)
                .await?;
            let kinds: Vec<Vec<(String, f64)>> = parse(answer)?;
            let mut kinds = kinds.into_iter();
            // A score is a double; the longest ban there is saturates.
            let mut kind = || {
                let entries = kinds.next().unwrap_or_default().into_iter();
                entries.map(|(name, at)| (name, at as u64))
            };
            let user = |name: &str| UserId::new(name).ok();
            let mut news = Vec::new();
            news.extend(kind().filter_map(|(name, until)| {
                let until = Timestamp::from_millis(until);
                user(&name).map(|user| News::Banned { user, until })
            }));
            news.extend(
                kind().filter_map(|(name, _)| user(&name).map(|user| News::Unbanned { user })),
            );
            news.extend(kind().filter_map(|(name, ends)| mark(&name, ends)));
            news.extend(kind().filter_map(|(name, moment)| cutoff(&name, moment)));
            Ok(news)
        })
    }

    fn redeem<'a>(&'a self, token: &'a Use) -> BoxFuture<'a, Result<Used, StoreError>> {
        Box::pin(async move {
            let next = token.generation.saturating_add(1).to_string();
            let answer = self
                .line()
                .call(
                    &REDEEM,
                    &keys::family(&token.family),
                    &[
                        token.generation.to_string().as_bytes(),
                        next.as_bytes(),
                        token.attempt.as_deref().unwrap_or_default().as_bytes(),
                        word(REQUEST_CHARACTERS).as_bytes(),
                        token.access_ends.to_string().as_bytes(),
                        token.ends.to_string().as_bytes(),
                    ],
                    Again::Harmless,
                )
                .await?;
            let (what, access_ends) = match parse::<Vec<String>>(answer)?.as_slice() {
                [what] => (what.clone(), 0),
                [what, ends, ..] => (what.clone(), ends.parse().unwrap_or(token.access_ends)),
                [] => (String::new(), 0),
            };
            match what.as_str() {
                "once" => Ok(Used::Once),
                "again" => Ok(Used::Again { access_ends }),
                "forgotten" => Ok(Used::Forgotten),
                _ => Err(StoreError::Unavailable("an odd answer".to_owned())),
            }
        })
    }

    fn count<'a>(
        &'a self,
        counts: &'a Counts,
    ) -> BoxFuture<'a, Result<CountsElsewhere, StoreError>> {
        Box::pin(async move {
            let mut all = CountsElsewhere {
                now: Timestamp::from_millis(0),
                counts: Vec::with_capacity(counts.counts.len()),
            };
            for some in counts.counts.chunks(COUNTS_AT_ONCE) {
                let CountsElsewhere { now, counts } = self.count_some(counts, some).await?;
                all.now = now;
                all.counts.extend(counts);
            }
            Ok(all)
        })
    }
}

/// The length of the word that tells a request from others.
const REQUEST_CHARACTERS: usize = 20;

impl RedisNode {
    async fn count_some(
        &self,
        counts: &Counts,
        some: &[(String, u32)],
    ) -> Result<CountsElsewhere, StoreError> {
        let key = match counts.what {
            Counted::Messages => keys::SENT,
            Counted::Connections => keys::CAME,
        };
        let since = counts.since.map(|since| since.as_millis().to_string());
        let numbers: Vec<_> = some.iter().map(|(_, count)| count.to_string()).collect();
        let (gathered, window) = (milliseconds(counts.gathered), milliseconds(counts.window));
        let span = milliseconds(counts.window / SPANS);
        let mut arguments: Vec<&[u8]> = vec![
            counts.node.as_bytes(),
            since.as_deref().unwrap_or_default().as_bytes(),
            gathered.as_bytes(),
            window.as_bytes(),
            span.as_bytes(),
        ];
        for ((name, _), number) in some.iter().zip(&numbers) {
            arguments.extend([name.as_bytes(), number.as_bytes()]);
        }
        // Twice would be too much; not at all is a little too lenient.
        let answer = self
            .line()
            .call(&COUNT, key, &arguments, Again::Never)
            .await?;
        let mut parts = parse::<Vec<Value>>(answer)?.into_iter();
        let now = parse(parts.next().unwrap_or(Value::Nil))?;
        let counts = parts.map(|elsewhere| {
            let elsewhere: Vec<u64> = parse(elsewhere)?;
            let pairs = elsewhere.chunks_exact(2);
            Ok(pairs
                .map(|pair| {
                    let count = u32::try_from(pair[1]).unwrap_or(u32::MAX);
                    (Duration::from_millis(pair[0]), count)
                })
                .collect())
        });
        Ok(CountsElsewhere {
            now: Timestamp::from_millis(now),
            counts: counts.collect::<Result<_, _>>()?,
        })
    }
}
