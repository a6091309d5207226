//! How a game of chess ends.

use crate::position::Side;
use serde::{Deserialize, Serialize};

/// `{"result": "1-0", "reason": "checkmate"}`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    result: Score,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Score {
    #[serde(rename = "1-0")]
    White,
    #[serde(rename = "0-1")]
    Black,
    #[serde(rename = "1/2-1/2")]
    Draw,
    #[serde(rename = "*")]
    None,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Checkmate,
    Stalemate,
    InsufficientMaterial,
    FiftyMoves,
    ThreefoldRepetition,
    Resignation,
    Agreement,
    /// A draw, if the opponent can't mate.
    Timeout,
    /// A player left.
    Abandoned,
    /// A player left before both had moved.
    Aborted,
}

impl Outcome {
    pub(crate) fn won(winner: Side, reason: Reason) -> Self {
        let result = match winner {
            Side::White => Score::White,
            Side::Black => Score::Black,
        };
        Self { result, reason }
    }

    /// There was no game.
    pub(crate) fn aborted() -> Self {
        Self {
            result: Score::None,
            reason: Reason::Aborted,
        }
    }

    pub(crate) fn draw(reason: Reason) -> Self {
        let result = Score::Draw;
        Self { result, reason }
    }
}
