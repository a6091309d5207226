//! How far a client has come in a room's events: what `?resume=` says.

use super::Seq;
use std::str::FromStr;

/// A place in the events of a room, `<epoch>-<seq>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The word that changes whenever the room's numbers start anew.
    pub(crate) epoch: String,
    /// The last event that the client has been told of.
    pub(crate) seq: Seq,
}

/// A text is not `<epoch>-<seq>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (epoch, seq) = text.rsplit_once('-').ok_or(NoPosition)?;
        let is_word = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_number = seq.bytes().all(|byte| byte.is_ascii_digit());
        if !is_word || !is_number {
            return Err(NoPosition);
        }
        Ok(Self {
            epoch: epoch.to_owned(),
            seq: Seq(seq.parse().map_err(|_| NoPosition)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_an_epoch_and_a_number() {
        for (good, epoch, seq) in [
            ("abc-0", "abc", 0),
            ("k3j-17", "k3j", 17),
            ("a-18446744073709551615", "a", u64::MAX),
        ] {
            let position: Position = good.parse().unwrap();
            assert_eq!((position.epoch.as_str(), position.seq), (epoch, Seq(seq)));
        }
        for bad in [
            "",
            "-",
            "abc",
            "abc-",
            "-1",
            "abc-+1",
            "a b-1",
            "a-18446744073709551616",
        ] {
            assert_eq!(bad.parse::<Position>(), Err(NoPosition), "{bad}");
        }
    }
}
