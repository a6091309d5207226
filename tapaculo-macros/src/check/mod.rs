//! Turns what was written into a model, or into errors in words.
//!
//! A model comes back even beside errors, as far as it goes: what is generated from it keeps the
//! user's other code compiling, so that one mistake stays one error.

mod fields;
mod game;
mod header;
mod messages;
mod methods;
mod params;
mod settings;
mod variants;

pub(crate) use self::{
    game::implementation,
    settings::{other, structure},
};
