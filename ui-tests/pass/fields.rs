//! What serde's attributes on a field do is what they do in a struct.

use tapaculo::game::{Game, RawMessage};

#[derive(Default, serde::Deserialize)]
pub struct Piece(u8);

/// Has no `Default`: that is what the function is for.
#[derive(serde::Deserialize)]
pub struct Square(u8);

#[derive(serde::Deserialize)]
pub struct Rest {
    more: u8,
}

mod upper {
    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Ok(Some(text.to_uppercase()))
    }
}

fn corner() -> Square {
    Square(63)
}

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(
        &mut self,
        from: Square,
        #[serde(default = "corner")] to: Square,
        #[serde(default, rename = "piece")] moved: Piece,
        maybe: Option<u8>,
        own: [Option<u8>; Self::SIZE],
        #[serde(skip)] unread: u8,
        #[serde(flatten)] rest: Rest,
    ) {
        let _ = (from.0, to.0, moved.0, maybe, own, unread, rest.more);
    }

    /// A field may have several names, and two have one if `cfg` decides which is there.
    #[message]
    fn take(
        &mut self,
        #[serde(alias = "man", alias = "what")] piece: u8,
        #[cfg(feature = "absent")]
        #[serde(rename = "where")]
        absent: Absent,
        #[cfg(not(feature = "absent"))]
        #[serde(rename = "where")]
        place: u8,
        #[serde(with = "upper", default)] by: Option<String>,
    ) {
        let _ = (piece, place, by);
    }

    const SIZE: usize = 2;
}

fn read(json: &str) -> ChessMessage {
    let json = serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
    let message = RawMessage::parse(&json, Chess::MESSAGES).unwrap();
    Chess::decode(&message).unwrap()
}

fn main() {
    let json = r#"{"type": "Play", "from": 8, "own": [1, null], "unread": 7, "more": 9}"#;
    let ChessMessage::Play {
        from,
        to,
        moved,
        maybe,
        own,
        unread,
        rest,
    } = read(json)
    else {
        panic!("it is another message");
    };
    assert_eq!((from.0, to.0, moved.0), (8, 63, 0));
    assert_eq!((maybe, own, unread, rest.more), (None, [Some(1), None], 0, 9));

    let ChessMessage::Take { piece, place, by } =
        read(r#"{"type": "Take", "what": 3, "where": 4}"#)
    else {
        panic!("it is another message");
    };
    assert_eq!((piece, place, by), (3, 4, None));
}
