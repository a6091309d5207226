use tapaculo::prelude::*;

#[derive(Default, serde::Deserialize)]
pub struct Board;
#[derive(Default, serde::Deserialize)]
pub struct Clock;

#[tapaculo::game]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[create]
    fn create(_id: &RoomId, _player: &Player, _board: Board, _clock: Clock, _time: &u8) {}
}

fn main() {}
