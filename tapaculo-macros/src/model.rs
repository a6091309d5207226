//! A game that makes sense: what checking leaves, and all that expanding needs.

use crate::names::Hook;
use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Type};

/// The path of the library, `::tapaculo` or what `crate = …` says.
#[derive(Clone)]
pub(crate) struct Library(pub(crate) TokenStream);

/// The struct half.
pub(crate) struct Declaration {
    pub(crate) library: Library,
    pub(crate) ident: Ident,
    pub(crate) event: Option<Type>,
    pub(crate) name: String,
    pub(crate) players: Option<u32>,
    pub(crate) spectators: bool,
    pub(crate) history: Option<u32>,
    /// The settings that are times, in milliseconds, by the names of their options.
    pub(crate) times: Vec<(&'static str, u64)>,
    /// Where it is asked for.
    pub(crate) rollback: Option<Span>,
    pub(crate) keeping: Keeping,
}

/// Whether the rooms of a game are kept.
pub(crate) enum Keeping {
    Not,
    Kept(Kept),
    /// Beside a mistake: nothing of the rules is wrong for want of it, and nothing is asked of the
    /// struct.
    Perhaps,
}

/// How they are kept.
pub(crate) struct Kept {
    /// Where it is asked for.
    pub(crate) at: Span,
    /// How much may be lost, in milliseconds; zero is nothing.
    pub(crate) every: u64,
    pub(crate) version: u32,
    /// Where the version is given.
    pub(crate) version_at: Span,
}

/// The impl half.
pub(crate) struct Game {
    pub(crate) library: Library,
    /// The type as the impl names it.
    pub(crate) ty: TokenStream,
    /// Its name, without a path, for what people read.
    pub(crate) name: Ident,
    /// The names of the enums of the messages and of the timers.
    pub(crate) message_enum: Ident,
    pub(crate) timer_enum: Ident,
    /// Whether a method that is called is `#[deprecated]`: to the members, not to us.
    pub(crate) deprecated: bool,
    pub(crate) messages: Vec<Message>,
    /// Validators of every message.
    pub(crate) validators: Vec<Call>,
    /// One at most, as every hook; more only where `cfg` decides between them.
    pub(crate) create: Vec<Call>,
    pub(crate) migrate: Vec<Call>,
    pub(crate) hooks: Vec<(Hook, Call)>,
    pub(crate) timers: Vec<Variant>,
    /// With how often it comes, in milliseconds.
    pub(crate) tick: Vec<(u64, Call)>,
    pub(crate) view: Vec<Call>,
}

/// What members may send, and what happens then.
pub(crate) struct Message {
    pub(crate) variant: Variant,
    /// Whether spectators may send it.
    pub(crate) open: bool,
    pub(crate) validators: Vec<Call>,
}

/// A variant of an enum that is generated, and the method that it calls.
pub(crate) struct Variant {
    /// What tells it from the others outside the program: a message's name on the wire.
    pub(crate) tag: String,
    pub(crate) name: Ident,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) fields: Vec<Field>,
    pub(crate) call: Call,
}

/// A field of a message or a timer.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) ty: TokenStream,
    /// `cfg` attributes, which go wherever the field goes.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) serde: Vec<Attribute>,
    pub(crate) reading: Reading,
}

/// How a field is read: of a message, or of a timer that was saved.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// As its type is read, or with the type's default if it is missing.
    ByType { or_default: bool },
    /// In a way that names the type, such as `#[serde(with = "…")]`; or perhaps not at all,
    /// because of a `cfg`.
    OfItsOwn,
}

/// A call of one of the user's methods.
pub(crate) struct Call {
    pub(crate) method: Ident,
    /// `cfg` attributes, which go wherever the method is called or named.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) is_async: bool,
    pub(crate) takes_self: bool,
    pub(crate) args: Vec<Arg>,
    /// The first and the last token of the return type: where an error about it belongs.
    pub(crate) output: (Span, Span),
}

/// An argument of such a call.
pub(crate) struct Arg {
    pub(crate) value: Value,
    /// The parameter's type: where an error about the argument belongs.
    pub(crate) span: Span,
    pub(crate) cfgs: Vec<Attribute>,
}

/// Where an argument comes from.
pub(crate) enum Value {
    Room,
    RoomId,
    Options,
    /// What an older version has saved.
    Old,
    Player,
    Member,
    /// The time since the tick before.
    Elapsed,
    /// The whole message, by reference.
    Message,
    /// A field of the message or the timer, as it is.
    Field(Ident),
    /// A field of the message, by reference.
    FieldRef(Ident),
}

/// The place of a token of the user's, in the syntax context of the macro: an error is shown
/// there, and no lint looks there.
pub(crate) fn in_macro(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}
