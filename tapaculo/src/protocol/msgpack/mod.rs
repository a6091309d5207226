//! MessagePack, at the edge: what is said in it is JSON, and is JSON everywhere else.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use self::read::to_json;
pub(super) use self::write::from_json;
