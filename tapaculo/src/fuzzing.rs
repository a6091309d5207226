//! Doors for the fuzz targets to what is no API. Only in builds that `cargo fuzz` makes.

use crate::{
    auth::{AuthErrorKind, JwtAuth},
    protocol::{Incoming, Incorrect, Position, msgpack},
};

/// What a client's frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A message to the game.
    Message {
        /// The message, as JSON text.
        data: String,
        /// Its number, if it is to be answered.
        id: Option<u64>,
        /// Whom it claims to be from.
        from: Option<String>,
    },
    /// A ping with its number.
    Ping(serde_json::Number),
    /// A fresh token.
    Token(String),
}

/// Takes a text frame apart.
///
/// # Errors
/// If it is no frame: the id that it has nevertheless.
pub fn frame(text: &str) -> Result<Frame, Option<u64>> {
    match Incoming::parse(text) {
        Ok(Incoming::Message { data, id, from }) => Ok(Frame::Message {
            data: data.get().to_owned(),
            id,
            from: from.map(Into::into),
        }),
        Ok(Incoming::Ping(number)) => Ok(Frame::Ping(number)),
        Ok(Incoming::Token(token)) => Ok(Frame::Token(token.0.into())),
        Err(Incorrect { id, .. }) => Err(id),
    }
}

/// The JSON text of a frame in MessagePack.
///
/// # Errors
/// If it can't be one: the id that it has nevertheless.
pub fn binary_frame(bytes: &[u8]) -> Result<String, Option<u64>> {
    msgpack::to_json(bytes).map_err(|Incorrect { id, .. }| id)
}

/// The epoch and the number of a resume position.
#[must_use]
pub fn position(text: &str) -> Option<(String, u64)> {
    let position: Position = text.parse().ok()?;
    Some((position.epoch, position.seq.0))
}

/// Whom an access token lets in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The user.
    pub user: String,
    /// The room.
    pub room: String,
    /// The session.
    pub session: String,
}

/// Checks an access token for a game.
///
/// # Errors
/// What is wrong with it.
pub fn token(auth: &JwtAuth, token: &str, game: &str) -> Result<Admitted, AuthErrorKind> {
    let access = auth.access(token, game).map_err(|error| error.kind())?;
    Ok(Admitted {
        user: access.user.into(),
        room: access.room.into(),
        session: access.session.into(),
    })
}
