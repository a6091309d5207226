//! What is saved of a room, cell by cell, and a room made of it again.
//!
//! | cell | what |
//! | --- | --- |
//! | `head` | versions, the epoch, the last numbers, the time, the seed |
//! | `state` | the game's |
//! | `place:<arrival>` | a member |
//! | `user:<user>` | what is known of a user |
//! | `timer:<id>` | a timer |
//! | `event:<seq>` | an event that is in the log |
//! | `forgotten` | which events were redacted |
//! | `answer:<slot>␊<user>␊<session>` | an answer by its message's id |
//!
//! All are MessagePack; names have no control characters, so that a line feed parts them.

use super::{
    super::{
        answers::{Answers, SavedAnswer, Slot},
        contain::contain_now,
        effects::Effects,
    },
    Entry, Machine,
};
use crate::{
    clock::Timestamp,
    game::{AnyTimer, Game, Metadata, Refusal, SavedTimer, TimerId, restore},
    ids::{SessionId, UserId},
    log::{Forgotten, SavedLog, SharedLog},
    protocol::Seq,
    store::Cells,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, fmt::Write};

/// The version of this format; it changes if an older one can't be read as it stands.
const FORMAT: u32 = 1;

/// What changes in the cells of a room.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) put: Vec<(String, Vec<u8>)>,
    pub(crate) delete: Vec<String>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.delete.is_empty()
    }

    fn set<T: Serialize>(&mut self, cell: String, content: Option<T>) {
        match content {
            Some(content) => self.put.push((cell, bytes(&content))),
            None => self.delete.push(cell),
        }
    }
}

/// A game's state as it is saved: also what it goes back to when a call fails.
#[derive(Debug)]
pub(super) struct SavedGame {
    bytes: Vec<u8>,
    is_changed: bool,
}

impl SavedGame {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            is_changed: true,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn replace(&mut self, bytes: Vec<u8>) {
        self.is_changed |= self.bytes != bytes;
        self.bytes = bytes;
    }

    fn take_changed(&mut self) -> Option<Vec<u8>> {
        let was_changed = std::mem::take(&mut self.is_changed);
        was_changed.then(|| self.bytes.clone())
    }
}

/// Why a record can't be gone on with.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl Unreadable {
    pub(crate) fn new(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The version of the game's state.
    version: u32,
    epoch: String,
    last: Seq,
    created: Timestamp,
    now: Timestamp,
    seed: [u8; 32],
    arrivals: u64,
    timers: u64,
    empty_since: Option<Timestamp>,
    /// Nothing that was told is missing here, as it may be in a game that is saved now and then.
    complete: bool,
}

/// The epoch that was saved, and whether all that was told of it was saved as well.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) epoch: String,
    pub(crate) is_complete: bool,
}

/// Reads what has to be known of a record before there is a room.
pub(crate) fn past(cells: &Cells) -> Result<Past, Unreadable> {
    let head = head(cells)?;
    Ok(Past {
        epoch: head.epoch,
        is_complete: head.complete,
    })
}

fn head(cells: &Cells) -> Result<Head, Unreadable> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let cell = cells
        .get("head")
        .ok_or_else(|| Unreadable("it has no `head`".to_owned()))?;
    let Format { format } = read("head", cell)?;
    if format != FORMAT {
        let why = format!("it is of format {format}, and this program reads format {FORMAT}");
        return Err(Unreadable(why));
    }
    read("head", cell)
}

impl<G: Game> Machine<G> {
    /// What has changed since this was asked, to be saved with what an input said.
    ///
    /// `complete` is whether nothing that was told is saved later than now.
    pub(crate) fn changes(&mut self, effects: &Effects, complete: bool) -> Changes {
        let table = &mut self.room.table;
        let mut changes = Changes::default();
        let places = table.roster.take_changed();
        let timers = table.timers.take_changed();
        let learned = table.take_learned();
        if !self.is_kept {
            return changes;
        }
        if let Some(state) = self.saved.as_mut().and_then(SavedGame::take_changed) {
            changes.put.push(("state".to_owned(), state));
        }
        for (arrival, place) in places {
            changes.set(place_cell(arrival), place);
        }
        for (user, metadata) in learned {
            changes.set(user_cell(&user), metadata);
        }
        for (id, timer) in timers {
            changes.set(timer_cell(id), timer);
        }
        for event in &effects.events {
            changes.set(event_cell(event.seq), Some(event));
        }
        for seq in &effects.redacted {
            // It is still there: it is forgotten once this is saved.
            changes.put.retain(|(cell, _)| *cell != event_cell(*seq));
            let known = table.log.read().get(*seq).map(|event| event.redacted());
            let own = effects.events.iter().find(|event| event.seq == *seq);
            let left = known.or_else(|| own.map(|event| event.redacted()));
            changes.set(event_cell(*seq), left);
        }
        // Of the input before: it was let go when that was told.
        changes
            .delete
            .extend(table.log.take_gone().into_iter().map(event_cell));
        if !effects.redacted.is_empty() {
            let mut forgotten = table.log.read().forgotten();
            forgotten.add(table.last, &effects.redacted);
            changes.set("forgotten".to_owned(), Some(forgotten));
        }
        for (slot, answer) in self.answers.take_changed() {
            changes.set(answer_cell(&slot), answer);
        }
        if !changes.is_empty() {
            changes.set("head".to_owned(), Some(self.head(complete)));
        }
        changes
    }

    /// The head of a record in which nothing is missing.
    pub(crate) fn complete_head(&self) -> (String, Vec<u8>) {
        ("head".to_owned(), bytes(&self.head(true)))
    }

    /// Every cell, for a store that has lost some, with what an input has said that is not in the log
    /// yet.
    pub(crate) fn all_cells(&self, effects: &Effects) -> Vec<(String, Vec<u8>)> {
        let table = &self.room.table;
        let mut all = Changes::default();
        all.set("head".to_owned(), Some(self.head(true)));
        if let Some(saved) = &self.saved {
            all.put.push(("state".to_owned(), saved.bytes().to_vec()));
        }
        for (arrival, place) in table.roster.all_saved() {
            all.set(place_cell(arrival), Some(place));
        }
        for (user, metadata) in table.all_metadata() {
            all.set(user_cell(user), Some(metadata));
        }
        for (id, timer) in table.timers.all() {
            all.set(timer_cell(id), Some(timer));
        }
        let log = table.log.read();
        for event in log.all().chain(&effects.events) {
            let is_redacted = effects.redacted.contains(&event.seq);
            let left = is_redacted.then(|| event.redacted());
            all.set(event_cell(event.seq), Some(left.as_ref().unwrap_or(event)));
        }
        let mut forgotten = log.forgotten();
        forgotten.add(table.last, &effects.redacted);
        all.set("forgotten".to_owned(), Some(forgotten));
        for (slot, answer) in self.answers.all() {
            all.set(answer_cell(&slot), Some(answer));
        }
        all.put
    }

    fn head(&self, complete: bool) -> Head {
        let table = &self.room.table;
        Head {
            format: FORMAT,
            version: G::PERSIST.map_or(0, |persist| persist.version),
            epoch: table.identity.epoch.clone(),
            last: table.last,
            created: table.created,
            now: table.now,
            seed: table.seed(),
            arrivals: table.roster.arrivals(),
            timers: table.timers.last(),
            empty_since: self.empty_since,
            complete,
        }
    }

    /// Makes the room what it was when it was saved, but for connections, which are missing: those
    /// that live may be found until a moment.
    pub(crate) fn restore(
        &mut self,
        cells: &Cells,
        missing_until: Timestamp,
    ) -> Result<(), Unreadable> {
        let head = head(cells)?;
        self.game = match cells.get("state") {
            Some(state) => {
                let game = contained(|| restore::<G>(head.version, state.clone()));
                let game: G = game.map_err(|why| Unreadable(format!("its state: {why}")))?;
                // It may be another version's.
                let saved = self.save(&game);
                self.saved = saved.map_err(|refusal| Unreadable(refusal.why().to_owned()))?;
                Some(game)
            }
            // It was there before anybody came.
            None => self.game.take(),
        };
        let mut events = Vec::new();
        let mut forgotten = Forgotten::default();
        let mut answers = Vec::new();
        let table = &mut self.room.table;
        for (cell, content) in cells {
            let (kind, name) = cell.split_once(':').unwrap_or((cell, ""));
            match kind {
                "place" => table
                    .roster
                    .restore(number(cell, name)?, read(cell, content)?),
                "user" => {
                    let user = UserId::new(name).map_err(|why| bad(cell, why))?;
                    table.know(user, read::<Metadata>(cell, content)?);
                }
                "timer" => {
                    let SavedTimer { at, timer: saved } = read(cell, content)?;
                    let timer = contained(|| G::load_timer(&saved));
                    let timer = timer.map_err(|why| bad(cell, why))?;
                    let timer = AnyTimer::new(timer).saved(saved);
                    table
                        .timers
                        .set(TimerId::of_number(number(cell, name)?), at, timer);
                }
                "event" => events.push(read::<Entry>(cell, content)?),
                "forgotten" => forgotten = read(cell, content)?,
                "answer" => answers.push((slot(cell, name)?, read::<SavedAnswer>(cell, content)?)),
                _ => {}
            }
        }
        events.sort_unstable_by_key(|event| event.seq);
        table.log = SharedLog::saved(
            table.identity.settings.history,
            SavedLog {
                events,
                last: head.last,
                forgotten,
            },
        );
        table.log.track();
        table.last = head.last;
        table.created = head.created;
        table.now = table.now.max(head.now);
        table.reseed(head.seed);
        table.roster.go_on_after(head.arrivals);
        table.timers.go_on_after(head.timers);
        // What was put back has not changed.
        table.roster.take_changed();
        table.timers.take_changed();
        table.take_learned();
        self.answers = Answers::restore(answers);
        self.answers.track();
        self.empty_since = head.empty_since;
        self.missing_until = Some(missing_until);
        let now = self.room.table.now;
        self.keep_time(now);
        Ok(())
    }
}

fn place_cell(arrival: u64) -> String {
    format!("place:{arrival}")
}

fn user_cell(user: &UserId) -> String {
    format!("user:{user}")
}

fn timer_cell(id: TimerId) -> String {
    format!("timer:{}", id.number())
}

fn event_cell(Seq(seq): Seq) -> String {
    format!("event:{seq}")
}

fn answer_cell(slot: &Slot) -> String {
    let mut cell = format!("answer:{}", slot.number);
    let _ = write!(cell, "\n{}\n{}", slot.user, slot.session);
    cell
}

fn slot(cell: &str, name: &str) -> Result<Slot, Unreadable> {
    let mut parts = name.split('\n');
    let mut part = || parts.next().unwrap_or("");
    Ok(Slot {
        number: number(cell, part())?,
        user: UserId::new(part()).map_err(|why| bad(cell, why))?,
        session: SessionId::new(part()).map_err(|why| bad(cell, why))?,
    })
}

fn number(cell: &str, name: &str) -> Result<u64, Unreadable> {
    name.parse().map_err(|why| bad(cell, why))
}

fn bytes<T: Serialize>(content: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(content).expect("a room's own parts can be encoded")
}

fn read<T: DeserializeOwned>(cell: &str, content: &[u8]) -> Result<T, Unreadable> {
    rmp_serde::from_slice(content).map_err(|why| bad(cell, why))
}

/// Runs what the game itself does to read: it may panic, and is then no more read than with an error.
fn contained<T>(read: impl FnOnce() -> Result<T, Refusal>) -> Result<T, String> {
    match contain_now(read) {
        Ok(read) => read.map_err(|refusal| refusal.why().to_owned()),
        Err(failure) => Err(failure.to_string()),
    }
}

fn bad(cell: &str, why: impl fmt::Display) -> Unreadable {
    Unreadable(format!("its cell `{}`: {why}", cell.escape_debug()))
}
