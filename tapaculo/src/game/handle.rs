//! `RoomHandle`: what code outside of a room may ask of it.

use super::{Game, Metadata, Speaks, timers::AnyTimer};
use crate::{
    ids::{RoomId, UserId},
    log::Audience,
    protocol::Author,
};
use serde_json::value::RawValue;
use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard},
};

/// How many requests may wait for a room.
const MOST_WAITING: usize = 4096;

/// A room, for code that does not run in it: another task, a thread, another room.
///
/// It *posts*: each call puts a request into the room's queue, in order, and returns at once,
/// whatever the room does meanwhile. Cheap to clone; it does not keep the room alive. What a handler
/// posts to its own room is done after the handler, also if that fails.
///
/// ```
/// use tapaculo::{prelude::*, testing::TestRoom};
///
/// #[tapaculo::game(event = u32)]
/// #[derive(Default)]
/// struct Lobby { handle: Option<RoomHandle<Self>> }
///
/// #[tapaculo::game]
/// impl Lobby {
///     #[on_join]
///     fn joined(&mut self, room: &mut Room<Self>) {
///         self.handle = Some(room.handle());
///     }
/// }
///
/// let mut room = TestRoom::<Lobby>::new();
/// room.join("alice").unwrap();
/// let handle = room.state().handle.clone().unwrap();
/// std::thread::spawn(move || handle.broadcast(7)).join().unwrap().unwrap();
/// assert_eq!(room.received("alice"), [7]);
/// ```
pub struct RoomHandle<G> {
    id: RoomId,
    posts: Arc<Posts>,
    game: PhantomData<fn() -> G>,
}

impl<G> Clone for RoomHandle<G> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            posts: Arc::clone(&self.posts),
            game: PhantomData,
        }
    }
}

impl<G> fmt::Debug for RoomHandle<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomHandle")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a room did not take a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostError {
    /// The room is gone.
    Closed,
    /// 4,096 requests wait already.
    Full,
    /// The event can't be encoded as JSON.
    Event(String),
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the room is gone"),
            Self::Full => write!(f, "{MOST_WAITING} requests wait for the room already"),
            Self::Event(why) => f.write_str(why),
        }
    }
}

impl Error for PostError {}

impl<G> RoomHandle<G> {
    pub(crate) fn new(id: RoomId, posts: Arc<Posts>) -> Self {
        Self {
            id,
            posts,
            game: PhantomData,
        }
    }

    /// The room's name.
    #[must_use]
    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// Tells every member, as [`Room::broadcast`](crate::Room::broadcast).
    ///
    /// # Errors
    /// If the room is gone, has too much to do, or the event can't be encoded.
    pub fn broadcast(&self, event: G::Event) -> Result<(), PostError>
    where
        G: Speaks,
    {
        self.say(Audience::All, &event)
    }

    /// Tells every member but one, as [`Room::broadcast_except`](crate::Room::broadcast_except).
    ///
    /// # Errors
    /// If the room is gone, has too much to do, or the event can't be encoded.
    pub fn broadcast_except(&self, user: &UserId, event: G::Event) -> Result<(), PostError>
    where
        G: Speaks,
    {
        self.say(Audience::Except(user.clone()), &event)
    }

    /// Tells one member, as [`Room::send_to`](crate::Room::send_to).
    ///
    /// # Errors
    /// If the room is gone, has too much to do, or the event can't be encoded.
    pub fn send_to(&self, user: &UserId, event: G::Event) -> Result<(), PostError>
    where
        G: Speaks,
    {
        self.say(Audience::Only(user.clone()), &event)
    }

    fn say(&self, audience: Audience, event: &G::Event) -> Result<(), PostError>
    where
        G: Speaks,
    {
        let data =
            G::encode(event).map_err(|refusal| PostError::Event(refusal.why().to_owned()))?;
        self.posts.push(Post::Say(Author::Server, audience, data))
    }

    /// Sends a member away, as [`Room::kick`](crate::Room::kick).
    ///
    /// # Errors
    /// If the room is gone or has too much to do.
    pub fn kick(&self, user: &UserId, reason: &str) -> Result<(), PostError> {
        self.posts.push(Post::Kick(user.clone(), reason.into()))
    }

    /// Closes the room, as [`Room::close`](crate::Room::close).
    ///
    /// # Errors
    /// If the room is gone or has too much to do.
    pub fn close(&self, reason: &str) -> Result<(), PostError> {
        self.posts.push(Post::Close(reason.into()))
    }
}

impl<G: Game> RoomHandle<G> {
    /// Runs a `#[timer]` as if its time had come: the way into the game's own code, as
    /// [in the guide](crate::docs::faq#can-a-handler-wait).
    ///
    /// # Errors
    /// If the room is gone or has too much to do.
    pub fn fire(&self, timer: G::Timer) -> Result<(), PostError> {
        self.posts.push(Post::Fire(AnyTimer::new(timer)))
    }
}

/// What is asked of a room from outside.
#[derive(Debug)]
pub(crate) enum Post {
    /// In somebody's name.
    Say(Author, Audience, Box<RawValue>),
    /// Without a number, to whoever has an ear for it.
    Volatile(Author, Box<RawValue>),
    /// What is to be known of a user.
    Describe(UserId, Metadata),
    Fire(AnyTimer),
    Kick(UserId, Arc<str>),
    Close(Arc<str>),
}

/// What waits for a room.
pub(crate) struct Posts {
    waiting: Mutex<Waiting>,
    /// Has the room come and take what waits.
    call: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    posts: VecDeque<Post>,
    /// Whether the room has been called and not yet found nothing.
    called: bool,
    closed: bool,
}

impl fmt::Debug for Posts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Posts")
    }
}

impl Posts {
    pub(crate) fn new(call: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            call: Box::new(call),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    fn push(&self, post: Post) -> Result<(), PostError> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(PostError::Closed);
        }
        if waiting.posts.len() == MOST_WAITING {
            return Err(PostError::Full);
        }
        waiting.posts.push_back(post);
        let was_called = std::mem::replace(&mut waiting.called, true);
        drop(waiting);
        if !was_called {
            (self.call)();
        }
        Ok(())
    }

    /// The next one; after `None` the room is called again when there is one.
    pub(crate) fn pop(&self) -> Option<Post> {
        let mut waiting = self.waiting();
        let post = waiting.posts.pop_front();
        waiting.called = post.is_some();
        post
    }

    /// Takes no more, since the room is gone; gives what still waits, one by one.
    pub(crate) fn close(&self) -> Option<Post> {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.posts.pop_front()
    }
}
