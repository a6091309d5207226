//! From MessagePack, which anybody may have sent, to JSON.

use crate::protocol::{Incoming, Incorrect, json::MAX_DEPTH};
use rmp::Marker;
use std::{fmt, io::Write};

/// Reads a frame of a client as JSON text, at most six times as long (a `false` and a comma for a
/// byte).
///
/// Whatever the frame says of its own lengths, no more is kept or done than its bytes are worth.
/// What JSON can't say becomes `null` on the way, so that the frame's id may still be found.
pub(crate) fn to_json(frame: &[u8]) -> Result<String, Incorrect> {
    let mut reader = Reader {
        rest: frame,
        out: Vec::with_capacity(frame.len() * 2),
        wrong: None,
    };
    if reader.read().is_err() {
        let why = "not a frame: it ends within a value".to_owned();
        return Err(Incorrect { why, id: None });
    }
    if !reader.rest.is_empty() {
        reader.wrong(format_args!("something comes after the value"));
    }
    let text = String::from_utf8(reader.out).expect("text is looked at before it is put in");
    match reader.wrong {
        None => Ok(text),
        Some(why) => Err(Incorrect {
            why: format!("not a frame: {why}"),
            id: Incoming::id_of(&text),
        }),
    }
}

/// The frame ends within a value.
struct Cut;

struct Reader<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    /// The first thing that JSON can't say.
    wrong: Option<String>,
}

/// How a value begins; for those that are no longer than that, all of it.
enum Head {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    /// So many bytes follow.
    Text(u64),
    /// So many values follow.
    Array(u64),
    /// So many keys and values follow.
    Map(u64),
    /// What JSON has nothing for, in so many bytes.
    Foreign(&'static str, u64),
}

/// An array or a map of which something is still to come.
struct Open {
    left: u64,
    is_map: bool,
    is_empty: bool,
}

impl<'a> Reader<'a> {
    /// Reads one value, without recursion.
    fn read(&mut self) -> Result<(), Cut> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let opened = self.value(open.len())?;
            open.extend(opened);
            loop {
                let Some(innermost) = open.last_mut() else {
                    return Ok(());
                };
                if innermost.left > 0 {
                    innermost.left -= 1;
                    if !innermost.is_empty {
                        self.out.push(b',');
                    }
                    innermost.is_empty = false;
                    if innermost.is_map {
                        self.key()?;
                        self.out.push(b':');
                    }
                    break;
                }
                self.out.push(if innermost.is_map { b'}' } else { b']' });
                open.pop();
            }
        }
    }

    /// Reads a value, or what one begins with that has others in it.
    fn value(&mut self, depth: usize) -> Result<Option<Open>, Cut> {
        match self.head()? {
            Head::Nil => self.put("null"),
            Head::Bool(is) => self.put(is),
            Head::Unsigned(number) => self.put(number),
            Head::Signed(number) => self.put(number),
            Head::Float(number) => match serde_json::Number::from_f64(number) {
                Some(number) => self.put(number),
                None => self.put_nothing(format_args!("JSON has no {number}")),
            },
            Head::Text(length) => self.text(length)?,
            container @ (Head::Array(_) | Head::Map(_)) if depth == MAX_DEPTH => {
                self.skip(container)?;
                self.put_nothing(format_args!("nested deeper than {MAX_DEPTH} levels"));
            }
            Head::Array(left) => {
                self.out.push(b'[');
                return Ok(Some(Open::new(left, false)));
            }
            Head::Map(left) => {
                self.out.push(b'{');
                return Ok(Some(Open::new(left, true)));
            }
            foreign @ Head::Foreign(what, _) => {
                self.skip(foreign)?;
                self.put_nothing(format_args!("JSON has no {what}"));
            }
        }
        Ok(None)
    }

    fn key(&mut self) -> Result<(), Cut> {
        match self.head()? {
            Head::Text(length) => self.text(length),
            other => {
                self.skip(other)?;
                self.wrong(format_args!("a map's keys are strings"));
                self.put("\"\"");
                Ok(())
            }
        }
    }

    fn text(&mut self, length: u64) -> Result<(), Cut> {
        match std::str::from_utf8(self.bytes(length)?) {
            Ok(text) => serde_json::to_writer(&mut self.out, text)
                .expect("a string is JSON, and a buffer takes it"),
            Err(_) => {
                self.wrong(format_args!("a string that is not UTF-8"));
                self.put("\"\"");
            }
        }
        Ok(())
    }

    /// Passes over what follows the head of a value.
    fn skip(&mut self, head: Head) -> Result<(), Cut> {
        let mut left = self.skip_bytes(head)?;
        while left > 0 {
            let head = self.head()?;
            // No frame is so long that this would be reached.
            left = (left - 1).saturating_add(self.skip_bytes(head)?);
        }
        Ok(())
    }

    /// Passes over the bytes of a value; answers how many values follow that are in it.
    fn skip_bytes(&mut self, head: Head) -> Result<u64, Cut> {
        match head {
            Head::Text(length) | Head::Foreign(_, length) => self.bytes(length).map(|_| 0),
            Head::Array(values) => Ok(values),
            Head::Map(entries) => Ok(2 * entries),
            Head::Nil | Head::Bool(_) | Head::Unsigned(_) | Head::Signed(_) | Head::Float(_) => {
                Ok(0)
            }
        }
    }

    fn head(&mut self) -> Result<Head, Cut> {
        let [marker] = self.array()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Head::Nil,
            Marker::False => Head::Bool(false),
            Marker::True => Head::Bool(true),
            Marker::FixPos(number) => Head::Unsigned(number.into()),
            Marker::U8 => Head::Unsigned(self.unsigned::<1>()?),
            Marker::U16 => Head::Unsigned(self.unsigned::<2>()?),
            Marker::U32 => Head::Unsigned(self.unsigned::<4>()?),
            Marker::U64 => Head::Unsigned(self.unsigned::<8>()?),
            Marker::FixNeg(number) => Head::Signed(number.into()),
            Marker::I8 => Head::Signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Head::Signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Head::Signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Head::Signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Head::Text(length.into()),
            Marker::Str8 => Head::Text(self.unsigned::<1>()?),
            Marker::Str16 => Head::Text(self.unsigned::<2>()?),
            Marker::Str32 => Head::Text(self.unsigned::<4>()?),
            Marker::FixArray(length) => Head::Array(length.into()),
            Marker::Array16 => Head::Array(self.unsigned::<2>()?),
            Marker::Array32 => Head::Array(self.unsigned::<4>()?),
            Marker::FixMap(length) => Head::Map(length.into()),
            Marker::Map16 => Head::Map(self.unsigned::<2>()?),
            Marker::Map32 => Head::Map(self.unsigned::<4>()?),
            Marker::Bin8 => Head::Foreign(BIN, self.unsigned::<1>()?),
            Marker::Bin16 => Head::Foreign(BIN, self.unsigned::<2>()?),
            Marker::Bin32 => Head::Foreign(BIN, self.unsigned::<4>()?),
            // A byte for the type comes first.
            Marker::FixExt1 => Head::Foreign(EXT, 2),
            Marker::FixExt2 => Head::Foreign(EXT, 3),
            Marker::FixExt4 => Head::Foreign(EXT, 5),
            Marker::FixExt8 => Head::Foreign(EXT, 9),
            Marker::FixExt16 => Head::Foreign(EXT, 17),
            Marker::Ext8 => Head::Foreign(EXT, self.unsigned::<1>()? + 1),
            Marker::Ext16 => Head::Foreign(EXT, self.unsigned::<2>()? + 1),
            Marker::Ext32 => Head::Foreign(EXT, self.unsigned::<4>()? + 1),
            Marker::Reserved => Head::Foreign("`0xc1`", 0),
        })
    }

    fn unsigned<const N: usize>(&mut self) -> Result<u64, Cut> {
        let bytes: [u8; N] = self.array()?;
        Ok(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cut> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Cut)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], Cut> {
        let length = usize::try_from(length).map_err(|_| Cut)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Cut)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn put(&mut self, what: impl fmt::Display) {
        write!(self.out, "{what}").expect("a buffer takes all");
    }

    fn put_nothing(&mut self, why: fmt::Arguments<'_>) {
        self.wrong(why);
        self.put("null");
    }

    fn wrong(&mut self, why: fmt::Arguments<'_>) {
        self.wrong.get_or_insert_with(|| why.to_string());
    }
}

impl Open {
    fn new(left: u64, is_map: bool) -> Self {
        Self {
            left,
            is_map,
            is_empty: true,
        }
    }
}

const BIN: &str = "bytes (`bin`)";
const EXT: &str = "extensions (`ext`)";
