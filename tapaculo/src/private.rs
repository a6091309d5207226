//! What the generated code calls. Not API: it changes with any release.

pub use crate::game::{
    answer::{Infallibly, Returned, answer, created, hooked, viewed},
    create::BeginsByDefault,
};
pub use serde;
