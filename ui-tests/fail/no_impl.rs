use tapaculo::{game::Game, prelude::*};

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess;

fn serve<G: Game>(_: RoomId) {}

fn main() {
    let _ = serve::<Chess>;
}
