//! The user's types may have the names of ours, and of the standard library's.

// Renamed, because the names are taken.
use tapaculo::prelude::{Member as Somebody, Player as Seated, Room as Table};

mod library {
    pub use tapaculo::prelude::{Member, Player, Room};
}

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Message(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Result(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Option(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Room(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Player(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Member(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct String(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Game(u8);
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Answer(u8);
#[allow(non_snake_case)]
pub fn Ok() {}
#[allow(non_snake_case)]
pub fn Err() {}
#[allow(non_snake_case)]
pub fn Some() {}

#[tapaculo::game]
#[derive(Default)]
pub struct Taken(u8);

#[tapaculo::game]
impl Taken {
    #[tapaculo::validate(say)]
    fn seat(
        &self,
        player: &Player,
        room: &Room,
        them: &library::Player,
    ) -> std::result::Result<(), std::string::String> {
        let _ = (player, room, them);
        std::result::Result::Ok(())
    }

    #[tapaculo::message]
    #[allow(clippy::too_many_arguments)]
    fn say(
        &mut self,
        _here: &mut library::Room<Self>,
        _them: &library::Member,
        message: Message,
        result: Result,
        option: Option,
        room: Room,
        player: Player,
        member: Member,
        string: String,
        game: Game,
        answer: Answer,
    ) -> Result {
        let _ = (message, option, room, player, member, string, game, answer);
        result
    }
}

fn main() {
    fn _knows(_: &Table<Taken>, _: &Seated, _: &Somebody) {}
}
