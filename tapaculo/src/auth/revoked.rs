//! Which tokens are accepted no more, though they have not expired.
//!
//! All of it is in this process's memory, behind a few calls: what they do can be shared by several
//! servers without anybody else knowing.

use super::{
    access::{Identity, Mark},
    moment::Moment,
};
use crate::ids::{SessionId, UserId};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard},
};

/// How many users, and as many sessions, are known one by one.
const MOST: usize = 64 * 1024;

/// With how many entries those of expired tokens are forgotten for the first time.
const CLEAN_AT: usize = 1024;

/// What has been revoked.
#[derive(Debug, Default)]
pub(crate) struct Revoked(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    /// Tokens and families, each until the last one that it is about has expired.
    marks: HashMap<Mark, Moment>,
    /// With how many marks the expired ones are forgotten next.
    clean_at: usize,
    users: Cutoffs<UserId>,
    sessions: Cutoffs<(UserId, SessionId)>,
}

impl Revoked {
    /// Revokes one token.
    pub(crate) fn revoke_token(&self, token: &Identity) {
        self.lists().mark(token.token, token.ends);
    }

    /// Revokes all access tokens that descend from a login; the last of them ends at `ends`.
    pub(crate) fn revoke_family(&self, family: Mark, ends: Moment) {
        self.lists().mark(family, ends);
    }

    /// Revokes all that a user has been issued so far.
    pub(crate) fn revoke_user(&self, user: &UserId) {
        let now = Moment::now_and_once();
        self.lists().users.set(user.clone(), now);
    }

    /// Revokes all that a user has been issued so far for a session.
    pub(crate) fn revoke_session(&self, user: &UserId, session: &SessionId) {
        let now = Moment::now_and_once();
        let key = (user.clone(), session.clone());
        self.lists().sessions.set(key, now);
    }

    /// Whether a token is accepted no more.
    pub(crate) fn has(&self, token: &Identity) -> bool {
        let lists = self.lists();
        let is_marked = |mark: &Mark| lists.marks.contains_key(mark);
        let session = token.session.as_ref();
        let session = session.map(|session| (token.user.clone(), session.clone()));
        is_marked(&token.token)
            || token.family.as_ref().is_some_and(is_marked)
            || lists.users.cuts(Some(&token.user), token.issued)
            || lists.sessions.cuts(session.as_ref(), token.issued)
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

impl Lists {
    fn mark(&mut self, mark: Mark, ends: Moment) {
        if self.marks.len() >= self.clean_at.max(CLEAN_AT) {
            let now = Moment::now();
            self.marks.retain(|_, ends| *ends > now);
            self.clean_at = 2 * self.marks.len();
        }
        let known = self.marks.entry(mark).or_insert(ends);
        *known = ends.max(*known);
    }
}

/// For each, the moment before which nothing counts.
///
/// When the last token from before it expires nobody knows, so it is kept. There are never more
/// than [`MOST`]: beyond that the older half is forgotten, and what it was about is refused with
/// all that anybody was issued before. That asks more of them to log in again than need be, and lets
/// nobody back in.
#[derive(Debug)]
struct Cutoffs<K> {
    of: HashMap<K, Moment>,
    /// For everybody.
    floor: Option<Moment>,
}

impl<K> Default for Cutoffs<K> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            floor: None,
        }
    }
}

impl<K: Eq + Hash> Cutoffs<K> {
    fn set(&mut self, key: K, at: Moment) {
        self.of.insert(key, at);
        if self.of.len() > MOST {
            let mut moments: Vec<_> = self.of.values().copied().collect();
            let (_, middle, _) = moments.select_nth_unstable(MOST / 2);
            let floor = *middle;
            self.of.retain(|_, at| *at > floor);
            self.floor = Some(floor);
            tracing::warn!("so much was revoked that everybody from before has to log in again");
        }
    }

    fn cuts(&self, key: Option<&K>, issued: Moment) -> bool {
        let own = key.and_then(|key| self.of.get(key));
        let later = own.copied().max(self.floor);
        later.is_some_and(|cutoff| issued <= cutoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn token(user: &str, session: &str, id: &str) -> Identity {
        Identity {
            token: Mark::attempt(id),
            family: None,
            user: UserId::new(user).unwrap(),
            session: SessionId::new(session).ok(),
            issued: Moment::now_and_once(),
            ends: Moment::now() + Duration::from_secs(60),
        }
    }

    #[test]
    fn a_token_is_revoked_alone() {
        let revoked = Revoked::default();
        let (one, other) = (token("alice", "s", "1"), token("alice", "s", "2"));
        revoked.revoke_token(&one);
        assert!(revoked.has(&one));
        assert!(!revoked.has(&other));
    }

    #[test]
    fn a_session_is_of_one_user_and_a_user_is_all_sessions_so_far() {
        let revoked = Revoked::default();
        let (one, other) = (token("alice", "s", "1"), token("alice", "t", "2"));
        let (bob, session) = (token("bob", "s", "3"), SessionId::new("s").unwrap());
        revoked.revoke_session(&one.user, &session);
        assert!(revoked.has(&one));
        assert!(!revoked.has(&other) && !revoked.has(&bob));
        assert!(!revoked.has(&token("alice", "s", "4")), "a new login");
        revoked.revoke_user(&one.user);
        assert!(revoked.has(&other));
        assert!(!revoked.has(&bob));
        assert!(!revoked.has(&token("alice", "s", "5")), "a new login");
        let unknown = Identity {
            issued: Moment::default(),
            ..token("alice", "u", "6")
        };
        assert!(revoked.has(&unknown), "nobody knows when it was issued");
    }

    #[test]
    fn what_has_expired_is_forgotten_and_what_has_not_is_not() {
        let revoked = Revoked::default();
        let lasting = token("alice", "s", "lasting");
        revoked.revoke_token(&lasting);
        for number in 0..10 * CLEAN_AT {
            revoked.revoke_token(&Identity {
                ends: Moment::now(),
                ..token("alice", "s", &number.to_string())
            });
        }
        assert!(revoked.lists().marks.len() <= 2 * CLEAN_AT);
        assert!(revoked.has(&lasting));
    }

    #[test]
    fn users_beyond_counting_are_refused_together_and_never_let_back_in() {
        let revoked = Revoked::default();
        let (first, bystander) = (token("user 0", "s", "1"), token("bystander", "s", "2"));
        for number in 0..=MOST {
            let user = UserId::new(format!("user {number}")).unwrap();
            revoked.revoke_user(&user);
        }
        assert!(revoked.lists().users.of.len() <= MOST);
        assert!(revoked.has(&first));
        assert!(revoked.has(&bystander), "from before");
        assert!(!revoked.has(&token("bystander", "s", "3")));
    }
}
