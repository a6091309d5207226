//! `Context`: a room as the closures that it calls see it.

use super::{
    Closures, Envelope,
    info::{PlayerMetadata, RoomInfo, StoredMessage, players},
};
use crate::{
    game::{BadMessage, Member, Post, Table, encode, read},
    ids::{InvalidId, RoomId, UserId},
    log::Audience,
    protocol::Author,
    room::LockedRoom,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{
    error::Error,
    fmt,
    sync::{Arc, Weak},
};

/// A room, and the player on whose behalf it is spoken to.
///
/// It may be cloned, kept, and used from other tasks, while its handler runs and afterwards: its calls
/// take effect at once, in the order in which they are made, and never wait for a handler. It does not
/// keep the room alive.
///
/// What it says comes from the user whose message its handler got, also later and from another task;
/// the one of an event handler speaks as `"@server"`. A task that goes on and on ends with
/// [`ContextError::Closed`]: that is when the room is forgotten, its
/// [`empty_room_timeout`](super::RoomSettings::empty_room_timeout) after the last has left.
///
/// ```
/// use tapaculo::{Context, ContextError, Server};
///
/// async fn greet(ctx: &Context) -> Result<(), ContextError> {
///     let me = ctx.user_id();
///     ctx.broadcast_filtered(format!("{me} is here"), |user| user != me).await?;
///     for player in ctx.get_room_members().await {
///         ctx.send_to(me, format!("{player} is in {}", ctx.room_id())).await?;
///     }
///     Ok(())
/// }
///
/// let server = Server::new().on_message(|ctx, _envelope| async move { greet(&ctx).await });
/// # drop(server);
/// ```
///
/// The guide: [the closures](crate::docs::closures).
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    room: Weak<LockedRoom<Closures>>,
    room_id: RoomId,
    member: Member,
    /// In whose name it speaks.
    author: Author,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("room_id", &self.0.room_id)
            .field("user_id", self.0.member.user())
            .finish_non_exhaustive()
    }
}

/// Why a room did not do what a [`Context`] asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextError {
    /// The room is gone.
    Closed,
    /// The user is not in the room.
    NotInRoom,
    /// It can't be a user id.
    User(InvalidId),
    /// The data can't be encoded as JSON, for this reason.
    Data(String),
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the room is gone"),
            Self::NotInRoom => f.write_str("the user is not in the room"),
            Self::User(_) => f.write_str("this can't be a user id"),
            Self::Data(why) => f.write_str(why),
        }
    }
}

impl Error for ContextError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::User(why) => Some(why),
            Self::Closed | Self::NotInRoom | Self::Data(_) => None,
        }
    }
}

impl Context {
    pub(super) fn new(
        room: Weak<LockedRoom<Closures>>,
        room_id: RoomId,
        member: Member,
        author: Author,
    ) -> Self {
        Self(Arc::new(Inner {
            room,
            room_id,
            member,
            author,
        }))
    }

    /// The sender of the message in hand; in an event handler, the player who caused the event.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.0.member.user().as_str()
    }

    /// The room's name.
    #[must_use]
    pub fn room_id(&self) -> &str {
        self.0.room_id.as_str()
    }

    /// The login with which that user is here, as its token names it.
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.0.member.session().as_str()
    }

    /// The name to show for that user when the message came, or the event happened: what was set with
    /// [`set_user_metadata`](Self::set_user_metadata), or else the token's.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.0.member.name()
    }

    /// Tells everyone in the room, the sender included. Kept in the history, if there is one.
    ///
    /// # Errors
    /// If the data can't be encoded, or the room is gone.
    pub async fn broadcast(&self, data: impl Serialize) -> Result<(), ContextError> {
        self.say(encoded(&data), |_| Ok(Audience::All)).await
    }

    /// Tells everyone but the sender. Kept in the history, if there is one: what newcomers need not
    /// hear, such as who is typing, goes through [`broadcast_volatile`](Self::broadcast_volatile).
    ///
    /// # Errors
    /// If the data can't be encoded, or the room is gone.
    pub async fn broadcast_to_others(&self, data: impl Serialize) -> Result<(), ContextError> {
        let others = Audience::Except(self.0.member.user().clone());
        self.say(encoded(&data), |_| Ok(others)).await
    }

    /// Tells everyone whose connection keeps up, now or never: for what is soon out of date, as
    /// positions and typing. It has no number, is kept for nobody, and is in no history.
    ///
    /// # Errors
    /// If the data can't be encoded, or the room is gone.
    pub async fn broadcast_volatile(&self, data: impl Serialize) -> Result<(), ContextError> {
        let data = encoded(&data)?;
        let post = Post::Volatile(self.0.author.clone(), data);
        self.ask(|_| (Ok(()), Some(post))).await
    }

    /// Tells those whose user id the filter picks, among players and spectators who are here now.
    /// Never in the history.
    ///
    /// # Errors
    /// If the data can't be encoded, or the room is gone.
    pub async fn broadcast_filtered(
        &self,
        data: impl Serialize,
        mut filter: impl FnMut(&str) -> bool,
    ) -> Result<(), ContextError> {
        let data = encoded(&data);
        let users = self.look(|table| {
            let members = table.roster.places().map(|place| &place.member);
            members.map(|member| member.user().clone()).collect()
        });
        let mut picked: Vec<UserId> = users.await.ok_or(ContextError::Closed)?;
        picked.retain(|user| filter(user.as_str()));
        picked.sort_unstable();
        self.say(data, |_| Ok(Audience::Among(picked.into()))).await
    }

    /// Tells one member. Never in the history.
    ///
    /// # Errors
    /// If the user is not in the room, the data can't be encoded, or the room is gone.
    pub async fn send_to(&self, user_id: &str, data: impl Serialize) -> Result<(), ContextError> {
        self.say(encoded(&data), |table| {
            let place = table.roster.by_name(user_id);
            let user = place.ok_or(ContextError::NotInRoom)?.member.user();
            Ok(Audience::Only(user.clone()))
        })
        .await
    }

    /// The players, in order of arrival; none if the room is gone.
    pub async fn get_room_members(&self) -> Vec<String> {
        self.look(players).await.unwrap_or_default()
    }

    /// Whether a user is in the room, to play or to watch, connected or not.
    pub async fn has_member(&self, user_id: &str) -> bool {
        let has_member = self.look(|table| table.roster.by_name(user_id).is_some());
        has_member.await.unwrap_or(false)
    }

    /// The room and how full it is; `None` if it is gone.
    pub async fn get_room_info(&self) -> Option<RoomInfo> {
        self.look(RoomInfo::of).await
    }

    /// The newest `most` messages of the history, oldest first: what newcomers are told, and so none
    /// unless [`store_message_history`](super::RoomSettings::store_message_history) is on.
    pub async fn get_message_history(&self, most: usize) -> Vec<StoredMessage> {
        let history = self.look(|table| table.history(most)).await;
        let history = history.unwrap_or_default().into_iter();
        history.map(StoredMessage::from).collect()
    }

    /// Sets what the room knows of a user, in place of what was set before; members are told of the
    /// name and the picture. It belongs to the room, and goes with it.
    ///
    /// # Errors
    /// If its `user_id` can't be one, or the room is gone.
    pub async fn set_user_metadata(&self, metadata: PlayerMetadata) -> Result<(), ContextError> {
        let user = UserId::new(&metadata.user_id).map_err(ContextError::User)?;
        let post = Post::Describe(user, metadata.into());
        self.ask(|_| (Ok(()), Some(post))).await
    }

    /// What was set for a user, in the room or not.
    pub async fn get_user_metadata(&self, user_id: &str) -> Option<PlayerMetadata> {
        let user = UserId::new(user_id).ok()?;
        let metadata = self.look(|table| {
            let metadata = table.metadata(&user)?;
            Some(PlayerMetadata::of(user_id, metadata))
        });
        metadata.await.flatten()
    }

    async fn say(
        &self,
        data: Result<Box<RawValue>, ContextError>,
        to: impl FnOnce(&Table) -> Result<Audience, ContextError>,
    ) -> Result<(), ContextError> {
        let data = data?;
        let author = self.0.author.clone();
        self.ask(|table| match to(table) {
            Ok(audience) => (Ok(()), Some(Post::Say(author, audience, data))),
            Err(error) => (Err(error), None),
        })
        .await
    }

    async fn ask(
        &self,
        ask: impl FnOnce(&Table) -> (Result<(), ContextError>, Option<Post>),
    ) -> Result<(), ContextError> {
        let room = self.0.room.upgrade().ok_or(ContextError::Closed)?;
        room.ask(ask).await.ok_or(ContextError::Closed)?
    }

    async fn look<T>(&self, look: impl FnOnce(&Table) -> T) -> Option<T> {
        let room = self.0.room.upgrade()?;
        room.ask(|table| (look(table), None)).await
    }

    /// The message as its handler gets it.
    pub(super) fn envelope<T: DeserializeOwned>(
        &self,
        json: &RawValue,
    ) -> Result<Envelope<T>, BadMessage> {
        Ok(Envelope {
            from: self.user_id().to_owned(),
            data: read(json.get(), "the message")?,
        })
    }
}

fn encoded(data: &impl Serialize) -> Result<Box<RawValue>, ContextError> {
    encode(data).map_err(|refusal| ContextError::Data(refusal.why().to_owned()))
}
