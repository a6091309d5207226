use serde::{Deserialize, Serialize};
use tapaculo::{prelude::*, reexport::axum::{Router, response::Html, routing::get}};

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Hand { Rock, Paper, Scissors }

/// What both players are told, once both have chosen.
#[derive(Serialize)]
struct Shown { hands: [Hand; 2], winner: Option<usize> }

/// The state of one room: what the players on seat 0 and seat 1 have chosen.
#[tapaculo::game(players = 2, reconnect = "30s", event = Shown)]
#[derive(Default)]
struct Duel { hands: [Option<Hand>; 2] }

#[tapaculo::game]
impl Duel {
    #[message]
    fn choose(&mut self, room: &mut Room<Self>, player: &Player, hand: Hand) -> Result<(), String> {
        let mine = &mut self.hands[player.seat().index()];
        if mine.is_some() { return Err("you have chosen already".to_owned()); }
        *mine = Some(hand);
        if let [Some(first), Some(second)] = self.hands {
            let winner = [None, Some(0), Some(1)][(3 + first as usize - second as usize) % 3];
            room.broadcast(Shown { hands: [first, second], winner });
            self.hands = [None, None];
        }
        Ok(())
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>) { room.close("the other player has left"); }

    #[view]
    fn own_hand(&self, viewer: &Member) -> Option<Hand> { self.hands[viewer.seat()?.index()] }
}

#[test]
fn no_hand_is_known_before_both_are() {
    let mut room = tapaculo::testing::TestRoom::<Duel>::new();
    let choose = |hand| serde_json::json!({"type": "Choose", "hand": hand});
    for user in ["ann", "ben"] { room.join(user).unwrap(); }
    for (ann, ben, winner) in [("Rock", "Paper", Some(1)), ("Rock", "Scissors", Some(0)), ("Rock", "Rock", None)] {
        room.frames("ben"); // what came before this round
        assert_eq!(room.send("ann", choose(ann)).unwrap(), None);
        assert!(room.frames("ben").is_empty() && room.view("ben").is_null());
        assert_eq!(room.send("ann", choose("Paper")).unwrap_err().to_string(), "you have chosen already");
        room.send("ben", choose(ben)).unwrap();
        assert_eq!(room.received("ben"), [serde_json::json!({"hands": [ann, ben], "winner": winner})]);
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let page = Router::new().route("/", get(Html(include_str!("page.html"))));
    let server = Server::new().with_auth(JwtAuth::new("a secret of at least thirty-two bytes"));
    server.with_guest_tokens().with_game::<Duel>().with_routes(page).listen("0.0.0.0:8080").await
}
