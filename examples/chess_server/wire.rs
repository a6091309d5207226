//! What goes out to the players and to those who watch.

use crate::{
    clock::{ClocksTold, TimeControl},
    outcome::Outcome,
    position::{Promotion, Side, Square},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use tapaculo::prelude::*;

/// What the one who opens the room may choose: `{"clock": {"minutes": 5, "increment": 3}}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChessOptions {
    /// Without one, there is all the time in the world.
    pub(crate) clock: Option<TimeControl>,
}

/// What the server tells everybody in the room.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(crate) enum ChessEvent {
    GameStart {
        white: UserId,
        black: UserId,
        fen: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        clocks: Option<ClocksTold>,
    },
    MoveMade {
        by: UserId,
        from: Square,
        to: Square,
        promotion: Option<Promotion>,
        san: String,
        fen: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        clocks: Option<ClocksTold>,
    },
    DrawOffered {
        by: UserId,
    },
    DrawDeclined {
        by: UserId,
    },
    GameOver {
        #[serde(flatten)]
        outcome: Outcome,
        #[serde(skip_serializing_if = "Option::is_none")]
        clocks: Option<ClocksTold>,
    },
    RematchOffered {
        by: UserId,
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

/// The view: all that the page needs to show a game that is under way.
#[derive(Serialize)]
pub(crate) struct ChessView<'a> {
    pub(crate) fen: String,
    pub(crate) white: Option<Named<'a>>,
    pub(crate) black: Option<Named<'a>>,
    pub(crate) moves: &'a [String],
    pub(crate) last_move: Option<LastMove>,
    /// Whose move it is; nobody's before the game and after it.
    pub(crate) turn: Option<Side>,
    pub(crate) clock: Option<TimeControl>,
    pub(crate) clocks: Option<ClocksTold>,
    pub(crate) draw_offer: Option<&'a UserId>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) rematch: Option<&'a UserId>,
}

#[derive(Serialize)]
pub(crate) struct Named<'a> {
    user: &'a UserId,
    name: Option<&'a str>,
    /// While the connection is gone: when the player will have left.
    away: Option<Timestamp>,
}

/// Someone at the board, and until when the seat is held if the connection is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seated {
    pub(crate) user: UserId,
    name: Option<String>,
    pub(crate) away: Option<Timestamp>,
}

impl From<&Player> for Seated {
    fn from(player: &Player) -> Self {
        Self {
            user: player.user().clone(),
            name: player.name().map(str::to_owned),
            away: None,
        }
    }
}

impl<'a> From<&'a Seated> for Named<'a> {
    fn from(seated: &'a Seated) -> Self {
        Self {
            user: &seated.user,
            name: seated.name.as_deref(),
            away: seated.away,
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct LastMove {
    pub(crate) from: Square,
    pub(crate) to: Square,
}

/// Why a message was refused, as its sender is told.
#[derive(Debug)]
pub(crate) enum Refused {
    NotStarted,
    Playing,
    Over,
    NotYourTurn,
    TimeIsUp,
    AlreadyOffered,
    OpponentOffers,
    NoOffer,
    AlreadyAsked,
    OpponentLeft,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStarted => "the game has not started: your opponent is not here yet",
            Self::Playing => "the game is not over yet",
            Self::Over => "the game is over",
            Self::NotYourTurn => "it is not your turn",
            Self::TimeIsUp => "the time is up",
            Self::AlreadyOffered => "you have already offered a draw",
            Self::OpponentOffers => "your opponent offers a draw already: accept it",
            Self::NoOffer => "your opponent has not offered a draw",
            Self::AlreadyAsked => "you have already asked for a rematch",
            Self::OpponentLeft => "your opponent has left: whoever comes next plays you",
        })
    }
}
