//! Every hook, with everything it can take, in any order, and everything it can return.

use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(
    players = 1..=4,
    event = Said,
    reconnect = "60s",
    empty_timeout = "90s",
    name = "all-of-it"
)]
pub struct Everything {
    room: RoomId,
    board: u8,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Board {
    size: u8,
}

#[derive(Serialize)]
pub struct Said;

#[derive(Serialize)]
pub struct Seen<'a> {
    room: &'a str,
    by: &'a str,
}

#[tapaculo::game]
impl Everything {
    #[create]
    async fn create(options: Board, room: &RoomId) -> Result<Self, &'static str> {
        if options.size > 19 {
            return Err("no board is that large");
        }
        Ok(Self {
            room: room.clone(),
            board: options.size,
        })
    }

    #[on_join]
    fn joined(&mut self, player: &Player, room: &mut Room<Self>) -> Result<(), String> {
        if player.user().as_str() == "mallory" {
            return Err(format!("{} is full", room.id()));
        }
        room.broadcast(Said);
        Ok(())
    }

    #[on_full]
    async fn on_full(&mut self, room: &Room<Self>) {
        self.board = room.players().len() as u8;
    }

    #[on_disconnect]
    fn dropped(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), String> {
        room.broadcast(Said);
        Err(format!("{} is gone", player.user()))
    }

    #[on_reconnect]
    async fn back(&self, player: &Player) {
        let _ = player;
    }

    #[on_leave]
    fn left(&self, _: &Player) {}

    #[on_empty]
    fn empty(&mut self, _room: &mut Room<Self>) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[validate]
    fn any(
        &self,
        message: &EverythingMessage,
        who: &Player,
        room: &Room<Self>,
    ) -> Result<(), String> {
        match message {
            EverythingMessage::Put { at } if *at > self.board => {
                Err(format!("{who:?} is beyond the board of {:?}", room.id()))
            }
            EverythingMessage::Put { .. } | EverythingMessage::Pass => Ok(()),
        }
    }

    #[validate(put)]
    async fn free(&self, at: &u8) -> Result<(), u8> {
        if *at == 0 { Err(*at) } else { Ok(()) }
    }

    #[message]
    fn put(&mut self, at: u8) -> Result<u8, String> {
        Ok(at)
    }

    #[message]
    fn pass(&self) {}

    #[view]
    fn view(&self, viewer: &Member) -> Seen<'_> {
        let _ = viewer;
        Seen {
            room: self.room.as_str(),
            by: "everybody",
        }
    }
}

fn main() {
    assert_eq!(<Everything as tapaculo::game::Game>::MESSAGES, ["Put", "Pass"]);
    assert_eq!(<Everything as tapaculo::game::Declared>::NAME, "all-of-it");
}
