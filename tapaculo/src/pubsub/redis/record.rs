//! Rooms' records: who has a room, and what is kept of it.

use super::{
    keys,
    line::{Again, Line, Script},
};
use crate::{
    pubsub::nodes::CLAIM_KEPT,
    store::{Claim, Claimed, Commit, NodeId, RoomKey, Saved, StoreError, Then},
};
use redis::{FromRedisValue, Value, from_redis_value};
use std::{sync::LazyLock, time::Duration};

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/claim.lua")));
static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/commit.lua")));
static FORWARD: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/forward.lua")));

/// Asks for a room for `me`; `count` grows with each claim of this node.
pub(super) async fn claim(
    line: &Line,
    room: &RoomKey,
    me: &NodeId,
    count: u64,
    from: Option<&NodeId>,
) -> Result<Claimed, StoreError> {
    let answer = line
        .call(
            &CLAIM,
            &keys::record(room),
            &[
                me.as_str().as_bytes(),
                count.to_string().as_bytes(),
                from.map_or("", NodeId::as_str).as_bytes(),
                milliseconds(CLAIM_KEPT).as_bytes(),
            ],
            Again::Harmless,
        )
        .await?;
    let mut parts = parse::<Vec<Value>>(answer)?.into_iter();
    let mut part = || parts.next().unwrap_or(Value::Nil);
    match parse::<String>(part())?.as_str() {
        "theirs" => Ok(Claimed::Theirs(NodeId::from(parse::<String>(part())?))),
        "ours" => {
            let term = parse(part())?;
            let saved = match parse::<Option<u64>>(part())? {
                None => None,
                Some(number) => Some(Saved {
                    number,
                    doubtful: parse::<String>(part())? != "sure",
                    cells: parse::<Vec<(String, Vec<u8>)>>(part())?
                        .into_iter()
                        .filter_map(|(field, bytes)| {
                            keys::cell(&field).map(|cell| (cell.to_owned(), bytes))
                        })
                        .collect(),
                }),
            };
            Ok(Claimed::Ours(Claim { term, saved }))
        }
        _ => Err(StoreError::Unavailable(
            "this node has claimed the room again since".into(),
        )),
    }
}

/// Saves what one input changed, as `me`.
pub(super) async fn commit(
    line: &Line,
    commit: &Commit<'_>,
    me: &NodeId,
) -> Result<(), StoreError> {
    let record = keys::record(commit.room);
    let channel = match &commit.publish {
        Some(_) => keys::channel(commit.room),
        None => String::new(),
    };
    let (term, number) = (commit.term.to_string(), commit.number.to_string());
    let before = commit.number.saturating_sub(1).to_string();
    let (keep_for, cells) = (
        milliseconds(commit.keep_for),
        (commit.put.len() * 2).to_string(),
    );
    let put: Vec<(String, &[u8])> = commit
        .put
        .iter()
        .map(|(name, bytes)| (keys::field(name), bytes.as_slice()))
        .collect();
    let delete: Vec<String> = commit.delete.iter().map(|name| keys::field(name)).collect();
    let mut arguments: Vec<&[u8]> = vec![
        me.as_str().as_bytes(),
        term.as_bytes(),
        number.as_bytes(),
        before.as_bytes(),
        if commit.anew { b"anew" } else { b"" },
        match commit.then {
            Then::Keep => b"keep",
            Then::Release => b"release",
            Then::Remove => b"remove",
        },
        keep_for.as_bytes(),
        channel.as_bytes(),
        commit.publish.as_deref().unwrap_or_default(),
        cells.as_bytes(),
    ];
    for (name, bytes) in &put {
        arguments.extend([name.as_bytes(), bytes]);
    }
    arguments.extend(delete.iter().map(String::as_bytes));
    let answer = line
        .call(&COMMIT, &record, &arguments, Again::Harmless)
        .await?;
    match parse::<String>(answer)?.as_str() {
        "done" => Ok(()),
        "lost" => Err(StoreError::Lost),
        _ => Err(StoreError::Behind),
    }
}

/// Hands something to the node that has a room; says which that is.
pub(super) async fn forward(
    line: &Line,
    room: &RoomKey,
    bytes: &[u8],
) -> Result<Option<NodeId>, StoreError> {
    let answer = line
        .call(
            &FORWARD,
            &keys::record(room),
            &[
                keys::INBOX_BEGINS.as_bytes(),
                keys::INBOX_ENDS.as_bytes(),
                bytes,
            ],
            Again::Never,
        )
        .await?;
    Ok(parse::<Option<String>>(answer)?.map(NodeId::from))
}

/// A time as Redis takes it: more than nothing, and no more than it can add up.
pub(super) fn milliseconds(time: Duration) -> String {
    const CENTURY: u128 = 100 * 366 * 24 * 3600 * 1000;
    time.as_millis().clamp(1, CENTURY).to_string()
}

/// Reads an answer. One that can't be read comes from something that is not Redis as we know it.
pub(super) fn parse<T: FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    from_redis_value(answer)
        .map_err(|error| StoreError::Unavailable(format!("an odd answer: {error}")))
}
