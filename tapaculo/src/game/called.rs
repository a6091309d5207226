//! Whether a hook is ever called: its struct decides, and so it is checked where a game is compiled.

use super::{Declared, Game, Persist, Settings};
use std::{marker::PhantomData, time::Duration};

/// The settings of a game.
#[derive(Debug)]
pub struct SettingsOf<G>(PhantomData<G>);

impl<G: Declared> SettingsOf<G> {
    /// Those that its struct declares.
    pub const SETTINGS: Settings = G::SETTINGS;
    /// How its rooms are kept.
    pub const PERSIST: Option<Persist> = G::PERSIST;
}

impl<G: Game> SettingsOf<G> {
    /// Whether its `impl` has a `#[migrate]`.
    pub const MIGRATES: bool = G::MIGRATES;
}

/// What stands in for the settings of a struct without the attribute: those under which every hook
/// is called. That such a struct is not a game is one error already.
pub trait Undeclared {
    /// The settings, where [`SettingsOf`] has none of its own.
    const SETTINGS: Settings = Settings::new().players(1).reconnect(Duration::MAX);
    /// How rooms are kept, likewise.
    const PERSIST: Option<Persist> = Some(Persist::new().version(2));
    /// Whether there is a `#[migrate]`, where the `impl` is not one of a game.
    const MIGRATES: bool = true;
}

impl<G> Undeclared for SettingsOf<G> {}

impl Settings {
    /// Fails to compile if `#[on_full]` is never called.
    #[doc(hidden)]
    #[track_caller]
    pub const fn on_full(&self) {
        assert!(
            self.seats.is_some(),
            "`#[on_full]` is never called where there is no last seat: add `players = 2` to \
             `#[tapaculo::game]` on the struct"
        );
    }

    /// Fails to compile if `#[on_disconnect]` is never called.
    #[doc(hidden)]
    #[track_caller]
    pub const fn on_disconnect(&self) {
        assert!(
            !self.reconnect.is_zero(),
            "`#[on_disconnect]` is never called where no seat is held: add `reconnect = \"60s\"` to \
             `#[tapaculo::game]` on the struct, or write `#[on_leave]`"
        );
    }

    /// Fails to compile if `#[on_reconnect]` is never called.
    #[doc(hidden)]
    #[track_caller]
    pub const fn on_reconnect(&self) {
        assert!(
            !self.reconnect.is_zero(),
            "`#[on_reconnect]` is never called where no seat is held: add `reconnect = \"60s\"` to \
             `#[tapaculo::game]` on the struct"
        );
    }
}

/// Fails to compile if `#[migrate]` is never called.
#[doc(hidden)]
#[track_caller]
pub const fn migrate(persist: Option<Persist>) {
    match persist {
        None => panic!(
            "`#[migrate]` is never called where nothing is saved: add `persist, version = 2` to \
             `#[tapaculo::game]` on the struct"
        ),
        Some(Persist { version, .. }) => assert!(
            version > 1,
            "`#[migrate]` is never called where no version came before: add `version = 2` to \
             `#[tapaculo::game]` on the struct"
        ),
    }
}

/// Fails to compile if there is nothing to read an older version with.
#[doc(hidden)]
#[track_caller]
pub const fn migrates(migrates: bool) {
    assert!(
        migrates,
        "rooms that an older version has saved could not be read: add `#[migrate] fn migrate(old: \
         SavedState) -> Result<Self, SavedStateError>` to the `impl`"
    );
}

/// Fails to compile if what serde is told of a timer's parameter has no use.
#[doc(hidden)]
#[track_caller]
pub const fn parameter(persist: Option<Persist>) {
    assert!(
        persist.is_some(),
        "a timer is not saved where the game is not: remove `#[serde]`, or add `persist` to \
         `#[tapaculo::game]` on the struct"
    );
}
