//! Chess for two, as a room: who sits where, what they may send, what everybody is told.

use crate::{
    clock::{Clocks, TimeControl},
    outcome::{Outcome, Reason},
    position::{IllegalMove, Position, Promotion, Side, Square},
    wire::{ChessEvent, ChessOptions, ChessView, LastMove, Named, Refused, Seated},
};
use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

/// Chess for two, with spectators. The struct is the state of one room. A board that everybody has
/// left is soon worth nothing. There is no `history`: the view says all that a newcomer needs. With
/// `persist` no move is told before it is kept, where the server keeps its rooms.
#[tapaculo::game(
    persist,
    players = 2,
    spectators,
    event = ChessEvent,
    reconnect = "20s",
    empty_timeout = "10s"
)]
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chess {
    /// White and Black, also of a game that is over. Colours change with each game; seats do not.
    players: [Option<Seated>; 2],
    stage: Stage,
    pub(crate) position: Position,
    /// The moves so far, in algebraic notation.
    moves: Vec<String>,
    last_move: Option<LastMove>,
    control: Option<TimeControl>,
    clocks: Option<Clocks>,
    /// Of the clock that runs.
    flag: Option<TimerId>,
    /// Who offers one.
    draw_offer: Option<UserId>,
    /// Who wants one.
    rematch: Option<UserId>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
enum Stage {
    #[default]
    Waiting,
    Playing,
    Over(Outcome),
}

#[tapaculo::game]
impl Chess {
    #[create]
    fn create(options: ChessOptions) -> Self {
        Self {
            control: options.clock,
            clocks: options.clock.map(Clocks::new),
            ..Self::default()
        }
    }

    /// The first to sit is White. Whoever takes a seat that is free after a game plays the next.
    #[on_join]
    fn sit(&mut self, player: &Player) {
        if let Stage::Waiting = self.stage {
            self.take_color(player);
        }
    }

    #[on_full]
    fn all_here(&mut self, room: &mut Room<Self>) {
        if let Stage::Waiting = self.stage {
            self.start(room);
        }
    }

    /// The clock of someone who is cut off runs on.
    #[on_disconnect]
    fn away(&mut self, room: &mut Room<Self>, player: &Player) {
        let Some(until) = room.held_until(player.user()) else {
            return;
        };
        self.set_away(player, Some(until));
        let by = player.user().clone();
        room.broadcast(ChessEvent::Disconnected { by, until });
    }

    #[on_reconnect]
    fn back(&mut self, room: &mut Room<Self>, player: &Player) {
        self.set_away(player, None);
        let by = player.user().clone();
        room.broadcast(ChessEvent::Reconnected { by });
    }

    /// Who leaves a game has lost it, whether by saying so or by staying away. Before both have
    /// moved, it was no game yet.
    #[on_leave]
    fn leave(&mut self, room: &mut Room<Self>, player: &Player) {
        self.set_away(player, None);
        match self.stage {
            Stage::Waiting => {
                let left = |seated: &mut Seated| seated.user == *player.user();
                for side in &mut self.players {
                    side.take_if(left);
                }
            }
            Stage::Playing if self.moves.len() < 2 => self.finish(room, Outcome::aborted()),
            Stage::Playing => {
                let winner = !self.color(player);
                self.finish(room, Outcome::won(winner, Reason::Abandoned));
            }
            Stage::Over(_) => self.rematch = None,
        }
    }

    /// Without a name a validator sees every message. Its `Err` reaches only the sender.
    #[validate]
    fn is_the_time_for_it(&self, message: &ChessMessage) -> Result<(), Refused> {
        use ChessMessage::{Rematch, Time};
        match (self.stage, message) {
            (_, Time) | (Stage::Over(_), Rematch) => Ok(()),
            (Stage::Playing, Rematch) => Err(Refused::Playing),
            (Stage::Playing, _) => Ok(()),
            (Stage::Waiting, _) => Err(Refused::NotStarted),
            (Stage::Over(_), _) => Err(Refused::Over),
        }
    }

    /// A move may come in after the time is up and before the flag has fallen.
    #[validate(play)]
    fn is_their_turn(&self, room: &Room<Self>, player: &Player) -> Result<(), Refused> {
        let clocks = self.clocks.as_ref();
        let left = clocks.and_then(|clocks| clocks.running(room.now()));
        if self.position.turn() != self.color(player) {
            Err(Refused::NotYourTurn)
        } else if left.is_some_and(|(_, left)| left.is_zero()) {
            Err(Refused::TimeIsUp)
        } else {
            Ok(())
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
        self.draw_offer.take_if(|by| by != player.user());
        self.press_clock(room, player);
        room.broadcast(ChessEvent::MoveMade {
            by: player.user().clone(),
            from,
            to,
            promotion,
            san,
            fen: self.position.fen(),
            clocks: self.clocks.as_ref().map(Clocks::told),
        });
        if let Some(outcome) = self.position.outcome() {
            self.finish(room, outcome);
        }
        Ok(())
    }

    /// The time of a side is up: it has lost, unless the other can't mate at all.
    #[timer]
    fn flag(&mut self, room: &mut Room<Self>, side: Side) {
        let outcome = if self.position.can_mate(!side) {
            Outcome::won(!side, Reason::Timeout)
        } else {
            Outcome::draw(Reason::Timeout)
        };
        self.finish(room, outcome);
    }

    #[message]
    fn resign(&mut self, room: &mut Room<Self>, player: &Player) {
        let winner = !self.color(player);
        self.finish(room, Outcome::won(winner, Reason::Resignation));
    }

    /// Stands until the opponent accepts, declines or moves.
    #[message]
    fn offer_draw(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Refused> {
        match &self.draw_offer {
            Some(by) if by == player.user() => return Err(Refused::AlreadyOffered),
            Some(_) => return Err(Refused::OpponentOffers),
            None => self.draw_offer = Some(player.user().clone()),
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

    /// Once both who sit here want another game it begins, with colours changed.
    #[message]
    fn rematch(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Refused> {
        match &self.rematch {
            Some(by) if by == player.user() => return Err(Refused::AlreadyAsked),
            Some(_) => {
                self.change_colors(room);
                self.start(room);
            }
            None if !room.is_full() => return Err(Refused::OpponentLeft),
            None => {
                let by = player.user().clone();
                self.rematch = Some(by.clone());
                room.broadcast(ChessEvent::RematchOffered { by });
            }
        }
        Ok(())
    }

    /// The server's time, in milliseconds: a page sets its clock by it, since those of two machines
    /// differ.
    #[message(spectators)]
    fn time(&self, room: &Room<Self>) -> Timestamp {
        room.now()
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
            turn: playing.then(|| self.position.turn()),
            clock: self.control,
            clocks: self.clocks.as_ref().map(Clocks::told),
            draw_offer: self.draw_offer.as_ref(),
            outcome: match self.stage {
                Stage::Over(outcome) => Some(outcome),
                Stage::Waiting | Stage::Playing => None,
            },
            rematch: self.rematch.as_ref(),
        }
    }
}

impl Chess {
    /// On a new board.
    fn start(&mut self, room: &mut Room<Self>) {
        *self = Self {
            players: std::mem::take(&mut self.players),
            stage: Stage::Playing,
            control: self.control,
            clocks: self.control.map(Clocks::new),
            ..Self::default()
        };
        if let [Some(white), Some(black)] = &self.players {
            room.broadcast(ChessEvent::GameStart {
                white: white.user.clone(),
                black: black.user.clone(),
                fen: self.position.fen(),
                clocks: self.clocks.as_ref().map(Clocks::told),
            });
        }
    }

    /// Those who have played change colours; whoever is new gets the one that is left.
    fn change_colors(&mut self, room: &Room<Self>) {
        let here = room.players();
        self.players.swap(0, 1);
        for side in &mut self.players {
            side.take_if(|seated| !here.iter().any(|player| seated.user == *player.user()));
        }
        for player in &here {
            let mut played = self.players.iter().flatten();
            if !played.any(|seated| seated.user == *player.user()) {
                self.take_color(player);
            }
        }
    }

    fn take_color(&mut self, player: &Player) {
        if let Some(free) = self.players.iter_mut().find(|side| side.is_none()) {
            *free = Some(Seated::from(player));
        }
    }

    fn color(&self, player: &Player) -> Side {
        match &self.players[0] {
            Some(white) if white.user == *player.user() => Side::White,
            _ => Side::Black,
        }
    }

    fn set_away(&mut self, player: &Player, until: Option<Timestamp>) {
        let mut seated = self.players.iter_mut().flatten();
        if let Some(seated) = seated.find(|seated| seated.user == *player.user()) {
            seated.away = until;
        }
    }

    /// Stops the clock of who has moved, and sets the flag of the other.
    fn press_clock(&mut self, room: &mut Room<Self>, player: &Player) {
        let (by, now) = (self.color(player), room.now());
        let Some(clocks) = self.clocks.as_mut().filter(|_| self.moves.len() >= 2) else {
            return;
        };
        clocks.press(by, now);
        let next = clocks.running(now);
        self.take_flag(room);
        self.flag = next.map(|(side, left)| room.after(left, ChessTimer::Flag { side }));
    }

    fn take_flag(&mut self, room: &mut Room<Self>) {
        if let Some(flag) = self.flag.take() {
            room.cancel(flag);
        }
    }

    /// Takes the opponent's offer off the table.
    fn take_offer(&mut self, player: &Player) -> Result<UserId, Refused> {
        let theirs = self.draw_offer.take_if(|by| by != player.user());
        theirs.ok_or(Refused::NoOffer)
    }

    fn finish(&mut self, room: &mut Room<Self>, outcome: Outcome) {
        self.stage = Stage::Over(outcome);
        self.draw_offer = None;
        self.take_flag(room);
        if let Some(clocks) = &mut self.clocks {
            clocks.stop(room.now());
        }
        let clocks = self.clocks.as_ref().map(Clocks::told);
        room.broadcast(ChessEvent::GameOver { outcome, clocks });
    }
}
