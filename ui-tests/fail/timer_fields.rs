use std::time::Duration;
use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, room: &mut Room<Self>, player: &Player) {
        let left = Duration::from_secs(60);
        room.after(left, ChessTimer::Flg { seat: player.seat() });
        room.after(left, ChessTimer::Flag { seat: player });
        room.after(left, ChessTimer::Flag { set: player.seat() });
        room.after(left, ChessTimer::Flag);
        room.after(left, Self::flag);
        room.after(60, ChessTimer::Flag { seat: player.seat() });
    }

    #[timer]
    fn flag(&mut self, seat: Seat) {
        let _ = seat;
    }
}

fn main() {}
