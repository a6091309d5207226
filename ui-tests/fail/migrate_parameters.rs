use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

macro_rules! games {
    ($($name:ident { $($method:tt)* })*) => {$(
        #[tapaculo::game(persist, version = 2)]
        #[derive(Default, Serialize, Deserialize)]
        pub struct $name;

        #[tapaculo::game]
        impl $name {
            #[migrate]
            $($method)*
        }
    )*};
}

#[derive(Deserialize)]
pub struct ChessV1;

games! {
    Absent { fn migrate() -> Result<Self, SavedStateError> { Ok(Self) } }
    Receiver { fn migrate(&mut self, old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Owner { fn migrate(self, old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Lent { fn migrate(old: &SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Twice { fn migrate(old: SavedState, _: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    ReadAlready { fn migrate(_old: ChessV1) -> Result<Self, SavedStateError> { Ok(Self) } }
    Version { fn migrate(_version: u32, old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Named { fn migrate(_room: &RoomId, old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Inside { fn migrate(_room: &mut Room<Self>, old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Waits { async fn migrate(old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
    Generic { fn migrate<T>(old: SavedState) -> Result<Self, SavedStateError> { old.read() } }
}

fn main() {}
