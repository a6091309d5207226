use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn flag(&mut self, _room: &mut Room<Self>, _player: &Player) {}

    #[timer]
    fn remind(&mut self, _whom: &Member) {}

    #[timer]
    fn kick(&mut self, _user: &UserId) {}

    #[message]
    fn warn(&mut self, room: &mut Room<Self>, user: UserId) {
        room.after(std::time::Duration::from_secs(9), ChessTimer::Kick { _user: user });
    }

    #[timer(rename = "Bell")]
    fn ring(&mut self, _: u8) {}
}

fn main() {}
