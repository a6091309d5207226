//! What an operator may see of the rooms of a running server, and do to them.

use super::{ServerHandle, app::App};
use crate::{
    clock::Timestamp,
    cluster::{Cluster, Reply, Request, Trouble},
    game::{Census, Occupancy, Post, encode},
    ids::{Role, RoomId, Seat, SessionId, UserId},
    log::Audience,
    metrics::{self, BannedBy},
    protocol::{Author, Close},
    room::Door,
    store::RoomKey,
};
use futures_util::future::join_all;
use serde::Serialize;
use std::{error::Error, fmt, sync::Arc, time::Duration};

/// A room of a server: [`ServerHandle::rooms`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RoomStatus {
    /// The name of its game.
    pub game: String,
    /// Its own name.
    pub room: RoomId,
    /// How full it is.
    #[serde(flatten)]
    pub occupancy: Occupancy,
    /// Who is there, in order of arrival.
    pub members: Vec<MemberStatus>,
}

/// Somebody in a room: [`RoomStatus::members`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemberStatus {
    /// The user, as the token names it.
    pub user: UserId,
    /// The name to show.
    pub name: Option<String>,
    /// Whether it plays or watches.
    pub role: Role,
    /// Its seat; `None` for a spectator.
    pub seat: Option<Seat>,
    /// The login with which it is there.
    pub session: SessionId,
    /// Whether its connection is up; otherwise its place is held for it.
    pub is_connected: bool,
}

/// Somebody who is banned: [`ServerHandle::bans`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ban {
    /// The user, as its tokens name it.
    pub user: UserId,
    /// When it may come back.
    pub until: Timestamp,
}

/// Why the server did not do what an operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminError {
    /// The server does not run, or has no room of that name.
    NoSuchRoom,
    /// The user is not in the room.
    NotInRoom,
    /// The event can't be encoded as JSON, for this reason.
    Event(String),
    /// The node that has the room can't be reached, for this reason.
    Unavailable(String),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchRoom => f.write_str("there is no such room"),
            Self::NotInRoom => f.write_str("the user is not in the room"),
            Self::Event(why) => f.write_str(why),
            Self::Unavailable(why) => write!(f, "the room can't be reached: {why}"),
        }
    }
}

impl Error for AdminError {}

/// For operators: whoever has a handle may do all of this, so that a route that leads here needs a
/// login of its own. A game is known by the name of its route; rooms of closures are of the game
/// `room`. Where there are many nodes, any of them may be asked.
///
/// What is asked of a room has its turn among the room's messages, and is done even if nobody waits
/// for the answer. Handlers of closures may ask it of their own room, too: what they say is said at
/// once, and a member is sent away, or the room closed, when the handler is done. A handler of a
/// `#[game]` must not wait for its own room, which waits for it: there it is [`Room`](crate::Room)
/// that does these things.
impl ServerHandle {
    /// All rooms that this node has, in order of their names, with those who are in them, on whichever
    /// node their connections are. A room that is busy is waited for, until its handler is done. A route that shows them is
    /// [in the guide](crate::docs::deployment#what-to-watch).
    pub async fn rooms(&self) -> Vec<RoomStatus> {
        let Some(app) = self.app() else {
            return Vec::new();
        };
        let doors = app.registry.doors().into_iter();
        let asked = doors.map(|(game, room, door)| async move {
            let census = door.census().await?;
            Some(RoomStatus::new(game, room, census))
        });
        let mut rooms: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        rooms.sort_unstable_by(|a, b| (&a.game, &a.room).cmp(&(&b.game, &b.room)));
        rooms
    }

    /// Everyone who has a connection to this process, in order of their names. Of a server of many nodes
    /// that is one node's share, wherever the rooms are.
    #[must_use]
    pub fn connected(&self) -> Vec<UserId> {
        let app = self.app();
        let mut all = app.map_or_else(Vec::new, |app| app.connections.whose());
        all.sort_unstable();
        all
    }

    /// Tells everyone in a room, from `"@server"`, as a hook of the game would; an example is
    /// [in the guide](crate::docs::faq#how-do-i-send-from-outside-the-room).
    ///
    /// # Errors
    /// If there is no such room, the event can't be encoded, or the room's node can't be reached.
    pub async fn broadcast(
        &self,
        game: &str,
        room: &RoomId,
        event: &impl Serialize,
    ) -> Result<(), AdminError> {
        let event = encode(event).map_err(|refusal| AdminError::Event(refusal.why().to_owned()))?;
        match self.place(game, room)? {
            Place::Here(door) => {
                let post = Post::Say(Author::Server, Audience::All, event);
                door.post(post).await.ok_or(AdminError::NoSuchRoom)
            }
            Place::There(cluster, key) => {
                let request = Request::Say(Audience::All, event.get().to_owned());
                ask(&cluster, &key, request).await.map(drop)
            }
        }
    }

    /// Sends a member away, as [`Room::kick`](crate::Room::kick): it may come back.
    ///
    /// # Errors
    /// If there is no such room, the user is not in it, or the room's node can't be reached.
    pub async fn kick(
        &self,
        game: &str,
        room: &RoomId,
        user: &UserId,
        reason: &str,
    ) -> Result<(), AdminError> {
        let place = self.place(game, room)?;
        let is_in = match &place {
            Place::Here(door) => {
                let census = Arc::clone(door).census().await;
                let census = census.ok_or(AdminError::NoSuchRoom)?;
                let mut members = census.members.iter();
                members.any(|(member, _)| member.user() == user)
            }
            Place::There(cluster, key) => match ask(cluster, key, Request::Members).await? {
                Reply::Members(members) => members.contains(user),
                _ => return Err(AdminError::NoSuchRoom),
            },
        };
        if !is_in {
            return Err(AdminError::NotInRoom);
        }
        match place {
            Place::Here(door) => {
                let post = Post::Kick(user.clone(), reason.into());
                door.post(post).await.ok_or(AdminError::NoSuchRoom)
            }
            Place::There(cluster, key) => {
                let request = Request::Kick(user.clone(), reason.into());
                ask(&cluster, &key, request).await.map(drop)
            }
        }
    }

    /// Closes a room, as [`Room::close`](crate::Room::close), once its message in hand is handled.
    ///
    /// # Errors
    /// If there is no such room, or its node can't be reached.
    pub async fn close_room(
        &self,
        game: &str,
        room: &RoomId,
        reason: &str,
    ) -> Result<(), AdminError> {
        match self.place(game, room)? {
            Place::Here(door) => {
                let post = Post::Close(reason.into());
                door.post(post).await.ok_or(AdminError::NoSuchRoom)
            }
            Place::There(cluster, key) => {
                let request = Request::Close(reason.into());
                ask(&cluster, &key, request).await.map(drop)
            }
        }
    }

    /// Bans a user from the whole server for so long from now, in place of a ban that there was: its
    /// connections are closed with `4008`, and new ones answered `429`. Its seats are held as for a
    /// lost connection: [`kick`](Self::kick) takes them. It may be said before the server serves, and is
    /// remembered until this process ends; where there are other nodes, all of them know of it, for as
    /// long as it lasts.
    pub fn ban(&self, user: &UserId, time: Duration) {
        self.ban_list().ban(user, time);
        metrics::banned(BannedBy::Operator);
        if let Some(app) = self.app() {
            app.connections.close(user, Close::Banned, |_| true);
        }
    }

    /// Lets a user back in, whoever banned it; answers whether it was banned.
    #[allow(
        clippy::must_use_candidate,
        reason = "what counts is that it is banned no more"
    )]
    pub fn unban(&self, user: &UserId) -> bool {
        self.ban_list().unban(user)
    }

    /// Everyone who is banned, by an operator or by going over a limit, in order of their names.
    #[must_use]
    pub fn bans(&self) -> Vec<Ban> {
        let all = self.ban_list().list().into_iter();
        let mut all: Vec<_> = all.map(|(user, until)| Ban { user, until }).collect();
        all.sort_unstable_by(|a, b| a.user.cmp(&b.user));
        all
    }

    /// Where a room is asked something.
    fn place(&self, game: &str, room: &RoomId) -> Result<Place, AdminError> {
        let app: Arc<App> = self.app().ok_or(AdminError::NoSuchRoom)?;
        let here = app.registry.door(game, room);
        if let Some(door) = here.filter(|door| door.replica().is_none()) {
            return Ok(Place::Here(door));
        }
        let cluster = app.registry.cluster().ok_or(AdminError::NoSuchRoom)?;
        let key = RoomKey {
            game: app
                .registry
                .game(game)
                .ok_or(AdminError::NoSuchRoom)?
                .into(),
            room: room.clone(),
        };
        Ok(Place::There(Arc::clone(cluster), key))
    }
}

/// Where a room is.
enum Place {
    /// On this node.
    Here(Arc<dyn Door>),
    /// On another one, if there is such a room.
    There(Arc<Cluster>, RoomKey),
}

/// Asks something of a room on another node.
async fn ask(cluster: &Cluster, key: &RoomKey, request: Request) -> Result<Reply, AdminError> {
    match cluster.request(key, request).await {
        Ok(Reply::NotHere) | Err(Trouble::NoOwner | Trouble::Gone(_)) => {
            Err(AdminError::NoSuchRoom)
        }
        Ok(reply) => Ok(reply),
        Err(Trouble::Away(error)) => Err(AdminError::Unavailable(error.to_string())),
    }
}

impl RoomStatus {
    fn new(game: &'static str, room: RoomId, census: Census) -> Self {
        let members = census.members.into_iter();
        Self {
            game: game.to_owned(),
            room,
            occupancy: census.occupancy,
            members: members
                .map(|(member, is_connected)| MemberStatus {
                    user: member.user().clone(),
                    name: member.name().map(str::to_owned),
                    role: member.role(),
                    seat: member.seat(),
                    session: member.session().clone(),
                    is_connected,
                })
                .collect(),
        }
    }
}
