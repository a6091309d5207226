//! Documents beside the API.

#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}

#[doc = include_str!("../docs/security.md")]
pub mod security {}
