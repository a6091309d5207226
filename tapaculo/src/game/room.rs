//! `Room<Self>`: what a handler reads of its room, and what it says to it.

use super::{
    Game, Member, Metadata, Occupancy, PastEvent, Player, RoomHandle, Speaks, Table, TimerId,
    table::Aside, timers::AnyTimer,
};
use crate::{
    clock::Timestamp,
    ids::{Role, RoomId, Seat, UserId},
    log::Audience,
    protocol::Seq,
};
use rand::Rng;
use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

/// The shortest time a timer can be set for.
const SHORTEST: Duration = Duration::from_millis(1);

/// The room that a handler, hook or validator runs in.
///
/// What is *said and done* through it is all or nothing: it goes out, in order, when the handler
/// returns `Ok` (or a value that is not a `Result`), and is dropped when it returns `Err`, panics or
/// takes too long. The struct itself is rolled back only in a game with `rollback`; in one without,
/// check first, in a `#[validate]` or at the top of the handler, and change afterwards.
///
/// ```
/// use tapaculo::{prelude::*, testing::TestRoom};
///
/// #[tapaculo::game(players = 2, event = String)]
/// #[derive(Default)]
/// struct Knock;
///
/// #[tapaculo::game]
/// impl Knock {
///     #[message]
///     fn knock(&mut self, room: &mut Room<Self>, player: &Player) {
///         for other in room.players() {
///             if other != *player {
///                 room.send_to(other.user(), "who is there?".to_owned());
///             }
///         }
///         room.broadcast(format!("{} has knocked", player.user()));
///     }
/// }
///
/// let mut room = TestRoom::<Knock>::new();
/// room.join("alice").unwrap();
/// room.join("bob").unwrap();
/// room.send("alice", serde_json::json!({"type": "Knock"})).unwrap();
/// assert_eq!(room.received("alice"), ["alice has knocked"]);
/// assert_eq!(room.received("bob"), ["who is there?", "alice has knocked"]);
/// ```
///
/// The guide: [messages and events](crate::docs::messages), [rooms and seats](crate::docs::rooms),
/// [hidden information](crate::docs::hidden_information), [time](crate::docs::time).
pub struct Room<G> {
    pub(crate) table: Table,
    game: PhantomData<fn() -> G>,
}

impl<G> fmt::Debug for Room<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("game", &self.table.identity.game)
            .field("id", &self.table.identity.room)
            .finish_non_exhaustive()
    }
}

impl<G> Room<G> {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table,
            game: PhantomData,
        }
    }

    /// The room's name.
    #[must_use]
    pub fn id(&self) -> &RoomId {
        &self.table.identity.room
    }

    /// Who sits on a seat.
    #[must_use]
    pub fn player(&self, seat: Seat) -> Option<Player> {
        self.table.roster.player(seat)
    }

    /// The players, in order of their seats; the list is the caller's own, so that a loop over it
    /// may send.
    #[must_use]
    pub fn players(&self) -> Vec<Player> {
        self.table.roster.players().collect()
    }

    /// The member of a user, if it is in the room.
    #[must_use]
    pub fn member(&self, user: &UserId) -> Option<Member> {
        let place = self.table.roster.by_user(user)?;
        Some(place.member.clone())
    }

    /// Whether the last seat is taken; never without a number of `players`.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let table = &self.table;
        table.roster.is_full(&table.identity.settings)
    }

    /// Players and spectators, in order of arrival.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let places = self.table.roster.places();
        places.map(|place| place.member.clone()).collect()
    }

    /// Those who watch, in order of arrival.
    #[must_use]
    pub fn spectators(&self) -> Vec<Member> {
        let places = self.table.roster.places();
        let members = places.map(|place| &place.member);
        members
            .filter(|member| member.role() == Role::Spectator)
            .cloned()
            .collect()
    }

    /// Whether a user is in the room and its connection is up: while it is not, its seat is held for
    /// the time that `reconnect` says.
    #[must_use]
    pub fn is_connected(&self, user: &UserId) -> bool {
        let place = self.table.roster.by_user(user);
        place.is_some_and(|place| place.connection.is_some())
    }

    /// Until when the place of a user is held whose connection is gone; `None` while it is
    /// connected, or not in the room.
    #[must_use]
    pub fn held_until(&self, user: &UserId) -> Option<Timestamp> {
        self.table.roster.by_user(user)?.held_until
    }

    /// How full the room is.
    #[must_use]
    pub fn info(&self) -> Occupancy {
        self.table.occupancy()
    }

    /// The newest `most` events of the history, oldest first: what newcomers are told, and so
    /// nothing without `history` on the struct. Not what the handler in hand has said.
    #[must_use]
    pub fn history(&self, most: usize) -> Vec<PastEvent> {
        self.table.history(most)
    }

    /// The number of the room's last event, the handler's own included; 0 before the first. Right
    /// after a `broadcast`, it is the number of what was said.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.table.last_staged().0
    }

    /// What was set for a user with [`set_metadata`](Self::set_metadata), also if the user has gone.
    #[must_use]
    pub fn metadata(&self, user: &UserId) -> Option<&Metadata> {
        self.table.metadata(user)
    }

    /// The time at which the message or hook in hand began.
    ///
    /// It is the room's own: in a [`TestRoom`](crate::testing::TestRoom) it stands still until it
    /// is advanced.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.table.now
    }

    /// The room's own randomness: fit for shuffling cards, and the same for the same seed in a
    /// [`TestRoom`](crate::testing::TestRoom). What a handler draws that then fails is drawn again by the
    /// next one, so that nobody gets another throw by having one refused.
    ///
    /// ```
    /// use tapaculo::{prelude::*, reexport::rand::{RngExt, seq::SliceRandom}};
    ///
    /// # #[tapaculo::game]
    /// # #[derive(Default)]
    /// # struct Cards { deck: Vec<u8> }
    /// # #[tapaculo::game]
    /// # impl Cards {
    /// #[message]
    /// fn throw(&mut self, room: &mut Room<Self>) -> u8 {
    ///     room.rng().random_range(1..=6)
    /// }
    ///
    /// #[message]
    /// fn shuffle(&mut self, room: &mut Room<Self>) {
    ///     self.deck.shuffle(room.rng());
    /// }
    /// # }
    /// ```
    pub fn rng(&mut self) -> &mut impl Rng {
        self.table.rng()
    }

    /// Tells every member. Kept in the history.
    pub fn broadcast(&mut self, event: G::Event)
    where
        G: Speaks,
    {
        self.say(Audience::All, &event);
    }

    /// Tells every member but one. Kept in the history if that one is the sender.
    pub fn broadcast_except(&mut self, user: &UserId, event: G::Event)
    where
        G: Speaks,
    {
        self.say(Audience::Except(user.clone()), &event);
    }

    /// Tells the members that the predicate picks among those who are here now. Never in the history.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # #[tapaculo::game(spectators, event = String)]
    /// # #[derive(Default)]
    /// # struct Show;
    /// # #[tapaculo::game]
    /// # impl Show {
    /// #[message]
    /// fn whisper(&mut self, room: &mut Room<Self>, text: String) {
    ///     room.broadcast_to(|member| member.role() == Role::Spectator, text);
    /// }
    /// # }
    /// # let mut room = TestRoom::<Show>::new();
    /// # room.join("alice").unwrap();
    /// # room.watch("bob").unwrap();
    /// # room.send("alice", serde_json::json!({"type": "Whisper", "text": "hush"})).unwrap();
    /// # assert_eq!((room.received("alice").len(), room.received("bob").len()), (0, 1));
    /// ```
    pub fn broadcast_to(&mut self, mut predicate: impl FnMut(&Member) -> bool, event: G::Event)
    where
        G: Speaks,
    {
        let members = self.table.roster.places().map(|place| &place.member);
        let mut picked: Vec<_> = members
            .filter(|member| predicate(member))
            .map(|member| member.user().clone())
            .collect();
        picked.sort_unstable();
        self.say(Audience::Among(picked.into()), &event);
    }

    /// Tells one member; nobody, if the user is not in the room. Never in the history.
    pub fn send_to(&mut self, user: &UserId, event: G::Event)
    where
        G: Speaks,
    {
        self.say(Audience::Only(user.clone()), &event);
    }

    fn say(&mut self, audience: Audience, event: &G::Event)
    where
        G: Speaks,
    {
        let data = G::encode(event);
        self.table.stage(audience, data);
    }

    /// Tells every member whose connection keeps up, now or never: for what is soon out of date, as
    /// positions and typing. Such an event has no number, and is kept for nobody.
    pub fn broadcast_volatile(&mut self, event: G::Event)
    where
        G: Speaks,
    {
        let data = G::encode(&event);
        self.table.stage_volatile(data);
    }

    /// Has everyone forget an event: history and resuming no longer have it, and members are told
    /// to take it away. It is named by its number, which clients know of each event; nothing happens
    /// if there was none of that number. Who may do so is for the handler to check, as
    /// [in the guide](crate::docs::messages#taking-something-back).
    pub fn redact(&mut self, seq: u64) {
        if (1..=self.last_seq()).contains(&seq) {
            self.table.stage_aside(Aside::Redact(Seq(seq)));
        }
    }

    /// Sets what the room knows of a user, in place of what was set before; see [`Metadata`]. Once the
    /// handler is done, members are told of the name and the avatar. It is kept for as long as the room
    /// is there, also when the user has gone, unless it is [cleared](Self::clear_metadata).
    pub fn set_metadata(&mut self, user: &UserId, metadata: Metadata) {
        self.table.stage_metadata(user.clone(), Some(metadata));
    }

    /// Forgets what was set for a user; a member is then shown under the token's name again. A room
    /// that many pass through does so in `#[on_leave]`, or it would remember them all.
    pub fn clear_metadata(&mut self, user: &UserId) {
        self.table.stage_metadata(user.clone(), None);
    }

    /// Sends a member away, its seat with it, and calls `#[on_leave]` for a player. Its connection
    /// is closed with `4011` and the reason, of which 123 bytes are shown; one that is not connected
    /// just loses its place. Nothing happens if the user is not in the room. Its token is as good as
    /// before: to keep the user out, remember it, and refuse it in `#[on_join]`.
    pub fn kick(&mut self, user: &UserId, reason: &str) {
        self.table
            .stage_aside(Aside::Kick(user.clone(), reason.into()));
    }

    /// Closes the room once the handler is done and what it said is told: every connection is closed
    /// with `4010` and the reason, of which 123 bytes are shown. No hook runs. Whoever joins the
    /// name again gets a new room.
    pub fn close(&mut self, reason: &str) {
        self.table.stage_aside(Aside::Close(reason.into()));
    }

    /// The room for code outside of it: a task, a thread, another room.
    #[must_use]
    pub fn handle(&self) -> RoomHandle<G> {
        RoomHandle::new(self.id().clone(), Arc::clone(&self.table.posts))
    }
}

impl<G: Game> Room<G> {
    /// Has a `#[timer]` called after a time, of at least a millisecond: also when nobody is
    /// connected, but not after the room is gone.
    ///
    /// Times are whole milliseconds, rounded up. A timer may come a little later than it was set for, if the room is
    /// busy then, but not earlier; those of one moment come in the order in which they were set, after
    /// the seats that are given up at that moment and before the tick.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tapaculo::{prelude::*, testing::TestRoom};
    ///
    /// #[tapaculo::game(event = String)]
    /// #[derive(Default)]
    /// struct Quiz { timer: Option<TimerId> }
    ///
    /// #[tapaculo::game]
    /// impl Quiz {
    ///     #[message]
    ///     fn ask(&mut self, room: &mut Room<Self>, question: u32) {
    ///         let timer = QuizTimer::TimeIsUp { question };
    ///         self.timer = Some(room.after(Duration::from_secs(30), timer));
    ///     }
    ///
    ///     #[message]
    ///     fn answer(&mut self, room: &mut Room<Self>) {
    ///         if let Some(timer) = self.timer.take() {
    ///             room.cancel(timer);
    ///         }
    ///     }
    ///
    ///     #[timer]
    ///     fn time_is_up(&mut self, room: &mut Room<Self>, question: u32) {
    ///         room.broadcast(format!("nobody knew the answer to question {question}"));
    ///     }
    /// }
    ///
    /// let mut room = TestRoom::<Quiz>::new();
    /// room.join("alice").unwrap();
    /// room.send("alice", serde_json::json!({"type": "Ask", "question": 7})).unwrap();
    /// room.advance(Duration::from_secs(30));
    /// assert_eq!(room.received("alice"), ["nobody knew the answer to question 7"]);
    /// ```
    pub fn after(&mut self, time: Duration, timer: G::Timer) -> TimerId {
        let millis = time.max(SHORTEST).as_nanos().div_ceil(1_000_000);
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let at = self.table.now + Duration::from_millis(millis);
        let saved = G::save_timer(&timer);
        let timer = AnyTimer::new(timer);
        let timer = match saved {
            None => timer,
            Some(Ok(saved)) => timer.saved(saved),
            Some(Err(refusal)) => {
                self.table.fail(refusal);
                timer
            }
        };
        self.table.stage_timer(at, timer)
    }

    /// Takes back a timer, if it has not come yet.
    pub fn cancel(&mut self, timer: TimerId) {
        self.table.stage_cancel(timer);
    }
}
