//! Impls with more in them than handlers, methods named as those of our traits, games written by
//! a macro.

use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Shapes(usize);

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Grid<const N: usize>(u8);

#[tapaculo::game]
impl Shapes {
    const SIDE: usize = if cfg!(debug_assertions) { 3 } else { 4 };
    const AREA: fn() -> usize = || { 9 };

    const fn empty() -> [u8; Self::SIDE] {
        [0; Self::SIDE]
    }

    #[validate]
    fn any(&self, from: &Member, message: &ShapesMessage) -> Result<(), String> {
        match message {
            ShapesMessage::Grid { grid } if grid.0 > 9 => Err(format!("not you, {}", from.user())),
            _ => Ok(()),
        }
    }

    #[message]
    fn grid(self: &mut Self, grid: Grid<{ 1 + 2 }>) -> Grid<{ 1 + 2 }> {
        self.0 += Self::SIDE + Self::AREA() + Self::empty().len();
        grid
    }

    #[message]
    fn create(&mut self) {}

    #[message]
    fn decode(&mut self) -> Result<u8, String> {
        Ok(1)
    }

    #[message]
    fn dispatch(&mut self, room: &mut Room<Self>) {
        self.helper(room.id());
    }

    #[message]
    pub(crate) fn view(&self) {}

    // A variant can't be called `Self`, but the message is.
    #[message]
    fn self_(&mut self) {}

    fn helper<T>(&mut self, _anything: T) {
        self.0 += 1;
    }

    fn filled<const N: usize>(&self) -> [u8; N] {
        [0; N]
    }

    fn address(&self) -> *const Self {
        self
    }

    /// What comes after a `const` that begins no constant.
    #[message]
    fn documented(&mut self) -> bool {
        self.address().is_null() || self.filled::<2>().len() > 2
    }
}

macro_rules! game {
    ($vis:vis $name:ident, $ty:ty, $field:ident, $wire:literal, $message:meta, $body:block) => {
        #[tapaculo::game(players = 2, name = $wire, event = $ty)]
        #[derive(Default)]
        $vis struct $name(u8);

        #[tapaculo::game]
        impl $name {
            #[$message]
            $vis fn go(&mut self, room: &mut Room<Self>) $body

            fn helper(&self) $body

            #[validate(set)]
            fn fine(&self, $field: &$ty, player: &Player) -> Result<(), String> {
                let _ = ($field, player);
                Ok(())
            }

            #[message]
            fn set(&mut self, room: &Room<Self>, $field: $ty) -> $ty {
                let _ = room;
                self.0 += 1;
                $field
            }
        }
    };
}

game!(pub One, u8, first, "one", message(rename = "Went"), {
    let _ = 1;
});
game!(pub(crate) Two, Vec<Option<String>>, second, "two", message, {});

fn main() {
    use tapaculo::game::Game;
    assert_eq!(Shapes::MESSAGES[5..], ["Self", "Documented"]);
    assert_eq!(One::MESSAGES, ["Went", "Set"]);
    assert_eq!(Two::MESSAGES, ["Go", "Set"]);
    One::default().helper();
    Two::default().helper();
    let _ = (ShapesMessage::Self_, TwoMessage::Set { second: vec![None] });
}
