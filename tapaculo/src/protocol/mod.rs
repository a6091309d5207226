//! What frames look like, in both directions.

mod code;
mod frame;
mod incoming;
mod json;
pub(crate) mod msgpack;
mod position;

pub(crate) use self::{
    code::{Close, ErrorCode, Goodbye},
    frame::{
        Ack, Author, Dialect, Encoded, MemberInfo, Moved, Outgoing, Presence, Seq, Welcome, frames,
    },
    incoming::{Incoming, Incorrect},
    json::check as check_json,
    position::{NoPosition, Position},
};
