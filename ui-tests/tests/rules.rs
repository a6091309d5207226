//! What the generated code does with a message, from its fields to its answer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tapaculo::{prelude::*, testing::TestRoom};

#[derive(serde::Serialize)]
struct Heard(String);

#[tapaculo::game(players = 2, spectators, event = Heard)]
struct Hall {
    /// What ran, in order.
    ran: Vec<String>,
    open: bool,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct HallOptions {
    closed: bool,
    forbidden: bool,
}

#[tapaculo::game]
impl Hall {
    #[create]
    fn create(room: &RoomId, options: HallOptions) -> Result<Self, String> {
        if options.forbidden {
            return Err(format!("{room} is not for you"));
        }
        Ok(Self {
            ran: Vec::new(),
            open: !options.closed,
        })
    }

    #[on_join]
    fn joined(&mut self, player: &Player) -> Result<(), String> {
        if player.user().as_str() == "mallory" {
            return Err("not you".to_owned());
        }
        self.ran.push(format!("joined {}", player.user()));
        Ok(())
    }

    #[on_full]
    fn full(&mut self) {
        self.ran.push("full".to_owned());
    }

    #[on_leave]
    fn left(&mut self, player: &Player) {
        self.ran.push(format!("left {}", player.user()));
    }

    #[validate]
    fn is_open(&self) -> Result<(), &'static str> {
        if self.open { Ok(()) } else { Err("closed") }
    }

    #[validate(say)]
    fn short(&self, text: &str) -> Result<(), &'static str> {
        if text.len() < 6 { Ok(()) } else { Err("long") }
    }

    #[validate(say)]
    fn polite(&self, text: &str) -> Result<(), &'static str> {
        if text.contains('!') {
            Err("loud")
        } else {
            Ok(())
        }
    }

    #[message]
    fn say(
        &mut self,
        room: &mut Room<Self>,
        text: String,
        #[serde(rename = "kind", default)] r#type: Option<u8>,
    ) -> Option<u8> {
        room.broadcast(Heard(text));
        r#type
    }

    #[message(rename = "clap hands", spectators)]
    async fn clap(&mut self, from: &Member) -> Result<usize, String> {
        std::future::ready(()).await;
        Ok(from.user().as_str().len())
    }

    #[message]
    fn leave_it(&self) {}

    #[view]
    fn view(&self, viewer: &Member) -> Value {
        json!({"open": self.open, "you": viewer.user()})
    }
}

fn hall() -> TestRoom<Hall> {
    let mut room = TestRoom::new();
    room.join("ann").unwrap();
    room.join("bob").unwrap();
    room.watch("cy").unwrap();
    room
}

fn refusal(room: &mut TestRoom<Hall>, user: &str, message: Value) -> (String, String) {
    let refused = room.send(user, message).unwrap_err();
    (refused.code().to_owned(), refused.to_string())
}

#[test]
fn a_message_reaches_its_handler_with_its_fields_and_the_reply_goes_back() {
    let mut room = hall();
    let say = json!({"type": "Say", "text": "hello", "kind": 7});
    assert_eq!(room.send("ann", say).unwrap(), Some(json!(7)));
    assert_eq!(room.received("bob"), [json!("hello")]);
    let silent = room.send("ann", json!({"type": "LeaveIt"})).unwrap();
    assert_eq!(silent, None);
}

#[test]
fn the_validators_of_a_message_run_in_the_order_of_the_source() {
    let mut room = hall();
    for (text, words) in [("hello there!", "long"), ("hey!", "loud")] {
        let (code, said) = refusal(&mut room, "ann", json!({"type": "Say", "text": text}));
        assert_eq!((code.as_str(), said.as_str()), ("rejected", words));
    }
    assert!(room.received("bob").is_empty());
}

#[test]
fn a_spectator_may_send_only_what_is_marked_whatever_the_validators_say() {
    let mut room = hall();
    let clap = room.send("cy", json!({"type": "clap hands"})).unwrap();
    assert_eq!(clap, Some(json!(2)));
    let (code, _) = refusal(&mut room, "cy", json!({"type": "LeaveIt"}));
    assert_eq!(code, "spectator");

    let mut closed = TestRoom::<Hall>::with_options(json!({"closed": true}));
    closed.join("ann").unwrap();
    closed.watch("cy").unwrap();
    let (code, _) = refusal(&mut closed, "cy", json!({"type": "LeaveIt"}));
    assert_eq!(code, "spectator");
    let (_, words) = refusal(&mut closed, "ann", json!({"type": "LeaveIt"}));
    assert_eq!(words, "closed");
}

#[test]
fn a_message_that_does_not_fit_is_told_what_would() {
    let mut room = hall();
    let (code, words) = refusal(&mut room, "ann", json!({"type": "Sya"}));
    assert_eq!(code, "bad_message");
    assert!(words.contains("`Say`, `clap hands`, `LeaveIt`"), "{words}");
    let (code, words) = refusal(&mut room, "ann", json!({"type": "Say"}));
    assert_eq!(code, "bad_message");
    assert!(words.contains("text"), "{words}");
}

#[test]
fn hooks_run_when_their_time_comes_and_may_refuse() {
    let mut room = TestRoom::<Hall>::new();
    room.join("ann").unwrap();
    assert_eq!(room.join("mallory").unwrap_err().to_string(), "not you");
    room.join("bob").unwrap();
    room.disconnect("ann");
    assert_eq!(
        room.state().ran,
        ["joined ann", "joined bob", "full", "left ann"]
    );

    let mut forbidden = TestRoom::<Hall>::with_options(json!({"forbidden": true}));
    let refused = forbidden.join("ann").unwrap_err();
    assert!(refused.to_string().contains("is not for you"), "{refused}");
}

#[test]
fn the_view_is_made_for_whoever_looks() {
    let room = hall();
    assert_eq!(room.view("cy"), json!({"open": true, "you": "cy"}));
}
