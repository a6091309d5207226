//! How much anyone may do: limits and bans that follow the user.

mod messages;
mod recent;

pub use self::messages::MessageLimits;
pub(crate) use self::messages::{Account, Excess, InHand, Limits};
