//! How much anyone may do: limits and bans that follow the user, and what an address may ask for.

mod connections;
mod messages;
mod recent;

pub use self::{connections::ConnectionLimits, messages::MessageLimits};
pub(crate) use self::{
    connections::{Gate, Place, TooMany},
    messages::{Account, Excess, InHand, Limits},
};
