//! Liar's dice, as a room: who sits here, what they may send, and who is told what.

use crate::{
    bots::{self, Agency},
    rules::{Bid, Cups, Face, Hand, Uncovered},
    wire::{DiceEvent, DiceOptions, DiceView, Refused, Told},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tapaculo::{prelude::*, reexport::rand::RngExt};

/// How long everybody may look at the lifted cups.
const LOOK: Duration = Duration::from_secs(9);

/// How long a seat is kept for a bot that was asked for.
const BOT_ARRIVES: Duration = Duration::from_secs(10);

/// Liar's dice for two to six, with spectators. The struct is the state of one room.
///
/// What must stay hidden is in two places only: `#[view]` shows each the own dice, and `YourDice`
/// goes out by `send_to`, which neither the history nor anybody else's resuming ever has. There is
/// no `rollback`: validators refuse before anything has changed, and no handler fails after that,
/// so that there is nothing to take back and no copy to be made of each state.
#[tapaculo::game(
    players = 2..=6,
    spectators,
    event = DiceEvent,
    reconnect = "60s",
    empty_timeout = "10s"
)]
#[derive(Debug, Default)]
pub(crate) struct LiarsDice {
    options: DiceOptions,
    stage: Stage,
    /// Of the game in hand, or of the last one.
    pub(crate) cups: Cups,
    /// What ends the turn, or the look at the dice, and when.
    timer: Option<(TimerId, Timestamp)>,
    /// Who has seen enough of the dice.
    ready: BTreeSet<UserId>,
    /// Who is cut off, and until when the seat is held.
    away: BTreeMap<UserId, Timestamp>,
    /// The bots that were asked for and are not here yet, with their names.
    invited: BTreeMap<UserId, &'static str>,
    /// How many bots there have been, for their ids.
    bots: u32,
    /// Where bots come from; none without an agency.
    pub(crate) agency: Option<Agency>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Waiting,
    Bidding,
    Uncovered(Uncovered),
    Over {
        winner: UserId,
        /// Unless all others have left before.
        last: Option<Uncovered>,
    },
}

#[tapaculo::game]
impl LiarsDice {
    #[create]
    fn create(options: DiceOptions) -> Result<Self, &'static str> {
        Ok(Self {
            options: options.check()?,
            agency: Agency::open(),
            ..Self::default()
        })
    }

    /// Whoever sits down in the middle of a game plays the next one.
    ///
    /// A guest's id has a random end, so that nobody gets one that was made up for a bot.
    #[on_join]
    fn sit(&mut self, room: &Room<Self>, player: &Player) -> Result<(), Refused> {
        let user = player.user();
        if bots::is_bot(user) && (self.invited.remove(user).is_none() || people(room) == 0) {
            return Err(Refused::NotInvited);
        }
        Ok(())
    }

    #[on_full]
    fn all_here(&mut self, room: &mut Room<Self>) {
        if let Stage::Waiting = self.stage {
            self.start_game(room);
        }
    }

    /// The time of someone who is cut off runs on. A bot that is does not come back.
    #[on_disconnect]
    fn away(&mut self, room: &mut Room<Self>, player: &Player) {
        let by = player.user().clone();
        if bots::is_bot(&by) {
            room.kick(&by, "a bot that is cut off is gone");
        } else if let Some(until) = room.held_until(&by) {
            self.away.insert(by.clone(), until);
            room.broadcast(DiceEvent::Disconnected { by, until });
            self.go_on_if_all_are_ready(room);
        }
    }

    #[on_reconnect]
    fn back(&mut self, room: &mut Room<Self>, player: &Player) {
        let by = player.user().clone();
        self.away.remove(&by);
        room.broadcast(DiceEvent::Reconnected { by });
    }

    /// Whoever leaves takes the dice along: what was bid with them in mind holds no more, and the
    /// others roll anew. Bots do not play without people.
    #[on_leave]
    fn leave(&mut self, room: &mut Room<Self>, player: &Player) {
        let by = player.user();
        self.away.remove(by);
        self.ready.remove(by);
        if people(room) == 0 {
            for bot in room.players() {
                room.kick(bot.user(), "everybody has left");
            }
        }
        let is_playing = matches!(self.stage, Stage::Bidding | Stage::Uncovered(_));
        if is_playing && self.cups.remove(by) {
            room.broadcast(DiceEvent::Gone { by: by.clone() });
            if self.cups.winner().is_some() {
                let last = match std::mem::take(&mut self.stage) {
                    Stage::Uncovered(uncovered) => Some(uncovered),
                    _ => None,
                };
                self.finish(room, last);
            } else if matches!(self.stage, Stage::Bidding) && people(room) > 0 {
                self.deal(room);
            }
        }
        self.go_on_if_all_are_ready(room);
    }

    /// Without a name a validator sees every message. Its `Err` reaches only the sender.
    #[validate]
    fn is_the_time_for_it(
        &self,
        member: &Member,
        message: &LiarsDiceMessage,
    ) -> Result<(), Refused> {
        use LiarsDiceMessage as Message;
        use Stage::{Bidding, Over, Waiting};
        match (message, &self.stage) {
            (Message::Time, _) | (Message::Ready, Stage::Uncovered(_)) => Ok(()),
            (Message::Bid { .. } | Message::Liar, Bidding) => {
                if self.cups.turn() == Some(member.user()) {
                    Ok(())
                } else if self.cups.dice_of(member.user()).is_none() {
                    Err(Refused::NotInTheGame)
                } else {
                    Err(Refused::NotYourTurn)
                }
            }
            (Message::Bid { .. } | Message::Liar, Stage::Uncovered(_)) => {
                Err(Refused::CupsAreLifted)
            }
            (Message::Ready, Bidding) => Err(Refused::CupsAreDown),
            (Message::Bid { .. } | Message::Liar | Message::Ready, Waiting | Over { .. }) => {
                Err(Refused::NotPlaying)
            }
            (_, Waiting | Over { .. }) => Ok(()),
            // Nobody has to wait until bots are done with each other.
            (Message::Start, _) if self.only_bots_play() => Ok(()),
            (_, Bidding | Stage::Uncovered(_)) => Err(Refused::Playing),
        }
    }

    #[validate(bid)]
    fn rises(&self, count: &u8, face: &Face) -> Result<(), Refused> {
        let (bid, dice) = (
            Bid {
                count: *count,
                face: *face,
            },
            self.cups.dice(),
        );
        match self.cups.last_bid() {
            _ if bid.count == 0 => Err(Refused::NoDice),
            _ if bid.count > dice => Err(Refused::TooMany(dice)),
            Some(last) if bid <= last => Err(Refused::NoRaise(last)),
            _ => Ok(()),
        }
    }

    #[validate(liar)]
    fn is_something_bid(&self) -> Result<(), Refused> {
        self.cups.last_bid().map(drop).ok_or(Refused::NothingBid)
    }

    /// `{"type": "Bid", "count": 3, "face": 5}`: there are at least three fives.
    #[message]
    fn bid(&mut self, room: &mut Room<Self>, count: u8, face: Face) {
        self.say_bid(room, Bid { count, face }, false);
    }

    /// The last bid is not true.
    #[message]
    fn liar(&mut self, room: &mut Room<Self>) {
        self.uncover(room, false);
    }

    /// Whoever does not say anything in time bids the smallest raise, and where there is none does
    /// not believe the last bid: the others need not wait, and nothing is lost by it alone.
    #[timer]
    fn time_is_up(&mut self, room: &mut Room<Self>) {
        match Bid::smallest_after(self.cups.last_bid(), self.cups.dice()) {
            Some(bid) => self.say_bid(room, bid, true),
            None => self.uncover(room, true),
        }
    }

    /// Everybody has had the time to look at the dice.
    #[timer]
    fn next_round(&mut self, room: &mut Room<Self>) {
        self.deal(room);
    }

    /// Has seen enough of the dice. Once all people have, the next round begins.
    #[message]
    fn ready(&mut self, room: &mut Room<Self>, player: &Player) {
        let by = player.user().clone();
        if self.ready.insert(by.clone()) {
            room.broadcast(DiceEvent::Ready { by });
        }
        self.go_on_if_all_are_ready(room);
    }

    /// A game begins, for all who sit here.
    #[message]
    fn start(&mut self, room: &mut Room<Self>) -> Result<(), Refused> {
        if room.players().len() < 2 {
            return Err(Refused::Alone);
        }
        self.start_game(room);
        Ok(())
    }

    /// Has a bot come to the table: a client like any other, see [`bots`].
    #[message]
    fn add_bot(&mut self, room: &mut Room<Self>) -> Result<(), Refused> {
        let (here, info) = (room.players(), room.info());
        let seats = info.seats.unwrap_or(info.players);
        if here.len() + self.invited.len() >= seats {
            return Err(Refused::TableFull);
        }
        let agency = self.agency.as_ref().ok_or(Refused::NoBotsLeft)?;
        let taken = here.iter().filter_map(Player::name);
        let taken: Vec<_> = taken.chain(self.invited.values().copied()).collect();
        let name = bots::name(self.bots, &taken);
        let user = bots::user(self.bots);
        agency.call(room.id(), &user, name)?;
        self.bots += 1;
        self.invited.insert(user.clone(), name);
        room.after(BOT_ARRIVES, LiarsDiceTimer::BotIsLate { user });
        Ok(())
    }

    /// The seat is kept no longer.
    #[timer]
    fn bot_is_late(&mut self, user: UserId) {
        self.invited.remove(&user);
    }

    #[message]
    fn remove_bot(&mut self, room: &mut Room<Self>, user: UserId) -> Result<(), Refused> {
        let here = room.member(&user).is_some();
        if !here || !bots::is_bot(&user) {
            return Err(Refused::NoBotHere);
        }
        room.kick(&user, "the seat is wanted");
        Ok(())
    }

    /// Somebody who watches wants to play: if no seat is free, a bot gives up its own. Whoever then
    /// comes anew gets it.
    #[message(spectators)]
    fn ask_for_seat(&self, room: &mut Room<Self>) -> Result<(), Refused> {
        if !room.is_full() {
            return Ok(());
        }
        let here = room.players();
        let mut bots = here.iter().filter(|player| bots::is_bot(player.user()));
        let bot = bots.next_back().ok_or(Refused::TableFull)?;
        room.kick(bot.user(), "the seat is wanted");
        Ok(())
    }

    /// The server's time, in milliseconds: a page sets its clock by it, since those of two machines
    /// differ.
    #[message(spectators)]
    fn time(&self, room: &Room<Self>) -> Timestamp {
        room.now()
    }

    /// What one member may see: of the dice that are still covered, the own ones.
    #[view]
    fn view(&self, viewer: &Member) -> DiceView<'_> {
        let is_bidding = matches!(self.stage, Stage::Bidding);
        let (stage, uncovered, winner) = match &self.stage {
            Stage::Waiting => ("waiting", None, None),
            Stage::Bidding => ("bidding", None, None),
            Stage::Uncovered(uncovered) => ("uncovered", Some(uncovered), None),
            Stage::Over { winner, last } => ("over", last.as_ref(), Some(winner)),
        };
        DiceView {
            stage,
            dice: self.options.dice,
            seconds: self.options.seconds,
            players: self.told(),
            mine: self
                .cups
                .dice_of(viewer.user())
                .filter(|_| is_bidding && viewer.seat().is_some()),
            round: self.cups.round(),
            bids: self.cups.bids(),
            turn: self.cups.turn().filter(|_| is_bidding),
            until: self.timer.map(|(_, until)| until),
            uncovered,
            ready: self.ready.iter().collect(),
            winner,
            away: &self.away,
        }
    }
}

/// How many people have a seat.
fn people(room: &Room<LiarsDice>) -> usize {
    let players = room.players();
    let people = players.iter().filter(|player| !bots::is_bot(player.user()));
    people.count()
}

impl LiarsDice {
    fn start_game(&mut self, room: &mut Room<Self>) {
        let players = room.players();
        let first = room.rng().random_range(0..players.len());
        self.cups = Cups::new(players, self.options.dice, first);
        let players = self.told();
        room.broadcast(DiceEvent::GameStart { players });
        self.deal(room);
    }

    /// Everybody rolls, and is told of the own dice alone.
    fn deal(&mut self, room: &mut Room<Self>) {
        self.cups.roll(room.rng());
        self.stage = Stage::Bidding;
        self.ready.clear();
        let until = self.set_timer(room, self.options.time(), LiarsDiceTimer::TimeIsUp);
        let Some(turn) = self.cups.turn().cloned() else {
            return; // there is no game without players
        };
        room.broadcast(DiceEvent::RoundStart {
            round: self.cups.round(),
            players: self.told(),
            turn,
            until,
        });
        for Hand { player, dice } in self.cups.alive() {
            let dice = dice.clone();
            room.send_to(player.user(), DiceEvent::YourDice { dice });
        }
    }

    fn say_bid(&mut self, room: &mut Room<Self>, bid: Bid, late: bool) {
        self.cups.bid(bid, late);
        let until = self.set_timer(room, self.options.time(), LiarsDiceTimer::TimeIsUp);
        if let (Some(said), Some(turn)) = (self.cups.bids().last(), self.cups.turn()) {
            let (said, turn) = (said.clone(), turn.clone());
            room.broadcast(DiceEvent::BidMade { said, turn, until });
        }
    }

    fn uncover(&mut self, room: &mut Room<Self>, late: bool) {
        let Some(uncovered) = self.cups.uncover(late) else {
            return; // nothing was bid
        };
        let is_over = self.cups.winner().is_some();
        let until = (!is_over).then(|| self.set_timer(room, LOOK, LiarsDiceTimer::NextRound));
        room.broadcast(DiceEvent::Uncovered {
            uncovered: uncovered.clone(),
            until,
        });
        if is_over {
            self.finish(room, Some(uncovered));
        } else {
            self.stage = Stage::Uncovered(uncovered);
        }
    }

    fn finish(&mut self, room: &mut Room<Self>, last: Option<Uncovered>) {
        self.take_timer(room);
        if let Some(winner) = self.cups.winner().cloned() {
            room.broadcast(DiceEvent::GameOver {
                winner: winner.clone(),
            });
            self.stage = Stage::Over { winner, last };
        }
    }

    /// Goes on from the lifted cups as soon as no connected person wants to look any longer.
    fn go_on_if_all_are_ready(&mut self, room: &mut Room<Self>) {
        let looks_on = |player: &Player| {
            let user = player.user();
            !bots::is_bot(user) && room.is_connected(user) && !self.ready.contains(user)
        };
        let all_are_ready = !self.ready.is_empty() && !room.players().iter().any(looks_on);
        if all_are_ready && matches!(self.stage, Stage::Uncovered(_)) {
            self.deal(room);
        }
    }

    fn only_bots_play(&self) -> bool {
        let mut users = self.cups.alive().map(|hand| hand.player.user());
        users.all(bots::is_bot)
    }

    fn told(&self) -> Vec<Told> {
        let told = |hand: &Hand| Told {
            user: hand.player.user().clone(),
            name: hand.player.name().map(str::to_owned),
            dice: hand.dice.len(),
        };
        self.cups.hands().iter().map(told).collect()
    }

    /// In place of the one that runs.
    fn set_timer(
        &mut self,
        room: &mut Room<Self>,
        time: Duration,
        timer: LiarsDiceTimer,
    ) -> Timestamp {
        self.take_timer(room);
        let until = room.now() + time;
        self.timer = Some((room.after(time, timer), until));
        until
    }

    fn take_timer(&mut self, room: &mut Room<Self>) {
        if let Some((timer, _)) = self.timer.take() {
            room.cancel(timer);
        }
    }
}
