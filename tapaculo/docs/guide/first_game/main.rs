use tapaculo::{prelude::*, reexport::axum::{Router, response::Html, routing::get}};

#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
enum Hand { Rock, Paper, Scissors }

/// What both players are told, once both have chosen.
#[derive(serde::Serialize)]
struct Shown { hands: [Hand; 2], winner: Option<usize> }

/// The state of one room: what the players on seat 0 and seat 1 have chosen.
#[tapaculo::game(players = 2, reconnect = "30s", event = Shown)]
#[derive(Default)]
struct Duel { hands: [Option<Hand>; 2] }

#[tapaculo::game]
impl Duel {
    #[message]
    fn choose(&mut self, room: &mut Room<Self>, by: &Player, hand: Hand) -> Result<(), String> {
        let mine = &mut self.hands[by.seat().index()];
        if mine.is_some() { return Err("you have chosen already".to_owned()); }
        *mine = Some(hand);
        if let [Some(one), Some(other)] = self.hands {
            let winner = [None, Some(0), Some(1)][(3 + one as usize - other as usize) % 3];
            room.broadcast(Shown { hands: [one, other], winner });
            self.hands = [None, None];
        }
        Ok(())
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>) { room.close("the other player has left"); }

    #[view]
    fn mine(&self, viewer: &Member) -> Option<Hand> { self.hands[viewer.seat()?.index()] }
}

#[test]
fn no_hand_is_known_before_both_are() {
    let mut room = tapaculo::testing::TestRoom::<Duel>::new();
    let choose = |hand| serde_json::json!({"type": "Choose", "hand": hand});
    for user in ["ann", "ben"] { room.join(user).unwrap(); }
    for (second, winner) in [("Rock", None), ("Paper", Some(1)), ("Scissors", Some(0))] {
        room.frames("ben"); // what came before this round
        assert_eq!(room.send("ann", choose("Rock")).unwrap(), None);
        assert!(room.frames("ben").is_empty() && room.view("ben").is_null());
        assert!(room.send("ann", choose("Paper")).is_err());
        room.send("ben", choose(second)).unwrap();
        let shown = serde_json::json!({"hands": ["Rock", second], "winner": winner});
        assert_eq!(room.received("ben"), [shown]);
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let page = Router::new().route("/", get(Html(include_str!("page.html"))));
    let auth = JwtAuth::new("a secret of at least thirty-two bytes");
    let server = Server::new().with_auth(auth).with_guest_tokens().with_game::<Duel>();
    server.with_routes(page).listen("0.0.0.0:8080").await
}
