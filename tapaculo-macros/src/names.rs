//! Every name the macro knows: its attributes, their options, and the types it passes in.

pub(crate) const GAME: &str = "game";

/// The attributes a method of a game's `impl` can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Message,
    Validate,
    Create,
    Migrate,
    Hook(Hook),
    Timer,
    Tick,
    View,
}

/// What can happen to a room, apart from messages and the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Join,
    Full,
    Disconnect,
    Reconnect,
    Leave,
    Empty,
}

impl Role {
    const ALL: &[(&str, Self)] = &[
        ("message", Self::Message),
        ("validate", Self::Validate),
        ("create", Self::Create),
        ("migrate", Self::Migrate),
        ("on_join", Self::Hook(Hook::Join)),
        ("on_full", Self::Hook(Hook::Full)),
        ("on_disconnect", Self::Hook(Hook::Disconnect)),
        ("on_reconnect", Self::Hook(Hook::Reconnect)),
        ("on_leave", Self::Hook(Hook::Leave)),
        ("on_empty", Self::Hook(Hook::Empty)),
        ("timer", Self::Timer),
        ("tick", Self::Tick),
        ("view", Self::View),
    ];

    pub(crate) fn of(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, role)| *role)
    }

    pub(crate) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, role)| *role == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Hook {
    pub(crate) const ALL: &[Self] = &[
        Self::Join,
        Self::Full,
        Self::Disconnect,
        Self::Reconnect,
        Self::Leave,
        Self::Empty,
    ];
    /// What the names of hooks have in common, and of no attribute of the compiler.
    pub(crate) const PREFIX: &str = "on_";

    pub(crate) fn name(self) -> &'static str {
        Role::Hook(self).name()
    }

    /// Whether it is called only where the struct has an option that leads to it.
    pub(crate) fn needs_a_setting(self) -> bool {
        matches!(self, Self::Full | Self::Disconnect | Self::Reconnect)
    }

    /// Whether it is about one player; otherwise it is about the room.
    pub(crate) fn has_player(self) -> bool {
        !matches!(self, Self::Full | Self::Empty)
    }
}

/// An option of an attribute, and how it is written.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
}

const fn known(name: &'static str, example: &'static str) -> Known {
    Known { name, example }
}

pub(crate) const PLAYERS: &str = "players";
pub(crate) const SPECTATORS: &str = "spectators";
pub(crate) const EVENT: &str = "event";
pub(crate) const HISTORY: &str = "history";
pub(crate) const RECONNECT: &str = "reconnect";
pub(crate) const EMPTY_TIMEOUT: &str = "empty_timeout";
pub(crate) const HANDLER_TIMEOUT: &str = "handler_timeout";
pub(crate) const ROLLBACK: &str = "rollback";
pub(crate) const PERSIST: &str = "persist";
pub(crate) const VERSION: &str = "version";
pub(crate) const NAME: &str = "name";
pub(crate) const CRATE: &str = "crate";
pub(crate) const RENAME: &str = "rename";
pub(crate) const EVERY: &str = "every";

/// The options of `#[tapaculo::game]` on the struct.
pub(crate) const STRUCT_OPTIONS: &[Known] = &[
    known(PLAYERS, "players = 2"),
    known(SPECTATORS, "spectators"),
    known(EVENT, "event = MyEvent"),
    known(HISTORY, "history = 100"),
    known(RECONNECT, "reconnect = \"60s\""),
    known(EMPTY_TIMEOUT, "empty_timeout = \"5m\""),
    known(HANDLER_TIMEOUT, "handler_timeout = \"10s\""),
    known(ROLLBACK, "rollback"),
    known(PERSIST, "persist = \"2s\""),
    known(VERSION, "version = 2"),
    known(NAME, "name = \"chess\""),
    known(CRATE, "crate = my::reexport"),
];

/// The options of `#[tapaculo::game]` on the `impl`.
pub(crate) const IMPL_OPTIONS: &[Known] = &[known(CRATE, "crate = my::reexport")];

/// The options of `#[message]`.
pub(crate) const MESSAGE_OPTIONS: &[Known] = &[
    known(RENAME, "rename = \"Move\""),
    known(SPECTATORS, "spectators"),
];

/// The options of `#[tick]`.
pub(crate) const TICK_OPTIONS: &[Known] = &[known(EVERY, "every = \"50ms\"")];

pub(crate) const ALIAS: &str = "alias";
pub(crate) const DEFAULT: &str = "default";
pub(crate) const WITH: &str = "with";
pub(crate) const SERIALIZE_WITH: &str = "serialize_with";
pub(crate) const DESERIALIZE_WITH: &str = "deserialize_with";
pub(crate) const FLATTEN: &str = "flatten";
pub(crate) const SKIP: &str = "skip";

/// Those of `#[serde]` that mean something for a field that is only ever read.
pub(crate) const SERDE_OPTIONS: &[Known] = &[
    known(RENAME, "rename = \"kind\""),
    known(ALIAS, "alias = \"kind\""),
    known(DEFAULT, "default = \"function\""),
    known(WITH, "with = \"module\""),
    known(DESERIALIZE_WITH, "deserialize_with = \"function\""),
    known(FLATTEN, "flatten"),
    known(SKIP, "skip"),
];

/// Those that mean something for a field that is saved and read again.
pub(crate) const TIMER_SERDE_OPTIONS: &[Known] = &[
    known(RENAME, "rename = \"kind\""),
    known(ALIAS, "alias = \"kind\""),
    known(DEFAULT, "default = \"function\""),
    known(WITH, "with = \"module\""),
    known(SERIALIZE_WITH, "serialize_with = \"function\""),
    known(DESERIALIZE_WITH, "deserialize_with = \"function\""),
    known(FLATTEN, "flatten"),
    known(SKIP, "skip"),
];

/// The field that names the message on the wire.
pub(crate) const TAG: &str = "type";

pub(crate) const ROOM: &str = "Room";
pub(crate) const PLAYER: &str = "Player";
pub(crate) const MEMBER: &str = "Member";
pub(crate) const ROOM_ID: &str = "RoomId";
pub(crate) const SAVED_STATE: &str = "SavedState";
