//! Chess for two, as a room: who sits where, what they may send, what everybody is told.

use crate::{
    outcome::{Outcome, Reason},
    position::{IllegalMove, Position, Promotion, Square},
};
use cozy_chess::Color;
use serde::Serialize;
use std::fmt;
use tapaculo::prelude::*;

/// Chess for two, with spectators. The struct is the state of one room. A board that everybody has
/// left is soon worth nothing: whoever left first has lost.
#[tapaculo::game(players = 2, spectators, history = 512, event = ChessEvent, empty_timeout = "10s")]
#[derive(Debug, Default)]
pub(crate) struct Chess {
    /// White and Black: the first to sit is White.
    players: [Option<Player>; 2],
    stage: Stage,
    pub(crate) position: Position,
    /// The moves so far, in algebraic notation.
    moves: Vec<String>,
    last_move: Option<LastMove>,
    /// Who offers one.
    draw_offer: Option<Player>,
}

/// What the server tells everybody in the room.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(crate) enum ChessEvent {
    GameStart {
        white: UserId,
        black: UserId,
        fen: String,
    },
    MoveMade {
        by: UserId,
        from: Square,
        to: Square,
        promotion: Option<Promotion>,
        san: String,
        fen: String,
    },
    DrawOffered {
        by: UserId,
    },
    DrawDeclined {
        by: UserId,
    },
    GameOver(Outcome),
}

#[tapaculo::game]
impl Chess {
    /// Whoever sits down finds a new board: a game ends when one of its players leaves.
    #[on_join]
    fn sit(&mut self, room: &Room<Self>) {
        *self = Self::default();
        self.players = [0, 1].map(|seat| room.player(Seat::new(seat)));
    }

    #[on_full]
    fn start(&mut self, room: &mut Room<Self>) {
        if let [Some(white), Some(black)] = &self.players {
            self.stage = Stage::Playing;
            room.broadcast(ChessEvent::GameStart {
                white: white.user().clone(),
                black: black.user().clone(),
                fen: self.position.fen(),
            });
        }
    }

    #[on_leave]
    fn abandon(&mut self, room: &mut Room<Self>, player: &Player) {
        match self.stage {
            Stage::Waiting => self.players[player.seat().index()] = None,
            Stage::Playing => self.finish(room, Outcome::won(!color(player), Reason::Abandoned)),
            Stage::Over(_) => {}
        }
    }

    /// Without a name a validator sees every message. Its `Err` reaches only the sender.
    #[validate]
    fn is_running(&self) -> Result<(), Refused> {
        match self.stage {
            Stage::Waiting => Err(Refused::NotStarted),
            Stage::Playing => Ok(()),
            Stage::Over(_) => Err(Refused::Over),
        }
    }

    #[validate(play)]
    fn is_their_turn(&self, player: &Player) -> Result<(), Refused> {
        if self.position.turn() == color(player) {
            Ok(())
        } else {
            Err(Refused::NotYourTurn)
        }
    }

    /// `{"type": "Move", "from": "e2", "to": "e4"}`, with `"promotion": "q"` where a pawn promotes.
    /// Castling is the king's own move of two squares.
    #[message(rename = "Move")]
    fn play(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
        from: Square,
        to: Square,
        promotion: Option<Promotion>,
    ) -> Result<(), IllegalMove> {
        let san = self.position.play(from, to, promotion)?;
        self.moves.push(san.clone());
        self.last_move = Some(LastMove { from, to });
        // To move is to decline; one's own offer stands.
        self.draw_offer.take_if(|by| *by != *player);
        room.broadcast(ChessEvent::MoveMade {
            by: player.user().clone(),
            from,
            to,
            promotion,
            san,
            fen: self.position.fen(),
        });
        if let Some(outcome) = self.position.outcome() {
            self.finish(room, outcome);
        }
        Ok(())
    }

    #[message]
    fn resign(&mut self, room: &mut Room<Self>, player: &Player) {
        self.finish(room, Outcome::won(!color(player), Reason::Resignation));
    }

    /// Stands until the opponent accepts, declines or moves.
    #[message]
    fn offer_draw(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Refused> {
        match &self.draw_offer {
            Some(by) if by == player => return Err(Refused::AlreadyOffered),
            Some(_) => return Err(Refused::OpponentOffers),
            None => self.draw_offer = Some(player.clone()),
        }
        let by = player.user().clone();
        room.broadcast(ChessEvent::DrawOffered { by });
        Ok(())
    }

    #[message]
    fn accept_draw(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Refused> {
        self.take_offer(player)?;
        self.finish(room, Outcome::draw(Reason::Agreement));
        Ok(())
    }

    #[message]
    fn decline_draw(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Refused> {
        self.take_offer(player)?;
        let by = player.user().clone();
        room.broadcast(ChessEvent::DrawDeclined { by });
        Ok(())
    }

    /// What a newcomer sees. In chess everybody sees the same.
    #[view]
    fn view(&self) -> ChessView<'_> {
        let [white, black] = &self.players;
        let playing = matches!(self.stage, Stage::Playing);
        ChessView {
            fen: self.position.fen(),
            white: white.as_ref().map(Named::from),
            black: black.as_ref().map(Named::from),
            moves: &self.moves,
            last_move: self.last_move,
            turn: playing.then(|| match self.position.turn() {
                Color::White => "white",
                Color::Black => "black",
            }),
            draw_offer: self.draw_offer.as_ref().map(Player::user),
            outcome: match self.stage {
                Stage::Over(outcome) => Some(outcome),
                Stage::Waiting | Stage::Playing => None,
            },
        }
    }
}

impl Chess {
    /// Takes the opponent's offer off the table.
    fn take_offer(&mut self, player: &Player) -> Result<Player, Refused> {
        let theirs = self.draw_offer.take_if(|by| *by != *player);
        theirs.ok_or(Refused::NoOffer)
    }

    fn finish(&mut self, room: &mut Room<Self>, outcome: Outcome) {
        self.stage = Stage::Over(outcome);
        self.draw_offer = None;
        room.broadcast(ChessEvent::GameOver(outcome));
    }
}

/// The view: all that the page needs to show a game that is under way.
#[derive(Serialize)]
struct ChessView<'a> {
    fen: String,
    white: Option<Named<'a>>,
    black: Option<Named<'a>>,
    moves: &'a [String],
    last_move: Option<LastMove>,
    /// Whose move it is; nobody's before the game and after it.
    turn: Option<&'static str>,
    draw_offer: Option<&'a UserId>,
    outcome: Option<Outcome>,
}

#[derive(Serialize)]
struct Named<'a> {
    user: &'a UserId,
    name: Option<&'a str>,
}

impl<'a> From<&'a Player> for Named<'a> {
    fn from(player: &'a Player) -> Self {
        Self {
            user: player.user(),
            name: player.name(),
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct LastMove {
    from: Square,
    to: Square,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Waiting,
    Playing,
    Over(Outcome),
}

/// Why a message was refused, as its sender is told.
#[derive(Debug)]
enum Refused {
    NotStarted,
    Over,
    NotYourTurn,
    AlreadyOffered,
    OpponentOffers,
    NoOffer,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStarted => "the game has not started: your opponent is not here yet",
            Self::Over => "the game is over",
            Self::NotYourTurn => "it is not your turn",
            Self::AlreadyOffered => "you have already offered a draw",
            Self::OpponentOffers => "your opponent offers a draw already: accept it",
            Self::NoOffer => "your opponent has not offered a draw",
        })
    }
}

/// White has the first seat.
fn color(player: &Player) -> Color {
    Color::index(player.seat().index())
}
