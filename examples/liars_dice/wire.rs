//! What goes out: to everybody, to the one whose dice they are, to whoever comes in or is refused.

use crate::rules::{Bid, Face, Said, Uncovered};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};
use tapaculo::prelude::*;

/// What the one who opens the table may choose: `{"dice": 3, "seconds": 60}`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DiceOptions {
    /// How many dice each has at the beginning.
    pub(crate) dice: u8,
    /// How much time there is for a bid.
    pub(crate) seconds: u8,
}

impl Default for DiceOptions {
    fn default() -> Self {
        Self {
            dice: 5,
            seconds: 30,
        }
    }
}

impl DiceOptions {
    pub(crate) fn check(self) -> Result<Self, &'static str> {
        match self {
            Self { dice: 0 | 6.., .. } => Err("`dice` are 1 to 5 for each"),
            Self {
                seconds: ..5 | 121..,
                ..
            } => Err("`seconds` for a bid are 5 to 120"),
            fine => Ok(fine),
        }
    }

    pub(crate) fn time(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// What the server tells. Everybody hears everything but `YourDice`, which is for one pair of eyes.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(crate) enum DiceEvent {
    GameStart {
        players: Vec<Told>,
    },
    /// Everybody has rolled.
    RoundStart {
        round: u32,
        players: Vec<Told>,
        turn: UserId,
        until: Timestamp,
    },
    /// What is under one's own cup.
    YourDice {
        dice: Vec<Face>,
    },
    BidMade {
        #[serde(flatten)]
        said: Said,
        turn: UserId,
        until: Timestamp,
    },
    /// Somebody called it a lie, and all cups are lifted; until then, or until all are ready.
    Uncovered {
        #[serde(flatten)]
        uncovered: Uncovered,
        until: Option<Timestamp>,
    },
    /// Has seen enough of the dice.
    Ready {
        by: UserId,
    },
    /// A player has gone in the middle of the game, and the dice are gone, too.
    Gone {
        by: UserId,
    },
    GameOver {
        winner: UserId,
    },
    /// A player's connection is gone. If it is not back by then, the player has left.
    Disconnected {
        by: UserId,
        until: Timestamp,
    },
    Reconnected {
        by: UserId,
    },
}

/// A player of the game, as everybody may see it: how many dice, and not which.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) user: UserId,
    pub(crate) name: Option<String>,
    pub(crate) dice: usize,
}

/// The view: all that the page needs to show a game that is under way.
#[derive(Serialize)]
pub(crate) struct DiceView<'a> {
    pub(crate) stage: &'static str,
    pub(crate) dice: u8,
    pub(crate) seconds: u8,
    pub(crate) players: Vec<Told>,
    /// What is under the viewer's cup, while a round is played; nobody else's ever is here.
    pub(crate) mine: Option<&'a [Face]>,
    pub(crate) round: u32,
    pub(crate) bids: &'a [Said],
    pub(crate) turn: Option<&'a UserId>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) uncovered: Option<&'a Uncovered>,
    pub(crate) ready: Vec<&'a UserId>,
    pub(crate) winner: Option<&'a UserId>,
    /// Who is cut off, and until when the seat is held.
    pub(crate) away: &'a BTreeMap<UserId, Timestamp>,
}

/// Why a message or a newcomer was refused, in words for its sender.
#[derive(Debug)]
pub(crate) enum Refused {
    NotPlaying,
    Playing,
    CupsAreLifted,
    CupsAreDown,
    NotYourTurn,
    NotInTheGame,
    NoRaise(Bid),
    NoDice,
    TooMany(u8),
    NothingBid,
    Alone,
    TableFull,
    NoBotHere,
    NoBotsLeft,
    NotInvited,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::NoRaise(last) => {
                return write!(
                    f,
                    "{last} is the last bid: bid more dice, or as many of a higher face"
                );
            }
            Self::TooMany(dice) => return write!(f, "there are only {dice} dice on the table"),
            Self::NotPlaying => "there is no game yet",
            Self::Playing => "wait for the end of the game",
            Self::CupsAreLifted => "wait for the next round",
            Self::CupsAreDown => "the cups are still down",
            Self::NotYourTurn => "it is not your turn",
            Self::NotInTheGame => "you are not in this game",
            Self::NoDice => "a bid is of one die at least",
            Self::NothingBid => "nobody has bid yet",
            Self::Alone => "it takes two: send somebody the link, or ask for a bot",
            Self::TableFull => "every seat is taken",
            Self::NoBotHere => "there is no such bot at the table",
            Self::NoBotsLeft => "all bots are at other tables: try again later",
            Self::NotInvited => "names that begin with `bot:` are for bots that were asked for",
        };
        f.write_str(words)
    }
}
