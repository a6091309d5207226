//! One room: a core without sockets, tasks or clocks that turns an input into effects, and the one
//! seam through which effects leave it.
//!
//! A message waits at the [`Door`] for its turn; the [`Machine`] runs the game on it and answers with
//! effects; [`Live`] commits them to the store and only then delivers them, events into the room's
//! log, answers into the [`Outlet`] of their connection. The server and the test room drive the
//! same `Live`.

mod abroad;
mod answers;
mod contain;
mod door;
mod effects;
mod hall;
mod keep;
mod live;
mod locked;
mod machine;
mod outlet;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use self::locked::tests::{alice, unkept};
pub(crate) use self::{
    abroad::{Far, Publication, Standing},
    answers::Ticket,
    contain::Alarm,
    door::{Call, Door, Keeper, NoRoom, Visitor},
    effects::Effects,
    hall::Hall,
    keep::Keep,
    live::{Ear, Live},
    locked::{LockedRoom, decode},
    machine::{Departure, Found, Input, Machine, Unfit, Unreadable, past},
    outlet::{Outlet, Taken},
};
