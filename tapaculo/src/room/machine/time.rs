//! What a room does because it is time: timers, ticks, places that were held for long enough, and
//! its own end.

use super::{Call, Effects, Fatal, Machine};
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
        if self.over {
            return None;
        }
        let table = &self.room.table;
        let keep = table.identity.settings.empty_timeout;
        let dues = [
            (table.roster.next_given_up(), Due::GivenUp),
            (table.timers.next(), Due::Timer),
            (self.ticks.as_ref().map(|ticks| ticks.next), Due::Tick),
            (table.log.read().excess(), Due::Log),
            (self.empty_since.map(|since| since + keep), Due::Empty),
        ];
        let dues = dues.into_iter().filter_map(|(at, due)| Some((at?, due)));
        dues.min()
    }

    /// Does the one thing that has been due for longest; others that are due come with the next
    /// input, after what members have sent meanwhile.
    pub(super) async fn due(&mut self, effects: &mut Effects) -> Result<(), Fatal> {
        let now = self.room.table.now;
        let Some((_, due)) = self.next_due().filter(|(at, _)| *at <= now) else {
            return Ok(());
        };
        match due {
            Due::GivenUp => match self.room.table.roster.give_up() {
                Some(place) => self.given_up(&place, effects).await,
                None => Ok(()),
            },
            Due::Timer => match self.room.table.timers.pop() {
                Some(timer) => self.fire(timer, effects).await,
                None => Ok(()),
            },
            Due::Tick => self.tick(now, effects).await,
            Due::Log => Ok(()),
            Due::Empty => {
                self.abandon();
                Ok(())
            }
        }
    }

    pub(super) async fn fire(
        &mut self,
        timer: AnyTimer,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        match timer.of::<G::Timer>() {
            Some(timer) => self.report(Call::Timer(timer), effects).await,
            None => Ok(()),
        }
    }

    async fn tick(&mut self, now: Timestamp, effects: &mut Effects) -> Result<(), Fatal> {
        let (Some(every), Some(ticks)) = (G::TICK, self.ticks.as_mut()) else {
            return Ok(());
        };
        let elapsed = now.since(ticks.before);
        *ticks = Ticks {
            before: now,
            next: after(ticks.next, every, now),
        };
        self.report(Call::Tick(elapsed), effects).await
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
