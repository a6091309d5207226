//! How deep a value is nested, so that nothing is saved that can't be read again.

use rmp::Marker;

/// How deep what is saved may be nested. Each level takes some of the stack of whoever reads it, and
/// `rmp_serde` gives up at 1,024, but writes more.
pub(super) const MOST: usize = 256;

/// Whether a value of MessagePack is nested deeper than that.
pub(super) fn is_too_deep(value: &[u8]) -> bool {
    // A level is a byte at least: most states need no look.
    value.len() > MOST && depth_up_to(value, MOST + 1) > MOST
}

/// How deep a value is nested, by levels of arrays and maps; looked at as far as `enough`.
fn depth_up_to(mut value: &[u8], enough: usize) -> usize {
    let mut deepest = 0;
    // How many values are still to come on each level.
    let mut open: Vec<u64> = Vec::new();
    while deepest < enough
        && let Some((length, inside)) = head(value)
    {
        value = value.get(length..).unwrap_or_default();
        if inside > 0 {
            open.push(inside);
            deepest = deepest.max(open.len());
            continue;
        }
        while let Some(left) = open.last_mut() {
            *left -= 1;
            if *left > 0 {
                break;
            }
            open.pop();
        }
    }
    deepest
}

/// How many bytes a value begins with, all of it if it is not one of arrays and maps, and how many
/// values follow that are inside of it; `None` at the end.
fn head(value: &[u8]) -> Option<(usize, u64)> {
    let (first, rest) = value.split_first()?;
    let number = |bytes: usize| {
        let digits = rest.get(..bytes)?.iter();
        Some(digits.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    // A length that is longer than what there is ends the value, too.
    let text = |bytes: usize, besides: usize| {
        let length = usize::try_from(number(bytes)?).unwrap_or(usize::MAX);
        Some((length.saturating_add(1 + bytes + besides), 0))
    };
    let some = |length: usize| Some((1 + length, 0));
    match Marker::from_u8(*first) {
        Marker::FixPos(_)
        | Marker::FixNeg(_)
        | Marker::Null
        | Marker::True
        | Marker::False
        | Marker::Reserved => some(0),
        Marker::U8 | Marker::I8 => some(1),
        Marker::U16 | Marker::I16 => some(2),
        Marker::U32 | Marker::I32 | Marker::F32 => some(4),
        Marker::U64 | Marker::I64 | Marker::F64 => some(8),
        Marker::FixStr(length) => some(usize::from(length)),
        Marker::Str8 | Marker::Bin8 => text(1, 0),
        Marker::Str16 | Marker::Bin16 => text(2, 0),
        Marker::Str32 | Marker::Bin32 => text(4, 0),
        Marker::FixExt1 => some(2),
        Marker::FixExt2 => some(3),
        Marker::FixExt4 => some(5),
        Marker::FixExt8 => some(9),
        Marker::FixExt16 => some(17),
        Marker::Ext8 => text(1, 1),
        Marker::Ext16 => text(2, 1),
        Marker::Ext32 => text(4, 1),
        Marker::FixArray(values) => Some((1, u64::from(values))),
        Marker::Array16 => Some((3, number(2)?)),
        Marker::Array32 => Some((5, number(4)?)),
        Marker::FixMap(pairs) => Some((1, 2 * u64::from(pairs))),
        Marker::Map16 => Some((3, 2 * number(2)?)),
        Marker::Map32 => Some((5, 2 * number(4)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use std::collections::BTreeMap;

    fn depth<T: Serialize + ?Sized>(value: &T) -> usize {
        depth_up_to(&rmp_serde::to_vec_named(value).unwrap(), usize::MAX)
    }

    #[test]
    fn the_depth_is_that_of_the_deepest_place_wherever_it_is() {
        assert_eq!(depth(&7), 0);
        assert_eq!(depth(&[0_u8; 0]), 0);
        assert_eq!(depth(&[[1, 2], [3, 4]]), 2);
        // Values of every size before the deep place.
        let numbers = (
            (
                0_u8,
                200_u8,
                60_000_u16,
                u32::MAX,
                u64::MAX,
                (),
                true,
                false,
            ),
            (
                -1_i8,
                i8::MIN,
                i16::MIN,
                i32::MIN,
                i64::MIN,
                0.5_f32,
                0.5_f64,
            ),
            ("", "a".repeat(40), "b".repeat(300), "c".repeat(70_000)),
            (i128::MIN, vec![1_u8; 20], vec![2_u8; 70_000]),
            (0..20).map(|n| (n, n)).collect::<BTreeMap<u8, u8>>(),
            (0..70_000).map(|n| (n, n)).collect::<BTreeMap<u32, u32>>(),
            [[[[Some(1)]]]],
            [2],
        );
        assert_eq!(depth(&numbers), 5);
    }

    #[test]
    fn only_what_is_deeper_than_that_is_too_deep() {
        let nested = |levels: usize| {
            let mut value = vec![0x91; levels];
            value.push(0xc0);
            value
        };
        assert!(!is_too_deep(&nested(MOST)));
        assert!(is_too_deep(&nested(MOST + 1)));
        assert!(is_too_deep(&nested(100_000)));
        let wide = vec![[[1_u8; 3]; 3]; 1_000];
        assert!(!is_too_deep(&rmp_serde::to_vec_named(&wide).unwrap()));
    }
}
