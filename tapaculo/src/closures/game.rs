//! The game that calls closures: its messages are any JSON, and it has no state of its own.

use super::{Context, Handlers, RoomEventHandler};
use crate::{
    game::{
        Answer, BadMessage, Declared, Game, Hooked, Member, NoTimer, Options, Persist, Player,
        RawMessage, Refusal, Room, Settings,
    },
    ids::RoomId,
    protocol::Author,
    room::LockedRoom,
};
use futures_util::FutureExt;
use serde_json::value::RawValue;
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Weak},
};

/// A room of closures.
///
/// All that is called of them runs beside the room, which has nothing to doubt when it fails.
pub(crate) struct Closures {
    handlers: Arc<Handlers>,
    /// The room, for code that runs beside it.
    room: Weak<LockedRoom<Self>>,
}

impl Closures {
    pub(crate) fn new(handlers: Arc<Handlers>, room: &Weak<LockedRoom<Self>>) -> Self {
        Self {
            handlers,
            room: Weak::clone(room),
        }
    }

    fn context(&self, room: &Room<Self>, member: Member, author: Author) -> Context {
        Context::new(Weak::clone(&self.room), room.id().clone(), member, author)
    }

    /// Calls every event handler, one after the other, beside the room. One that panics keeps none of
    /// the others from being called.
    fn report(&self, room: &mut Room<Self>, event: Event) {
        if self.handlers.events.is_empty() {
            return;
        }
        let handlers = Arc::clone(&self.handlers);
        room.table.go_on(Box::pin(async move {
            let mut panicked = None;
            for handler in &handlers.events {
                let called = AssertUnwindSafe(event.tell(&**handler)).catch_unwind();
                panicked = panicked.or(called.await.err());
            }
            match panicked {
                // Whoever runs this takes note of it.
                Some(payload) => resume_unwind(payload),
                None => Ok(None),
            }
        }));
    }
}

/// What an event handler is told.
enum Event {
    Joined(Context),
    Left(Context),
    Full(Context),
    Empty(RoomId),
}

impl Event {
    async fn tell(&self, handler: &dyn RoomEventHandler) {
        match self {
            Self::Joined(ctx) => handler.on_player_joined(ctx, ctx.user_id()).await,
            Self::Left(ctx) => handler.on_player_left(ctx, ctx.user_id()).await,
            Self::Full(ctx) => handler.on_room_full(ctx).await,
            Self::Empty(room) => handler.on_room_empty(room.as_str()).await,
        }
    }
}

impl Declared for Closures {
    const NAME: &'static str = "room";
    /// Those of a server are given to its rooms.
    const SETTINGS: Settings = Settings::new();
    /// Who is there, what was said and what is known of users: there is no state beside that.
    const PERSIST: Option<Persist> = Some(Persist::new());
}

impl Game for Closures {
    type Message = Box<RawValue>;
    type Timer = NoTimer;
    const MESSAGES: &'static [&'static str] = &[];

    fn read(json: &RawValue) -> Result<Self::Message, BadMessage> {
        Ok(json.to_owned())
    }

    fn decode(message: &RawMessage<'_>) -> Result<Self::Message, BadMessage> {
        message.fields()
    }

    async fn create(_room: &RoomId, _options: &Options) -> Result<Self, Refusal> {
        let why = "a room of closures is made with its handlers".to_owned();
        Err(Refusal::Internal(why))
    }

    async fn dispatch(
        &mut self,
        room: &mut Room<Self>,
        from: &Member,
        message: Self::Message,
    ) -> Answer {
        from.seated()?;
        let author = Author::User(from.user().clone());
        let context = self.context(room, from.clone(), author);
        // No code of the closures runs here, where the room is locked: it may block on its context.
        let handlers = Arc::clone(&self.handlers);
        room.table.go_on(Box::pin(async move {
            handlers.handle(&context, &message).await
        }));
        Ok(None)
    }

    async fn on_join(&mut self, room: &mut Room<Self>, player: &Player) -> Hooked {
        let context = self.context(room, player.clone().into(), Author::Server);
        self.report(room, Event::Joined(context));
        Ok(())
    }

    async fn on_full(&mut self, room: &mut Room<Self>) -> Hooked {
        let players = room.members().into_iter();
        let newest = players.filter(|member| member.seat().is_some()).last();
        if let Some(newest) = newest {
            let context = self.context(room, newest, Author::Server);
            self.report(room, Event::Full(context));
        }
        Ok(())
    }

    async fn on_leave(&mut self, room: &mut Room<Self>, player: &Player) -> Hooked {
        let context = self.context(room, player.clone().into(), Author::Server);
        self.report(room, Event::Left(context));
        Ok(())
    }

    async fn on_empty(&mut self, room: &mut Room<Self>) -> Hooked {
        let id = room.id().clone();
        self.report(room, Event::Empty(id));
        Ok(())
    }
}
