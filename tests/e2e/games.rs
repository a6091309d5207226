//! The games that the tests play.

use serde::Serialize;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tapaculo::prelude::*;
use tapaculo_tests::DEADLINE;
use tokio::time::timeout;

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
    Map(std::collections::BTreeMap<Vec<u8>, u8>),
}

#[derive(Serialize)]
pub(crate) struct DeskView {
    said: Vec<String>,
    you: UserId,
}

/// How many slow handlers have run to their end, in all rooms.
pub(crate) static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// For how long the slow handlers that have begun, in all rooms, take.
static BEGUN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Waits until a `Ponder` of so many milliseconds has begun.
pub(crate) async fn pondering(millis: u64) {
    let begun = async {
        while !BEGUN.lock().expect("not poisoned").contains(&millis) {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, begun).await.expect("it begins in time");
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

    /// Takes its time, says so, and counts.
    #[message]
    async fn ponder(&mut self, room: &mut Room<Self>, millis: u64) -> usize {
        BEGUN.lock().expect("not poisoned").push(millis);
        let before = self.said.len();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        assert_eq!(before, self.said.len(), "somebody spoke in between");
        self.said.push("hm".to_owned());
        let text = "hm".to_owned();
        room.broadcast(DeskEvent::Said { text });
        FINISHED.fetch_add(1, Ordering::SeqCst);
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
