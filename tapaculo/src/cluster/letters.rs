//! What nodes tell each other.

use crate::{
    clock::Timestamp,
    game::{Connection, Newcomer},
    ids::{Role, SessionId, UserId},
    log::Audience,
    protocol::{Author, ErrorCode, Position, Seq},
    room::{Departure, NoRoom, Standing, Ticket, Unfit},
    store::{NodeId, RoomKey},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What arrives in a node's inbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Letter {
    Request {
        from: NodeId,
        /// Its number among those of that node: a request that is sent again has the same.
        number: u64,
        room: RoomKey,
        request: Request,
    },
    Reply {
        number: u64,
        reply: Reply,
    },
}

/// What a node wants of the one that has a room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// A connection asks for a place.
    Join {
        connection: Connection,
        newcomer: Comer,
        /// JSON.
        options: Option<String>,
    },
    /// A member's connection sent a message to the game: JSON, or why it is none.
    Message {
        connection: Connection,
        ticket: Option<Ticket>,
        data: Result<String, (ErrorCode, String)>,
    },
    /// A connection is gone; whether for good.
    Leave(Connection, bool),
    /// These members are still here.
    Attach(Vec<Attached>),
    /// What has been published after a number.
    Replay(u64),
    /// Where the room stands.
    Standing,
    /// Say this, in the server's name.
    Say(Audience, String),
    Kick(UserId, Arc<str>),
    Close(Arc<str>),
    /// Who is there.
    Members,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// It is done, and everything about it has been published before.
    Done(Option<Standing>),
    /// Whoever asked for a place has its answer among what was published after a number, up to where
    /// the room stands.
    Joined(u64, Standing),
    /// The connection is nobody's in the room, so that its message was not looked at.
    Stranger(Standing),
    /// This node has not got the room.
    NotHere,
    /// There is no getting in, for this reason.
    NoRoom(String),
    /// Where the room stood before the members were attached.
    Attached(Standing),
    /// Those publications, if they are still known.
    Replayed(Option<Vec<Vec<u8>>>),
    /// Who is there.
    Members(Vec<UserId>),
}

/// A member that is still connected to this node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attached {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) came: Timestamp,
    pub(crate) connection: Connection,
}

/// Who asks for a place, as another node is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Comer {
    user: UserId,
    name: Option<Arc<str>>,
    session: SessionId,
    role: Role,
    position: Option<(String, Seq)>,
    expires: Option<Timestamp>,
    came: Timestamp,
}

impl From<&Newcomer> for Comer {
    fn from(newcomer: &Newcomer) -> Self {
        let position = newcomer.position.as_ref();
        Self {
            user: newcomer.user.clone(),
            name: newcomer.name.clone(),
            session: newcomer.session.clone(),
            role: newcomer.role,
            position: position.map(|position| (position.epoch.clone(), position.seq)),
            expires: newcomer.expires,
            came: newcomer.came,
        }
    }
}

impl From<Comer> for Newcomer {
    fn from(comer: Comer) -> Self {
        let position = comer.position;
        Self {
            user: comer.user,
            name: comer.name,
            session: comer.session,
            role: comer.role,
            position: position.map(|(epoch, seq)| Position { epoch, seq }),
            expires: comer.expires,
            came: comer.came,
        }
    }
}

impl Reply {
    /// Why there is no getting in; a node that ends leaves its rooms to others.
    pub(super) fn no_room(no_room: &NoRoom) -> Self {
        match no_room {
            NoRoom::Ending => Self::NotHere,
            no_room => Self::NoRoom(no_room.to_string()),
        }
    }
}

impl Request {
    /// A message as it is forwarded.
    pub(super) fn message(
        connection: Connection,
        ticket: Option<Ticket>,
        data: Result<&RawValue, Unfit>,
    ) -> Self {
        Self::Message {
            connection,
            ticket,
            data: match data {
                Ok(data) => Ok(data.get().to_owned()),
                Err(Unfit { code, words }) => Err((code, words)),
            },
        }
    }

    /// Whether it is of connections that the node has which asks.
    pub(super) fn is_of_members(&self) -> bool {
        match self {
            Self::Join { .. } | Self::Message { .. } | Self::Leave(..) | Self::Attach(_) => true,
            Self::Replay(_)
            | Self::Standing
            | Self::Say(..)
            | Self::Kick(..)
            | Self::Close(_)
            | Self::Members => false,
        }
    }

    /// Whether it may be asked of a node that may have done it already, before it had the room from
    /// another.
    pub(super) fn may_be_repeated(&self) -> bool {
        !matches!(self, Self::Message { ticket: None, .. })
    }
}

/// How a connection went, as another node is told.
pub(super) fn is_for_good(departure: Departure) -> bool {
    departure == Departure::GaveUp
}

impl Letter {
    pub(super) fn write(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).expect("a letter can be encoded")
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }
}

/// JSON that was checked before it was sent.
pub(super) fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

/// Everything that is said in a room from outside is the server's.
pub(super) const OUTSIDE: Author = Author::Server;
