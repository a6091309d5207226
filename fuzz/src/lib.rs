//! What the targets hold the library's answers against: the same rules, written a second time.

use std::collections::HashSet;

/// How deep a client's JSON may be nested.
const MAX_DEPTH: usize = 64;

/// An open bracket.
enum Open {
    List,
    /// With the keys so far, and whether a string is one now.
    Object {
        keys: HashSet<String>,
        at_key: bool,
    },
}

/// Whether a text that is JSON keeps to the rules: nested at most 64 deep, no key twice in an
/// object.
///
/// # Panics
/// If it is not JSON.
pub fn keeps_the_rules(json: &str) -> bool {
    let mut open: Vec<Open> = Vec::new();
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        match (first, open.last_mut()) {
            ('[', _) => open.push(Open::List),
            ('{', _) => open.push(Open::Object {
                keys: HashSet::new(),
                at_key: true,
            }),
            (']' | '}', _) => drop(open.pop()),
            (',', Some(Open::Object { at_key, .. })) => *at_key = true,
            ('"', within) => {
                length = string_length(rest);
                if let Some(Open::Object { keys, at_key }) = within
                    && std::mem::replace(at_key, false)
                {
                    let key = serde_json::from_str(&rest[..length]).expect("a string");
                    if !keys.insert(key) {
                        return false;
                    }
                }
            }
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return false;
        }
        rest = &rest[length..];
    }
    true
}

/// How many bytes the string has that a text begins with, its quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    panic!("a string that does not end");
}

/// Whether a text can be the name of a room or session.
pub fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether a text can be the name of a user.
pub fn is_user(text: &str) -> bool {
    is_name(text) && !text.starts_with('@')
}
