//! Bots that fill empty seats: clients like any other, through the same messages as people.
//!
//! A bot is no part of its room. It connects over a WebSocket, with a token that the server's own
//! key has signed, speaks the public protocol, and is told what a person on its seat would be told:
//! it could not cheat if it wanted to. All that the room does is ask the agency for one, over a
//! channel, from the handler of `AddBot`; the handler does not wait for it.
//!
//! So nothing here needs to be in this process. With a queue in place of the channel (a list in
//! Redis, say), `JwtAuth::new` of the same secret on the other side, and the server's public address
//! in place of the loopback one, the agency and its bots are a program of their own.

mod agency;
mod brain;
mod client;
mod known;

pub(crate) use self::agency::{Agency, MOST_BOTS, open_agency};
#[cfg(test)]
pub(crate) use self::{
    agency::Call,
    brain::{Answer, answer},
    known::Turn,
};

use tapaculo::prelude::UserId;

/// What a bot's id begins with, and nobody else's on a seat: the room sees to it.
const PREFIX: &str = "bot:";

const NAMES: [&str; 8] = [
    "Ada", "Basil", "Clio", "Dexter", "Edda", "Felix", "Greta", "Hugo",
];

/// Whether this is a bot.
pub(crate) fn is_bot(user: &UserId) -> bool {
    user.as_str().starts_with(PREFIX)
}

/// The id of a room's bot with this number.
pub(crate) fn user(number: u32) -> UserId {
    let id = format!("{PREFIX}{number}");
    UserId::new(id).expect("a word and a number are a valid name")
}

/// A name for the bot with this number, other than those of the others at the table.
pub(crate) fn name(number: u32, taken: &[&str]) -> &'static str {
    let first = number as usize % NAMES.len();
    let mut names = NAMES[first..].iter().chain(&NAMES[..first]);
    let free = names.find(|name| !taken.contains(name));
    free.unwrap_or(&NAMES[first])
}
