use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn by_user(&mut self, _user: &UserId) {}

    #[message]
    fn by_seat(&mut self, _seat: &Seat) {}

    #[message]
    fn by_role(&mut self, _role: &Role) {}

    #[message]
    fn by_session(&mut self, _session: &SessionId) {}

    #[message]
    fn timed(&mut self, _at: &Timestamp) {}

    #[message]
    fn among(&mut self, _players: &[Player]) {}

    #[message(spectators)]
    fn perhaps(&mut self, _player: Option<&Player>) {}

    #[message]
    fn this(&mut self, _game: &Self) {}
}

fn main() {}
