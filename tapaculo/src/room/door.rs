//! A room behind its lock: decodes a message and waits for its turn, whatever the game's types.

use super::{Input, Live, Outlet};
use crate::{
    clock::{Clock, Timestamp},
    game::{self, BadMessage, Connection, Game, Identity, Newcomer, Options},
    protocol::Close,
    store::Store,
};
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};
use tokio::sync::Mutex;

/// Somebody at the door of a room.
pub(crate) struct Visitor {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) newcomer: Newcomer,
    pub(crate) options: Options,
}

/// Why a message was not read; the room knows nothing of it.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is no message of the game.
    Bad(BadMessage),
    /// Reading it panicked.
    Panicked,
}

/// A room of any game.
///
/// The futures must be polled to their end: a handler that has begun is to finish, whatever
/// happens to the connection that caused it.
pub(crate) trait Door: Send + Sync {
    /// Asks for a place; what comes of it is in the visitor's outlet. Gives the visitor back if
    /// the room is over, and there is to be a new one.
    fn join(self: Arc<Self>, visitor: Visitor) -> BoxFuture<'static, Result<(), Visitor>>;

    /// Reads a message, outside the lock; the future handles it.
    fn message(
        self: Arc<Self>,
        connection: Connection,
        id: Option<u64>,
        data: &RawValue,
    ) -> Result<BoxFuture<'static, ()>, Unread>;

    /// A connection is gone.
    fn leave(self: Arc<Self>, connection: Connection) -> BoxFuture<'static, ()>;

    /// The moment that the room asked for has come.
    fn due(self: Arc<Self>) -> BoxFuture<'static, ()>;

    /// Everyone is to go.
    fn close(self: Arc<Self>, close: Close) -> BoxFuture<'static, ()>;
}

/// Whoever keeps the rooms.
pub(crate) trait Keeper: Send + Sync {
    /// The room is over: a new one of its name may be made.
    fn forget(&self, room: &Identity);

    /// The room wants to be called at a moment.
    fn call_at(&self, at: Timestamp, room: Weak<dyn Door>);
}

/// A room of a game, behind a fair lock: inputs are handled in the order in which they come.
pub(crate) struct LockedRoom<G> {
    identity: Identity,
    locked: Mutex<Locked<G>>,
    clock: Clock,
    keeper: Weak<dyn Keeper>,
}

struct Locked<G> {
    live: Live<G>,
    /// The earliest call that the keeper has been asked for and that has not come.
    call: Option<Timestamp>,
}

impl<G: Game> LockedRoom<G> {
    pub(crate) fn new(
        identity: Identity,
        seed: [u8; 32],
        clock: Clock,
        store: Arc<dyn Store>,
        keeper: Weak<dyn Keeper>,
    ) -> Self {
        let live = Live::new(identity.clone(), seed, clock.now(), store);
        Self {
            identity,
            locked: Mutex::new(Locked { live, call: None }),
            clock,
            keeper,
        }
    }

    async fn run(self: Arc<Self>, input: Input<G::Message>) {
        let mut locked = self.locked.lock().await;
        if matches!(input, Input::Due) {
            locked.call = None;
        }
        locked.live.run(input, self.clock.now()).await;
        self.settle(&mut locked);
    }

    /// Tells the keeper what it must know after an input.
    fn settle(self: &Arc<Self>, locked: &mut Locked<G>) {
        let Some(keeper) = self.keeper.upgrade() else {
            return;
        };
        if locked.live.machine().is_over() {
            keeper.forget(&self.identity);
        }
        // A call that comes too early is answered by asking for the next one: no room has more
        // than one call it still needs.
        let deadline = locked.live.machine().deadline();
        if let Some(at) = deadline.filter(|at| locked.call.is_none_or(|call| *at < call)) {
            locked.call = Some(at);
            let room: Arc<dyn Door> = Arc::clone(self) as _;
            keeper.call_at(at, Arc::downgrade(&room));
        }
    }
}

impl<G: Game> Door for LockedRoom<G> {
    fn join(self: Arc<Self>, visitor: Visitor) -> BoxFuture<'static, Result<(), Visitor>> {
        Box::pin(async move {
            let mut locked = self.locked.lock().await;
            if locked.live.machine().is_over() {
                return Err(visitor);
            }
            let Visitor {
                outlet,
                newcomer,
                options,
            } = visitor;
            let now = self.clock.now();
            locked.live.join(outlet, newcomer, options, now).await;
            self.settle(&mut locked);
            Ok(())
        })
    }

    fn message(
        self: Arc<Self>,
        connection: Connection,
        id: Option<u64>,
        data: &RawValue,
    ) -> Result<BoxFuture<'static, ()>, Unread> {
        // The types of the fields are the game's, and so is the code that reads them.
        let decode = AssertUnwindSafe(|| game::decode::<G>(data));
        let message = catch_unwind(decode)
            .map_err(|_| Unread::Panicked)?
            .map_err(Unread::Bad)?;
        Ok(Box::pin(self.run(Input::Message {
            connection,
            id,
            message,
        })))
    }

    fn leave(self: Arc<Self>, connection: Connection) -> BoxFuture<'static, ()> {
        Box::pin(self.run(Input::Leave(connection)))
    }

    fn due(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.run(Input::Due))
    }

    fn close(self: Arc<Self>, close: Close) -> BoxFuture<'static, ()> {
        Box::pin(self.run(Input::Close(close)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{Role, RoomId, SessionId, UserId},
        prelude::*,
        protocol::Dialect,
        room::Taken,
        store::MemoryStore,
    };
    use futures_util::FutureExt;
    use serde_json::json;
    use std::{collections::VecDeque, time::Duration};

    #[tapaculo::game(event = u32)]
    #[derive(Default)]
    struct Queue;

    /// Panics when it is read.
    struct Trap;

    impl<'de> serde::Deserialize<'de> for Trap {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("this panic is part of a test");
        }
    }

    #[tapaculo::game]
    impl Queue {
        #[message]
        fn spring(&self, trap: Trap) {
            let Trap = trap;
        }

        #[message]
        async fn take(&mut self, room: &mut Room<Self>, number: u32) {
            // Whoever is faster to be polled again must not overtake.
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            room.broadcast(number);
        }
    }

    struct NoKeeper;

    impl Keeper for NoKeeper {
        fn forget(&self, _room: &Identity) {}
        fn call_at(&self, _at: Timestamp, _room: Weak<dyn Door>) {}
    }

    #[tokio::test]
    async fn messages_are_handled_in_the_order_in_which_they_arrive() {
        let keeper: Arc<dyn Keeper> = Arc::new(NoKeeper);
        let identity = Identity {
            game: "queue",
            room: RoomId::new("r").unwrap(),
            epoch: "e".to_owned(),
            settings: <Queue as crate::game::Declared>::SETTINGS,
        };
        let room = Arc::new(LockedRoom::<Queue>::new(
            identity,
            [0; 32],
            Clock::start(),
            Arc::new(MemoryStore),
            Arc::downgrade(&keeper),
        ));
        let user = UserId::new("alice").unwrap();
        let outlet = Arc::new(Outlet::new(Connection(1), user.clone(), Dialect::Plain));
        let visitor = Visitor {
            outlet: Arc::clone(&outlet),
            newcomer: Newcomer {
                user,
                name: None,
                session: SessionId::new("s").unwrap(),
                role: Role::Player,
            },
            options: Options::default(),
        };
        assert!(Arc::clone(&room).join(visitor).await.is_ok());

        // One that can't even be read is the sender's trouble only.
        let data = serde_json::value::to_raw_value(&json!({"type": "Spring", "trap": 1}));
        let read = Arc::clone(&room).message(Connection(1), None, &data.unwrap());
        assert!(matches!(read, Err(Unread::Panicked)));

        // They arrive while the room is busy, each polled once, and are then polled in any order.
        let busy = room.locked.lock().await;
        let mut waiting = Vec::new();
        for number in 0..20 {
            let data = json!({"type": "Take", "number": number});
            let data = serde_json::value::to_raw_value(&data).unwrap();
            let door = Arc::clone(&room);
            let mut handling = door.message(Connection(1), None, &data).unwrap();
            assert!((&mut handling).now_or_never().is_none());
            waiting.push(handling);
        }
        drop(busy);
        waiting.reverse();
        let all = futures_util::future::join_all(waiting);
        tokio::time::timeout(Duration::from_secs(10), all)
            .await
            .unwrap();

        let mut frames = VecDeque::new();
        while outlet.take(usize::MAX, &mut frames) == Taken::More {}
        let taken = frames.iter().map(|frame| {
            let frame: serde_json::Value = serde_json::from_str(frame.as_str()).unwrap();
            frame["data"].as_u64().unwrap()
        });
        assert_eq!(taken.collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    }
}
