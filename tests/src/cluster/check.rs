//! The checker: it reads the diaries of all players of a room, and finds whatever was lost, repeated,
//! reordered, or told to one so and to another otherwise.

#[cfg(test)]
mod tests;

use super::{
    diary::{Diary, Note, What},
    ledger::{Ledger, LedgerEvent},
};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    time::Duration,
};

/// Codes with which somebody is sent away for good: nobody is, here.
const FINAL: [u16; 7] = [4001, 4002, 4003, 4008, 4009, 4010, 4011];

/// A room, as it was in the end and as its players have seen it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub room: String,
    /// What it was in the end.
    pub finally: Ledger,
    /// What its players have noted.
    pub diaries: Vec<Diary>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// In which room.
    pub room: String,
    /// To which of its players; `None` if it is about the room as it is in the end.
    pub user: Option<String>,
    /// When it showed.
    pub at: Duration,
    /// What is wrong.
    pub breach: Breach,
}

/// What may be wrong. Numbers are those of entries, from 1, unless they are events'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The message with this key was applied twice.
    Twice(u64),
    /// Nobody has sent this key.
    Invented(u64),
    /// This key was acked, and is not there.
    Lost(u64),
    /// This event of this epoch is two.
    TwoEvents(String, u64),
    /// This entry, which was told, shown or acked, is another one in the end.
    Forked(u64),
    /// So many were known, and then fewer shown.
    WentBack(u64, u64),
    /// After this entry or word came this one, and not the next.
    Gap(u64, u64),
    /// This entry or word was told again.
    Repeated(u64),
    /// This event came after one that is not before it.
    OutOfOrder(u64),
    /// This event came before anything was shown, or while there was no connection.
    Unasked(u64),
    /// It goes on in this epoch, in which it was not.
    ResumedElsewhere(String),
    /// It heard what was for another.
    Overheard(String),
    /// The ack of this key came before its event.
    EarlyAck(u64),
    /// The message with this id was answered twice over one connection.
    AnsweredTwice(u64),
    /// A message was refused, and not just for now.
    Refused(String),
    /// It has another seat than before.
    Reseated,
    /// It was sent away for good, with this code.
    SentAway(u16),
    /// It was told what is not of the protocol.
    Puzzled(String),
    /// It knows so many entries or words in the end, of so many.
    Behind(u64, u64),
    /// This key was not answered.
    Unanswered(u64),
    /// It had no connection for too long.
    Away(Duration),
    /// A message was answered too late.
    Late(Duration),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_deref().unwrap_or("(in the end)");
        let at = self.at.as_millis();
        write!(f, "{}, {user}, at {at} ms: {:?}", self.room, self.breach)
    }
}

/// How it was, where nothing is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many rooms there were.
    pub rooms: usize,
    /// How many players.
    pub players: usize,
    /// How many messages were acked.
    pub acked: usize,
    /// How many events were told, of all players together.
    pub told: usize,
    /// How many connections were lost, or not made.
    pub lost: usize,
    /// How often a player resumed.
    pub resumed: usize,
    /// How often one could not.
    pub resets: usize,
    /// How often a message was `unavailable`.
    pub unavailable: usize,
    /// For how long a player was without a connection at the most.
    pub away: Duration,
    /// For how long a message had no answer at the most.
    pub waited: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} players in {} rooms, {} messages acked, {} events told, 0 lost, 0 twice, 0 forks, \
             0 gaps; {} connections lost, {} resumed, {} resets, {} unavailable; longest without a \
             connection {} ms, without an answer {} ms",
            self.players,
            self.rooms,
            self.acked,
            self.told,
            self.lost,
            self.resumed,
            self.resets,
            self.unavailable,
            self.away.as_millis(),
            self.waited.as_millis(),
        )
    }
}

/// Reads it all.
///
/// # Errors
/// Every broken promise; nobody may be without a connection, or without an answer, for longer than
/// `patience`, unless it is patient.
pub fn check(accounts: &[Account], patience: Duration) -> Result<Figures, Vec<Violation>> {
    let mut figures = Figures::default();
    let mut broken = Vec::new();
    for account in accounts {
        let mut audit = Audit::new(account, patience, &mut figures);
        audit.finally();
        for diary in &account.diaries {
            audit.read(diary);
        }
        broken.append(&mut audit.broken);
        figures.rooms += 1;
    }
    if broken.is_empty() {
        Ok(figures)
    } else {
        Err(broken)
    }
}

/// The same, for a test: it says what is wrong.
///
/// # Panics
/// If a promise was broken.
#[must_use]
pub fn checked(accounts: &[Account], patience: Duration) -> Figures {
    check(accounts, patience).unwrap_or_else(|broken| {
        let some: Vec<_> = broken.iter().take(20).map(ToString::to_string).collect();
        let before = broken.first().map(|first| before(accounts, first));
        panic!(
            "broken {} times:\n{}\nbefore the first of these:\n{}",
            broken.len(),
            some.join("\n"),
            before.unwrap_or_default()
        );
    })
}

/// What a player has noted before something showed.
fn before(accounts: &[Account], violation: &Violation) -> String {
    let account = accounts
        .iter()
        .find(|account| account.room == violation.room);
    let mut diaries = account.into_iter().flat_map(|account| &account.diaries);
    let diary = diaries.find(|diary| Some(&diary.user) == violation.user.as_ref());
    let notes = diary.into_iter().flat_map(|diary| &diary.notes);
    let notes: Vec<_> = notes.take_while(|note| note.at <= violation.at).collect();
    // How it came here, and what was last.
    let is_usual = |what: &What| {
        matches!(
            what,
            What::Told { .. } | What::Sent { .. } | What::Acked { .. }
        )
    };
    let recent = notes.len().saturating_sub(15);
    let (older, last) = notes.split_at(recent);
    let older: Vec<_> = older.iter().filter(|note| !is_usual(&note.what)).collect();
    let last = older
        .iter()
        .skip(older.len().saturating_sub(15))
        .copied()
        .chain(last);
    let lines = last.map(|note| {
        let mut what = format!("{:?}", note.what);
        what.truncate(150);
        format!("  {} ms: {what}\n", note.at.as_millis())
    });
    lines.collect()
}

/// What is known of a room while its diaries are read.
struct Audit<'a> {
    account: &'a Account,
    patience: Duration,
    figures: &'a mut Figures,
    /// What anyone has sent.
    sent: BTreeSet<u64>,
    /// What there is in the end.
    kept: BTreeSet<u64>,
    /// Which event is where, by the first who was told.
    events: BTreeMap<(String, u64), LedgerEvent>,
    /// Whose diary is being read, and whether its owner would wait for anything.
    user: Option<String>,
    is_patient: bool,
    /// The time of what is being read.
    at: Duration,
    broken: Vec<Violation>,
}

/// Where a player stands.
#[derive(Default)]
struct Stand {
    epoch: Option<String>,
    is_connected: bool,
    /// The last event it was told of.
    seq: u64,
    /// How many entries it knows; `None` before it was shown any.
    entries: Option<u64>,
    /// How many words it has heard.
    whispers: u64,
    /// What it was shown is as of this event.
    shown: u64,
    seat: Option<Option<u64>>,
    lost_at: Option<Duration>,
    /// Since when it waits for answers, by the key.
    waits: BTreeMap<u64, Duration>,
    /// What was answered over this connection.
    answered: BTreeSet<u64>,
}

impl<'a> Audit<'a> {
    fn new(account: &'a Account, patience: Duration, figures: &'a mut Figures) -> Self {
        let notes = account.diaries.iter().flat_map(|diary| &diary.notes);
        let sent = notes.filter_map(|note| match note.what {
            What::Sent { key, .. } => Some(key),
            _ => None,
        });
        Self {
            account,
            patience,
            figures,
            sent: sent.collect(),
            kept: account.finally.entries.iter().copied().collect(),
            events: BTreeMap::new(),
            user: None,
            is_patient: false,
            at: Duration::ZERO,
            broken: Vec::new(),
        }
    }

    fn found(&mut self, breach: Breach) {
        self.broken.push(Violation {
            room: self.account.room.clone(),
            user: self.user.clone(),
            at: self.at,
            breach,
        });
    }

    /// What there is in the end is what was sent, each once.
    fn finally(&mut self) {
        let mut seen = BTreeSet::new();
        for &key in &self.account.finally.entries {
            if !seen.insert(key) {
                self.found(Breach::Twice(key));
            }
            if !self.sent.contains(&key) {
                self.found(Breach::Invented(key));
            }
        }
    }

    /// That entry is this one in the end, too.
    fn stays(&mut self, number: u64, key: u64) {
        let index = number
            .checked_sub(1)
            .and_then(|index| index.try_into().ok());
        let entries = &self.account.finally.entries;
        let finally = index.and_then(|index: usize| entries.get(index));
        if finally != Some(&key) {
            self.found(Breach::Forked(number));
        }
    }

    fn read(&mut self, diary: &Diary) {
        self.user = Some(diary.user.clone());
        self.is_patient = diary.is_patient;
        self.figures.players += 1;
        let mut stand = Stand::default();
        for Note { at, what } in &diary.notes {
            self.at = *at;
            self.note(&mut stand, what);
        }
        self.at = diary.closed;
        let finally = &self.account.finally;
        let ends = [
            (stand.entries.unwrap_or(0), finally.entries.len() as u64),
            (stand.whispers, finally.whispers_to(&diary.user)),
        ];
        for (has, of) in ends {
            if has != of {
                self.found(Breach::Behind(has, of));
            }
        }
        for key in stand.waits.keys() {
            self.found(Breach::Unanswered(*key));
        }
        if let Some(lost_at) = stand.lost_at {
            self.was_away(diary.closed.saturating_sub(lost_at));
        }
    }

    fn note(&mut self, stand: &mut Stand, what: &What) {
        match what {
            What::Sent { key, .. } => {
                stand.waits.entry(*key).or_insert(self.at);
            }
            What::Acked { id, key, number } => {
                self.figures.acked += 1;
                self.answered(stand, *id);
                if let Some(since) = stand.waits.remove(key) {
                    self.has_waited(self.at.saturating_sub(since));
                }
                self.acked(stand, *key, *number);
            }
            What::Refused { code, .. } if code == "unavailable" => self.figures.unavailable += 1,
            What::Refused { id, code, .. } => {
                self.answered(stand, *id);
                self.found(Breach::Refused(code.clone()));
            }
            What::Welcomed {
                epoch,
                resumed,
                seat,
            } => self.welcomed(stand, epoch, *resumed, *seat),
            What::Shown { seq, ledger } => self.shown(stand, *seq, ledger),
            What::Told { seq, event } => self.told(stand, *seq, event),
            What::Synced { seq } => {
                if *seq < stand.seq {
                    self.found(Breach::OutOfOrder(*seq));
                }
                stand.seq = *seq;
                if let Some(lost_at) = stand.lost_at.take() {
                    self.was_away(self.at.saturating_sub(lost_at));
                }
            }
            What::Lost { code } => {
                self.figures.lost += 1;
                stand.is_connected = false;
                stand.lost_at.get_or_insert(self.at);
                if let Some(code) = code.filter(|code| FINAL.contains(code)) {
                    self.found(Breach::SentAway(code));
                }
            }
            What::Puzzled { by } => self.found(Breach::Puzzled(by.clone())),
        }
    }

    fn welcomed(&mut self, stand: &mut Stand, epoch: &str, resumed: bool, seat: Option<u64>) {
        stand.answered.clear();
        stand.is_connected = true;
        if stand
            .seat
            .replace(seat)
            .is_some_and(|before| before != seat)
        {
            self.found(Breach::Reseated);
        }
        let before = stand.epoch.replace(epoch.to_owned());
        if resumed {
            self.figures.resumed += 1;
            if before.as_deref() != Some(epoch) {
                self.found(Breach::ResumedElsewhere(epoch.to_owned()));
            }
        } else {
            self.figures.resets += usize::from(before.is_some());
            stand.seq = 0;
            stand.shown = 0;
        }
    }

    fn answered(&mut self, stand: &mut Stand, id: u64) {
        if !stand.answered.insert(id) {
            self.found(Breach::AnsweredTwice(id));
        }
    }

    fn acked(&mut self, stand: &Stand, key: u64, number: Option<u64>) {
        if !self.kept.contains(&key) {
            self.found(Breach::Lost(key));
        }
        if let Some(number) = number {
            self.stays(number, key);
            if stand.entries.is_none_or(|entries| entries < number) {
                self.found(Breach::EarlyAck(key));
            }
        }
    }

    fn shown(&mut self, stand: &mut Stand, seq: u64, ledger: &Ledger) {
        for (number, key) in (1..).zip(&ledger.entries) {
            self.stays(number, *key);
        }
        let user = self.user.as_deref().unwrap_or_default();
        let (entries, whispers) = (ledger.entries.len() as u64, ledger.whispers_to(user));
        for (from, to) in [
            (stand.entries.unwrap_or(0), entries),
            (stand.whispers, whispers),
        ] {
            if to < from {
                self.found(Breach::WentBack(from, to));
            }
        }
        stand.shown = seq;
        stand.entries = Some(entries);
        stand.whispers = whispers;
    }

    fn told(&mut self, stand: &mut Stand, seq: u64, event: &LedgerEvent) {
        self.figures.told += 1;
        let Some((epoch, entries)) = stand.epoch.clone().zip(stand.entries) else {
            return self.found(Breach::Unasked(seq));
        };
        if !stand.is_connected {
            self.found(Breach::Unasked(seq));
        }
        match self.events.entry((epoch.clone(), seq)) {
            Entry::Vacant(place) => {
                place.insert(event.clone());
            }
            Entry::Occupied(place) if place.get() == event => {}
            Entry::Occupied(_) => self.found(Breach::TwoEvents(epoch, seq)),
        }
        if seq <= stand.seq {
            self.found(Breach::OutOfOrder(seq));
        }
        stand.seq = seq;
        let is_past = seq <= stand.shown; // then it is part of what was shown
        let (known, number) = match event {
            LedgerEvent::Added { number, key } => {
                self.stays(*number, *key);
                (entries, *number)
            }
            LedgerEvent::Whispered { to, .. } if self.user.as_ref() != Some(to) => {
                return self.found(Breach::Overheard(to.clone()));
            }
            LedgerEvent::Whispered { nth, .. } => (stand.whispers, *nth),
        };
        if is_past {
            return;
        }
        match event {
            LedgerEvent::Added { .. } => stand.entries = Some(number),
            LedgerEvent::Whispered { .. } => stand.whispers = number,
        }
        if number <= known {
            self.found(Breach::Repeated(number));
        } else if number > known + 1 {
            self.found(Breach::Gap(known, number));
        }
    }

    fn has_waited(&mut self, time: Duration) {
        if self.is_patient {
            return;
        }
        self.figures.waited = self.figures.waited.max(time);
        if time > self.patience {
            self.found(Breach::Late(time));
        }
    }

    fn was_away(&mut self, time: Duration) {
        if self.is_patient {
            return;
        }
        self.figures.away = self.figures.away.max(time);
        if time > self.patience {
            self.found(Breach::Away(time));
        }
    }
}
