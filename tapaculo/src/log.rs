//! What the other players are sent: each event of a room once, encoded, numbered, with its
//! audience.
//!
//! It is the queue as well: history, resuming and delivery are views of it, and a connection is a
//! position in it. What falls out at its end is what a slow reader has missed.

use crate::{
    clock::Timestamp,
    ids::UserId,
    protocol::{Author, Encoded, Seq},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

/// How many of the last events are kept for connections that lag or come back.
pub(crate) const RESUME_EVENTS: usize = 1024;

/// How many bytes of frames those may have together, in JSON.
pub(crate) const RESUME_BYTES: usize = 256 * 1024;

/// How long a connection has at least to take an event, so that no burst makes it slow.
const GRACE: Duration = Duration::from_secs(1);

/// How many bytes of frames may be kept for that time.
const BURST_BYTES: usize = 16 * RESUME_BYTES;

/// For whom an event is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Audience {
    All,
    Except(UserId),
    Only(UserId),
    /// Sorted.
    Among(Arc<[UserId]>),
}

/// An event of the room.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) seq: Seq,
    pub(crate) at: Timestamp,
    pub(crate) author: Author,
    pub(crate) audience: Audience,
    pub(crate) frame: Encoded,
}

impl Entry {
    /// What is left of an event that is to be forgotten: its number.
    pub(crate) fn redacted(&self) -> Self {
        Self {
            seq: self.seq,
            at: self.at,
            author: Author::Server,
            audience: Audience::Among([].into()),
            frame: Encoded::nothing(),
        }
    }

    pub(crate) fn is_for(&self, user: &UserId) -> bool {
        match &self.audience {
            Audience::All => true,
            Audience::Except(other) => other != user,
            Audience::Only(only) => only == user,
            Audience::Among(users) => users.binary_search(user).is_ok(),
        }
    }

    /// Whether it was for everyone, or everyone but its sender: what newcomers may see.
    pub(crate) fn is_public(&self) -> bool {
        match &self.audience {
            Audience::All => true,
            Audience::Except(other) => {
                matches!(&self.author, Author::User(author) if author == other)
            }
            Audience::Only(_) | Audience::Among(_) => false,
        }
    }
}

impl Forgotten {
    /// Adds what is about to be forgotten, after the event `last`.
    pub(crate) fn add(&mut self, last: Seq, redacted: &[Seq]) {
        for seq in redacted {
            if !self.redactions.iter().any(|(_, before)| before == seq) {
                self.redactions.push_back((last, *seq));
            }
        }
    }
}

/// Something that a client has missed.
#[derive(Debug)]
pub(crate) enum Missed<'a> {
    Event(&'a Arc<Entry>),
    Redacted(Seq),
}

/// The position asked for is no longer in the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FellBehind;

/// A log that its room writes and every connection reads at its own position.
#[derive(Clone, Debug)]
pub(crate) struct SharedLog(Arc<RwLock<Log>>);

impl SharedLog {
    pub(crate) fn new(history: usize) -> Self {
        Self(Arc::new(RwLock::new(Log::new(history))))
    }

    /// A log that begins after an event, with none of those before.
    pub(crate) fn beginning_at(last: Seq) -> Self {
        let log = Log {
            complete_from: last,
            last,
            ..Log::new(0)
        };
        Self(Arc::new(RwLock::new(log)))
    }

    /// A log as it was saved.
    pub(crate) fn saved(history: usize, saved: SavedLog) -> Self {
        Self(Arc::new(RwLock::new(Log::saved(history, saved))))
    }

    /// Takes note, from now on, of what it lets go.
    pub(crate) fn track(&self) {
        self.write().gone.get_or_insert_default();
    }

    /// The events that it has let go since somebody asked.
    pub(crate) fn take_gone(&self) -> Vec<Seq> {
        let is_idle = self.read().gone.as_ref().is_none_or(Vec::is_empty);
        if is_idle {
            return Vec::new();
        }
        self.write()
            .gone
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Log> {
        self.0
            .write()
            .expect("nothing panics while it writes a log")
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Log> {
        self.0.read().expect("nothing panics while it writes a log")
    }

    /// Adds the events of one input, and forgets those it wants forgotten. Those after `untold` are
    /// for somebody who is yet to be let in.
    pub(crate) fn append(
        &self,
        events: &[Arc<Entry>],
        redacted: &[Seq],
        now: Timestamp,
        untold: Option<Seq>,
    ) {
        let is_idle = events.is_empty() && redacted.is_empty();
        if is_idle && self.read().excess().is_none_or(|until| until > now) {
            return;
        }
        let mut log = self.write();
        for event in events {
            log.append(Arc::clone(event));
        }
        log.trim(events.len(), now, untold);
        for seq in redacted {
            log.redact(*seq);
        }
    }
}

/// The events of a room, the last ones.
#[derive(Debug)]
pub(crate) struct Log {
    /// The last events without a gap, oldest first: for connections at their positions.
    recent: VecDeque<Arc<Entry>>,
    recent_bytes: usize,
    /// The last public events, oldest first: for newcomers.
    kept: VecDeque<Arc<Entry>>,
    /// How many of those there may be.
    history: usize,
    /// What was forgotten lately, each after the event that was the last one then.
    redactions: VecDeque<(Seq, Seq)>,
    /// From which position on those are all there.
    complete_from: Seq,
    last: Seq,
    /// What is in neither of both any more, if somebody wants to know.
    gone: Option<Vec<Seq>>,
}

/// What is saved of a log.
#[derive(Debug, Default)]
pub(crate) struct SavedLog {
    /// In the order of their numbers.
    pub(crate) events: Vec<Entry>,
    pub(crate) last: Seq,
    pub(crate) forgotten: Forgotten,
}

/// What was forgotten lately, as it is saved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    redactions: VecDeque<(Seq, Seq)>,
    complete_from: Seq,
}

impl Log {
    fn new(history: usize) -> Self {
        Self {
            recent: VecDeque::new(),
            recent_bytes: 0,
            kept: VecDeque::new(),
            history,
            redactions: VecDeque::new(),
            complete_from: Seq::default(),
            last: Seq::default(),
            gone: None,
        }
    }

    fn saved(history: usize, saved: SavedLog) -> Self {
        let SavedLog {
            events,
            last,
            forgotten,
        } = saved;
        let Forgotten {
            redactions,
            complete_from,
        } = forgotten;
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        let is_public = |event: &&Arc<Entry>| event.is_public();
        let public = events.iter().filter(is_public).count();
        let old = public.saturating_sub(history);
        let kept: VecDeque<_> = events.iter().filter(is_public).skip(old).cloned().collect();
        // Older ones, which only the history has, may leave gaps between them.
        let mut recent = VecDeque::new();
        let mut next = last;
        for event in events.iter().rev().take_while(|event| {
            let fits = event.seq == next && next > Seq::default();
            next = Seq(next.0.saturating_sub(1));
            fits
        }) {
            recent.push_front(Arc::clone(event));
        }
        // Those that the last input that was saved let go, or that a shorter history does not keep.
        let gone = events.iter().map(|event| event.seq).filter(|seq| {
            let is_in = |events: &VecDeque<Arc<Entry>>| {
                events.binary_search_by_key(seq, |event| event.seq).is_ok()
            };
            !is_in(&kept) && !is_in(&recent)
        });
        let gone = gone.collect();
        Self {
            recent_bytes: recent.iter().map(|event| event.frame.len()).sum(),
            recent,
            kept,
            history,
            redactions,
            complete_from,
            last,
            gone: Some(gone),
        }
    }

    /// What was forgotten, to be saved.
    pub(crate) fn forgotten(&self) -> Forgotten {
        Forgotten {
            redactions: self.redactions.clone(),
            complete_from: self.complete_from,
        }
    }

    /// Every event that one of its views has, in the order of their numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let start = self.start();
        let older = self.kept.iter().filter(move |event| event.seq <= start);
        older.chain(&self.recent)
    }

    /// An event, if one of its views has it.
    pub(crate) fn get(&self, seq: Seq) -> Option<&Arc<Entry>> {
        if let Ok(place) = self.kept.binary_search_by_key(&seq, |entry| entry.seq) {
            return self.kept.get(place);
        }
        let place = self.recent.binary_search_by_key(&seq, |entry| entry.seq);
        self.recent.get(place.ok()?)
    }

    /// Takes note of an event that one of its views has let go, if the others have not got it.
    fn let_go(&mut self, seq: Seq) {
        if self.gone.is_some()
            && self.get(seq).is_none()
            && let Some(gone) = &mut self.gone
        {
            gone.push(seq);
        }
    }

    /// Adds the next event.
    fn append(&mut self, entry: Arc<Entry>) {
        debug_assert_eq!(entry.seq, self.last.next(), "numbers have no gaps");
        self.last = entry.seq;
        if self.history > 0 && entry.is_public() {
            if self.kept.len() == self.history
                && let Some(oldest) = self.kept.pop_front()
            {
                self.let_go(oldest.seq);
            }
            self.kept.push_back(Arc::clone(&entry));
        }
        self.recent_bytes += entry.frame.len();
        self.recent.push_back(entry);
    }

    /// Drops what is beyond the bounds, but nothing of the newest input: what one handler says is
    /// nobody's fault, however much it is.
    fn trim(&mut self, newest: usize, now: Timestamp, untold: Option<Seq>) {
        while let Some(oldest) = self.recent.front() {
            let is_told = untold.is_none_or(|untold| oldest.seq <= untold);
            let had_time =
                (is_told && now.since(oldest.at) >= GRACE) || self.recent_bytes > BURST_BYTES;
            if self.recent.len() <= newest || !self.has_excess() || !had_time {
                return;
            }
            // Nobody can come back to before this event.
            let gone = oldest.seq;
            self.recent_bytes -= oldest.frame.len();
            self.recent.pop_front();
            self.let_go(gone);
            while self
                .redactions
                .front()
                .is_some_and(|(after, _)| *after < gone)
            {
                self.redactions.pop_front();
            }
        }
    }

    fn has_excess(&self) -> bool {
        self.recent.len() > RESUME_EVENTS || self.recent_bytes > RESUME_BYTES
    }

    /// Until when more is kept than is to be, for those who are still at it.
    pub(crate) fn excess(&self) -> Option<Timestamp> {
        let oldest = self.recent.front().filter(|_| self.has_excess())?;
        Some(oldest.at + GRACE)
    }

    /// Forgets an event. Its number stays: numbers have no gaps.
    fn redact(&mut self, seq: Seq) {
        if seq > self.last || self.redactions.iter().any(|(_, before)| *before == seq) {
            return;
        }
        let Seq(behind) = Seq(self.last.0 - seq.0);
        let place = usize::try_from(behind).ok().and_then(|behind| {
            let place = self.recent.len().checked_sub(behind)?.checked_sub(1)?;
            self.recent.get_mut(place)
        });
        if let Some(entry) = place {
            self.recent_bytes -= entry.frame.len();
            *entry = Arc::new(entry.redacted());
        }
        if let Ok(place) = self.kept.binary_search_by_key(&seq, |entry| entry.seq) {
            self.kept.remove(place);
            self.let_go(seq);
        }
        self.redactions.push_back((self.last, seq));
        if self.redactions.len() > RESUME_EVENTS
            && let Some((after, _)) = self.redactions.pop_front()
        {
            self.complete_from = after.next();
        }
    }

    /// What a client with this position has missed, in the order in which others were told, so
    /// that it may be cut anywhere: the number of an event is a position again. An event that was
    /// forgotten meanwhile is for nobody.
    pub(crate) fn missed_since(&self, position: Seq) -> Result<Vec<Missed<'_>>, FellBehind> {
        let many = Seq(position.0.saturating_add(RESUME_EVENTS as u64)) < self.last;
        if position < self.complete_from || position > self.last || many {
            return Err(FellBehind);
        }
        let events = self.after(position)?;
        let redactions = self.redactions.iter();
        let mut redactions = redactions
            .filter(|(after, seq)| *after >= position && *seq <= position)
            .peekable();
        let mut missed = Vec::new();
        for event in events {
            while let Some((_, seq)) = redactions.next_if(|(after, _)| *after < event.seq) {
                missed.push(Missed::Redacted(*seq));
            }
            missed.push(Missed::Event(event));
        }
        missed.extend(redactions.map(|(_, seq)| Missed::Redacted(*seq)));
        Ok(missed)
    }

    /// The events after a position, oldest first.
    pub(crate) fn after(
        &self,
        position: Seq,
    ) -> Result<impl ExactSizeIterator<Item = &Arc<Entry>>, FellBehind> {
        let missing =
            usize::try_from(self.last.0.saturating_sub(position.0)).map_err(|_| FellBehind)?;
        let skip = self.recent.len().checked_sub(missing).ok_or(FellBehind)?;
        Ok(self.recent.range(skip..))
    }

    /// The position after which all events are here.
    pub(crate) fn start(&self) -> Seq {
        Seq(self.last.0.saturating_sub(self.recent.len() as u64))
    }

    /// The newest event's number.
    pub(crate) fn last(&self) -> Seq {
        self.last
    }

    /// What a newcomer is told of before it came, oldest first.
    pub(crate) fn history(&self) -> impl ExactSizeIterator<Item = &Arc<Entry>> {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frames;
    use serde_json::value::RawValue;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn entry(seq: u64, audience: Audience, bytes: usize) -> Arc<Entry> {
        let author = Author::User(user("alice"));
        let data = RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap();
        let frame = frames::event(Seq(seq), &author, &data);
        Arc::new(Entry {
            seq: Seq(seq),
            at: START,
            author,
            audience,
            frame,
        })
    }

    fn numbers<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<u64> {
        entries.map(|entry| entry.seq.0).collect()
    }

    const START: Timestamp = Timestamp::from_millis(0);

    /// Appends events one by one, as many inputs, each two seconds after the one before.
    fn slowly(log: &mut Log, entries: impl IntoIterator<Item = Arc<Entry>>) {
        for mut entry in entries {
            let now = START + Duration::from_secs(2 * entry.seq.0);
            Arc::get_mut(&mut entry).expect("nobody else has it").at = now;
            log.append(entry);
            log.trim(1, now, None);
        }
    }

    #[test]
    fn what_a_saved_log_has_no_use_for_any_more_is_let_go() {
        let read = |entry: Arc<Entry>| Arc::into_inner(entry).expect("nobody else has it");
        let saved = SavedLog {
            events: vec![
                read(entry(1, Audience::All, 1)),
                read(entry(2, Audience::Only(user("bob")), 1)),
                read(entry(3, Audience::All, 1)),
                read(entry(5, Audience::Only(user("bob")), 1)),
            ],
            last: Seq(5),
            forgotten: Forgotten::default(),
        };
        let log = SharedLog::saved(1, saved);
        log.track();
        assert_eq!(log.take_gone(), [Seq(1), Seq(2)]);
        assert_eq!(numbers(log.read().all()), [3, 5]);
    }

    #[test]
    fn a_position_in_the_last_1024_events_gets_what_came_after_it() {
        let mut log = Log::new(0);
        slowly(&mut log, (1..=2000).map(|seq| entry(seq, Audience::All, 1)));
        assert_eq!(numbers(log.after(Seq(1998)).unwrap()), [1999, 2000]);
        assert_eq!(numbers(log.after(Seq(2000)).unwrap()), [0; 0]);
        assert_eq!(log.after(Seq(976)).unwrap().count(), 1024);
        assert_eq!(log.after(Seq(975)).err(), Some(FellBehind));
    }

    #[test]
    fn big_events_leave_room_for_fewer_but_the_newest_is_always_there() {
        let mut log = Log::new(0);
        let big = |seq| entry(seq, Audience::All, 100 * 1024);
        slowly(&mut log, (1..=4).map(big));
        assert_eq!(numbers(log.after(Seq(2)).unwrap()), [3, 4]);
        assert!(log.after(Seq(1)).is_err());
        slowly(&mut log, [entry(5, Audience::All, 2 * RESUME_BYTES)]);
        assert_eq!(numbers(log.after(Seq(4)).unwrap()), [5]);
    }

    #[test]
    fn nothing_of_the_newest_input_is_dropped_and_a_burst_is_kept_for_a_second() {
        let mut log = Log::new(0);
        for seq in 1..=3000 {
            log.append(entry(seq, Audience::All, 10_000));
        }
        log.trim(3000, START, None);
        assert_eq!(log.after(Seq(0)).unwrap().count(), 3000);
        // The next input leaves what may still be on its way, within bounds.
        log.append(entry(3001, Audience::All, 1));
        log.trim(1, START, None);
        let kept = log.after(Seq(2800)).unwrap().count();
        assert_eq!(kept, 201);
        assert!(log.after(Seq(2000)).is_err());
        let later = START + GRACE;
        log.append(entry(3002, Audience::All, 1));
        log.trim(1, later, None);
        assert!(log.after(Seq(2900)).is_err());
    }

    #[test]
    fn an_event_is_for_its_audience_only() {
        let (alice, bob) = (user("alice"), user("bob"));
        for (audience, for_alice, for_bob) in [
            (Audience::All, true, true),
            (Audience::Except(alice.clone()), false, true),
            (Audience::Only(alice.clone()), true, false),
            (Audience::Among([bob.clone()].into()), false, true),
            (Audience::Among([].into()), false, false),
        ] {
            let entry = entry(1, audience, 1);
            assert_eq!(entry.is_for(&alice), for_alice, "{:?}", entry.audience);
            assert_eq!(entry.is_for(&bob), for_bob, "{:?}", entry.audience);
        }
    }

    #[test]
    fn newcomers_are_told_the_last_public_events_only() {
        let (alice, bob) = (user("alice"), user("bob"));
        let mut log = Log::new(3);
        let audiences = [
            Audience::All,
            Audience::All,
            Audience::Only(bob.clone()),
            Audience::Except(alice),
            Audience::Except(bob.clone()),
            Audience::Among([bob].into()),
            Audience::All,
        ];
        let entries = (1..).zip(audiences);
        slowly(&mut log, entries.map(|(seq, to)| entry(seq, to, 1)));
        assert_eq!(numbers(log.history()), [2, 4, 7]);
    }

    #[test]
    fn a_redacted_event_is_in_neither_history_nor_resume_and_its_number_stays() {
        let mut log = Log::new(10);
        slowly(&mut log, (1..=5).map(|seq| entry(seq, Audience::All, 1)));
        log.redact(Seq(2));
        log.redact(Seq(2));
        log.redact(Seq(9));
        assert_eq!(numbers(log.history()), [1, 3, 4, 5]);
        // It never had event 2, so it need not forget it.
        assert_eq!(missed(&log, 1), [3, 4, 5]);
        assert_eq!(missed(&log, 4), [5, -2]);
        slowly(&mut log, [entry(6, Audience::All, 1)]);
        // Wherever a client is cut, it goes on from there.
        assert_eq!(missed(&log, 4), [5, -2, 6]);
        assert_eq!(missed(&log, 5), [-2, 6]);
        assert_eq!(missed(&log, 6), [0; 0]);
    }

    /// The numbers of what a user has missed; of what is to be forgotten, less than zero.
    fn missed(log: &Log, position: u64) -> Vec<i64> {
        let alice = user("alice");
        let missed = log.missed_since(Seq(position)).unwrap().into_iter();
        let missed = missed.filter_map(|missed| match missed {
            Missed::Event(event) => event.is_for(&alice).then_some(event.seq.0.cast_signed()),
            Missed::Redacted(seq) => Some(-seq.0.cast_signed()),
        });
        missed.collect()
    }

    #[test]
    fn nobody_resumes_past_what_can_no_longer_be_said() {
        let mut log = Log::new(0);
        slowly(&mut log, (1..=1030).map(|seq| entry(seq, Audience::All, 1)));
        assert!(log.missed_since(Seq(1031)).is_err(), "it never was");
        assert_eq!(log.missed_since(Seq(6)).unwrap().len(), 1024);
        assert!(log.missed_since(Seq(5)).is_err());
        for seq in 1..=1025 {
            log.redact(Seq(seq));
        }
        assert!(
            log.missed_since(Seq(1030)).is_err(),
            "too much was redacted"
        );
        slowly(&mut log, [entry(1031, Audience::All, 1)]);
        assert!(log.missed_since(Seq(1031)).is_ok());
    }
}
