//! What was answered to whom: a message that is sent again is answered again, not handled again.

use crate::{
    game::Roster,
    ids::{SessionId, UserId},
    protocol::Encoded,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How many answers are kept of each session.
const KEPT: usize = 64;

/// How many bytes those may have together, the newest apart.
const KEPT_BYTES: usize = 256 * 1024;

/// How many sessions of those who are no members are remembered at least.
const SESSIONS: usize = 128;

/// What makes a message the one it is: its id and a digest of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    body: u64,
}

impl Ticket {
    pub(crate) fn new(id: u64, body: &str) -> Self {
        // Another node, of another build, must come to the same.
        let digest = Sha256::digest(body);
        let first = digest.iter().take(8);
        let body = first.fold(0, |body, byte| (body << 8) | u64::from(*byte));
        Self { id, body }
    }
}

/// What is to be done with a message that has an id.
#[derive(Debug)]
pub(super) enum Known {
    /// It has not been here before.
    New,
    /// It was answered with this.
    Answered(Encoded),
    /// Another message had its id.
    Conflict,
    /// It is older than what is remembered.
    Stale,
}

/// The answers that a room has given.
#[derive(Debug, Default)]
pub(super) struct Answers {
    sessions: HashMap<(UserId, SessionId), Session>,
    /// Counts answers: what was answered last is forgotten last.
    clock: u64,
    /// What has changed since somebody asked, if somebody does.
    changed: Option<Vec<Changed>>,
}

/// The place of an answer among those of its session, in which the next but 63 takes its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) number: u64,
}

/// A change to be saved: what is in a slot now, if anything is.
type Changed = (Slot, Option<SavedAnswer>);

/// An answer as it is saved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedAnswer {
    ticket: Ticket,
    answer: Encoded,
}

#[derive(Debug, Default)]
struct Session {
    /// The highest id that was answered.
    highest: u64,
    /// The last answers, oldest first.
    kept: VecDeque<(Ticket, Encoded)>,
    bytes: usize,
    used: u64,
    /// How many answers it has got.
    count: u64,
}

impl Session {
    /// The slot of the next answer.
    fn next_slot(&self) -> u64 {
        self.count % KEPT as u64
    }
}

impl Answers {
    pub(super) fn look_up(&self, user: &UserId, session: &SessionId, ticket: Ticket) -> Known {
        let Some(session) = self.sessions.get(&(user.clone(), session.clone())) else {
            return Known::New;
        };
        let known = session.kept.iter().find(|(known, _)| known.id == ticket.id);
        match known {
            Some((known, answer)) if *known == ticket => Known::Answered(answer.clone()),
            Some(_) => Known::Conflict,
            None if ticket.id <= session.highest => Known::Stale,
            None => Known::New,
        }
    }

    /// Remembers an answer. What is forgotten for it, if that is too much, is of sessions that
    /// are not those of members.
    pub(super) fn keep(
        &mut self,
        (user, session): (&UserId, &SessionId),
        (ticket, answer): (Ticket, Encoded),
        roster: &Roster,
    ) {
        self.clock += 1;
        let key = (user.clone(), session.clone());
        let kept = self.sessions.entry(key).or_default();
        kept.used = self.clock;
        kept.highest = ticket.id.max(kept.highest);
        while kept.kept.len() == KEPT || (kept.bytes > KEPT_BYTES && !kept.kept.is_empty()) {
            if let Some((_, oldest)) = kept.kept.pop_front() {
                kept.bytes -= oldest.len();
            }
        }
        kept.bytes += answer.len();
        kept.kept.push_back((ticket, answer.clone()));
        let number = kept.next_slot();
        kept.count += 1;
        if let Some(changed) = &mut self.changed {
            let (user, session) = (user.clone(), session.clone());
            let slot = Slot {
                user,
                session,
                number,
            };
            changed.push((slot, Some(SavedAnswer { ticket, answer })));
        }
        let most = roster.len() + 2 * SESSIONS;
        if self.sessions.len() > most {
            let mut used: Vec<_> = self.sessions.values().map(|session| session.used).collect();
            let (_, oldest, _) = used.select_nth_unstable(self.sessions.len() - SESSIONS);
            let oldest = *oldest;
            self.sessions.retain(|(user, session), answered| {
                let place = roster.by_user(user);
                let of_member = place.is_some_and(|place| place.member.session() == session);
                let stays = of_member || answered.used >= oldest;
                if let (false, Some(changed)) = (stays, &mut self.changed) {
                    let numbers = 0..answered.count.min(KEPT as u64);
                    changed.extend(numbers.map(|number| {
                        let (user, session) = (user.clone(), session.clone());
                        let slot = Slot {
                            user,
                            session,
                            number,
                        };
                        (slot, None)
                    }));
                }
                stays
            });
        }
    }

    /// Takes note of changes from now on.
    pub(super) fn track(&mut self) {
        self.changed.get_or_insert_default();
    }

    /// What has changed since this was asked.
    pub(super) fn take_changed(&mut self) -> Vec<Changed> {
        let changed = self.changed.as_mut();
        changed.map(std::mem::take).unwrap_or_default()
    }

    /// All answers, as they are to be saved.
    pub(super) fn all(&self) -> impl Iterator<Item = (Slot, SavedAnswer)> {
        let sessions = self.sessions.iter();
        sessions.flat_map(|((user, session), answered)| {
            let first = answered.count - answered.kept.len() as u64;
            let numbers = (first..).map(|count| count % KEPT as u64);
            numbers
                .zip(&answered.kept)
                .map(|(number, (ticket, answer))| {
                    let slot = Slot {
                        user: user.clone(),
                        session: session.clone(),
                        number,
                    };
                    let (ticket, answer) = (*ticket, answer.clone());
                    (slot, SavedAnswer { ticket, answer })
                })
        })
    }

    /// The answers as they were saved.
    pub(super) fn restore(saved: impl IntoIterator<Item = (Slot, SavedAnswer)>) -> Self {
        let mut sessions: HashMap<_, BTreeMap<u64, (u64, SavedAnswer)>> = HashMap::new();
        for (slot, saved) in saved {
            let of_session = sessions.entry((slot.user, slot.session)).or_default();
            of_session.insert(saved.ticket.id, (slot.number, saved));
        }
        let sessions = sessions.into_iter().map(|(key, saved)| {
            // Slots are taken in turn: the next is the one after the newest answer's.
            let newest = saved.last_key_value();
            let (highest, newest) = newest.map_or((0, 0), |(id, (number, _))| (*id, *number));
            let mut session = Session {
                highest,
                count: KEPT as u64 + newest + 1,
                ..Session::default()
            };
            for (_, SavedAnswer { ticket, answer }) in saved.into_values() {
                session.bytes += answer.len();
                session.kept.push_back((ticket, answer));
            }
            (key, session)
        });
        Self {
            sessions: sessions.collect(),
            ..Self::default()
        }
    }

    /// The highest id of a session that was answered; 0 before the first.
    pub(super) fn highest(&self, user: &UserId, session: &SessionId) -> u64 {
        let session = self.sessions.get(&(user.clone(), session.clone()));
        session.map_or(0, |session| session.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        game::{Connection, Newcomer, Settings},
        ids::Role,
        protocol::{ErrorCode, Seq, frames},
    };

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn session(name: &str) -> SessionId {
        SessionId::new(name).unwrap()
    }

    fn answer(id: u64) -> Encoded {
        frames::error(ErrorCode::Rejected, "no", Some(id))
    }

    fn keep(answers: &mut Answers, who: (&str, &str), id: u64, roster: &Roster) {
        let kept = (Ticket::new(id, "body"), answer(id));
        answers.keep((&user(who.0), &session(who.1)), kept, roster);
    }

    #[test]
    fn the_last_64_answers_of_a_session_are_kept() {
        let mut answers = Answers::default();
        for id in 1..=100 {
            keep(&mut answers, ("alice", "a"), id, &Roster::default());
        }
        let ask = |id, body| answers.look_up(&user("alice"), &session("a"), Ticket::new(id, body));
        assert!(matches!(ask(37, "body"), Known::Answered(_)));
        assert!(matches!(ask(100, "body"), Known::Answered(_)));
        assert!(matches!(ask(100, "other"), Known::Conflict));
        assert!(matches!(ask(36, "body"), Known::Stale));
        assert!(matches!(ask(101, "body"), Known::New));
        let others = answers.look_up(&user("bob"), &session("a"), Ticket::new(37, "body"));
        assert!(matches!(others, Known::New));
        assert_eq!(answers.highest(&user("alice"), &session("a")), 100);
        assert_eq!(answers.highest(&user("alice"), &session("b")), 0);
    }

    #[test]
    fn what_comes_and_goes_does_not_pile_up() {
        let mut answers = Answers::default();
        let mut roster = Roster::default();
        let newcomer = Newcomer {
            user: user("bob"),
            name: None,
            session: session("b"),
            role: Role::Player,
            position: None,
            expires: None,
            came: crate::clock::Timestamp::default(),
        };
        let admitted = roster.admit(newcomer, Connection(1), Seq(0), &Settings::new());
        admitted.unwrap();
        keep(&mut answers, ("bob", "b"), 1, &roster);
        for number in 0..10_000 {
            keep(&mut answers, ("alice", &format!("{number}")), 1, &roster);
        }
        assert!(answers.sessions.len() <= 1 + 2 * SESSIONS);
        assert_eq!(answers.highest(&user("bob"), &session("b")), 1);
        assert_eq!(answers.highest(&user("alice"), &session("9999")), 1);
        assert_eq!(answers.highest(&user("alice"), &session("9900")), 1);
    }
}
