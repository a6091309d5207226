//! Attributes in any order and by any path, on handlers of any visibility.

/// A `derive` may come first, and so may a doc comment.
#[derive(Clone, Debug, Default)]
/// In the middle, too.
#[tapaculo::game(
    rollback,
    players = 2..=4,
    reconnect = "1m",
)]
#[doc(alias = "before and after")]
pub struct Table {
    deals: u32,
}

#[cfg_attr(feature = "absent", deny(everything))]
#[tapaculo::game]
#[allow(clippy::unused_self, reason = "an example")]
impl Table {
    #![allow(unused_variables, reason = "an example")]

    /// First the docs.
    #[tapaculo::message]
    pub fn deal(&mut self) {
        self.deals += 1;
    }

    #[inline]
    /// Then the docs.
    #[tapaculo::message(spectators, rename = "Look")]
    #[cfg(not(feature = "absent"))]
    pub(crate) fn looked(&self) -> u32 {
        self.deals
    }

    #[must_use]
    #[tapaculo::message()]
    pub(self) const fn dealt(&self) -> bool {
        self.deals > 0
    }

    #[tapaculo::on_full()]
    extern "C" fn start(&mut self)
    where
        Self: Sized,
    {
    }
}

fn main() {
    use tapaculo::game::Game;
    assert_eq!(Table::MESSAGES, ["Deal", "Look", "Dealt"]);
    let mut table = Table::default();
    table.deal();
    assert!(table.dealt());
}
