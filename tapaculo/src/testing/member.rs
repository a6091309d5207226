//! What a member of a test room has received, and what it was refused.

use crate::{
    ids::Role,
    protocol::{ErrorCode, Seq},
    room::{Outlet, Taken},
};
use serde_json::Value;
use std::{collections::VecDeque, fmt, sync::Arc};

/// Why a message or a join was refused; displays as the words that the player gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    code: String,
    words: String,
}

impl Refused {
    pub(super) fn unavailable(words: String) -> Self {
        let code = ErrorCode::Unavailable.to_string();
        Self { code, words }
    }

    /// The error code, as on the wire: `"rejected"`, `"bad_message"`, `"spectator"`, …
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Refused {}

/// What the test room keeps of everyone who has ever joined.
pub(super) struct TestMember {
    pub(super) outlet: Arc<Outlet>,
    pub(super) name: Option<Arc<str>>,
    pub(super) role: Role,
    pub(super) next_id: u64,
    /// How far it has come.
    pub(super) seq: Seq,
    pub(super) frames: Vec<Value>,
    /// Whether its connection is gone, so that it takes nothing more.
    pub(super) gone: bool,
    pub(super) closed: Option<u16>,
}

impl TestMember {
    /// Takes out what waits, as a connection would.
    pub(super) fn drain(&mut self) {
        let mut frames = VecDeque::new();
        while !self.gone {
            match self.outlet.take(usize::MAX, &mut frames) {
                Taken::More => {}
                Taken::Nothing => break,
                Taken::Close(goodbye) => {
                    self.closed = Some(goodbye.close.code());
                    self.gone = true;
                }
            }
        }
        for frame in frames {
            let frame: Value = serde_json::from_str(frame.as_json()).expect("frames are JSON");
            let is_event = frame.get("data").is_some();
            let seq = if is_event {
                &frame["seq"]
            } else {
                &frame["synced"]
            };
            self.seq = Seq(seq.as_u64().unwrap_or(0)).max(self.seq);
            self.frames.push(frame);
        }
    }
}

/// The refusal that a frame tells.
pub(super) fn refusal(frame: &Value) -> Option<Refused> {
    let error = frame.get("error")?;
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    Some(Refused {
        code: text("code"),
        words: text("message"),
    })
}
