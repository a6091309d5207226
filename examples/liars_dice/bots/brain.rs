//! How a bot decides: by what is likely, given its own dice, and by now and then a bluff.

use super::known::Turn;
use crate::rules::{Bid, Face};
use rand::{Rng, RngExt, seq::IndexedRandom};

/// Of how many bids one is a bluff.
const BLUFFS: f64 = 0.15;

/// What a bot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Bid(Bid),
    Liar,
}

/// What to say.
pub(crate) fn answer(turn: &Turn, rng: &mut impl Rng) -> Answer {
    let likely = |bid: &Bid| chance(turn, *bid);
    let bids = match turn.last {
        Some(last) => raises(turn, last),
        None => openings(turn),
    };
    // A bot that always doubted at the same point would soon be seen through.
    let doubts_below = rng.random_range(0.2..0.4);
    if turn.last.is_some_and(|last| likely(&last) < doubts_below) {
        return Answer::Liar;
    }
    // To bluff is to bid what one has no dice for, as long as it can well be true.
    let bluffs: Vec<_> = bids.iter().filter(|bid| likely(bid) > 0.15).collect();
    if rng.random_bool(BLUFFS)
        && let Some(bluff) = bluffs.choose(rng)
    {
        return Answer::Bid(**bluff);
    }
    let best = bids
        .into_iter()
        .max_by(|one, other| likely(one).total_cmp(&likely(other)));
    match (best, turn.last) {
        (Some(best), None) => Answer::Bid(best),
        (Some(best), Some(last)) if likely(&best) > 1.0 - likely(&last) => Answer::Bid(best),
        _ => Answer::Liar,
    }
}

/// For each face, the smallest bid that raises the last one; none beyond the dice on the table.
fn raises(turn: &Turn, last: Bid) -> Vec<Bid> {
    let with = |face| Bid {
        count: last.count.saturating_add((face <= last.face).into()),
        face,
    };
    let all = Face::all().map(with);
    all.filter(|bid| bid.count <= turn.dice).collect()
}

/// For each face, as many as most of its own dice show, and a few that others may have: of its best
/// face it can well be true, of any other it is a bluff.
fn openings(turn: &Turn) -> Vec<Bid> {
    let mine = |face| turn.mine.iter().filter(|die| **die == face).count();
    let most = Face::all().map(mine).max().unwrap_or(0);
    let count = most + hidden(turn) / 8;
    let count = u8::try_from(count).unwrap_or(u8::MAX).clamp(1, turn.dice);
    Face::all().map(|face| Bid { count, face }).collect()
}

/// How many dice it does not know.
fn hidden(turn: &Turn) -> usize {
    usize::from(turn.dice).saturating_sub(turn.mine.len())
}

/// How likely a bid is true, for someone who knows only some of the dice.
fn chance(turn: &Turn, bid: Bid) -> f64 {
    let mine = turn.mine.iter().filter(|die| **die == bid.face).count();
    let missing = usize::from(bid.count).saturating_sub(mine);
    at_least(missing, hidden(turn))
}

/// How likely at least so many of these dice show one given face.
fn at_least(wanted: usize, dice: usize) -> f64 {
    const P: f64 = 1.0 / 6.0;
    // exactly[k]: how likely it is that k dice of those thrown so far show it.
    let mut exactly = vec![0.0; dice + 1];
    exactly[0] = 1.0;
    for thrown in 1..=dice {
        for k in (1..=thrown).rev() {
            exactly[k] = exactly[k] * (1.0 - P) + exactly[k - 1] * P;
        }
        exactly[0] *= 1.0 - P;
    }
    exactly.iter().skip(wanted).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn faces(dice: &[u8]) -> Vec<Face> {
        let faces = dice.iter().map(|die| Face::try_from(*die));
        faces.collect::<Result<_, _>>().unwrap()
    }

    fn bid(count: u8, face: u8) -> Bid {
        let face = Face::try_from(face).unwrap();
        Bid { count, face }
    }

    fn turn(mine: &[u8], dice: u8, last: Option<Bid>) -> Turn {
        let mine = faces(mine);
        Turn { mine, dice, last }
    }

    /// What it answers to the same, a thousand times.
    fn answers(turn: &Turn) -> Vec<Answer> {
        let mut rng = StdRng::seed_from_u64(7);
        (0..1000).map(|_| answer(turn, &mut rng)).collect()
    }

    #[test]
    fn chances_are_those_of_dice() {
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(near(at_least(0, 0), 1.0));
        assert!(near(at_least(1, 0), 0.0));
        assert!(near(at_least(1, 1), 1.0 / 6.0));
        assert!(near(at_least(1, 2), 11.0 / 36.0));
        assert!(near(at_least(2, 2), 1.0 / 36.0));
        assert!(near(chance(&turn(&[3, 3, 1], 5, None), bid(2, 3)), 1.0));
        assert!(near(
            chance(&turn(&[3, 1], 4, None), bid(2, 3)),
            11.0 / 36.0
        ));
    }

    #[test]
    fn it_never_doubts_what_it_knows_to_be_true_and_always_what_can_not_be() {
        let sure = turn(&[5, 5, 5], 12, Some(bid(3, 5)));
        assert!(!answers(&sure).contains(&Answer::Liar));
        let impossible = turn(&[1, 2], 3, Some(bid(2, 6)));
        assert!(answers(&impossible).iter().all(|one| *one == Answer::Liar));
    }

    #[test]
    fn every_bid_of_its_is_a_raise_that_the_table_allows() {
        let last = bid(4, 4);
        for answer in answers(&turn(&[4, 4, 6, 1, 2], 15, Some(last))) {
            if let Answer::Bid(bid) = answer {
                assert!(bid > last && bid.count <= 15, "{bid}");
            }
        }
        let highest = turn(&[6, 6], 2, Some(bid(2, 6)));
        assert!(answers(&highest).iter().all(|one| *one == Answer::Liar));
    }

    #[test]
    fn it_mostly_bids_what_it_has_and_sometimes_bluffs() {
        let all = answers(&turn(&[2, 2, 2, 5, 6], 15, None));
        let honest = all.iter().filter(|one| **one == Answer::Bid(bid(4, 2)));
        let honest = honest.count();
        assert!((800..990).contains(&honest), "{honest}");
    }
}
