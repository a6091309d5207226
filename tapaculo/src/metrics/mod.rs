//! The figures of a running server: what happens is counted here, and read by its operator.
//!
//! They go to the recorder of the process, by the facade of the crate `metrics`; the
//! [guide](crate::docs::deployment#metrics) has the list. Without the feature `metrics` all of this
//! is empty, so that whoever calls it need not ask.

#[cfg(feature = "metrics")]
mod counted;
#[cfg(feature = "metrics")]
mod meters;
#[cfg(feature = "metrics")]
mod names;
#[cfg(feature = "metrics")]
mod recorder;
#[cfg(not(feature = "metrics"))]
mod uncounted;

#[cfg(not(feature = "metrics"))]
pub(crate) use self::uncounted::*;
#[cfg(feature = "metrics")]
pub(crate) use self::{counted::*, meters::begin, recorder::recorder};

use crate::protocol::Close;

/// Which of a game's methods ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handler {
    /// Of a message, its validators included.
    Message,
    Hook,
    Timer,
    Tick,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "metrics"),
    expect(dead_code, reason = "nobody reads it who does not count")
)]
pub(crate) enum Ended {
    /// The server, which said so.
    ByServer(Close),
    /// The client, which said so with this code.
    ByClient(u16),
    /// The network, or somebody who said nothing.
    Lost,
}

/// Who banned a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BannedBy {
    /// It went over a limit.
    Limit,
    /// An operator.
    Operator,
}
