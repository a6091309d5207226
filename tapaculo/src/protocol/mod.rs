//! What frames look like, in both directions.

mod code;
mod frame;
mod incoming;
mod json;
mod position;

pub(crate) use self::{
    code::{Close, ErrorCode, Goodbye},
    frame::{Ack, Author, Dialect, Encoded, MemberInfo, Moved, Presence, Seq, Welcome, frames},
    incoming::{Incoming, Incorrect},
    position::{NoPosition, Position},
};
