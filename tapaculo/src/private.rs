//! What the generated code calls. Not API: it changes with any release.

pub use crate::game::{
    answer::{Infallibly, Returned, answer, backup, created, encoded, hooked},
    called::{SettingsOf, Undeclared, migrate, migrates, parameter},
    create::BeginsByDefault,
    saved::{Codec, Persistable, Persists, TimerOf, Unkept, codec, load, migrated, save},
};
pub use serde;

use serde::de::DeserializeOwned;

/// What a field of a message has to be: a bound of our own, for the words of its error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a field of a message: it does not implement `Deserialize`",
    label = "this can't be read from a message",
    note = "for a type of your own: `#[derive(serde::Deserialize)]`",
    note = "for whoever sends the message: `&Player`, or `&Member`; for the room: `&mut Room<Self>`"
)]
pub trait IsField: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> IsField for T {}
