//! Everything that may wait, waiting.

use tapaculo::prelude::*;

#[tapaculo::game(players = 2, spectators)]
pub struct Patient {
    // `Send`, but not `Sync`: nobody else looks at the game meanwhile.
    seen: std::cell::Cell<u32>,
}

async fn elsewhere() {
    std::future::ready(()).await;
}

#[tapaculo::game]
impl Patient {
    #[create]
    async fn create(_room: &RoomId) -> Self {
        elsewhere().await;
        Self {
            seen: 0.into(),
        }
    }

    #[on_join]
    async fn joined(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), String> {
        elsewhere().await;
        let _ = (room.id(), player.user());
        Ok(())
    }

    #[on_full]
    async fn full(&mut self, _room: &mut Room<Self>) {
        elsewhere().await;
    }

    #[on_leave]
    async fn left(&mut self, _player: &Player) {
        elsewhere().await;
    }

    #[on_empty]
    async fn empty(&mut self) {
        elsewhere().await;
    }

    #[validate(wait)]
    fn quick(&self, text: &str, _room: &Room<Self>) -> Result<(), String> {
        self.seen.set(self.seen.get() + text.len() as u32);
        Ok(())
    }

    #[message]
    async fn wait(&mut self, room: &mut Room<Self>, player: &Player, text: String) -> String {
        elsewhere().await;
        let _ = (room.id(), player.user());
        text
    }

    #[message(spectators)]
    async fn watch<'a>(&'a mut self, _room: &'a mut Room<Self>, from: &'a Member) -> &'a str {
        elsewhere().await;
        from.user().as_str()
    }
}

fn main() {}
