//! Games that are kept, their timers, and what becomes of older versions.

use serde::{Deserialize, Serialize};
use std::{collections::HashMap, error::Error, fmt, time::Instant};
use tapaculo::{
    game::{Declared, Game},
    prelude::*,
};

/// `Default` is not needed where there is `#[create]`, nor `Clone` ever.
#[tapaculo::game(persist)]
#[derive(Serialize, Deserialize)]
pub struct Chess {
    moves: Vec<(u8, u8)>,
}

#[tapaculo::game]
impl Chess {
    #[create]
    fn create() -> Self {
        Self { moves: Vec::new() }
    }

    #[timer]
    fn flag(
        &mut self,
        room: &mut Room<Self>,
        /// Whose time is up.
        seat: Seat,
        board: HashMap<(u8, u8), Option<Box<Self>>>,
        #[serde(default)] r#type: String,
        #[serde(skip)] since: Option<Instant>,
        #[cfg(feature = "absent")] absent: Absent,
    ) {
        let _ = (room.id(), seat, board, r#type, since);
    }

    #[timer]
    async fn ring(&self) {}

    #[cfg(feature = "absent")]
    #[timer]
    fn gone(&mut self, #[serde(default)] absent: Absent) {}
}

type Migrated<T> = Result<T, Box<dyn Error>>;

/// The methods' own names are nobody's business.
#[tapaculo::game(persist = "2s", version = 4_000_000_000)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Go {
    #[serde(default)]
    komi: f32,
}

#[derive(Serialize, Deserialize)]
struct GoV1 {
    komi: u8,
}

#[derive(Debug)]
struct TooOld;

impl fmt::Display for TooOld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too old")
    }
}

impl Error for TooOld {}

#[tapaculo::game]
impl Go {
    #[migrate]
    fn save(saved: tapaculo::SavedState) -> Migrated<Self> {
        match saved.version() {
            1 => Ok(Self {
                komi: f32::from(saved.read::<GoV1>()?.komi),
            }),
            _ => Err(Box::new(TooOld)),
        }
    }

    #[message]
    fn migrate(&mut self) {}
}

/// One of two hooks, and a version that has none.
#[tapaculo::game(version = 2, persist)]
#[derive(Default, Serialize, Deserialize)]
struct Either;

#[tapaculo::game]
impl Either {
    #[cfg(feature = "absent")]
    #[migrate]
    fn one(old: SavedState) -> Result<Absent, SavedStateError> {
        old.read()
    }

    #[cfg(not(feature = "absent"))]
    #[migrate]
    fn other(_: SavedState) -> Result<Either, &'static str> {
        Err("no")
    }
}

/// What is not kept asks nothing of its timers.
#[tapaculo::game]
#[derive(Default)]
struct Plain;

#[tapaculo::game]
impl Plain {
    #[timer]
    fn ring(&mut self, _since: Instant, _cell: std::cell::Cell<u8>) {}
}

/// Without a `use` of anything, and with types that a text could not name.
mod macros {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Piece;

    /// Not to be saved.
    pub struct Bell;

    macro_rules! game {
        ($name:ident, $option:ident, $own:ident, $ty:ty) => {
            #[::tapaculo::game($option)]
            #[derive(::std::default::Default, ::serde::Serialize, ::serde::Deserialize)]
            pub struct $name;

            #[::tapaculo::game]
            impl $name {
                #[timer]
                fn ring(&mut self, _own: Vec<$crate::macros::$own>, _other: $ty) {}
            }
        };
    }

    game!(Kept, persist, Piece, ::std::vec::Vec<Piece>);
    game!(Unkept, rollback, Bell, ::std::time::Instant);

    impl Clone for Unkept {
        fn clone(&self) -> Self {
            Self
        }
    }
}

/// The library under another name, and no `serde` of the game's own for its timers.
mod elsewhere {
    pub mod reexport {
        pub use tapaculo;
    }

    #[reexport::tapaculo::game(persist, crate = self::reexport::tapaculo)]
    #[derive(Default, ::serde::Serialize, ::serde::Deserialize)]
    pub struct Tiny;

    #[reexport::tapaculo::game(crate = self::reexport::tapaculo)]
    impl Tiny {
        #[timer]
        fn ring(&mut self, _count: u8) {}
    }
}

fn goes_and_comes<G: Game>(game: &G, timer: &G::Timer) -> (G, G::Timer) {
    let state = game.save().expect("it is kept").expect("it can be saved");
    let timer = G::save_timer(timer).expect("it is kept").expect("it can be saved");
    let Ok(state) = G::load(&state) else {
        panic!("the state can be read");
    };
    let Ok(timer) = G::load_timer(&timer) else {
        panic!("the timer can be read");
    };
    (state, timer)
}

fn main() {
    let chess = Chess { moves: vec![(1, 2)] };
    let flag = ChessTimer::Flag {
        seat: Seat::new(1),
        board: HashMap::from([((0, 7), None)]),
        r#type: "blitz".to_owned(),
        since: Some(Instant::now()),
    };
    let (chess, flag) = goes_and_comes(&chess, &flag);
    assert_eq!(chess.moves, [(1, 2)]);
    let ChessTimer::Flag { seat, board, r#type, since } = flag else {
        panic!("it was a flag");
    };
    assert_eq!(seat, Seat::new(1));
    assert!(matches!(board.get(&(0, 7)), Some(None)));
    assert_eq!(r#type, "blitz");
    assert!(since.is_none());

    let old = SavedState::of(1, &GoV1 { komi: 6 }).expect("it can be saved");
    assert_eq!(Go::save(old.clone()).expect("it is migrated").komi, 6.0);
    assert_eq!(<Go as Game>::migrate(old).expect("by the trait, too").komi, 6.0);
    let unknown = SavedState::of(2, &()).expect("it can be saved");
    assert!(<Go as Game>::migrate(unknown).is_err());
    let mut go = Go::default();
    go.migrate();
    assert!(<Go as Declared>::save(&go).is_some());

    let either = SavedState::of(1, &()).expect("it can be saved");
    assert!(<Either as Game>::migrate(either).is_err());
    assert!(Plain.save().is_none());
    let timer = PlainTimer::Ring { _since: Instant::now(), _cell: 0.into() };
    assert!(Plain::save_timer(&timer).is_none());

    let timer = macros::KeptTimer::Ring { _own: vec![macros::Piece], _other: Vec::new() };
    goes_and_comes(&macros::Kept, &timer);
    let timer = macros::UnkeptTimer::Ring { _own: vec![macros::Bell], _other: Instant::now() };
    assert!(macros::Unkept::save_timer(&timer).is_none());
    goes_and_comes(&elsewhere::Tiny, &elsewhere::TinyTimer::Ring { _count: 7 });
}
