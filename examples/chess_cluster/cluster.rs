//! What is known of the nodes, and what they and the process that runs them say to each other: lines
//! of JSON, by the nodes' standard input and output.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr};
use tapaculo::{
    prelude::*,
    server::{MemberStatus, RoomStatus},
};

/// A node's letter.
pub(crate) type Name = char;

/// Those there are.
pub(crate) const NAMES: [Name; 3] = ['A', 'B', 'C'];

/// Everything that the page shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    /// Where its Redis is, and no password.
    pub(crate) redis: String,
    pub(crate) lease_ms: u64,
    pub(crate) nodes: BTreeMap<Name, Node>,
}

impl Cluster {
    pub(crate) fn all(&self, is: impl Fn(State) -> bool) -> bool {
        self.nodes.values().all(|node| is(node.state))
    }
}

/// One node, and what it has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) state: State,
    /// The number of its process.
    pub(crate) process: Option<u32>,
    /// Where it listens.
    pub(crate) address: Option<SocketAddr>,
    #[serde(flatten)]
    pub(crate) share: Share,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    #[default]
    Starting,
    Running,
    ShuttingDown,
    Stopped,
    Crashed,
}

impl State {
    /// Whether there is a process.
    pub(crate) fn is_alive(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::ShuttingDown => true,
            Self::Stopped | Self::Crashed => false,
        }
    }
}

/// What a node does of the work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Share {
    /// The rooms that it has.
    pub(crate) rooms: Vec<Table>,
    /// The users whose connections it carries, whichever node has their rooms.
    pub(crate) users: Vec<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) room: RoomId,
    pub(crate) people: Vec<Person>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) name: Option<String>,
    pub(crate) role: Role,
}

impl From<RoomStatus> for Table {
    fn from(status: RoomStatus) -> Self {
        Self {
            room: status.room,
            people: status.members.into_iter().map(Person::from).collect(),
        }
    }
}

impl From<MemberStatus> for Person {
    fn from(member: MemberStatus) -> Self {
        Self {
            user: member.user,
            name: member.name,
            role: member.role,
        }
    }
}

/// What somebody has asked for by a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) node: Name,
    pub(crate) act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Start,
    /// It ends in order, and hands its rooms over.
    ShutDown,
    /// It is killed, and has no say in that.
    Crash,
}

/// A line of a node's output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    ListensAt(SocketAddr),
    Has(Share),
    Asks(Order),
}

/// A line of its input. When there are no more, its parent is gone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    Cluster(Cluster),
    ShutDown,
}
