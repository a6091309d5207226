//! The attribute macros of tapaculo. Use them through the `tapaculo` crate, which documents them.
//!
//! An item goes one way: `parse` reads what the user wrote, `check` turns it into a model or into
//! errors, `expand` writes the model out and cannot fail.

mod ast;
mod check;
mod errors;
mod expand;
mod fallback;
mod item;
mod model;
mod names;
mod options;
mod parse;
#[cfg(test)]
mod snapshot;
mod standin;

use proc_macro::TokenStream;

/// Makes a struct the state of a room, and one `impl` of it the room's rules.
///
/// ```
/// use tapaculo::{prelude::*, testing::TestRoom};
///
/// #[tapaculo::game(players = 2, event = String)]
/// #[derive(Default)]
/// struct Nim { taken: u32 }
///
/// #[tapaculo::game]
/// impl Nim {
///     #[message]
///     fn take(&mut self, room: &mut Room<Self>, player: &Player, count: u32) {
///         self.taken += count;
///         room.broadcast(format!("{} has taken {count}", player.user()));
///     }
/// }
///
/// let mut room = TestRoom::<Nim>::new();
/// room.join("alice").unwrap();
/// room.send("alice", serde_json::json!({"type": "Take", "count": 3})).unwrap();
/// assert_eq!(room.received("alice"), ["alice has taken 3"]);
/// ```
///
/// The [guide](../tapaculo/docs/index.html) goes from here to a game with a page, step by step.
///
/// On the struct it declares the room. All options may be left out:
///
/// | option | default | |
/// | --- | --- | --- |
/// | `players = 2`, `players = 2..=6` | no limit | seats: the upper end; the lower is for the reader |
/// | `spectators` | off | those who find no seat, or ask for the role in their token, watch |
/// | `event = MyEvent` | none | what the room may say: `Serialize`, and as visible as the struct |
/// | `history = 100` | 0 | events kept for newcomers |
/// | `reconnect = "60s"` | `"0s"` | how long a player who is cut off keeps the seat; units `ms`, `s`, `m`, `h` |
/// | `empty_timeout = "5m"` | `"5m"` | how long an empty room is kept |
/// | `handler_timeout = "10s"` | `"10s"` | how long a handler, hook or timer may take; longer counts as a panic |
/// | `rollback` | off | restores the state too when a handler fails: needs `Clone`, and clones before every call |
/// | `persist` | off | keeps rooms where the server has a store, and saves what a handler did before anyone hears of it: needs `serde::Serialize` and `Deserialize`; restores the state as `rollback` does, which it replaces |
/// | `persist = "2s"` | | the same, but saves now and then: a crash may cost that much |
/// | `version = 2` | 1 | the version of the state that `persist` saves; from 2 on there is a [`macro@migrate`] |
/// | `name = "chess"` | the struct's name in kebab-case | the name on the wire |
/// | `crate = my::reexport` | `::tapaculo` | where the library is; also on the `impl` |
///
/// On the `impl` it turns methods into the room's rules: [`macro@message`] handlers,
/// [`macro@validate`], the hooks of the table, and the [`macro@view`]. A game has one such `impl`;
/// helpers may be anywhere.
///
/// | hook | when |
/// | --- | --- |
/// | [`macro@create`] | the room is made, by the first who joins |
/// | [`macro@migrate`] | the room goes on from what an older version has saved |
/// | [`macro@on_join`] | a player takes a seat |
/// | [`macro@on_full`] | the last seat is taken |
/// | [`macro@on_disconnect`] | a player's connection is gone, and the seat is held |
/// | [`macro@on_reconnect`] | the player is back in time |
/// | [`macro@on_leave`] | a player gives up the seat |
/// | [`macro@on_empty`] | the last member has gone |
/// | [`macro@timer`] | a time that was set with `room.after` has come |
/// | [`macro@tick`] | at a steady rate, while somebody is connected |
///
/// # When a method fails
///
/// It fails if it returns `Err`, panics or takes too long; then nothing of what it said, set or
/// scheduled through the room has happened, and what it drew from `room.rng()` is drawn again. With
/// `rollback` or `persist` the struct, too, is what it was. What has called the method has happened all the same:
/// after an `#[on_leave]` that fails the player is gone, and a `#[timer]` that fails does not come
/// again. So hooks and timers of such a game had better not fail; a
/// [`TestRoom`](https://docs.rs/tapaculo/latest/tapaculo/testing/struct.TestRoom.html) says which did.
///
/// # What a method takes
///
/// A method takes what it needs, in any order: `&mut Room<Self>` or `&Room<Self>`, but for a view and
/// [`macro@create`]; the sender, as `&Player` (has a seat) or `&Member` (anyone). Every other parameter of a `#[message]` is a
/// field that the client fills in: an owned `UserId` or `Seat` is what the client claims, not who
/// it is. Of a `#[timer]` it is a field that the game fills in when it sets the timer.
///
/// # What is generated
///
/// The messages become a public enum, `ChessMessage` for `Chess`: one variant a handler, with its
/// fields by name. The timers, if there are any, become another, `ChessTimer`: `Serialize` and
/// `Deserialize` where their parameters are, which `persist` asks for.
#[proc_macro_attribute]
pub fn game(options: TokenStream, item: TokenStream) -> TokenStream {
    item::game(options.into(), item.into()).into()
}

/// The attributes of methods: they do nothing by themselves but say where they belong.
macro_rules! attributes_of_methods {
    ($($(#[$doc:meta])* $attribute:ident,)*) => {$(
        $(#[$doc])*
        #[proc_macro_attribute]
        pub fn $attribute(_options: TokenStream, item: TokenStream) -> TokenStream {
            standin::outside(stringify!($attribute), item.into()).into()
        }
    )*};
}

attributes_of_methods! {
    /// A method that handles a message, inside a `#[tapaculo::game] impl`.
    ///
    /// Its owned parameters are the message's fields; `#[serde(rename, alias, default, with,
    /// deserialize_with, flatten, skip)]` on one is passed on. The message is called as the method in `PascalCase`, or `#[message(rename = "Move")]`;
    /// only with `#[message(spectators)]` may spectators send it. The method takes `&mut self` or
    /// `&self`, may be `async`, and returns `()`, a reply that implements `Serialize`, or a `Result`
    /// of either with an error that displays.
    ///
    /// On an `Err` what the method *said* is dropped, and the sender alone is told why. What it
    /// *changed* in the struct stays, unless the struct has `rollback`: check first, change
    /// afterwards.
    ///
    /// While an `async` handler waits, its room does nothing else, for `handler_timeout` at most.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game]
    /// # #[derive(Default)]
    /// # struct Board { cells: [u8; 9] }
    /// # #[tapaculo::game]
    /// # impl Board {
    /// /// `{"type": "Mark", "cell": 4}`, and perhaps `"color": 7`
    /// #[message]
    /// fn mark(&mut self, cell: usize, #[serde(default)] color: u8) -> Result<u8, String> {
    ///     let old = self.cells.get_mut(cell).ok_or("there are 9 cells")?;
    ///     Ok(std::mem::replace(old, color))
    /// }
    /// # }
    /// # let mut room = TestRoom::<Board>::new();
    /// # room.join("alice").unwrap();
    /// # let marked = room.send("alice", json!({"type": "Mark", "cell": 4, "color": 7}));
    /// # assert_eq!(marked.unwrap(), Some(json!(0)));
    /// # let marked = room.send("alice", json!({"type": "Mark", "cell": 4}));
    /// # assert_eq!(marked.unwrap(), Some(json!(7)));
    /// # assert!(room.send("alice", json!({"type": "Mark", "cell": 9})).is_err());
    /// ```
    ///
    /// The guide: [messages and events](../tapaculo/docs/messages/index.html).
    message,

    /// A method that may refuse a message before its handler, inside a `#[tapaculo::game] impl`.
    ///
    /// `#[validate(play)]` runs before the handler `play` and sees its fields by reference, by name.
    /// `#[validate]` runs before every handler and may take the message, as `&ChessMessage`. It takes
    /// `&self`, may be `async`, and returns `Result<(), E>`; the sender alone is told the error.
    ///
    /// Those without a name run first, then the handler's own, each in the order of the source.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game]
    /// # #[derive(Default)]
    /// # struct Board { cells: [u8; 9] }
    /// # #[tapaculo::game]
    /// # impl Board {
    /// #[validate(mark)]
    /// fn on_the_board(&self, cell: &usize) -> Result<(), &'static str> {
    ///     if *cell < self.cells.len() { Ok(()) } else { Err("there are 9 cells") }
    /// }
    ///
    /// #[message]
    /// fn mark(&mut self, cell: usize, color: u8) {
    ///     self.cells[cell] = color;
    /// }
    /// # }
    /// # let mut room = TestRoom::<Board>::new();
    /// # room.join("alice").unwrap();
    /// # let marked = room.send("alice", json!({"type": "Mark", "cell": 9, "color": 7}));
    /// # assert_eq!(marked.unwrap_err().to_string(), "there are 9 cells");
    /// # room.send("alice", json!({"type": "Mark", "cell": 8, "color": 7})).unwrap();
    /// ```
    ///
    /// The guide: [validation and errors](../tapaculo/docs/validation/index.html).
    validate,

    /// The function that makes a room's first state, inside a `#[tapaculo::game] impl`.
    ///
    /// It may take `&RoomId` and the options of the token that opens the room, any type that is
    /// `Deserialize` and `Default`, and returns `Self` or `Result<Self, E>`. Without it a room begins
    /// with the struct's `Default`.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// #[derive(Default, serde::Deserialize)]
    /// struct BoardOptions { size: Option<usize> }
    ///
    /// # #[tapaculo::game]
    /// # struct Board { cells: Vec<u8> }
    /// # #[tapaculo::game]
    /// # impl Board {
    /// #[create]
    /// fn create(_room: &RoomId, options: BoardOptions) -> Result<Self, &'static str> {
    ///     match options.size.unwrap_or(8) {
    ///         size @ 1..=20 => Ok(Self { cells: vec![0; size * size] }),
    ///         _ => Err("a board has 1 to 20 cells a side"),
    ///     }
    /// }
    /// # }
    /// # let mut room = TestRoom::<Board>::new();
    /// # room.join("alice").unwrap();
    /// # assert_eq!(room.state().cells.len(), 64);
    /// # let mut room = TestRoom::<Board>::with_options(serde_json::json!({"size": 21}));
    /// # assert!(room.join("alice").is_err());
    /// ```
    ///
    /// The guide: [rooms and seats](../tapaculo/docs/rooms/index.html).
    create,

    /// The function that makes a state of what an older version has saved, inside a
    /// `#[tapaculo::game] impl`.
    ///
    /// A game that is kept, with a `version` above 1, has one: whenever a room was saved by an older
    /// version, it is called in place of [`macro@create`]. It takes what was saved, a
    /// [`SavedState`](https://docs.rs/tapaculo/latest/tapaculo/struct.SavedState.html), and returns
    /// `Result<Self, E>` with an error that displays. An `Err` leaves the room as it was saved: nobody
    /// gets in, and the reason is logged.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use tapaculo::prelude::*;
    ///
    /// /// What version 1 has saved.
    /// #[derive(Serialize, Deserialize)]
    /// struct BoardV1 { cells: Vec<u8> }
    ///
    /// #[tapaculo::game(persist, version = 2)]
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Board { rows: Vec<Vec<u8>> }
    ///
    /// #[tapaculo::game]
    /// impl Board {
    ///     #[migrate]
    ///     fn migrate(old: SavedState) -> Result<Self, SavedStateError> {
    ///         let BoardV1 { cells } = old.read()?;
    ///         Ok(Self { rows: cells.chunks(8).map(<[u8]>::to_vec).collect() })
    ///     }
    /// }
    ///
    /// let old = SavedState::of(1, &BoardV1 { cells: vec![0; 64] }).unwrap();
    /// assert_eq!(Board::migrate(old).unwrap().rows.len(), 8);
    /// ```
    ///
    /// The guide: [persistence](../tapaculo/docs/persistence/index.html#versions).
    migrate,

    /// A method called when a player takes a seat, inside a `#[tapaculo::game] impl`.
    ///
    /// It may take `&Player` and `&mut Room<Self>`. The player is a member already, and hears what the
    /// method says. An `Err` refuses the player; [`macro@on_leave`] is then not called.
    ///
    /// Spectators call no hook, nor does a user whose new connection takes over the seat.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game(event = String)]
    /// # #[derive(Default)]
    /// # struct Club { greeted: u32 }
    /// # #[tapaculo::game]
    /// # impl Club {
    /// #[on_join]
    /// fn joined(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), &'static str> {
    ///     if player.user() == "mallory" {
    ///         return Err("you may not play here");
    ///     }
    ///     room.broadcast(format!("welcome, {}", player.user()));
    ///     Ok(())
    /// }
    /// # }
    /// # let mut room = TestRoom::<Club>::new();
    /// # room.join("alice").unwrap();
    /// # assert_eq!(room.received("alice"), ["welcome, alice"]);
    /// # assert_eq!(room.join("mallory").unwrap_err().to_string(), "you may not play here");
    /// ```
    ///
    /// The guide: [hooks](../tapaculo/docs/rooms/index.html#hooks).
    on_join,

    /// A method called when the last seat is taken, inside a `#[tapaculo::game] impl`.
    ///
    /// That is the upper end of the struct's `players`, which it needs. It may take `&mut Room<Self>`.
    /// An `Err` is logged, and what the method said is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # #[tapaculo::game(players = 2, event = String)]
    /// # #[derive(Default)]
    /// # struct Duel;
    /// # #[tapaculo::game]
    /// # impl Duel {
    /// #[on_full]
    /// fn begin(&mut self, room: &mut Room<Self>) {
    ///     room.broadcast("the game begins".to_owned());
    /// }
    /// # }
    /// # let mut room = TestRoom::<Duel>::new();
    /// # room.join("alice").unwrap();
    /// # assert!(room.received("alice").is_empty());
    /// # room.join("bob").unwrap();
    /// # assert_eq!(room.received("alice"), ["the game begins"]);
    /// ```
    ///
    /// The guide: [hooks](../tapaculo/docs/rooms/index.html#hooks).
    on_full,

    /// A method called when a player's connection is gone, inside a `#[tapaculo::game] impl`.
    ///
    /// The seat is held for the struct's `reconnect`, which this needs: without one there is nothing
    /// to wait for, and [`macro@on_leave`] is called instead. It may take `&Player` and `&mut Room<Self>`. An `Err` is
    /// logged, and what the method said is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # #[tapaculo::game(players = 2, reconnect = "60s", event = String)]
    /// # #[derive(Default)]
    /// # struct Duel;
    /// # #[tapaculo::game]
    /// # impl Duel {
    /// #[on_disconnect]
    /// fn cut_off(&mut self, room: &mut Room<Self>, player: &Player) {
    ///     room.broadcast(format!("{} is cut off", player.user()));
    /// }
    /// # }
    /// # let mut room = TestRoom::<Duel>::new();
    /// # room.join("alice").unwrap();
    /// # room.join("bob").unwrap();
    /// # room.disconnect("alice");
    /// # assert_eq!(room.received("bob"), ["alice is cut off"]);
    /// ```
    ///
    /// The guide: [reconnection](../tapaculo/docs/reconnection/index.html).
    on_disconnect,

    /// A method called when a player is back in time, inside a `#[tapaculo::game] impl`.
    ///
    /// In time is within the struct's `reconnect`, which this needs. It may take `&Player` and
    /// `&mut Room<Self>`. Neither [`macro@on_join`] nor [`macro@on_full`] is
    /// called again. An `Err` is logged, and what the method said is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # #[tapaculo::game(players = 2, reconnect = "60s", event = String)]
    /// # #[derive(Default)]
    /// # struct Duel;
    /// # #[tapaculo::game]
    /// # impl Duel {
    /// #[on_reconnect]
    /// fn back(&mut self, room: &mut Room<Self>, player: &Player) {
    ///     room.broadcast(format!("{} is back", player.user()));
    /// }
    /// # }
    /// # let mut room = TestRoom::<Duel>::new();
    /// # room.join("alice").unwrap();
    /// # room.join("bob").unwrap();
    /// # room.disconnect("alice");
    /// # room.reconnect("alice").unwrap();
    /// # assert_eq!(room.received("bob"), ["alice is back"]);
    /// ```
    ///
    /// The guide: [reconnection](../tapaculo/docs/reconnection/index.html).
    on_reconnect,

    /// A method called when a player gives up the seat, inside a `#[tapaculo::game] impl`.
    ///
    /// That is to leave, to be kicked, or to be away for longer than the struct's `reconnect`. It may
    /// take `&Player` and `&mut Room<Self>`; the player is no longer among `room.players()`. An `Err`
    /// is logged, and what the method said is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game(event = String)]
    /// # #[derive(Default)]
    /// # struct Club;
    /// # #[tapaculo::game]
    /// # impl Club {
    /// #[on_leave]
    /// fn left(&mut self, room: &mut Room<Self>, player: &Player) {
    ///     room.broadcast(format!("{} has left", player.user()));
    /// }
    /// # }
    /// # let mut room = TestRoom::<Club>::new();
    /// # room.join("alice").unwrap();
    /// # room.join("bob").unwrap();
    /// # room.leave("alice");
    /// # assert_eq!(room.received("bob"), ["alice has left"]);
    /// ```
    ///
    /// The guide: [hooks](../tapaculo/docs/rooms/index.html#hooks).
    on_leave,

    /// A method called when the last member has gone, inside a `#[tapaculo::game] impl`.
    ///
    /// It may take `&mut Room<Self>`. The room is kept for `empty_timeout`: whoever comes by then finds
    /// the state as it is. Nothing is called when it is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game]
    /// # #[derive(Default)]
    /// # struct Club { tables: Vec<String> }
    /// # #[tapaculo::game]
    /// # impl Club {
    /// #[on_empty]
    /// fn tidy_up(&mut self) {
    ///     self.tables.clear();
    /// }
    /// # }
    /// # let mut room = TestRoom::<Club>::new();
    /// # room.join("alice").unwrap();
    /// # room.state_mut().tables.push("one".to_owned());
    /// # room.leave("alice");
    /// # assert!(room.state().tables.is_empty());
    /// ```
    on_empty,

    /// A method called when a time has come, inside a `#[tapaculo::game] impl`.
    ///
    /// `room.after(duration, ChessTimer::Flag { seat })` calls `fn flag(&mut self, seat: Seat)` once
    /// the duration has passed. The method may take `&mut Room<Self>`; its owned parameters are the
    /// fields of its variant of `ChessTimer`, any types that are `Send`. In a game with `persist` they
    /// are saved: `Serialize` and `Deserialize`, or as `#[serde(with)]` and its like say. It may be `async`, and returns
    /// `()` or `Result<(), E>`. An `Err` is logged, and what the method said is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game(event = String)]
    /// # #[derive(Default)]
    /// # struct Quiz;
    /// # #[tapaculo::game]
    /// # impl Quiz {
    /// #[message]
    /// fn ask(&mut self, room: &mut Room<Self>, question: u32) {
    ///     room.after(std::time::Duration::from_secs(30), QuizTimer::TimeIsUp { question });
    /// }
    ///
    /// #[timer]
    /// fn time_is_up(&mut self, room: &mut Room<Self>, question: u32) {
    ///     room.broadcast(format!("nobody knew the answer to question {question}"));
    /// }
    /// # }
    /// # let mut room = TestRoom::<Quiz>::new();
    /// # room.join("alice").unwrap();
    /// # room.send("alice", json!({"type": "Ask", "question": 7})).unwrap();
    /// # room.advance(std::time::Duration::from_secs(30));
    /// # assert_eq!(room.received("alice"), ["nobody knew the answer to question 7"]);
    /// ```
    ///
    /// The guide: [time](../tapaculo/docs/time/index.html).
    timer,

    /// A method called again and again, inside a `#[tapaculo::game] impl`.
    ///
    /// `#[tick(every = "50ms")]` runs at that rate while somebody is connected; those that come late
    /// do not pile up. A game has one. The method may take `&mut Room<Self>` and the time since the
    /// tick before, or since somebody came, a `Duration`. It may be `async`, and returns `()` or `Result<(), E>`. An `Err` is
    /// logged, and what the method said is dropped.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game(event = f64)]
    /// # #[derive(Default)]
    /// # struct Ball { x: f64 }
    /// # #[tapaculo::game]
    /// # impl Ball {
    /// #[tick(every = "50ms")]
    /// fn fly(&mut self, room: &mut Room<Self>, elapsed: std::time::Duration) {
    ///     self.x += 2.0 * elapsed.as_secs_f64();
    ///     room.broadcast_volatile(self.x);
    /// }
    /// # }
    /// # let mut room = TestRoom::<Ball>::new();
    /// # room.join("alice").unwrap();
    /// # room.advance(std::time::Duration::from_millis(100));
    /// # assert_eq!(room.received("alice"), [0.1, 0.2]);
    /// ```
    ///
    /// The guide: [time](../tapaculo/docs/time/index.html#the-tick).
    tick,

    /// A method that says what one member may see, inside a `#[tapaculo::game] impl`.
    ///
    /// It takes `&self` and perhaps the `&Member` who looks, and returns anything that implements
    /// `Serialize`.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # use serde_json::json;
    /// # #[tapaculo::game(players = 2, spectators)]
    /// # #[derive(Default)]
    /// # struct Cards { hands: [Vec<u8>; 2] }
    /// # #[tapaculo::game]
    /// # impl Cards {
    /// /// Each player sees the own hand, and spectators see none.
    /// #[view]
    /// fn own_hand(&self, viewer: &Member) -> Option<&[u8]> {
    ///     Some(&self.hands[viewer.seat()?.index()])
    /// }
    /// # }
    /// # let mut room = TestRoom::<Cards>::new();
    /// # room.join("alice").unwrap();
    /// # room.watch("bob").unwrap();
    /// # room.state_mut().hands[0].push(7);
    /// # assert_eq!((room.view("alice"), room.view("bob")), (json!([7]), json!(null)));
    /// ```
    ///
    /// The guide: [hidden information](../tapaculo/docs/hidden_information/index.html).
    view,
}
