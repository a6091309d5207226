//! How a room begins: the options of whoever opens it.

use super::{answer::Refusal, message::without_position};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The `options` of the token that opens a room, where it has some.
#[derive(Clone, Debug, Default)]
pub struct Options(Option<Box<RawValue>>);

impl Options {
    pub(crate) fn new(raw: Option<Box<RawValue>>) -> Self {
        Self(raw)
    }

    /// The options as they stand in the token, in JSON.
    pub(crate) fn json(&self) -> Option<&str> {
        self.0.as_deref().map(RawValue::get)
    }

    /// Reads the options as what `#[create]` takes; absent ones are the type's default.
    ///
    /// # Errors
    /// If they do not fit the type; the words say what is wrong.
    pub fn read<T: IsOptions>(&self) -> Result<T, Refusal> {
        match &self.0 {
            None => Ok(T::default()),
            Some(raw) => serde_json::from_str(raw.get()).map_err(|e| {
                let words = e.to_string();
                let words = without_position(&words);
                Refusal::Rejected(format!("the room's options: {words}"))
            }),
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

/// What `#[create]` may take as the room's options: anything `Deserialize` and `Default`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a room's options: it does not implement `Deserialize` and `Default`",
    label = "this can't be read from a token",
    note = "for a type of your own: `#[derive(Default, serde::Deserialize)]`; the default is taken where the token has no options",
    note = "for the name of the room: `&RoomId`"
)]
pub trait IsOptions: DeserializeOwned + Default {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + Default> IsOptions for T {}
