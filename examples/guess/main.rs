//! Guess the number: the game of the README.

use serde::Serialize;
use std::cmp::Ordering;
use tapaculo::prelude::*;
use tapaculo::reexport::axum::{Router, response::Html, routing::get};
use tapaculo::reexport::rand::{self, RngExt};

/// Guess the number, all together. The struct is the state of one room.
#[tapaculo::game(players = 8, spectators, reconnect = "60s", event = Guessed)]
#[derive(Default)]
struct Guess {
    secret: Option<u8>,
    tries: u32,
}

/// What the room says to its members.
#[derive(Serialize)]
struct Guessed {
    by: UserId,
    number: u8,
    answer: &'static str,
}

#[tapaculo::game]
impl Guess {
    /// Runs before the handler; an `Err` reaches only the sender.
    #[validate(guess)]
    fn in_range(&self, number: &u8) -> Result<(), &'static str> {
        match number {
            1..=100 => Ok(()),
            _ => Err("guess a number from 1 to 100"),
        }
    }

    /// `{"type": "Guess", "number": 50}`
    #[message]
    fn guess(&mut self, room: &mut Room<Self>, player: &Player, number: u8) {
        let draw = || room.rng().random_range(1..=100);
        let secret = *self.secret.get_or_insert_with(draw);
        let answer = match number.cmp(&secret) {
            Ordering::Less => "too low",
            Ordering::Greater => "too high",
            Ordering::Equal => "right",
        };
        self.tries += 1;
        let by = player.user().clone();
        room.broadcast(Guessed { by, number, answer });
        if number == secret {
            *self = Self::default(); // the next guess is at another number
        }
    }

    /// What newcomers see, and those who were away for too long: never the secret.
    #[view]
    fn view(&self) -> u32 {
        self.tries
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init(); // says where it listens, and which pages are refused
    let page = get(async || Html(include_str!("page.html")));
    Server::new()
        .with_auth(JwtAuth::new(rand::random::<[u8; 32]>())) // good until the server stops
        .with_guest_tokens()
        .with_game::<Guess>()
        .with_routes(Router::new().route("/", page))
        .listen("0.0.0.0:8080")
        .await
}

#[cfg(test)]
mod tests {
    use super::Guess;
    use serde_json::json;
    use tapaculo::testing::TestRoom;

    #[test]
    fn all_hear_a_guess_and_nobody_a_bad_one() -> Result<(), Box<dyn std::error::Error>> {
        let mut room = TestRoom::<Guess>::new(); // in memory: no socket, no runtime
        room.join("ann")?;
        room.join("ben")?;
        room.watch("cleo")?;
        let refused = room.send("ann", json!({"type": "Guess", "number": 101}));
        assert!(refused.is_err_and(|error| error.to_string().contains("from 1 to 100")));
        assert!(room.received("ben").is_empty());
        assert_eq!(room.view("cleo"), 0);
        for number in 1..=100 {
            room.send("ann", json!({"type": "Guess", "number": number}))?;
        }
        let heard = room.received("ben");
        assert!(heard.iter().any(|event| event["answer"] == "right"));
        Ok(())
    }
}
