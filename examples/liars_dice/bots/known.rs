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
pub(crate) struct Turn {
    pub(crate) mine: Vec<Face>,
    /// Under all cups, its own included.
    pub(crate) dice: u8,
    pub(crate) last: Option<Bid>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn known(frames: &[Value]) -> Known {
        let mut known = Known::default();
        for frame in frames {
            known.hear(&frame.to_string()).unwrap();
        }
        known
    }

    fn welcome() -> Value {
        json!({"welcome": {"protocol": 1, "user": "bot:0", "seat": 1, "role": "player"}})
    }

    fn round() -> [Value; 3] {
        let players = json!([{"user": "alice", "dice": 4}, {"user": "bot:0", "dice": 2}]);
        let start = json!({"type": "RoundStart", "players": players, "turn": "alice"});
        let dice = json!({"type": "YourDice", "dice": [3, 5]});
        [
            welcome(),
            json!({"seq": 7, "data": start}),
            json!({"seq": 8, "data": dice}),
        ]
    }

    #[test]
    fn it_has_a_turn_when_it_is_told_so_and_knows_what_a_person_would() {
        let mut known = known(&round());
        assert!(known.my_turn().is_none());
        let bid = json!({"type": "BidMade", "by": "alice", "count": 2, "face": 5, "late": false,
            "turn": "bot:0", "until": 0});
        known
            .hear(&json!({"seq": 9, "data": bid}).to_string())
            .unwrap();
        let turn = known.my_turn().unwrap();
        let mine: Vec<u8> = turn.mine.iter().map(|die| (*die).into()).collect();
        assert_eq!((mine, turn.dice), (vec![3, 5], 6));
        assert_eq!(turn.last.unwrap().to_string(), "2 fives");
        known.has_answered();
        assert!(known.my_turn().is_none());
        // Not before it has looked under its cup.
        let next = json!({"type": "RoundStart", "players": [{"dice": 3}], "turn": "bot:0"});
        known
            .hear(&json!({"seq": 10, "data": next}).to_string())
            .unwrap();
        assert!(known.my_turn().is_none());
    }

    #[test]
    fn it_knows_nothing_of_lifted_cups_and_answers_nobody_then() {
        let mut known = known(&round());
        for kind in ["Uncovered", "GameOver"] {
            known.turn = Some("bot:0".to_owned());
            let over = json!({"seq": 9, "data": {"type": kind, "hands": [], "winner": "alice"}});
            known.hear(&over.to_string()).unwrap();
            assert!(known.my_turn().is_none(), "{kind}");
        }
    }

    #[test]
    fn it_can_sit_down_at_any_time_and_sees_when_there_was_no_seat() {
        let state = json!({"players": [{"dice": 5}, {"dice": 1}], "mine": [6], "turn": "bot:0",
            "bids": [{"by": "alice", "count": 1, "face": 2, "late": false}], "stage": "bidding"});
        let sits = known(&[welcome(), json!({"state": state, "seq": 3})]);
        assert!(!sits.only_watches());
        assert_eq!(sits.my_turn().map(|turn| turn.dice), Some(6));
        let watches = known(&[json!({"welcome": {"user": "bot:0", "seat": null}})]);
        assert!(watches.only_watches());
    }

    #[test]
    fn other_frames_are_none_of_its_business() {
        let frames = [
            json!({"presence": {"event": "joined", "user": "zoe"}}),
            json!({"synced": 3}),
            json!({"seq": 4, "from": "@server", "data": {"type": "Ready", "by": "alice"}}),
            json!({"error": {"code": "rejected", "message": "no"}}),
        ];
        assert!(known(&frames).my_turn().is_none());
    }
}
