use super::*;
use crate::prelude::*;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Instant,
};

/// A game as it began, and what became of it.
mod versions {
    use super::*;

    #[tapaculo::game(name = "score", persist)]
    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct First {
        pub(super) white: u32,
        pub(super) black: u32,
    }

    #[tapaculo::game]
    impl First {}

    /// The same version, with a field that is new.
    #[tapaculo::game(name = "score", persist = "2s", version = 1)]
    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct More {
        #[serde(default = "komi")]
        pub(super) komi: f32,
        pub(super) white: u32,
        pub(super) black: u32,
    }

    fn komi() -> f32 {
        6.5
    }

    #[tapaculo::game]
    impl More {}

    /// What version 2 had saved, of which no game is left.
    #[derive(Serialize, Deserialize)]
    pub(super) struct Second {
        pub(super) points: [u32; 2],
    }

    #[tapaculo::game(name = "score", persist, version = 3)]
    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct Third {
        pub(super) points: HashMap<String, u32>,
    }

    #[tapaculo::game]
    impl Third {
        #[migrate]
        fn migrate(old: SavedState) -> Result<Self, String> {
            let [white, black] = match old.version() {
                1 => {
                    let First { white, black } = old.read().map_err(|e| e.to_string())?;
                    [white, black]
                }
                2 => old.read::<Second>().map_err(|e| e.to_string())?.points,
                version => return Err(format!("nobody has seen version {version}")),
            };
            if white + black == 0 {
                return Err("there was no game".to_owned());
            }
            let points = [("white", white), ("black", black)];
            let points = points.map(|(side, points)| (side.to_owned(), points));
            Ok(Self {
                points: HashMap::from(points),
            })
        }
    }
}
use versions::{First, More, Second, Third};

fn saved<G: Game>(game: &G) -> Vec<u8> {
    game.save().expect("the game is kept").unwrap()
}

fn why<G: Game>(version: u32, saved: Vec<u8>) -> String {
    match restore::<G>(version, saved) {
        Err(Refusal::Internal(words) | Refusal::Rejected(words)) => words,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was restored"),
    }
}

#[test]
fn how_a_game_is_kept_is_what_its_struct_says() {
    assert_eq!(First::PERSIST, Some(Persist::new()));
    let every = Persist::new().every(Duration::from_secs(2));
    assert_eq!(More::PERSIST, Some(every));
    assert_eq!(Third::PERSIST, Some(Persist::new().version(3)));
    assert_eq!(
        (First::MIGRATES, More::MIGRATES, Third::MIGRATES),
        (false, false, true)
    );
}

#[test]
fn a_game_comes_back_as_it_was_saved() {
    let first = First { white: 3, black: 5 };
    let back: First = restore(1, saved(&first)).unwrap();
    assert_eq!((back.white, back.black), (3, 5));
}

#[test]
fn a_field_with_a_default_may_be_added_and_one_may_go_within_a_version() {
    let first = First { white: 3, black: 5 };
    let more: More = restore(1, saved(&first)).unwrap();
    assert_eq!((more.komi, more.white, more.black), (6.5, 3, 5));
    // Back again: a field that is not known is left out.
    let first: First = restore(1, saved(&more)).unwrap();
    assert_eq!((first.white, first.black), (3, 5));
}

#[test]
fn what_the_guide_says_needs_no_version_needs_none() {
    #[derive(Serialize)]
    enum Before {
        Waiting,
        Playing { round: u8 },
    }
    #[derive(Serialize)]
    struct Old {
        stage: Before,
        next: Before,
        gone: Vec<u8>,
        points: u8,
        name: &'static str,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    enum After {
        #[serde(alias = "Waiting")]
        Lobby,
        Paused,
        Playing {
            round: i64,
        },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct New {
        #[serde(alias = "name")]
        title: String,
        points: u32,
        next: After,
        stage: After,
        #[serde(default)]
        new: Option<Box<New>>,
    }

    let old = Old {
        stage: Before::Waiting,
        next: Before::Playing { round: 200 },
        gone: vec![1, 2],
        points: 7,
        name: "chess",
    };
    let new: New = SavedState::of(1, &old).unwrap().read().unwrap();
    let expected = New {
        title: "chess".to_owned(),
        points: 7,
        next: After::Playing { round: 200 },
        stage: After::Lobby,
        new: None,
    };
    assert_eq!(new, expected);
}

#[test]
fn an_older_version_comes_through_the_hook_from_whichever_it_was() {
    let from_first: Third = restore(1, saved(&First { white: 3, black: 5 })).unwrap();
    let second = Second { points: [3, 5] };
    let from_second: Third = restore(2, write(&second).unwrap()).unwrap();
    for third in [from_first, from_second] {
        assert_eq!((third.points["white"], third.points["black"]), (3, 5));
        let again: Third = restore(3, saved(&third)).unwrap();
        assert_eq!(again.points, third.points);
    }
}

#[test]
fn a_hook_may_refuse_and_what_it_can_not_read_is_said() {
    let words = why::<Third>(1, saved(&First::default()));
    assert_eq!(words, "there was no game");
    let words = why::<Third>(2, saved(&First { white: 3, black: 5 }));
    assert_eq!(
        words,
        "the saved state can't be read: missing field `points`"
    );
}

#[test]
fn an_older_version_without_a_hook_is_an_error() {
    // The macro does not let this happen: the trait is what others could rely on.
    let words = why::<First>(0, saved(&First::default()));
    assert_eq!(
        words,
        "version 0 of `score` has saved it, and there is no `#[migrate]`"
    );
}

#[test]
fn a_newer_version_is_not_even_tried() {
    let words = why::<First>(2, saved(&First { white: 3, black: 5 }));
    assert_eq!(
        words,
        "version 2 of `score` has saved it, and this is version 1"
    );
}

#[test]
fn what_is_not_a_state_is_an_error_and_not_another_state() {
    let whole = saved(&First { white: 3, black: 5 });
    for end in 0..whole.len() {
        let words = why::<First>(1, whole[..end].to_owned());
        assert!(
            words.starts_with("the saved state can't be read: "),
            "{words}"
        );
    }
    let mut longer = whole;
    longer.push(0);
    assert_eq!(
        why::<First>(1, longer),
        "the saved state can't be read: 1 bytes are left over"
    );
    let words = why::<First>(1, write(&["white", "black"]).unwrap());
    assert!(words.contains("wrong msgpack marker"), "{words}");
}

#[test]
fn a_game_without_persist_has_nothing_to_save() {
    #[tapaculo::game]
    #[derive(Default)]
    struct Plain {
        since: Option<Instant>,
    }

    #[tapaculo::game]
    impl Plain {
        #[timer]
        fn ring(&mut self, at: Instant) {
            self.since = Some(at);
        }
    }

    assert_eq!(Plain::PERSIST, None);
    assert_eq!(Plain::default().save(), None);
    let timer = PlainTimer::Ring { at: Instant::now() };
    assert_eq!(Plain::save_timer(&timer), None);
    let nothing = || Refusal::Internal("a game without `persist` has nothing saved".to_owned());
    assert_eq!(Plain::load(&[0x80]).err(), Some(nothing()));
    assert_eq!(Plain::load_timer(&[0x80]).err(), Some(nothing()));
}

/// All kinds of values that a state may have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Values {
    cells: HashMap<(u8, u8), Piece>,
    by_number: BTreeMap<i64, BTreeSet<char>>,
    by_user: HashMap<UserId, Seat>,
    nested: Tree<Option<Vec<Piece>>>,
    maybe: [Option<u8>; 2],
    bytes: Vec<u8>,
    text: Box<str>,
    small: i128,
    large: u128,
    least: i64,
    most: u64,
    ratio: f32,
    exact: [f64; 4],
    queue: VecDeque<(u32, String)>,
    result: Result<u8, String>,
    long: Duration,
    nothing: (),
    unit: Unit,
    newtype: Newtype,
    tagged: Vec<Tagged>,
    #[serde(flatten)]
    flat: Flat,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    json: serde_json::Value,
    #[serde(skip)]
    cache: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Piece {
    King,
    Pawn(u8, bool),
    Rook { moved: bool },
    One(Option<u8>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tree<T> {
    value: T,
    below: Vec<Tree<T>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Option<Unit>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Tagged {
    DrawOffer { by: Seat },
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    round: u16,
    #[serde(rename = "dealer's name")]
    dealer: Option<String>,
}

fn values() -> Values {
    let leaf = |value| Tree {
        value,
        below: Vec::new(),
    };
    Values {
        cells: HashMap::from([
            ((0, 7), Piece::King),
            ((255, 0), Piece::Pawn(7, true)),
            ((1, 1), Piece::Rook { moved: false }),
            ((1, 2), Piece::One(None)),
            ((1, 3), Piece::One(Some(0))),
        ]),
        by_number: BTreeMap::from([
            (-1, BTreeSet::from(['a', '\u{0}', '♞'])),
            (i64::MAX, BTreeSet::new()),
        ]),
        by_user: HashMap::from([("ann".parse().unwrap(), Seat::new(1))]),
        nested: Tree {
            value: None,
            below: vec![leaf(Some(vec![])), leaf(Some(vec![Piece::King]))],
        },
        maybe: [None, Some(0)],
        bytes: (0..=255).collect(),
        text: "naïve".into(),
        small: i128::MIN,
        large: u128::MAX,
        least: i64::MIN,
        most: u64::MAX,
        ratio: 0.1,
        exact: [0.1 + 0.2, f64::MIN_POSITIVE, f64::INFINITY, -0.0],
        queue: VecDeque::from([(1, String::new()), (2, "\"".to_owned())]),
        result: Err("no".to_owned()),
        long: Duration::new(u64::MAX, 999_999_999),
        nothing: (),
        unit: Unit,
        newtype: Newtype(Some(Unit)),
        tagged: vec![Tagged::DrawOffer { by: Seat::new(0) }, Tagged::Nothing],
        flat: Flat {
            round: 3,
            dealer: None,
        },
        left_out: None,
        json: serde_json::json!({"a": [1, -2, 0.5, null, "x", {}]}),
        cache: 0,
    }
}

#[tapaculo::game(persist)]
#[derive(Serialize, Deserialize)]
struct Everything(Values);

#[tapaculo::game]
impl Everything {
    #[create]
    fn create() -> Self {
        Self(values())
    }
}

#[test]
fn every_kind_of_value_comes_back_as_it_was() {
    let game = Everything(values());
    let Everything(back) = restore(1, saved(&game)).unwrap();
    assert_eq!(back, values());
    assert!(back.exact[3].is_sign_negative());
}

#[test]
fn a_float_comes_back_with_all_its_bits() {
    for bits in [
        f64::NAN.to_bits(),
        0xfff8_0000_0000_0001,
        (-0.0_f64).to_bits(),
        1,
    ] {
        let back: f64 = decoded(&encoded(&f64::from_bits(bits)).unwrap()).unwrap();
        assert_eq!(back.to_bits(), bits);
    }
    for bits in [f32::NAN.to_bits(), (-0.0_f32).to_bits(), 1] {
        let back: f32 = decoded(&encoded(&f32::from_bits(bits)).unwrap()).unwrap();
        assert_eq!(back.to_bits(), bits);
    }
}

#[test]
fn an_option_inside_of_an_option_is_one_as_in_json() {
    // The documentation says so; a format that knew better would change this.
    let inside: Option<Option<u8>> = Some(None);
    let back: Option<Option<u8>> = decoded(&encoded(&inside).unwrap()).unwrap();
    assert_eq!(back, None);
}

#[test]
fn what_is_too_deep_to_be_read_again_is_not_saved() {
    let mut tree = Tree {
        value: 0_u8,
        below: Vec::new(),
    };
    for _ in 0..depth::MOST / 2 {
        tree = Tree {
            value: 0,
            below: vec![tree],
        };
    }
    let refused = encoded(&tree).unwrap_err();
    assert_eq!(
        refused.why(),
        "the state can't be saved: it is nested deeper than 256 levels"
    );
    let below = tree.below.pop().expect("it is nested");
    let back: Tree<u8> = decoded(&encoded(&below).unwrap()).unwrap();
    assert_eq!(back, below);
}

#[test]
fn a_state_that_can_not_be_encoded_says_why() {
    struct Locked;
    impl Serialize for Locked {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("the box is locked"))
        }
    }
    let error = SavedState::of(1, &Locked).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the state can't be encoded: the box is locked"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_saved_state_can_be_read_more_than_once_and_does_not_show_its_cards() {
    let old = SavedState::of(1, &First { white: 3, black: 5 }).unwrap();
    assert!(old.read::<Second>().is_err());
    assert_eq!(old.read::<First>().unwrap().black, 5);
    assert_eq!(format!("{old:?}"), "SavedState { version: 1, .. }");
}

/// A game with timers of all kinds.
#[tapaculo::game(persist)]
#[derive(Default, Serialize, Deserialize)]
struct Clock {
    rung: Vec<String>,
}

/// No serde: its parameter says how it is saved.
#[derive(Debug, PartialEq)]
struct Foreign(u8);

mod foreign {
    use super::{Deserialize, Foreign, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(it: &Foreign, to: S) -> Result<S::Ok, S::Error> {
        it.0.serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Foreign, D::Error> {
        u8::deserialize(from).map(Foreign)
    }
}

#[tapaculo::game]
impl Clock {
    #[timer]
    fn ring(&mut self) {
        self.rung.push("ring".to_owned());
    }

    #[timer]
    fn flag(
        &mut self,
        seat: Seat,
        left: Option<Duration>,
        pieces: HashMap<(u8, u8), Piece>,
        #[serde(rename = "type")] kind: String,
    ) {
        let all = format!("{seat:?} {left:?} {} {kind}", pieces.len());
        self.rung.push(all);
    }

    #[timer]
    fn odd(
        &mut self,
        #[serde(with = "foreign")] foreign: Foreign,
        #[serde(skip)] at: Option<Instant>,
        #[serde(default)] count: u8,
        #[serde(alias = "older")] newer: u8,
    ) {
        let all = format!("{foreign:?} {at:?} {count} {newer}");
        self.rung.push(all);
    }
}

#[test]
fn timers_go_out_and_come_back() {
    let set = [
        ClockTimer::Ring,
        ClockTimer::Flag {
            seat: Seat::new(1),
            left: Some(Duration::from_millis(1)),
            pieces: HashMap::from([((0, 7), Piece::King)]),
            kind: "blitz".to_owned(),
        },
    ];
    for timer in &set {
        let saved = Clock::save_timer(timer).expect("the game is kept").unwrap();
        let back = Clock::load_timer(&saved).unwrap();
        match (timer, back) {
            (ClockTimer::Ring, ClockTimer::Ring) => {}
            (
                ClockTimer::Flag {
                    seat,
                    left,
                    pieces,
                    kind,
                },
                ClockTimer::Flag {
                    seat: s,
                    left: l,
                    pieces: p,
                    kind: k,
                },
            ) => assert_eq!((seat, left, pieces, kind), (&s, &l, &p, &k)),
            _ => panic!("another timer came back"),
        }
    }
}

#[test]
fn what_serde_is_told_of_a_timers_parameters_counts() {
    let timer = ClockTimer::Odd {
        foreign: Foreign(7),
        at: Some(Instant::now()),
        count: 2,
        newer: 3,
    };
    let saved = Clock::save_timer(&timer)
        .expect("the game is kept")
        .unwrap();
    let back = Clock::load_timer(&saved).unwrap();
    assert!(
        matches!(
            back,
            ClockTimer::Odd {
                foreign: Foreign(7),
                at: None,
                count: 2,
                newer: 3
            }
        ),
        "it is not what it was"
    );

    let older = BTreeMap::from([("Odd", BTreeMap::from([("foreign", 7), ("older", 1)]))]);
    let back = Clock::load_timer(&encoded(&older).unwrap()).unwrap();
    assert!(
        matches!(
            back,
            ClockTimer::Odd {
                count: 0,
                newer: 1,
                ..
            }
        ),
        "the default or the alias does not count"
    );
    let wire = BTreeMap::from([("Flag", BTreeMap::from([("kind", "blitz")]))]);
    let words = Clock::load_timer(&encoded(&wire).unwrap()).err();
    let words = words.expect("it is called `type`");
    assert!(words.why().contains("missing field"), "{words:?}");
}

#[test]
fn a_timer_that_is_no_more_is_an_error_that_names_those_there_are() {
    let Err(refused) = Clock::load_timer(&encoded(&"Gong").unwrap()) else {
        panic!("there is no such timer");
    };
    assert_eq!(
        refused.why(),
        "the saved state can't be read: unknown variant `Gong`, expected one of `Ring`, `Flag`, `Odd`"
    );
}
