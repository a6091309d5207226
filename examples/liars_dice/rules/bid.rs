//! A bid: how many dice of one face there are at least, under all cups together.

use serde::{Deserialize, Serialize};
use std::fmt;
use tapaculo::reexport::rand::{Rng, RngExt};

/// What a die shows, from 1 to 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub(crate) struct Face(u8);

impl Face {
    const ONE: Self = Self(1);

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (1..=6).map(Self)
    }

    pub(crate) fn roll(rng: &mut impl Rng) -> Self {
        Self(rng.random_range(1..=6))
    }

    fn next(self) -> Option<Self> {
        Self::try_from(self.0 + 1).ok()
    }
}

impl TryFrom<u8> for Face {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1..=6 => Ok(Self(number)),
            _ => Err("a die has the faces 1 to 6"),
        }
    }
}

impl From<Face> for u8 {
    fn from(face: Face) -> Self {
        face.0
    }
}

/// `{"count": 3, "face": 5}`: there are at least three fives. Ordered as bids rise: more dice are
/// more, and of as many dice those of a higher face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Bid {
    pub(crate) count: u8,
    pub(crate) face: Face,
}

impl Bid {
    /// The smallest there is after this one, on a table of so many dice.
    pub(crate) fn smallest_after(last: Option<Self>, dice: u8) -> Option<Self> {
        let next = match last {
            None => Self {
                count: 1,
                face: Face::ONE,
            },
            Some(Self { count, face }) => match face.next() {
                Some(face) => Self { count, face },
                None => Self {
                    count: count.checked_add(1)?,
                    face: Face::ONE,
                },
            },
        };
        (next.count <= dice).then_some(next)
    }
}

impl fmt::Display for Bid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
        let name = NAMES[usize::from(self.face.0 - 1)];
        let plural = match (self.count, self.face.0) {
            (1, _) => "",
            (_, 6) => "es",
            _ => "s",
        };
        write!(f, "{} {name}{plural}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bid(count: u8, face: u8) -> Bid {
        let face = Face(face);
        Bid { count, face }
    }

    #[test]
    fn more_dice_are_more_and_of_as_many_those_of_a_higher_face() {
        assert!(bid(3, 1) > bid(2, 6));
        assert!(bid(2, 4) > bid(2, 3));
        assert!(bid(1, 6) < bid(2, 1));
        assert_eq!(bid(2, 2).cmp(&bid(2, 2)), std::cmp::Ordering::Equal);
    }

    #[test]
    fn from_one_smallest_raise_to_the_next_every_bid_is_reached_once() {
        let mut last = None;
        let mut all = Vec::new();
        while let Some(next) = Bid::smallest_after(last, 3) {
            assert!(last.is_none_or(|last| next > last));
            all.push(next);
            last = Some(next);
        }
        assert_eq!((all.len(), all[0], all[17]), (18, bid(1, 1), bid(3, 6)));
    }

    #[test]
    fn a_face_is_a_number_from_one_to_six() {
        for (json, fine) in [
            ("0", false),
            ("1", true),
            ("6", true),
            ("7", false),
            ("-1", false),
        ] {
            assert_eq!(serde_json::from_str::<Face>(json).is_ok(), fine, "{json}");
        }
    }

    #[test]
    fn bids_are_said_in_words() {
        assert_eq!(bid(1, 1).to_string(), "1 one");
        assert_eq!(bid(3, 6).to_string(), "3 sixes");
        assert_eq!(bid(2, 5).to_string(), "2 fives");
    }
}
