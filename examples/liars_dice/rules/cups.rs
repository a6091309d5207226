//! The cups on the table: who has which dice, whose turn it is, what has been bid.

use super::{Bid, Face};
use serde::Serialize;
use tapaculo::{
    prelude::{Player, UserId},
    reexport::rand::Rng,
};

/// A player of the game, and the dice under the cup. Whoever has none is out.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    pub(crate) player: Player,
    pub(crate) dice: Vec<Face>,
}

/// A bid that was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) by: UserId,
    #[serde(flatten)]
    pub(crate) bid: Bid,
    /// The time was up, and it was said for the player.
    pub(crate) late: bool,
}

/// What came to light when the cups were lifted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Uncovered {
    /// Who did not believe it.
    by: UserId,
    /// It was called for the player, whose time was up.
    late: bool,
    bid: Said,
    /// How many there are.
    count: u8,
    pub(crate) hands: Vec<Lifted>,
    pub(crate) loser: UserId,
}

/// The dice of one player, for everybody to see.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lifted {
    user: UserId,
    dice: Vec<Face>,
}

/// A game, from the first roll until one is left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cups {
    /// In the order of their turns.
    hands: Vec<Hand>,
    /// Whose turn it is: an index of `hands`.
    turn: usize,
    round: u32,
    /// Of this round.
    bids: Vec<Said>,
}

impl Cups {
    /// A new game, in which the first to bid is the one with this index.
    pub(crate) fn new(players: Vec<Player>, dice: u8, first: usize) -> Self {
        let dice = vec![Face::all().next(); usize::from(dice)];
        let dice: Vec<_> = dice.into_iter().flatten().collect();
        let hand = |player| Hand {
            player,
            dice: dice.clone(),
        };
        Self {
            hands: players.into_iter().map(hand).collect(),
            turn: first,
            ..Self::default()
        }
    }

    /// A new round: everybody rolls what is left to them. Dice lie in order, easy to read.
    pub(crate) fn roll(&mut self, rng: &mut impl Rng) {
        self.round += 1;
        self.bids.clear();
        for hand in &mut self.hands {
            hand.dice.fill_with(|| Face::roll(rng));
            hand.dice.sort_unstable();
        }
    }

    pub(crate) fn round(&self) -> u32 {
        self.round
    }

    pub(crate) fn hands(&self) -> &[Hand] {
        &self.hands
    }

    pub(crate) fn bids(&self) -> &[Said] {
        &self.bids
    }

    pub(crate) fn last_bid(&self) -> Option<Bid> {
        self.bids.last().map(|said| said.bid)
    }

    /// Whose turn it is; nobody's before the first game.
    pub(crate) fn turn(&self) -> Option<&UserId> {
        Some(self.hands.get(self.turn)?.player.user())
    }

    /// Those who are not out.
    pub(crate) fn alive(&self) -> impl Iterator<Item = &Hand> {
        self.hands.iter().filter(|hand| !hand.dice.is_empty())
    }

    /// How many dice there are.
    pub(crate) fn dice(&self) -> u8 {
        let dice = self.hands.iter().map(|hand| hand.dice.len()).sum::<usize>();
        u8::try_from(dice).unwrap_or(u8::MAX) // six players have thirty
    }

    pub(crate) fn dice_of(&self, user: &UserId) -> Option<&[Face]> {
        let hand = self.alive().find(|hand| hand.player.user() == user)?;
        Some(&hand.dice)
    }

    pub(crate) fn winner(&self) -> Option<&UserId> {
        let mut alive = self.alive();
        let last = alive.next()?;
        alive.next().is_none().then(|| last.player.user())
    }

    /// Whoever's turn it is makes this bid, which is a raise.
    pub(crate) fn bid(&mut self, bid: Bid, late: bool) {
        if let Some(by) = self.turn().cloned() {
            self.bids.push(Said { by, bid, late });
            self.pass_on();
        }
    }

    /// Whoever's turn it is does not believe the last bid. None if there is none.
    pub(crate) fn uncover(&mut self, late: bool) -> Option<Uncovered> {
        let by = self.turn()?.clone();
        let bid = self.bids.last()?.clone();
        let lifted = |hand: &Hand| Lifted {
            user: hand.player.user().clone(),
            dice: hand.dice.clone(),
        };
        let hands: Vec<_> = self.alive().map(lifted).collect();
        let dice = hands.iter().flat_map(|hand| &hand.dice);
        let count = dice.filter(|die| **die == bid.bid.face).count();
        let count = u8::try_from(count).unwrap_or(u8::MAX); // as above
        let is_true = count >= bid.bid.count;
        let loser = if is_true { &by } else { &bid.by }.clone();
        self.take_die(&loser);
        Some(Uncovered {
            by,
            late,
            bid,
            count,
            hands,
            loser,
        })
    }

    /// The loser of a challenge has a die less, and opens the next round; if it was the last one,
    /// whoever comes next does.
    fn take_die(&mut self, loser: &UserId) {
        if let Some(at) = self.index(loser) {
            self.turn = at;
            self.hands[at].dice.pop();
            if self.hands[at].dice.is_empty() {
                self.pass_on();
            }
        }
    }

    /// Somebody has gone, and the dice with them; answers whether there were any.
    pub(crate) fn remove(&mut self, user: &UserId) -> bool {
        let Some(at) = self.index(user) else {
            return false;
        };
        let had_dice = !self.hands[at].dice.is_empty();
        self.hands[at].dice.clear();
        if self.turn == at {
            self.pass_on();
        }
        had_dice
    }

    /// Puts these dice under a cup.
    #[cfg(test)]
    pub(crate) fn put(&mut self, user: &UserId, dice: Vec<Face>) {
        if let Some(at) = self.index(user) {
            self.hands[at].dice = dice;
        }
    }

    fn index(&self, user: &UserId) -> Option<usize> {
        let mut users = self.hands.iter().map(|hand| hand.player.user());
        users.position(|other| other == user)
    }

    /// The turn goes to the next who is not out.
    fn pass_on(&mut self) {
        let count = self.hands.len();
        let after = (1..=count).map(|steps| (self.turn + steps) % count);
        let next = after
            .into_iter()
            .find(|at| !self.hands[*at].dice.is_empty());
        self.turn = next.unwrap_or(self.turn);
    }
}
