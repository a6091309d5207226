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
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::exhaustive_enums,
    rust_2018_idioms
)]

use tapaculo::prelude::*;

/// A game.
#[tapaculo::game(players = 2, spectators, reconnect = "1m", rollback)]
#[derive(Clone, Debug, Default)]
pub struct Strict {
    moves: u32,
}

#[tapaculo::game]
impl Strict {
    /// Only in a build that does not exist.
    #[cfg(feature = "absent")]
    #[create]
    fn create() -> Absent {}

    /// What a validator is asked to be, whatever clippy says of functions elsewhere.
    #[validate(shout)]
    fn sees(&self, words: &str, list: &[u8], maybe: &Option<u8>) -> Result<(), String> {
        let _ = (words, list, maybe);
        Ok(())
    }

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
    #[expect(unused_variables, reason = "attributes of the user's stay")]
    fn shout(&mut self, words: String, list: Vec<u8>, maybe: Option<u8>, r: u8) {}

    #[message]
    fn long(&self, one: u8, two: u8, six: u8, ten: u8, old: u8, new: u8, odd: u8) -> u8 {
        one ^ two ^ six ^ ten ^ old ^ new ^ odd
    }

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

    /// A timer that nobody sets.
    #[timer]
    fn over(&mut self, seat: Seat, words: String) {
        let _ = (seat, words);
    }

    #[cfg(feature = "absent")]
    #[timer]
    fn gone_too(&mut self, absent: Absent) {}

    #[on_disconnect]
    fn dropped(&mut self, _: &Player) {}

    #[on_reconnect]
    fn back(&mut self, _: &Player) {}

    #[tick(every = "1s")]
    fn tick(&self, elapsed: std::time::Duration) {
        let _ = elapsed;
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
        fn go(&self, field: Field) {
            drop(field.0);
        }
    }
}

fn main() {
    use tapaculo::game::Game;
    assert_eq!(
        Strict::MESSAGES,
        ["Play", "ALL_CAPS", "Long", "Whisper", "Either"]
    );
    assert_eq!(inner::Inner::MESSAGES, ["Go"]);
}
