//! From JSON, which the server has written itself, to MessagePack.

use rmp::encode::{self, ByteBuf, RmpWrite, ValueWriteError};
use std::convert::Infallible;

/// An array or a map whose end has not come yet.
struct Open {
    /// Where its header is to stand; there is a byte for it.
    header: usize,
    /// How many values it has, a map's keys among them.
    values: usize,
    is_map: bool,
}

/// Writes a JSON text as MessagePack.
///
/// Not by serde: the game may have nested its values as deep as it likes, and a float must be read
/// to its last digit, which a browser does as well.
pub(crate) fn from_json(text: &str) -> Vec<u8> {
    let mut out = ByteBuf::with_capacity(text.len());
    let mut open: Vec<Open> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' => string_length(rest),
            b'{' | b'[' | b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => rest.find(ends_scalar).unwrap_or(rest.len()),
        };
        // It is never cut: what ends a token is one byte of ASCII.
        let Some((token, after)) = rest.split_at_checked(length) else {
            break;
        };
        rest = after;
        match first {
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'}' | b']' => {
                if let Some(open) = open.pop() {
                    close(out.as_mut_vec(), &open);
                }
                continue;
            }
            _ => {}
        }
        if let Some(parent) = open.last_mut() {
            parent.values += 1;
        }
        match first {
            b'{' | b'[' => {
                open.push(Open {
                    header: out.as_slice().len(),
                    values: 0,
                    is_map: first == b'{',
                });
                out.as_mut_vec().push(0);
            }
            b'"' => write_string(&mut out, token),
            _ => write_scalar(&mut out, token),
        }
    }
    out.into_vec()
}

fn ends_scalar(c: char) -> bool {
    matches!(c, ',' | ']' | '}' | ' ' | '\t' | '\n' | '\r')
}

/// How long the string is with which a text begins, its quotes included.
fn string_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}

/// Puts the header where there is a byte for it; few have more.
fn close(out: &mut Vec<u8>, open: &Open) {
    let mut header = ByteBuf::with_capacity(5);
    let length = |values| u32::try_from(values).unwrap_or(u32::MAX);
    written(if open.is_map {
        encode::write_map_len(&mut header, length(open.values / 2))
    } else {
        encode::write_array_len(&mut header, length(open.values))
    });
    match header.as_slice() {
        [short] => out[open.header] = *short,
        long => drop(out.splice(open.header..=open.header, long.iter().copied())),
    }
}

fn write_string(out: &mut ByteBuf, token: &str) {
    let inside = token.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    match inside {
        Some(plain) if !plain.contains('\\') => written(encode::write_str(out, plain)),
        _ => {
            // Half a surrogate pair, which a game's own `RawValue` may have, is no text.
            let text: Result<String, _> = serde_json::from_str(token);
            written(encode::write_str(
                out,
                text.as_deref().unwrap_or("\u{fffd}"),
            ));
        }
    }
}

fn write_scalar(out: &mut ByteBuf, token: &str) {
    match token {
        "null" => {
            let Ok(()) = encode::write_nil(out);
        }
        "true" | "false" => {
            let Ok(()) = encode::write_bool(out, token == "true");
        }
        number => write_number(out, number),
    }
}

/// Writes what is written without a fraction as an integer, if there is one so big, and a float as
/// short as it can be without a loss.
fn write_number(out: &mut ByteBuf, number: &str) {
    // Of the integers, JSON has one more zero.
    if let (Ok(number), true) = (number.parse(), number != "-0") {
        written(encode::write_uint(out, number));
    } else if let (Ok(number), true) = (number.parse(), number != "-0") {
        written(encode::write_sint(out, number));
    } else {
        let wide: f64 = number.parse().unwrap_or_default();
        let narrow = wide as f32;
        if f64::from(narrow) == wide {
            written(encode::write_f32(out, narrow));
        } else {
            written(encode::write_f64(out, wide));
        }
    }
}

fn written<T>(result: Result<T, ValueWriteError<<ByteBuf as RmpWrite>::Error>>) {
    let never: Result<T, Infallible> = result.map_err(|error| match error {
        ValueWriteError::InvalidMarkerWrite(never) | ValueWriteError::InvalidDataWrite(never) => {
            never
        }
    });
    let Ok(_) = never;
}
