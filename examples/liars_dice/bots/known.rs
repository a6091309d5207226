//! What a bot knows: what the frames have told it, as they would tell a person on its seat.

use crate::rules::{Bid, Face};
use serde::Deserialize;

/// What of the protocol's frames a bot listens to.
#[derive(Deserialize)]
struct Frame {
    welcome: Option<Welcome>,
    state: Option<View>,
    data: Option<Event>,
}

#[derive(Deserialize)]
struct Welcome {
    user: String,
    seat: Option<u32>,
}

/// Comes first: a bot that sits down sees the table as it is.
#[derive(Deserialize)]
struct View {
    players: Vec<Player>,
    mine: Option<Vec<Face>>,
    bids: Vec<Bid>,
    turn: Option<String>,
}

#[derive(Deserialize)]
struct Player {
    dice: usize,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    RoundStart {
        players: Vec<Player>,
        turn: String,
    },
    YourDice {
        dice: Vec<Face>,
    },
    BidMade {
        #[serde(flatten)]
        bid: Bid,
        turn: String,
    },
    Uncovered,
    GameOver,
    #[serde(other)]
    Other,
}

/// The table, as a bot sees it.
#[derive(Debug, Default)]
pub(super) struct Known {
    me: String,
    watches: bool,
    turn: Option<String>,
    mine: Vec<Face>,
    /// Under all cups.
    dice: usize,
    last: Option<Bid>,
}

/// What a bot has to answer, and all that it may think about.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) mine: Vec<Face>,
    /// Under all cups, its own included.
    pub(super) dice: u8,
    pub(super) last: Option<Bid>,
}

impl Known {
    /// Takes in a frame; one that tells it nothing is none of its business.
    pub(super) fn hear(&mut self, text: &str) -> Result<(), serde_json::Error> {
        let frame: Frame = serde_json::from_str(text)?;
        if let Some(welcome) = frame.welcome {
            self.me = welcome.user;
            self.watches = welcome.seat.is_none();
        }
        if let Some(view) = frame.state {
            self.dice = count(&view.players);
            self.mine = view.mine.unwrap_or_default();
            self.last = view.bids.last().copied();
            self.turn = view.turn;
        }
        match frame.data {
            Some(Event::RoundStart { players, turn }) => {
                self.dice = count(&players);
                self.mine.clear(); // until they are told
                self.last = None;
                self.turn = Some(turn);
            }
            Some(Event::YourDice { dice }) => self.mine = dice,
            Some(Event::BidMade { bid, turn }) => {
                self.last = Some(bid);
                self.turn = Some(turn);
            }
            Some(Event::Uncovered | Event::GameOver) => self.turn = None,
            Some(Event::Other) | None => {}
        }
        Ok(())
    }

    /// Whether there was no seat for it.
    pub(super) fn only_watches(&self) -> bool {
        self.watches
    }

    /// What to answer, if it is this bot's turn.
    pub(super) fn my_turn(&self) -> Option<Turn> {
        let is_mine = self.turn.as_ref() == Some(&self.me) && !self.mine.is_empty();
        is_mine.then(|| Turn {
            mine: self.mine.clone(),
            dice: u8::try_from(self.dice).unwrap_or(u8::MAX),
            last: self.last,
        })
    }

    /// It has said something, and waits for what comes of it.
    pub(super) fn has_answered(&mut self) {
        self.turn = None;
    }
}

fn count(players: &[Player]) -> usize {
    players.iter().map(|player| player.dice).sum()
}
