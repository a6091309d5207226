//! A room behind its lock: decodes a message and waits for its turn, whatever the game's types.

use super::{
    Alarm, Departure, Ear, Far, Found, Input, Keep, Live, Standing, Ticket, Unfit, Unreadable,
    contain::contain,
    door::{Call, Door, Keeper, Visitor},
    keep::keep_for,
};
use crate::{
    clock::Clock,
    game::{Census, Connection, Game, Identity, Post, Posts, Table},
    protocol::{Close, ErrorCode},
    store::{NodeId, Saved},
};
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex as StdMutex, MutexGuard as StdMutexGuard, OnceLock, Weak},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, MutexGuard},
    time::sleep,
};
use tracing::Instrument;

/// The time outside, by which handlers that wait too long are ended.
struct OutsideTime;

impl Alarm for OutsideTime {
    fn after(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(time))
    }
}

/// A room of a game, behind two locks.
///
/// A *turn* is what an input has, from its beginning to the end of its handlers: inputs have theirs in
/// the order in which they come. The room itself is locked only while something is done with it. The
/// handlers of most games work on the room, so that it makes no difference; those of closures run
/// beside it, and whoever has the room in hand meanwhile never waits for them.
pub(crate) struct LockedRoom<G: Game> {
    identity: Identity,
    /// Fair, as tokio's mutex is.
    turn: Mutex<()>,
    locked: Arc<Mutex<Locked<G>>>,
    /// How everyone is to go, once the turn in hand is over.
    closing: OnceLock<Close>,
    posts: Arc<Posts>,
    outlook: StdMutex<Outlook>,
    /// For what must go on though nobody waits for it; whoever asks may be outside of it.
    runtime: Handle,
    clock: Clock,
    keeper: Weak<dyn Keeper>,
}

/// What other nodes have to do with a room: to be looked at without waiting for a handler.
#[derive(Default)]
struct Outlook {
    /// Those that have members of it.
    nodes: Vec<NodeId>,
    /// Where it stands for them, until it is over.
    standing: Option<Standing>,
}

struct Locked<G: Game> {
    live: Live<G>,
    /// The call that the keeper has been asked for and that has not come.
    call: Option<Call>,
}

impl<G: Game> LockedRoom<G> {
    /// A room that nobody is in yet; the game gets the room that it is of.
    ///
    /// # Panics
    /// Outside of a tokio runtime: the room is called by its tasks.
    pub(crate) fn new(
        identity: Identity,
        game: impl FnOnce(&Weak<Self>) -> Option<G>,
        seed: [u8; 32],
        clock: Clock,
        keep: Keep,
        keeper: Weak<dyn Keeper>,
    ) -> Arc<Self> {
        let runtime = Handle::current();
        Arc::new_cyclic(|me: &Weak<Self>| {
            let room = Weak::clone(me);
            let posts = Posts::new(move || {
                if let Some(room) = room.upgrade() {
                    let (span, runtime) = (room.span(), room.runtime.clone());
                    runtime.spawn(room.attend().instrument(span));
                }
            });
            let live = Live::new(
                identity.clone(),
                game(me),
                seed,
                clock.now(),
                Arc::clone(&posts),
                Arc::new(OutsideTime),
                keep,
            );
            Self {
                identity,
                turn: Mutex::new(()),
                locked: Arc::new(Mutex::new(Locked { live, call: None })),
                closing: OnceLock::new(),
                posts,
                outlook: StdMutex::default(),
                runtime,
                clock,
                keeper,
            }
        })
    }

    /// Goes on with a room as it was saved; to be done before anyone else has it.
    ///
    /// # Errors
    /// If what was saved can't be read.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        saved: &Saved,
        grace: Duration,
    ) -> Result<(), Unreadable> {
        let mut locked = self.locked.lock().await;
        let missing_until = self.clock.now() + grace;
        locked.live.restore(&saved.cells, missing_until)?;
        self.settle(&mut locked);
        Ok(())
    }

    /// What happens without a connection of its own is traced by the room.
    fn span(&self) -> tracing::Span {
        let Identity { game, room, .. } = &self.identity;
        tracing::info_span!("room", game, %room)
    }

    /// Waits for its turn. What has waited for one while everyone was to go comes too late.
    async fn my_turn(self: &Arc<Self>) -> MutexGuard<'_, ()> {
        let turn = self.turn.lock().await;
        if let Some(close) = self.closing.get() {
            let mut locked = self.locked.lock().await;
            let now = self.clock.now();
            locked.live.run(Input::Close(*close), now).await;
            self.settle(&mut locked);
        }
        turn
    }

    async fn run(self: Arc<Self>, input: Input<G::Message>) {
        let _turn = self.my_turn().await;
        self.take_turn(input).await;
    }

    /// Does what code outside has asked for, each request in its turn.
    async fn attend(self: Arc<Self>) {
        loop {
            let _turn = self.my_turn().await;
            let Some(post) = self.posts.pop() else {
                return;
            };
            self.take_turn(Input::Post(post)).await;
        }
    }

    /// Looks at the room, and has something done, without waiting for the turn in hand; `None` if the
    /// room is over.
    pub(crate) async fn ask<T>(
        self: &Arc<Self>,
        ask: impl FnOnce(&Table) -> (T, Option<Post>),
    ) -> Option<T> {
        let mut locked = Arc::clone(&self.locked).lock_owned().await;
        let machine = locked.live.machine();
        if machine.is_over() {
            return None;
        }
        let (answer, post) = ask(machine.table());
        let Some(post) = post else {
            return Some(answer);
        };
        let (room, waits) = (Arc::clone(self), locked.live.waits());
        let posted = async move {
            locked.live.run(Input::Post(post), room.clock.now()).await;
            room.settle(&mut locked);
            !locked.live.machine().is_over()
        };
        // Whoever asks may lose interest, and what has begun must end.
        let is_done = match waits {
            true => self.runtime.spawn(posted).await.unwrap_or(false),
            false => posted.await,
        };
        is_done.then_some(answer)
    }

    /// Handles an input whose turn it is, and what follows from it.
    async fn take_turn(self: &Arc<Self>, input: Input<G::Message>) {
        let mut locked = self.locked.lock().await;
        locked.live.run(input, self.clock.now()).await;
        self.finish(locked).await;
    }

    /// Runs what is left of a turn's calls, while others may have the room.
    async fn finish(self: &Arc<Self>, mut locked: MutexGuard<'_, Locked<G>>) {
        loop {
            self.settle(&mut locked);
            let Some(rest) = locked.live.take_rest() else {
                return;
            };
            drop(locked);
            let limit = self.identity.settings.handler_timeout;
            let outcome = contain(rest, &OutsideTime, limit).await;
            locked = self.locked.lock().await;
            let returned = Input::Returned(outcome);
            locked.live.run(returned, self.clock.now()).await;
        }
    }

    fn outlook(&self) -> StdMutexGuard<'_, Outlook> {
        self.outlook
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    /// Tells the keeper what it must know after an input.
    fn settle(self: &Arc<Self>, locked: &mut Locked<G>) {
        if locked.live.is_shared() {
            let mut outlook = self.outlook();
            if let Some(nodes) = locked.live.changed_nodes() {
                outlook.nodes = nodes;
            }
            let is_over = locked.live.machine().is_over();
            outlook.standing = (!is_over).then(|| locked.live.standing());
        }
        let Some(keeper) = self.keeper.upgrade() else {
            return;
        };
        if locked.live.machine().is_over() {
            keeper.forget(&self.identity);
            if locked.live.take_orphans() {
                keeper.go_on(&self.identity);
            }
        }
        // A call that comes too early is answered by asking for the next one: most rooms need
        // theirs later and later, with every message.
        let deadline = locked.live.deadline();
        let wanted = deadline.is_some_and(|at| locked.call.is_none_or(|(call, _)| at < call));
        if (wanted || deadline.is_none())
            && let Some(call) = locked.call.take()
        {
            keeper.call_off(call);
        }
        if let Some(at) = deadline.filter(|_| wanted) {
            let room: Arc<dyn Door> = Arc::clone(self) as _;
            locked.call = Some(keeper.call_at(at, Arc::downgrade(&room)));
        }
    }
}

/// Reads a message; its fields are of the game's types, and so is the code that reads them.
pub(crate) fn decode<G: Game>(data: &RawValue) -> Result<G::Message, Unfit> {
    match catch_unwind(AssertUnwindSafe(|| G::read(data))) {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(bad)) => Err(Unfit {
            code: ErrorCode::BadMessage,
            words: bad.to_string(),
        }),
        Err(_) => Err(Unfit {
            code: ErrorCode::Internal,
            words: "the game failed".to_owned(),
        }),
    }
}

impl<G: Game> Door for LockedRoom<G> {
    fn join(self: Arc<Self>, visitor: Visitor) -> BoxFuture<'static, Result<(), Visitor>> {
        Box::pin(async move {
            let _turn = self.my_turn().await;
            let mut locked = self.locked.lock().await;
            if locked.live.machine().is_over() {
                return Err(visitor);
            }
            // Nobody is there to be let in, and there may be a newer one.
            if visitor.ear.is_abandoned() {
                return Ok(());
            }
            if locked.live.mourn(&visitor.newcomer, self.clock.now()).await {
                self.finish(locked).await;
                locked = self.locked.lock().await;
                if locked.live.machine().is_over() {
                    return Err(visitor);
                }
            }
            let Visitor {
                ear,
                newcomer,
                options,
            } = visitor;
            let now = self.clock.now();
            locked.live.join(ear, newcomer, options, now).await;
            self.finish(locked).await;
            Ok(())
        })
    }

    fn message(
        self: Arc<Self>,
        connection: Connection,
        ticket: Option<Ticket>,
        data: Result<&RawValue, Unfit>,
    ) -> BoxFuture<'static, ()> {
        let message = data.and_then(decode::<G>);
        Box::pin(self.run(Input::Message {
            connection,
            ticket,
            message,
        }))
    }

    fn leave(
        self: Arc<Self>,
        connection: Connection,
        departure: Departure,
    ) -> BoxFuture<'static, ()> {
        Box::pin(self.run(Input::Leave(connection, departure)))
    }

    fn census(self: Arc<Self>) -> BoxFuture<'static, Option<Census>> {
        Box::pin(async move { self.ask(|table| (table.census(), None)).await })
    }

    fn post(self: Arc<Self>, post: Post) -> BoxFuture<'static, Option<()>> {
        let (span, runtime) = (self.span(), self.runtime.clone());
        let posted = async move {
            let mut locked = self.locked.lock().await;
            let machine = locked.live.machine();
            if machine.is_over() {
                return None;
            }
            // Whoever asks may be the handler itself, or what it waits for.
            if machine.is_waiting() {
                locked.live.run(Input::Post(post), self.clock.now()).await;
                self.settle(&mut locked);
                return Some(());
            }
            drop(locked);
            let _turn = self.my_turn().await;
            if self.locked.lock().await.live.machine().is_over() {
                return None;
            }
            self.take_turn(Input::Post(post)).await;
            Some(())
        };
        // In a task of its own: whoever asks may lose interest, and a turn that has begun must end.
        let posted = posted.instrument(span);
        Box::pin(async move { runtime.spawn(posted).await.ok().flatten() })
    }

    fn due(self: Arc<Self>, call: Call) -> BoxFuture<'static, ()> {
        let span = self.span();
        let due = async move {
            let _turn = self.my_turn().await;
            let mut locked = self.locked.lock().await;
            // It may have been on its way when another was asked for instead.
            if locked.call == Some(call) {
                locked.call = None;
            }
            locked.live.run(Input::Due, self.clock.now()).await;
            self.finish(locked).await;
        };
        Box::pin(due.instrument(span))
    }

    fn close(self: Arc<Self>, close: Close) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.closing.get_or_init(|| close);
            drop(self.my_turn().await);
        })
    }

    fn found(self: Arc<Self>, found: Vec<(Ear, Found)>) -> BoxFuture<'static, Option<Standing>> {
        Box::pin(async move {
            let _turn = self.my_turn().await;
            let mut locked = self.locked.lock().await;
            if locked.live.machine().is_over() {
                // Nobody else knows of them any more.
                for (ear, _) in found {
                    if let Ear::Here(outlet) = ear {
                        outlet.dismiss(Close::Moved);
                    }
                }
                return None;
            }
            let standing = locked.live.standing();
            locked.live.found(found, self.clock.now()).await;
            self.finish(locked).await;
            Some(standing)
        })
    }

    fn keep_for(&self) -> Option<Duration> {
        Some(keep_for(&self.identity.settings))
    }

    fn standing(&self) -> Option<Standing> {
        self.outlook().standing.clone()
    }

    fn replay(self: Arc<Self>, after: u64) -> BoxFuture<'static, Option<Vec<Arc<[u8]>>>> {
        Box::pin(async move { self.locked.lock().await.live.replay(after) })
    }

    fn known(self: Arc<Self>, far: Far) -> BoxFuture<'static, Option<Connection>> {
        Box::pin(async move { self.locked.lock().await.live.known(&far) })
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.outlook().nodes.clone()
    }

    fn node_gone(self: Arc<Self>, node: NodeId) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let connections = self.locked.lock().await.live.of_node(&node);
            for connection in connections {
                let left = Input::Leave(connection, Departure::Dropped);
                Arc::clone(&self).run(left).await;
            }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        game::{Declared, Newcomer, Options, Settings},
        ids::{Role, RoomId, SessionId, UserId},
        prelude::*,
        protocol::Dialect,
        room::{Outlet, Taken},
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
        fn call_at(&self, at: Timestamp, _room: Weak<dyn Door>) -> Call {
            (at, 0)
        }
        fn call_off(&self, _call: Call) {}
    }

    /// A room that nobody keeps.
    pub(crate) fn unkept<G: Game>(
        settings: Settings,
        game: impl FnOnce(&Weak<LockedRoom<G>>) -> Option<G>,
    ) -> Arc<LockedRoom<G>> {
        let identity = Identity {
            game: G::NAME,
            room: RoomId::new("r").unwrap(),
            epoch: "e".to_owned(),
            settings,
            opened: 0,
        };
        let keep = Keep::memory(G::NAME, &settings);
        let keeper = Weak::<NoKeeper>::new();
        LockedRoom::new(identity, game, [0; 32], Clock::start(), keep, keeper)
    }

    /// Alice, who wants to play.
    pub(crate) fn alice(connection: Connection) -> (Arc<Outlet>, Visitor) {
        let user = UserId::new("alice").unwrap();
        let outlet = Arc::new(Outlet::new(connection, user.clone(), Dialect::Plain));
        let newcomer = Newcomer {
            user,
            name: None,
            session: SessionId::new("s").unwrap(),
            role: Role::Player,
            position: None,
            expires: None,
            came: crate::clock::Timestamp::default(),
        };
        let visitor = Visitor {
            ear: Ear::Here(Arc::clone(&outlet)),
            newcomer,
            options: Options::default(),
        };
        (outlet, visitor)
    }

    #[tokio::test]
    async fn messages_are_handled_in_the_order_in_which_they_arrive() {
        let room = unkept(Queue::SETTINGS, |_| None::<Queue>);
        let (outlet, visitor) = alice(Connection(1));
        assert!(Arc::clone(&room).join(visitor).await.is_ok());

        // One that can't even be read is the sender's trouble only.
        let data = serde_json::value::to_raw_value(&json!({"type": "Spring", "trap": 1}));
        let read = Arc::clone(&room).message(Connection(1), None, Ok(&data.unwrap()));
        read.await;
        let mut frames = VecDeque::new();
        while outlet.take(usize::MAX, &mut frames) == Taken::More {}
        assert!(frames.pop_back().unwrap().as_json().contains("internal"));

        // They arrive while the room is busy, each polled once, and are then polled in any order.
        let busy = room.turn.lock().await;
        let mut waiting = Vec::new();
        for number in 0..20 {
            let data = json!({"type": "Take", "number": number});
            let data = serde_json::value::to_raw_value(&data).unwrap();
            let door = Arc::clone(&room);
            let mut handling = door.message(Connection(1), None, Ok(&data));
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
            let frame: serde_json::Value = serde_json::from_str(frame.as_json()).unwrap();
            frame["data"].as_u64().unwrap()
        });
        assert_eq!(taken.collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_is_handed_to_a_room_that_is_over_is_told_to_come_again() {
        let room = unkept(Queue::SETTINGS, |_| None::<Queue>);
        Arc::clone(&room).close(Close::Restarting).await;
        let (outlet, visitor) = alice(Connection(1));
        let found = Found {
            user: visitor.newcomer.user,
            session: visitor.newcomer.session,
            came: visitor.newcomer.came,
            connection: outlet.connection,
        };
        assert!(room.found(vec![(visitor.ear, found)]).await.is_none());
        assert!(outlet.is_to_close(), "nobody else would tell it anything");
    }

    #[tokio::test]
    async fn what_waits_behind_the_turn_in_hand_is_not_waited_for_when_the_room_is_to_close() {
        let room = unkept(Queue::SETTINGS, |_| None::<Queue>);
        let (outlet, visitor) = alice(Connection(1));
        assert!(Arc::clone(&room).join(visitor).await.is_ok());
        let busy = room.turn.lock().await;
        let mut waiting: Vec<BoxFuture<'static, ()>> = Vec::new();
        for number in 0..20 {
            let data = json!({"type": "Take", "number": number});
            let data = serde_json::value::to_raw_value(&data).unwrap();
            waiting.push(Arc::clone(&room).message(Connection(1), None, Ok(&data)));
        }
        waiting.push(Arc::clone(&room).close(Close::Restarting));
        for turn in &mut waiting {
            assert!(turn.now_or_never().is_none());
        }
        drop(busy);
        let all = futures_util::future::join_all(waiting);
        tokio::time::timeout(Duration::from_secs(10), all)
            .await
            .unwrap();
        let mut frames = VecDeque::new();
        let mut taken = Taken::More;
        while taken == Taken::More {
            taken = outlet.take(usize::MAX, &mut frames);
        }
        assert!(frames.is_empty(), "{frames:?}");
        assert_eq!(taken, Taken::Close(Close::Restarting.into()));
    }
}
