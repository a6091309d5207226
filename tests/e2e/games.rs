//! The games that the tests play.

use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tapaculo::prelude::*;
use tapaculo_tests::DEADLINE;
use tokio::{sync::Notify, time::timeout};

/// Everything a room can say or do, in a few messages.
#[tapaculo::game(
    players = 2,
    spectators,
    history = 3,
    event = DeskEvent,
    empty_timeout = "200ms"
)]
#[derive(Default)]
pub(crate) struct Desk {
    said: Vec<String>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(crate) enum DeskEvent {
    Joined { who: String },
    Full,
    Said { text: String },
    Left { who: String },
    Hint { text: String },
    Map(BTreeMap<Vec<u8>, u8>),
}

#[derive(Serialize)]
pub(crate) struct DeskView {
    said: Vec<String>,
    you: UserId,
}

/// Where a `Ponder` waits until a test lets it go on.
#[derive(Default)]
pub(crate) struct Gate {
    begun: Notify,
    open: Notify,
}

impl Gate {
    /// The gate of this name, in all rooms.
    pub(crate) fn of(name: &str) -> Arc<Self> {
        static GATES: Mutex<BTreeMap<String, Arc<Gate>>> = Mutex::new(BTreeMap::new());
        let mut gates = GATES.lock().expect("not poisoned");
        Arc::clone(gates.entry(name.to_owned()).or_default())
    }

    /// Waits until a handler stands before it.
    pub(crate) async fn begun(&self) {
        let begun = timeout(DEADLINE, self.begun.notified());
        begun.await.expect("the handler begins in time");
    }

    /// Stands before it until it is opened.
    pub(crate) async fn pass(&self) {
        self.begun.notify_one();
        self.open.notified().await;
    }

    /// Lets one handler through.
    pub(crate) fn open(&self) {
        self.open.notify_one();
    }
}

#[tapaculo::game]
impl Desk {
    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), String> {
        if player.user() == "intruder" {
            return Err("not you".to_owned());
        }
        let who = player.user().to_string();
        room.send_to(
            player.user(),
            DeskEvent::Hint {
                text: format!("you have seat {}", player.seat()),
            },
        );
        room.broadcast(DeskEvent::Joined { who });
        Ok(())
    }

    #[on_full]
    fn full(&mut self, room: &mut Room<Self>) {
        room.broadcast(DeskEvent::Full);
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) {
        let who = player.user().to_string();
        room.broadcast(DeskEvent::Left { who });
    }

    #[view]
    fn view(&self, viewer: &Member) -> DeskView {
        DeskView {
            said: self.said.clone(),
            you: viewer.user().clone(),
        }
    }

    #[validate(say)]
    fn polite(&self, text: &str) -> Result<(), String> {
        if text == "rude" {
            return Err("mind your words".to_owned());
        }
        Ok(())
    }

    /// Says something to everyone; the reply is how much has been said.
    #[message]
    fn say(&mut self, room: &mut Room<Self>, text: String) -> usize {
        self.said.push(text.clone());
        room.broadcast(DeskEvent::Said { text });
        self.said.len()
    }

    /// Says something to all others.
    #[message]
    fn whisper(&mut self, room: &mut Room<Self>, player: &Player, text: String) {
        room.broadcast_except(player.user(), DeskEvent::Said { text });
    }

    /// Says something to the spectators.
    #[message]
    fn aside(&mut self, room: &mut Room<Self>, text: String) {
        room.broadcast_to(
            |member| member.role() == Role::Spectator,
            DeskEvent::Said { text },
        );
    }

    /// Says something, then fails.
    #[message]
    fn stumble(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        let text = "never heard".to_owned();
        room.broadcast(DeskEvent::Said { text });
        Err("stumbled".to_owned())
    }

    /// Says something that no JSON can say.
    #[message]
    fn mumble(&mut self, room: &mut Room<Self>) {
        room.broadcast(DeskEvent::Map([(vec![1], 1)].into()));
    }

    #[message]
    fn explode(&mut self, room: &mut Room<Self>) {
        let text = "never heard".to_owned();
        room.broadcast(DeskEvent::Said { text });
        panic!("this panic is part of a test");
    }

    /// Says something once the gate is opened.
    #[message]
    async fn ponder(&mut self, room: &mut Room<Self>, gate: String) -> usize {
        Gate::of(&gate).pass().await;
        self.said.push("hm".to_owned());
        let text = "hm".to_owned();
        room.broadcast(DeskEvent::Said { text });
        self.said.len()
    }

    /// Says something big.
    #[message]
    fn shout(&mut self, room: &mut Room<Self>, bytes: usize) {
        let text = "A".repeat(bytes);
        room.broadcast(DeskEvent::Said { text });
    }

    /// Claps, which spectators may, too.
    #[message(spectators)]
    fn clap(&mut self, room: &mut Room<Self>, from: &Member) {
        let text = format!("{} claps", from.user());
        room.broadcast(DeskEvent::Said { text });
    }
}

/// A game of a few who may only play, with nothing to see.
#[tapaculo::game(players = 1, name = "solo")]
#[derive(Default)]
pub(crate) struct Patience;

#[tapaculo::game]
impl Patience {
    #[message]
    fn think(&self) {}
}
