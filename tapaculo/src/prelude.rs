//! What a game written with the macro needs: `use tapaculo::prelude::*;`.
//!
//! [`closures`](crate::closures) need what is not here: `use tapaculo::*;`.

// Each has its page where it is at home.
#[doc(no_inline)]
pub use crate::{
    auth::{JwtAuth, Login},
    clock::Timestamp,
    game::{Member, Metadata, Player, Room, RoomHandle, SavedState, SavedStateError, TimerId},
    ids::{Role, RoomId, Seat, SessionId, UserId},
    limits::{ConnectionLimits, MessageLimits},
    server::Server,
};
#[doc(no_inline)]
pub use crate::{
    create, message, migrate, on_disconnect, on_empty, on_full, on_join, on_leave, on_reconnect,
    tick, timer, validate, view,
};
