//! A game as it is kept: the state and the timers as bytes, and what an older version has left.
//!
//! The format is MessagePack with the fields by name, so that a version may add some
//! (`#[serde(default)]`) and still read what was saved before.

mod depth;

use super::{
    Declared, Game,
    answer::{IsRefusal, Refusal},
};
use rmp_serde::{decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData, time::Duration};

/// How the rooms of a game are kept: what `#[tapaculo::game(persist)]` says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persist {
    /// The version of the state: from 1.
    pub version: u32,
    /// How much may be lost; zero is nothing, for all is saved before anyone is told.
    pub every: Duration,
}

impl Persist {
    /// The first version, saved before anything leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            version: 1,
            every: Duration::ZERO,
        }
    }

    /// The version of the state.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// How much may be lost.
    #[must_use]
    pub const fn every(mut self, time: Duration) -> Self {
        self.every = time;
        self
    }
}

impl Default for Persist {
    fn default() -> Self {
        Self::new()
    }
}

/// What can be saved and read again: anything `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be saved: it does not implement `Serialize` and `Deserialize`",
    label = "`{Self}` can't be saved and read again",
    note = "`persist` saves the state and the timers; for a type of your own: `#[derive(serde::Serialize, serde::Deserialize)]`"
)]
pub trait Persistable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Persistable for T {}

/// A game whose rooms are kept: written by `#[tapaculo::game(persist)]` on the struct.
pub trait Persists: Declared {
    /// How its state is saved.
    #[doc(hidden)]
    const STATE: Codec<Self>;
}

/// How a state is saved and read: two functions, that what is asked of the state is asked once.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "two functions")]
pub struct Codec<G> {
    save: fn(&G) -> Encoded,
    load: fn(&[u8]) -> Result<G, Refusal>,
}

/// As anything is saved that can be.
#[doc(hidden)]
#[must_use]
pub const fn codec<G: Persistable>() -> Codec<G> {
    Codec {
        save: encoded,
        load: decoded,
    }
}

/// A state or a timer, as it is saved.
pub type Encoded = Result<Vec<u8>, Refusal>;

/// The state of a game, as it is saved.
#[doc(hidden)]
pub fn save<G: Persists>(game: &G) -> Encoded {
    (G::STATE.save)(game)
}

/// The state of a game, as it was saved.
#[doc(hidden)]
pub fn load<G: Persists>(saved: &[u8]) -> Result<G, Refusal> {
    (G::STATE.load)(saved)
}

/// The timers of a game, as its `impl` sees them: whether they are saved the struct decides, and so
/// the compiler does. What is here is for the games that are kept, and goes before what [`Unkept`] has
/// for all.
#[derive(Debug)]
pub struct TimerOf<G, T>(PhantomData<(G, T)>);

impl<G: Persists, T> TimerOf<G, T> {
    /// Asks of a timer's parameter that it can be saved.
    pub fn parameter<P: Persistable>() {}
}

impl<G: Persists, T: Persistable> TimerOf<G, T> {
    /// The timer, as it is saved.
    #[doc(hidden)]
    pub fn save(timer: &T) -> Option<Encoded> {
        Some(encoded(timer))
    }

    /// The timer, as it was saved.
    #[doc(hidden)]
    pub fn load(saved: &[u8]) -> Result<T, Refusal> {
        decoded(saved)
    }
}

/// The timers of a game that is not kept.
#[doc(hidden)]
pub trait Unkept {
    type Timer;

    fn parameter<P>() {}

    fn save(_timer: &Self::Timer) -> Option<Encoded> {
        None
    }

    fn load(_saved: &[u8]) -> Result<Self::Timer, Refusal> {
        Err(not_kept())
    }
}

impl<G, T> Unkept for TimerOf<G, T> {
    type Timer = T;
}

/// The result of `#[migrate]`.
#[doc(hidden)]
pub fn migrated<G, T: IsMigrated<G>, E: IsRefusal>(result: Result<T, E>) -> Result<G, Refusal> {
    result.map(T::game).map_err(|e| e.refuse())
}

/// What `#[migrate]` may make: the game itself.
#[diagnostic::on_unimplemented(
    message = "`#[migrate]` makes `{G}` of what was saved, and can't return `{Self}`",
    label = "expected `Result<Self, E>`"
)]
pub trait IsMigrated<G> {
    /// The game.
    #[doc(hidden)]
    fn game(self) -> G;
}

impl<G> IsMigrated<G> for G {
    fn game(self) -> G {
        self
    }
}

fn encoded<T: Serialize>(value: &T) -> Encoded {
    write(value).map_err(|e| Refusal::Internal(e.to_string()))
}

fn decoded<T: DeserializeOwned>(saved: &[u8]) -> Result<T, Refusal> {
    read(saved).map_err(|e| Refusal::Internal(e.to_string()))
}

/// What a game without `persist` says to whoever has something saved for it.
pub(super) fn not_kept() -> Refusal {
    Refusal::Internal("a game without `persist` has nothing saved".to_owned())
}

fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, SavedStateError> {
    let bytes = rmp_serde::to_vec_named(value).map_err(|e| SavedStateError(Kind::Write(e)))?;
    if depth::is_too_deep(&bytes) {
        return Err(SavedStateError(Kind::TooDeep));
    }
    Ok(bytes)
}

/// Reads all of it: a shorter value with something behind it is another type's.
fn read<T: DeserializeOwned>(saved: &[u8]) -> Result<T, SavedStateError> {
    let mut rest = saved;
    let value = rmp_serde::from_read(&mut rest).map_err(|e| SavedStateError(Kind::Read(e)))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(SavedStateError(Kind::TooLong(rest.len())))
    }
}

/// Makes the state of a room of what a version of its game has saved.
///
/// # Errors
/// If it can't be read, `#[migrate]` refuses it, or it is of a version that is still to come.
pub(crate) fn restore<G: Game>(version: u32, saved: Vec<u8>) -> Result<G, Refusal> {
    let ours = G::PERSIST.map_or(0, |persist| persist.version);
    if version > ours {
        return Err(Refusal::Internal(format!(
            "version {version} of `{}` has saved it, and this is version {ours}",
            G::NAME
        )));
    }
    if version == ours {
        return G::load(&saved);
    }
    G::migrate(SavedState {
        version,
        bytes: saved,
    })
}

/// What an older version of a game has saved: what `#[migrate]` makes the present state of.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tapaculo::prelude::*;
///
/// #[tapaculo::game(persist, version = 2)]
/// #[derive(Default, Serialize, Deserialize)]
/// struct Score { points: [u32; 2] }
///
/// /// What version 1 has saved.
/// #[derive(Serialize, Deserialize)]
/// struct ScoreV1 { white: u32, black: u32 }
///
/// #[tapaculo::game]
/// impl Score {
///     #[migrate]
///     fn migrate(old: SavedState) -> Result<Self, SavedStateError> {
///         let ScoreV1 { white, black } = old.read()?;
///         Ok(Self { points: [white, black] })
///     }
/// }
///
/// // In a test, an old state is what its version would have saved.
/// let old = SavedState::of(1, &ScoreV1 { white: 3, black: 5 })?;
/// assert_eq!(Score::migrate(old)?.points, [3, 5]);
/// # Ok::<(), SavedStateError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SavedState {
    version: u32,
    /// MessagePack, with the fields by name.
    bytes: Vec<u8>,
}

impl SavedState {
    /// What a version would save of a state: for tests of `#[migrate]`.
    ///
    /// # Errors
    /// If the state can't be encoded.
    pub fn of<T: Serialize + ?Sized>(version: u32, state: &T) -> Result<Self, SavedStateError> {
        let bytes = write(state)?;
        Ok(Self { version, bytes })
    }

    /// The version of the game that has saved it, always below the present one.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Reads it as what it was: the struct of that version, kept under a name of its own.
    ///
    /// Fields that the type does not have are left out, and those it has besides need
    /// `#[serde(default)]`.
    ///
    /// # Errors
    /// If it is not what the type expects: the words say what is wrong.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SavedStateError> {
        read(&self.bytes)
    }
}

/// Leaves out the bytes: a log is not the place for hidden cards.
impl fmt::Debug for SavedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedState")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A state that can't be read as what it should be, or not be encoded.
#[derive(Debug)]
pub struct SavedStateError(Kind);

#[derive(Debug)]
enum Kind {
    Write(encode::Error),
    Read(decode::Error),
    TooDeep,
    /// So many bytes are left over.
    TooLong(usize),
}

impl fmt::Display for SavedStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Write(e) => write!(f, "the state can't be encoded: {e}"),
            Kind::Read(e) => write!(f, "the saved state can't be read: {e}"),
            Kind::TooDeep => write!(
                f,
                "the state can't be saved: it is nested deeper than {} levels",
                depth::MOST
            ),
            Kind::TooLong(bytes) => {
                write!(
                    f,
                    "the saved state can't be read: {bytes} bytes are left over"
                )
            }
        }
    }
}

impl std::error::Error for SavedStateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Write(e) => Some(e),
            Kind::Read(e) => Some(e),
            Kind::TooDeep | Kind::TooLong(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
