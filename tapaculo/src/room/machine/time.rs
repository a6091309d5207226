//! What a room does because it is time: timers, ticks, places that were held for long enough, and
//! its own end.

use super::{Call, Effects, End, Machine, Step, Then};
use crate::{
    clock::Timestamp,
    game::{AnyTimer, Game},
};
use std::time::Duration;

/// When a game ticked and will tick.
#[derive(Debug)]
pub(super) struct Ticks {
    before: Timestamp,
    next: Timestamp,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A missing connection is not found any more.
    Missing,
    /// A place is held no longer.
    GivenUp,
    Timer,
    Tick,
    /// The log has more than it is to keep: it is trimmed after any input.
    Log,
    /// Nobody has come for long enough.
    Empty,
}

impl<G: Game> Machine<G> {
    /// When the room wants an [`Input::Due`](super::Input::Due), if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.next_due().map(|(at, _)| at)
    }

    fn next_due(&self) -> Option<(Timestamp, Due)> {
        if self.is_over() {
            return None;
        }
        let table = &self.room.table;
        let keep = table.identity.settings.empty_timeout;
        let missing = self.missing_until;
        let dues = [
            (missing.filter(|_| table.roster.has_missing()), Due::Missing),
            (table.roster.next_given_up(), Due::GivenUp),
            (table.timers.next(), Due::Timer),
            (self.ticks.as_ref().map(|ticks| ticks.next), Due::Tick),
            (table.log.read().excess(), Due::Log),
            (
                self.empty_since.zip(keep).map(|(since, keep)| since + keep),
                Due::Empty,
            ),
        ];
        let dues = dues.into_iter().filter_map(|(at, due)| Some((at?, due)));
        dues.min()
    }

    /// Begins the one thing that has been due for longest; others that are due come with the next
    /// input, after what members have sent meanwhile.
    pub(super) fn due(&mut self, effects: &mut Effects) {
        let now = self.room.table.now;
        let Some((_, due)) = self.next_due().filter(|(at, _)| *at <= now) else {
            return;
        };
        match due {
            Due::GivenUp => {
                if let Some(place) = self.room.table.roster.give_up() {
                    self.given_up(&place, effects);
                }
            }
            Due::Timer => {
                if let Some(timer) = self.room.table.timers.pop() {
                    self.fire(timer);
                }
            }
            Due::Tick => self.tick(now),
            Due::Log => {}
            Due::Missing => {
                if let Some(user) = self.room.table.roster.first_missing() {
                    self.mourn(&user, effects);
                }
            }
            Due::Empty => self.abandon(End::ForGood),
        }
    }

    pub(super) fn fire(&mut self, timer: AnyTimer) {
        if let Some(timer) = timer.of::<G::Timer>() {
            self.next(Step::Call(Call::Timer(timer), Then::Nothing));
        }
    }

    fn tick(&mut self, now: Timestamp) {
        let (Some(every), Some(ticks)) = (G::TICK, self.ticks.as_mut()) else {
            return;
        };
        let elapsed = now.since(ticks.before);
        *ticks = Ticks {
            before: now,
            next: after(ticks.next, every, now),
        };
        self.next(Step::Call(Call::Tick(elapsed), Then::Nothing));
    }

    /// Takes note of who is here after an input: whether the game ticks, whether the room is empty.
    pub(super) fn keep_time(&mut self, now: Timestamp) {
        let roster = &self.room.table.roster;
        self.empty_since = match (roster.is_empty(), self.empty_since) {
            (false, _) => None,
            (true, since) => since.or(Some(now)),
        };
        let ticking = G::TICK.filter(|_| roster.is_awake());
        self.ticks = match (ticking, self.ticks.take()) {
            (None, _) => None,
            (Some(_), Some(ticks)) => Some(ticks),
            (Some(every), None) => Some(Ticks {
                before: now,
                next: now + every,
            }),
        };
    }
}

/// The next tick: in step with those before, but those that were missed are not made up for.
fn after(tick: Timestamp, every: Duration, now: Timestamp) -> Timestamp {
    let next = tick + every;
    if next > now { next } else { now + every }
}
