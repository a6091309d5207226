//! How much anyone may do: limits and bans that follow the user, and what an address may ask for.

mod bans;
mod connections;
mod messages;
mod recent;
mod sharing;

pub(crate) use self::{
    bans::Bans,
    connections::{Gate, Place, TooMany},
    messages::{Account, Excess, InHand, Limits},
    sharing::share,
};
pub use self::{connections::ConnectionLimits, messages::MessageLimits};
