//! The rules, without a room: what a bid is, who has which dice, and what a challenge brings.
//!
//! Everybody rolls five dice under a cup. In turn each says how many dice of one face there are at
//! least, under all cups together; a bid has more dice than the one before, or as many of a higher
//! face. Ones are just ones: nothing is wild. Instead of bidding, one may call the last bid a lie:
//! then all cups are lifted. If there are as many as was bid, the caller loses a die, otherwise the
//! bidder. The loser opens the next round. The last with dice wins.

mod bid;
mod cups;

pub(crate) use self::{
    bid::{Bid, Face},
    cups::{Cups, Hand, Said, Uncovered},
};
