//! Refresh tokens that work once: which of a login's is the newest (RFC 9700, section 4.14.2).
//!
//! The tokens of a login are numbered. Only the newest number is remembered, so that a login takes
//! the same little memory however often it is refreshed.

use super::{access::Mark, moment::Moment};
use crate::{
    pubsub::everywhere::{Everywhere, Use, Used},
    store::StoreError,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// How many logins are known one by one.
const MOST: usize = 100_000;

/// With how many those that have expired are forgotten for the first time.
const CLEAN_AT: usize = 1024;

/// The logins whose refresh tokens have been used.
#[derive(Debug)]
pub(crate) enum Families {
    /// Here alone.
    Here(Mutex<Known>),
    /// At any of the nodes.
    Everywhere(Arc<dyn Everywhere>),
}

impl Default for Families {
    fn default() -> Self {
        Self::Here(Mutex::default())
    }
}

/// What this process knows of them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    families: HashMap<Mark, Family>,
    /// With how many the expired ones are forgotten next.
    clean_at: usize,
    /// Logins of which the newest token known was issued no later may have been forgotten.
    floor: Option<Moment>,
}

#[derive(Debug)]
struct Family {
    /// The number of the token that is good now; `None` once one was used twice.
    good: Option<u32>,
    /// The attempt that it was the answer to.
    attempt: Option<Mark>,
    issued: Moment,
    /// When the last access token of the family ends.
    access_ends: Moment,
    /// When its last refresh token does.
    ends: Moment,
}

/// What is asked for: the next token after this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redemption {
    pub(super) family: Mark,
    pub(super) generation: u32,
    pub(super) issued: Moment,
    /// Names the attempt, if the client wants to be able to repeat it.
    pub(super) attempt: Option<Mark>,
    /// When the new access token ends, or the one before it.
    pub(super) access_ends: Moment,
    /// When the new refresh token ends.
    pub(super) ends: Moment,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// It was the newest, and is not any more.
    Once,
    /// It was used before: the family is good for nothing more. Its last access token would have
    /// ended at that moment.
    Again(Moment),
    /// Nobody knows any more whether it was used before.
    Forgotten,
}

impl Families {
    /// Uses a refresh token.
    ///
    /// Who repeats an attempt by its name, since the answer was lost, is answered again, as long as
    /// the new token has not been used. Whoever has only the token can't name it.
    ///
    /// # Errors
    /// If those who know can't be asked: then it may have been used, or not.
    pub(crate) async fn redeem(&self, asked: &Redemption) -> Result<Redeemed, StoreError> {
        let everywhere = match self {
            Self::Here(known) => return Ok(locked(known).redeem(asked)),
            Self::Everywhere(everywhere) => everywhere,
        };
        let token = Use {
            family: asked.family.to_string(),
            generation: asked.generation,
            attempt: asked.attempt.map(|attempt| attempt.to_string()),
            access_ends: asked.access_ends.as_micros(),
            ends: asked.ends.as_micros(),
        };
        Ok(match everywhere.redeem(&token).await? {
            Used::Once => Redeemed::Once,
            Used::Again { access_ends } => Redeemed::Again(Moment::from_micros(access_ends)),
            Used::Forgotten => Redeemed::Forgotten,
        })
    }
}

fn locked(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known
        .lock()
        .expect("nothing panics while it holds this lock")
}

impl Known {
    fn redeem(&mut self, asked: &Redemption) -> Redeemed {
        let floor = self.floor;
        let Some(family) = self.families.get_mut(&asked.family) else {
            if floor.is_some_and(|floor| asked.issued <= floor) {
                return Redeemed::Forgotten;
            }
            self.remember(asked);
            return Redeemed::Once;
        };
        let is_newest = family.good == Some(asked.generation);
        let is_repeated = asked.attempt.is_some()
            && family.attempt == asked.attempt
            && family.good == asked.generation.checked_add(1);
        family.ends = family.ends.max(asked.ends);
        family.access_ends = family.access_ends.max(asked.access_ends);
        if is_newest || is_repeated {
            family.good = asked.generation.checked_add(1);
            family.attempt = asked.attempt;
            family.issued = Moment::now_and_once();
            return Redeemed::Once;
        }
        family.good = None;
        family.attempt = None;
        Redeemed::Again(family.access_ends)
    }

    fn remember(&mut self, asked: &Redemption) {
        if self.families.len() >= self.clean_at.clamp(CLEAN_AT, MOST) {
            let now = Moment::now();
            self.families.retain(|_, family| family.ends > now);
            self.clean_at = 2 * self.families.len();
        }
        if self.families.len() >= MOST {
            let mut issued: Vec<_> = self.families.values().map(|family| family.issued).collect();
            let (_, middle, _) = issued.select_nth_unstable(MOST / 2);
            let floor = *middle;
            self.families.retain(|_, family| family.issued > floor);
            self.floor = Some(floor);
            tracing::warn!("so many logins were refreshed that the oldest have to be made again");
        }
        let family = Family {
            good: asked.generation.checked_add(1),
            attempt: asked.attempt,
            issued: Moment::now_and_once(),
            access_ends: asked.access_ends,
            ends: asked.ends,
        };
        self.families.insert(asked.family, family);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn asked(family: &str, generation: u32, attempt: Option<&str>) -> Redemption {
        Redemption {
            family: Mark::attempt(family),
            generation,
            issued: Moment::now(),
            attempt: attempt.map(Mark::attempt),
            access_ends: Moment::now() + Duration::from_secs(60),
            ends: Moment::now() + Duration::from_secs(60),
        }
    }

    #[test]
    fn each_works_once_and_one_used_twice_ends_them_all() {
        let mut families = Known::default();
        let mut redeem = |generation| families.redeem(&asked("f", generation, None));
        assert_eq!(redeem(0), Redeemed::Once);
        assert_eq!(redeem(1), Redeemed::Once);
        assert!(matches!(redeem(0), Redeemed::Again(_)));
        assert!(matches!(redeem(2), Redeemed::Again(_)), "the good one, too");
        let other = families.redeem(&asked("g", 0, None));
        assert_eq!(other, Redeemed::Once);
    }

    #[test]
    fn an_attempt_may_be_repeated_by_its_name_until_its_answer_is_used() {
        let mut families = Known::default();
        let mut redeem = |generation, attempt| families.redeem(&asked("f", generation, attempt));
        assert_eq!(redeem(0, Some("a")), Redeemed::Once);
        assert_eq!(redeem(0, Some("a")), Redeemed::Once);
        assert_eq!(redeem(1, Some("b")), Redeemed::Once);
        assert!(matches!(redeem(0, Some("a")), Redeemed::Again(_)));
        let mut families = Known::default();
        let mut redeem = |attempt| families.redeem(&asked("f", 0, attempt));
        assert_eq!(redeem(None), Redeemed::Once);
        assert!(matches!(redeem(None), Redeemed::Again(_)), "no name");
        let mut families = Known::default();
        let mut redeem = |attempt| families.redeem(&asked("f", 0, attempt));
        assert_eq!(redeem(Some("a")), Redeemed::Once);
        assert!(matches!(redeem(Some("b")), Redeemed::Again(_)), "another");
    }

    #[test]
    fn logins_that_have_expired_are_forgotten() {
        let mut families = Known::default();
        for number in 0..10_000 {
            families.redeem(&Redemption {
                ends: Moment::now(),
                ..asked(&number.to_string(), 0, None)
            });
        }
        assert!(families.families.len() <= 2 * CLEAN_AT);
    }

    #[test]
    fn a_login_that_was_forgotten_before_its_time_is_refused() {
        let mut families = Known::default();
        let (used, unused) = (asked("used", 0, None), asked("unused", 0, None));
        assert_eq!(families.redeem(&used), Redeemed::Once);
        for number in 0..MOST {
            families.redeem(&asked(&number.to_string(), 0, None));
        }
        assert!(families.families.len() <= MOST);
        assert_eq!(families.redeem(&used), Redeemed::Forgotten);
        assert_eq!(families.redeem(&unused), Redeemed::Forgotten);
        let new = asked("new", 0, None);
        assert_eq!(families.redeem(&new), Redeemed::Once);
    }
}
