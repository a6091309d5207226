use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[create]
    fn create(_room: &mut Room<Self>) -> Self {
        Self
    }

    #[on_join]
    fn joined(&mut self, _member: &Member) {}

    #[on_full]
    fn start(&mut self, _player: &Player) {}

    #[on_disconnect]
    fn dropped(&mut self, _player: &Player, _seconds: u64) {}

    #[on_leave]
    fn left(&mut self, _reason: String) {}

    #[on_empty]
    fn empty(&mut self, _room: &mut Room<Self>, _id: &RoomId) {}

    #[view]
    fn view(&self, _viewer: &Player) -> u8 {
        0
    }
}

fn main() {}
