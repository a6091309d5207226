//! How a room begins: the options of whoever opens it.

use super::answer::Refusal;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The `options` of the token that opens a room, where it has some.
#[derive(Clone, Debug, Default)]
pub struct Options(Option<Box<RawValue>>);

impl Options {
    pub(crate) fn new(raw: Option<Box<RawValue>>) -> Self {
        Self(raw)
    }

    /// Reads the options as what `#[create]` takes; absent ones are the type's default.
    ///
    /// # Errors
    /// If they do not fit the type; the words say what is wrong.
    pub fn read<T: DeserializeOwned + Default>(&self) -> Result<T, Refusal> {
        match &self.0 {
            None => Ok(T::default()),
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|e| Refusal::Rejected(format!("the room's options: {e}"))),
        }
    }
}

/// A game whose room can begin without a `#[create]` hook: anything `Default`.
#[diagnostic::on_unimplemented(
    message = "a room of `{Self}` has no way to begin: no `#[create]` and no `Default`",
    label = "`{Self}` does not implement `Default`",
    note = "add `#[derive(Default)]` to the struct, or a hook: `#[create] fn create(room: &RoomId) -> Self`"
)]
pub trait BeginsByDefault: Sized {
    /// The first state.
    #[doc(hidden)]
    fn begin() -> Self;
}

impl<G: Default> BeginsByDefault for G {
    fn begin() -> Self {
        G::default()
    }
}
