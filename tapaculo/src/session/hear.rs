//! What a client's frames say, and to whom they are handed.

use super::{Session, Stage, Work};
use crate::{
    limits::Excess,
    metrics::Ended,
    protocol::{Close, Dialect, ErrorCode, Incoming, Incorrect, frames, msgpack},
    room::{Departure, Ticket, Unfit},
};
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// A frame is one too many, and the client has been told.
pub(super) struct Refused;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Acts on a frame that came in, the last of its message, after so many fragments.
    pub(super) fn hear_any(&mut self, frame: Message, fragments: u32) {
        let with_itself = fragments.saturating_add(1);
        match frame {
            Message::Text(text) => {
                let id = || Incoming::id_of(&text);
                if self.count(with_itself, id).is_ok() {
                    self.hear_text(&text);
                }
            }
            Message::Binary(bytes) => {
                let id = || self.id_of(&bytes);
                if self.count(with_itself, id).is_ok() {
                    self.hear_binary(&bytes);
                }
            }
            Message::Close(frame) => {
                self.hear_goodbye(frame.as_ref());
                // The answer is already on its way; nothing else may follow it.
                self.batch.clear();
                self.unflushed = true;
                self.begin_to_close();
            }
            // It is answered below this level; a refusal has been told all there is to tell.
            Message::Ping(_) => {
                self.unflushed = true;
                let _ = self.count(with_itself, || None);
            }
            Message::Pong(_) if self.pongs_due > 0 => {
                self.pongs_due -= 1;
                let _ = self.count(fragments, || None);
            }
            Message::Pong(_) | Message::Frame(_) => {
                let _ = self.count(with_itself, || None);
            }
        }
    }

    /// Counts frames; if they are too many, the client is told, by the id of the message they make.
    pub(super) fn count(
        &self,
        frames: u32,
        id: impl FnOnce() -> Option<u64>,
    ) -> Result<(), Refused> {
        if frames == 0 || self.stage != Stage::Open {
            return Ok(());
        }
        self.account.count(frames).map_err(|excess| {
            self.refuse_excess(excess, id());
            Refused
        })
    }

    pub(super) fn hear_goodbye(&mut self, frame: Option<&CloseFrame>) {
        // `close()` of a browser has no code; a page that goes away says 1001.
        let code = frame.map_or(CloseCode::Normal, |frame| frame.code);
        self.counted.ended(Ended::ByClient(code.into()));
        if code == CloseCode::Normal {
            self.departure = Departure::GaveUp;
        }
    }

    fn hear_text(&mut self, text: &str) {
        self.counted.received(text.len());
        match self.outlet.dialect {
            Dialect::Plain | Dialect::Json => self.hear(text, text.len()),
            Dialect::MessagePack => {
                self.refuse_codec("a text frame, where the codec is MessagePack, which is binary");
            }
        }
    }

    fn hear_binary(&mut self, bytes: &[u8]) {
        self.counted.received(bytes.len());
        match self.outlet.dialect {
            Dialect::Plain | Dialect::Json => {
                self.refuse_codec("a binary frame, where the codec is JSON text");
            }
            Dialect::MessagePack => match msgpack::to_json(bytes) {
                Ok(text) => self.hear(&text, bytes.len()),
                Err(Incorrect { why, id }) => {
                    // There is no text to know it by; what is wrong with it is in its answer, too.
                    let ticket = id.map(|id| Ticket::new(id, &why));
                    self.hand_over(ticket, Err(unfit(ErrorCode::BadFrame, why)));
                }
            },
        }
    }

    /// The id of a binary frame that is not looked at further, where it has a readable one.
    fn id_of(&self, bytes: &[u8]) -> Option<u64> {
        match self.outlet.dialect {
            Dialect::Plain | Dialect::Json => None,
            Dialect::MessagePack => match msgpack::to_json(bytes) {
                Ok(text) => Incoming::id_of(&text),
                Err(Incorrect { id, .. }) => id,
            },
        }
    }

    /// Answers a frame that is not of this connection's codec.
    fn refuse_codec(&self, words: &str) {
        let error = frames::error(ErrorCode::BadFrame, words, None);
        self.outlet.answer(error);
    }

    /// Acts on a frame of the client, which had so many bytes when it was sent.
    fn hear(&mut self, text: &str, bytes: usize) {
        let (ticket, data) = match Incoming::parse(text) {
            Ok(Incoming::Ping(number)) => {
                self.outlet.answer(frames::pong(&number));
                return;
            }
            Ok(Incoming::Token(token)) => {
                self.renew(&token.0);
                return;
            }
            Ok(Incoming::Message { data, id, from }) => {
                let ticket = id.map(|id| Ticket::new(id, data.get()));
                (ticket, self.check(bytes, from.as_deref()).map(|()| data))
            }
            Err(Incorrect { why, id }) => {
                let ticket = id.map(|id| Ticket::new(id, text));
                (ticket, Err(unfit(ErrorCode::BadFrame, why)))
            }
        };
        self.hand_over(ticket, data);
    }

    /// Hands a message, or why it is none, to the room.
    fn hand_over(&mut self, ticket: Option<Ticket>, data: Result<&RawValue, Unfit>) {
        if let Some(door) = &self.door {
            self.counted.message();
            let handling = Arc::clone(door).message(self.outlet.connection, ticket, data);
            self.work = Some(Work::Handling {
                handling,
                _in_hand: self.account.take_in_hand(),
            });
        }
    }

    /// Goes on by a fresh token, if it is a good one, and by the old one otherwise.
    fn renew(&mut self, token: &str) {
        let answer = match self.lease.renew(token) {
            Ok(term) => {
                self.expire_after(term);
                frames::renewed(term.expires_in)
            }
            Err(why) => frames::error(ErrorCode::Unauthorized, &why, None),
        };
        self.outlet.answer(answer);
    }

    /// Answers a frame that is one too many.
    fn refuse_excess(&self, excess: Excess, id: Option<u64>) {
        let (code, words, time) = match excess {
            Excess::RateLimited(time) => (ErrorCode::RateLimited, "too many messages", time),
            Excess::Banned(time) => (ErrorCode::Banned, "banned for a while", time),
        };
        let error = frames::error_for_now(code, words, id, Some(time));
        self.outlet.answer(error);
        if code == ErrorCode::Banned {
            self.outlet.dismiss(Close::Banned);
        }
    }

    /// Checks what can be known of a message without the game.
    fn check(&self, bytes: usize, from: Option<&str>) -> Result<(), Unfit> {
        let user = self.outlet.user.as_str();
        if from.is_some_and(|from| from != user) {
            let words = format!("you are `{user}`");
            return Err(unfit(ErrorCode::ForgedSender, words));
        }
        if bytes > self.max_message {
            let words = format!("a message has at most {} bytes", self.max_message);
            return Err(unfit(ErrorCode::TooLarge, words));
        }
        Ok(())
    }
}

fn unfit(code: ErrorCode, words: String) -> Unfit {
    Unfit { code, words }
}
