//! Which tokens are accepted no more, though they have not expired.
//!
//! All of it is in this process's memory, behind a few calls. Where there are other nodes, each of them
//! has all of it, and is told what is new.

use super::{
    access::{Identity, Mark},
    moment::Moment,
};
use crate::{
    ids::{SessionId, UserId},
    pubsub::everywhere::{News, Outbox},
};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

/// How many users, and as many sessions, are known one by one.
const MOST: usize = 64 * 1024;

/// With how many entries those of expired tokens are forgotten for the first time.
const CLEAN_AT: usize = 1024;

/// What has been revoked.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    lists: Mutex<Lists>,
    /// Where all nodes learn of it, if there are others.
    others: OnceLock<Arc<Outbox>>,
}

#[derive(Debug, Default)]
struct Lists {
    /// Tokens and families, each until the last one that it is about has expired, and whose they are.
    marks: HashMap<Mark, (Moment, UserId)>,
    /// With how many marks the expired ones are forgotten next.
    clean_at: usize,
    users: Cutoffs<UserId>,
    sessions: Cutoffs<(UserId, SessionId)>,
}

impl Revoked {
    /// Revokes one token.
    pub(crate) fn revoke_token(&self, token: &Identity) {
        self.revoke(Revocation::Mark(token.token, token.ends), &token.user);
    }

    /// Revokes all access tokens that descend from a login of a user; the last of them ends at `ends`.
    pub(crate) fn revoke_family(&self, user: &UserId, family: Mark, ends: Moment) {
        self.revoke(Revocation::Mark(family, ends), user);
    }

    /// Revokes all that a user has been issued so far.
    pub(crate) fn revoke_user(&self, user: &UserId) {
        self.revoke(Revocation::User(Moment::now_and_once()), user);
    }

    /// Revokes all that a user has been issued so far for a session.
    pub(crate) fn revoke_session(&self, user: &UserId, session: &SessionId) {
        let now = Moment::now_and_once();
        self.revoke(Revocation::Session(session.clone(), now), user);
    }

    fn revoke(&self, revocation: Revocation, user: &UserId) {
        let mut lists = self.lists();
        lists.add(&revocation, user);
        if let Some(others) = self.others.get() {
            others.put(revocation.news(user));
        }
    }

    /// What is revoked here is so at all nodes from now on, and so is what was revoked before.
    pub(crate) fn share(&self, outbox: &Arc<Outbox>) {
        // Nothing is revoked meanwhile.
        let lists = self.lists();
        if self.others.set(Arc::clone(outbox)).is_ok() {
            lists.news().into_iter().for_each(|news| outbox.put(news));
        }
    }

    /// Does as another node says; answers with the user whose connections are to be looked at.
    pub(crate) fn learn(&self, news: &News) -> Option<UserId> {
        let (user, revocation) = match news {
            News::RevokedMark { user, mark, ends } => {
                let mark = mark.parse().ok()?;
                (user, Revocation::Mark(mark, Moment::from_micros(*ends)))
            }
            News::RevokedUntil {
                user,
                session,
                moment,
            } => {
                let moment = Moment::from_micros(*moment);
                let revocation = match session {
                    Some(session) => Revocation::Session(session.clone(), moment),
                    None => Revocation::User(moment),
                };
                (user, revocation)
            }
            News::AllRevokedUntil { moment } => {
                let moment = Some(Moment::from_micros(*moment));
                let mut lists = self.lists();
                lists.users.floor = lists.users.floor.max(moment);
                return None;
            }
            News::Banned { .. } | News::BannedAtLeast { .. } | News::Unbanned { .. } => {
                return None;
            }
        };
        self.lists().add(&revocation, user);
        Some(user.clone())
    }

    /// What is known here though it is not among all the news: it was lost there.
    pub(crate) fn missing(&self, news: &[News]) -> Vec<News> {
        let there = Self::default();
        news.iter().for_each(|news| drop(there.learn(news)));
        let there = there.lists();
        let all = self.lists().news().into_iter();
        all.filter(|news| there.lacks(news)).collect()
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
        self.lists
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

/// What is revoked of a user.
enum Revocation {
    /// A token, or a family of them, of which the last ends then.
    Mark(Mark, Moment),
    /// What was issued up to then.
    User(Moment),
    /// The same for one session.
    Session(SessionId, Moment),
}

impl Revocation {
    /// As all nodes are told.
    fn news(&self, user: &UserId) -> News {
        let user = user.clone();
        match self {
            Self::Mark(mark, ends) => News::RevokedMark {
                user,
                mark: mark.to_string(),
                ends: ends.as_micros(),
            },
            Self::User(moment) => News::RevokedUntil {
                user,
                session: None,
                moment: moment.as_micros(),
            },
            Self::Session(session, moment) => News::RevokedUntil {
                user,
                session: Some(session.clone()),
                moment: moment.as_micros(),
            },
        }
    }
}

impl Lists {
    fn add(&mut self, revocation: &Revocation, user: &UserId) {
        match revocation {
            Revocation::Mark(mark, ends) => self.mark(*mark, *ends, user),
            Revocation::User(moment) => self.users.set(user.clone(), *moment),
            Revocation::Session(session, moment) => {
                self.sessions.set((user.clone(), session.clone()), *moment);
            }
        }
    }

    fn mark(&mut self, mark: Mark, ends: Moment, user: &UserId) {
        if self.marks.len() >= self.clean_at.max(CLEAN_AT) {
            let now = Moment::now();
            self.marks.retain(|_, (ends, _)| *ends > now);
            self.clean_at = 2 * self.marks.len();
        }
        let known = self.marks.entry(mark).or_insert((ends, user.clone()));
        known.0 = ends.max(known.0);
    }

    /// All of it that is not over, as other nodes are told.
    fn news(&self) -> Vec<News> {
        let now = Moment::now();
        let marks = self.marks.iter().filter(|(_, (ends, _))| *ends > now);
        let marks = marks.map(|(mark, (ends, user))| Revocation::Mark(*mark, *ends).news(user));
        let users = self.users.of.iter();
        let users = users.map(|(user, at)| Revocation::User(*at).news(user));
        let sessions = self.sessions.of.iter();
        let sessions = sessions
            .map(|((user, session), at)| Revocation::Session(session.clone(), *at).news(user));
        let floor = self.users.floor.max(self.sessions.floor);
        let floor = floor.map(|moment| News::AllRevokedUntil {
            moment: moment.as_micros(),
        });
        marks.chain(users).chain(sessions).chain(floor).collect()
    }

    /// Whether something would be new here.
    fn lacks(&self, news: &News) -> bool {
        match news {
            News::RevokedMark { mark, .. } => mark
                .parse()
                .is_ok_and(|mark| !self.marks.contains_key(&mark)),
            News::RevokedUntil {
                user,
                session: None,
                moment,
            } => !self.users.cuts(Some(user), Moment::from_micros(*moment)),
            News::RevokedUntil {
                user,
                session: Some(session),
                moment,
            } => {
                let (key, moment) = (
                    (user.clone(), session.clone()),
                    Moment::from_micros(*moment),
                );
                !self.sessions.cuts(Some(&key), moment) && !self.users.cuts(Some(user), moment)
            }
            News::AllRevokedUntil { moment } => {
                self.users.floor < Some(Moment::from_micros(*moment))
            }
            News::Banned { .. } | News::BannedAtLeast { .. } | News::Unbanned { .. } => false,
        }
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
        let known = self.of.entry(key).or_insert(at);
        *known = at.max(*known);
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

    #[test]
    fn another_node_knows_all_that_is_revoked_here_before_and_after_they_meet() {
        let (here, there) = (Revoked::default(), Revoked::default());
        let outbox = Arc::new(Outbox::default());
        let [one, two, three, four] = [
            token("alice", "s", "1"),
            token("bob", "s", "2"),
            token("carol", "s", "3"),
            token("dave", "s", "4"),
        ];
        let family = Mark::family("dave", "f");
        here.revoke_token(&one);
        here.revoke_user(&two.user);
        here.share(&outbox);
        here.revoke_session(&three.user, &SessionId::new("s").unwrap());
        here.revoke_family(&four.user, family, Moment::now() + Duration::from_secs(60));
        let news = outbox.peek();
        assert_eq!(news.len(), 4);
        let of_family = Identity {
            family: Some(family),
            ..four.clone()
        };
        for (token, news) in [&one, &two, &three, &of_family].into_iter().zip(&news) {
            assert!(here.has(token) && !there.has(token));
            assert_eq!(there.learn(news).as_ref(), Some(&token.user));
            assert!(there.has(token), "{news:?}");
        }
        assert!(!there.has(&four), "of another login");
        assert!(!there.has(&token("bob", "s", "5")), "a new login");
        // What is known there need not be told again; the rest has to be.
        assert_eq!(here.missing(&news), []);
        assert_eq!(here.missing(&news[1..]), news[..1]);
        assert_eq!(here.missing(&[news[0].clone(), news[3].clone()]).len(), 2);
        let everybody = News::AllRevokedUntil {
            moment: Moment::now_and_once().as_micros(),
        };
        let (before, after) = (
            token("eve", "s", "6"),
            Moment::now() + Duration::from_secs(9),
        );
        let earlier = Identity {
            issued: Moment::default(),
            ..before
        };
        assert!(!there.has(&earlier));
        there.learn(&everybody);
        assert!(there.has(&earlier));
        let later = Identity {
            issued: after,
            ..earlier
        };
        assert!(!there.has(&later));
    }
}
