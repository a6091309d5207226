//! What was answered to whom: a message that is sent again is answered again, not handled again.

use crate::{
    game::Roster,
    ids::{SessionId, UserId},
    protocol::Encoded,
};
use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

/// How many answers are kept of each session.
const KEPT: usize = 64;

/// How many bytes those may have together, the newest apart.
const KEPT_BYTES: usize = 256 * 1024;

/// How many sessions of those who are no members are remembered at least.
const SESSIONS: usize = 128;

/// What makes a message the one it is: its id and a digest of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    body: u64,
}

impl Ticket {
    pub(crate) fn new(id: u64, body: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self {
            id,
            body: hasher.finish(),
        }
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
}

#[derive(Debug, Default)]
struct Session {
    /// The highest id that was answered.
    highest: u64,
    /// The last answers, oldest first.
    kept: VecDeque<(Ticket, Encoded)>,
    bytes: usize,
    used: u64,
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
        kept.kept.push_back((ticket, answer));
        let most = roster.len() + 2 * SESSIONS;
        if self.sessions.len() > most {
            let mut used: Vec<_> = self.sessions.values().map(|session| session.used).collect();
            let (_, oldest, _) = used.select_nth_unstable(self.sessions.len() - SESSIONS);
            let oldest = *oldest;
            self.sessions.retain(|(user, session), answered| {
                let place = roster.by_user(user);
                let of_member = place.is_some_and(|place| place.member.session() == session);
                of_member || answered.used >= oldest
            });
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
