//! Calls into the game: contained, timed, and all or nothing.

use super::{
    super::contain::{contain, contain_now},
    Effects, Machine, SavedGame,
};
use crate::{
    game::{Answer, Game, Member, Player, Refusal, Reply, Rest, Room, Table},
    metrics::Handler,
    protocol::Author,
};
use std::time::Duration;

/// A call of one of the game's methods.
pub(super) enum Call<G: Game> {
    Message(Member, G::Message),
    Join(Player),
    Full,
    Disconnect(Player),
    Reconnect(Player),
    Leave(Player),
    Empty,
    Timer(G::Timer),
    Tick(Duration),
}

/// What came of a call.
pub(super) enum Called {
    /// It is over, with a reply perhaps.
    Done(Option<Reply>),
    /// What is left of it runs beside the room.
    Goes(Rest),
}

/// What came of a call that failed.
pub(super) struct Failed {
    pub(super) refusal: Refusal,
    /// The state can't be trusted any more.
    pub(super) fatal: bool,
}

impl<G: Game> Call<G> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Message(..) => "a handler",
            Self::Join(_) => "on_join",
            Self::Full => "on_full",
            Self::Disconnect(_) => "on_disconnect",
            Self::Reconnect(_) => "on_reconnect",
            Self::Leave(_) => "on_leave",
            Self::Empty => "on_empty",
            Self::Timer(_) => "a timer",
            Self::Tick(_) => "a tick",
        }
    }

    /// As what it is counted.
    pub(super) fn handler(&self) -> Handler {
        match self {
            Self::Message(..) => Handler::Message,
            Self::Timer(_) => Handler::Timer,
            Self::Tick(_) => Handler::Tick,
            Self::Join(_)
            | Self::Full
            | Self::Disconnect(_)
            | Self::Reconnect(_)
            | Self::Leave(_)
            | Self::Empty => Handler::Hook,
        }
    }

    /// In whose name it speaks.
    fn author(&self) -> Author {
        match self {
            Self::Message(member, _) => Author::User(member.user().clone()),
            _ => Author::Server,
        }
    }

    async fn run(self, game: &mut G, room: &mut Room<G>) -> Answer {
        let hooked = match self {
            Self::Message(member, message) => {
                return game.dispatch(room, &member, message).await;
            }
            Self::Join(player) => game.on_join(room, &player).await,
            Self::Full => game.on_full(room).await,
            Self::Disconnect(player) => game.on_disconnect(room, &player).await,
            Self::Reconnect(player) => game.on_reconnect(room, &player).await,
            Self::Leave(player) => game.on_leave(room, &player).await,
            Self::Empty => game.on_empty(room).await,
            Self::Timer(timer) => game.timer(room, timer).await,
            Self::Tick(elapsed) => game.tick(room, elapsed).await,
        };
        hooked.map(|()| None)
    }
}

/// The state as it is saved.
fn save<G: Game>(game: &G) -> Result<Option<Vec<u8>>, Refusal> {
    match contain_now(|| game.save()) {
        Ok(saved) => saved.transpose(),
        Err(failure) => Err(Refusal::Internal(format!("saving the state {failure}"))),
    }
}

/// The state as it was saved last.
fn load<G: Game>(saved: &SavedGame, table: &Table) -> Option<G> {
    let why = match contain_now(|| G::load(saved.bytes())) {
        Ok(Ok(game)) => return Some(game),
        Ok(Err(refusal)) => refusal.why().to_owned(),
        Err(failure) => failure.to_string(),
    };
    tracing::error!(room = %table.identity.room, why, "the state that was saved can't be read");
    None
}

impl<G: Game> Machine<G> {
    /// The state of a game that begins, as it is saved, if it is to be.
    pub(super) fn save(&self, game: &G) -> Result<Option<SavedGame>, Refusal> {
        Ok(save(game)?.map(SavedGame::new))
    }

    /// What is changed from outside of a call, too, is what a later one that fails goes back to.
    pub(crate) fn keep_state(&mut self) -> Result<(), Refusal> {
        if let (Some(game), Some(before)) = (&self.game, &mut self.saved)
            && let Some(saved) = save(game)?
        {
            before.replace(saved);
        }
        Ok(())
    }

    /// Calls the game: what it says and does is the room's if it succeeds, and nothing if it
    /// fails; with a backup, its state is then what it was.
    pub(super) async fn call(
        &mut self,
        call: Call<G>,
        effects: &mut Effects,
    ) -> Result<Called, Failed> {
        let Some(game) = self.game.as_mut() else {
            return Ok(Called::Done(None));
        };
        let name = call.name();
        let table = &mut self.room.table;
        table.begin(call.author());
        let limit = table.identity.settings.handler_timeout;
        let backup = contain_now(|| game.backup()).map_err(|failure| Failed {
            refusal: Refusal::Internal(format!("the backup before {name} {failure}")),
            fatal: false,
        })?;
        let outcome = contain(call.run(game, &mut self.room), &*self.alarm, limit).await;
        let has_failed = outcome.is_err();
        let answer = outcome.unwrap_or_else(|failure| {
            let why = format!("{name} {failure}");
            Err(Refusal::Internal(why))
        });
        let settled = answer.and_then(|reply| {
            let saved = match &self.saved {
                Some(_) => save(game)?,
                None => None,
            };
            Ok((reply, saved, self.room.table.settle()?))
        });
        // One that is saved needs no copy: what was saved last is one.
        let backup = match (&settled, backup, &self.saved) {
            (Err(_), None, Some(saved)) => load(saved, &self.room.table),
            (_, backup, _) => backup,
        };
        let is_backed_up = backup.is_some();
        let (result, left) = match (settled, backup) {
            (Ok((reply, saved, mut settled)), backup) => {
                if let (Some(saved), Some(before)) = (saved, &mut self.saved) {
                    before.replace(saved);
                }
                let rest = settled.rest.take();
                self.accept(settled, effects);
                (Ok(rest.map_or(Called::Done(reply), Called::Goes)), backup)
            }
            (Err(refusal), backup) => {
                let fatal = has_failed && !is_backed_up;
                let broken = backup.map(|backup| std::mem::replace(game, backup));
                (Err(Failed { refusal, fatal }), broken)
            }
        };
        self.room.table.discard();
        if contain_now(|| drop(left)).is_err() {
            tracing::error!(room = %self.room.table.identity.room, "dropping a copy of the game panicked");
        }
        result
    }
}
