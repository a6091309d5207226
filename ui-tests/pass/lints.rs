//! Doc comments, `cfg` and lint attributes on handlers, under the strictest lints there are.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    unused_results,
    clippy::all,
    clippy::pedantic,
    rust_2018_idioms
)]

use tapaculo::prelude::*;

/// A game.
#[tapaculo::game(players = 2, spectators)]
#[derive(Debug, Default)]
pub struct Strict {
    moves: u32,
}

#[tapaculo::game]
impl Strict {
    // What these say of the handlers themselves is theirs to say.
    #![allow(
        clippy::needless_pass_by_value,
        clippy::trivially_copy_pass_by_ref,
        clippy::unnecessary_wraps,
        clippy::unused_self
    )]

    /// Only in a build that does not exist.
    #[cfg(feature = "absent")]
    #[create]
    fn create() -> Absent {}

    /// Says no.
    #[validate(play)]
    fn never(&self, column: &u8) -> Result<(), String> {
        Err(format!("not {column}"))
    }

    #[cfg(feature = "absent")]
    #[validate(play)]
    fn neither(&self, absent: &Absent) -> Absent {}

    /// Plays a move.
    ///
    /// In several lines.
    #[message]
    #[must_use]
    fn play(
        &mut self,
        room: &mut Room<Self>,
        /// Counted from the left.
        column: u8,
        #[cfg(feature = "absent")] absent: Absent,
    ) -> u32 {
        let _ = (room, column);
        self.moves += 1;
        self.moves
    }

    #[message(rename = "ALL_CAPS")]
    #[allow(unused_variables)]
    fn shout(&mut self, words: String, r: u8) {}

    #[inline]
    #[deprecated = "say something else"]
    #[message(spectators)]
    async fn whisper(&mut self) -> Result<(), String> {
        std::future::ready(()).await;
        Ok(())
    }

    #[cfg(feature = "absent")]
    #[message]
    fn gone(&mut self, absent: Absent) {}

    #[cfg(feature = "absent")]
    #[on_join]
    fn joined(&mut self, absent: &Player) -> Absent {}

    #[cfg(not(feature = "absent"))]
    #[on_join]
    fn joined(&mut self, _: &Player) {}

    #[cfg(feature = "absent")]
    #[message]
    fn either(&mut self, absent: Absent) {}

    #[cfg(not(feature = "absent"))]
    #[message]
    fn either(&mut self, here: u8) {
        let _ = here;
    }

    #[validate(either)]
    fn both(&self) -> Result<(), String> {
        Ok(())
    }

    #[view]
    fn view(&self) -> u32 {
        self.moves
    }
}

/// A game without anything to do.
#[tapaculo::game]
#[derive(Clone, Copy, Debug, Default)]
pub struct Idle;

#[tapaculo::game]
impl Idle {}

mod inner {
    #[tapaculo::game]
    #[derive(Debug, Default)]
    pub(crate) struct Inner;

    #[derive(Debug, serde::Deserialize)]
    struct Field(String);

    #[tapaculo::game]
    impl Inner {
        #[message]
        #[allow(clippy::unused_self)]
        fn go(&self, field: Field) {
            drop(field.0);
        }
    }
}

fn main() {
    use tapaculo::game::Game;
    assert_eq!(Strict::MESSAGES, ["Play", "ALL_CAPS", "Whisper", "Either"]);
    assert_eq!(inner::Inner::MESSAGES, ["Go"]);
}
