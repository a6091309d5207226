//! A game with no messages at all, in the shortest form there is.

#[tapaculo::game]
#[derive(Default)]
struct Lobby;

#[tapaculo::game]
impl Lobby {}

#[tapaculo::game(spectators)]
#[derive(Default)]
pub struct Welcoming {
    guests: u32,
}

#[tapaculo::game]
impl Welcoming {
    #[on_join]
    fn count(&mut self) {
        self.guests += 1;
    }
}

fn main() {
    assert!(<Lobby as tapaculo::game::Game>::MESSAGES.is_empty());
    assert_eq!(<Lobby as tapaculo::game::Declared>::NAME, "lobby");
}
