#![doc = include_str!("../docs/guide/index.md")]

#[doc = include_str!("../docs/guide/first_game.md")]
pub mod first_game {}

#[doc = include_str!("../docs/guide/messages.md")]
pub mod messages {}

#[doc = include_str!("../docs/guide/validation.md")]
pub mod validation {}

#[doc = include_str!("../docs/guide/rooms.md")]
pub mod rooms {}

#[doc = include_str!("../docs/guide/reconnection.md")]
pub mod reconnection {}

#[doc = include_str!("../docs/guide/hidden_information.md")]
pub mod hidden_information {}

#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}

#[doc = include_str!("../docs/security.md")]
pub mod security {}
