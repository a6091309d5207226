//! A token as it comes in, taken apart but not yet believed (RFC 7515, section 7.1).

use super::{AuthError, AuthErrorKind};
use crate::protocol::check_json;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most bytes of a token; one with every claim that we read has less than half of it.
const MOST_BYTES: usize = 8 * 1024;

/// The three parts of a token.
pub(super) struct Parts<'a> {
    pub(super) header: Header,
    /// What the signature is of.
    pub(super) signed: &'a str,
    payload: &'a str,
    pub(super) signature: &'a str,
}

/// The part of a header that we go by. What would tell where to find a key (`jku`, `x5u`, `jwk`,
/// `x5c`) is not read: keys are ours, never the token's.
#[derive(Deserialize)]
pub(super) struct Header {
    /// Only compared with the algorithm that a key is for.
    pub(super) alg: String,
    /// Only compared with the names of our keys.
    pub(super) kid: Option<String>,
    /// What must be understood or the token be refused (RFC 7515, section 4.1.11): we understand
    /// none of it.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Parts<'a> {
    pub(super) fn of(token: &'a str) -> Result<Self, AuthError> {
        let invalid = || AuthError::from(AuthErrorKind::Invalid);
        if token.len() > MOST_BYTES {
            return Err(invalid());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(invalid)?;
        let (header, payload) = signed.split_once('.').ok_or_else(invalid)?;
        let header: Header = object(&decode(header).ok_or_else(invalid)?)?;
        if payload.contains('.') || header.crit {
            return Err(invalid());
        }
        Ok(Self {
            header,
            signed,
            payload,
            signature,
        })
    }

    /// The claims, once the signature has been checked.
    pub(super) fn claims<T: for<'de> Deserialize<'de>>(&self) -> Result<T, AuthError> {
        let text = decode(self.payload).ok_or(AuthErrorKind::Invalid)?;
        object(&text).map_err(|error| match error.kind() {
            AuthErrorKind::Invalid => {
                let why = std::error::Error::source(&error).map(ToString::to_string);
                AuthError::because(AuthErrorKind::Claims, why.unwrap_or_default())
            }
            _ => error,
        })
    }
}

/// Reads a part: strictly, so that no token can be written in two ways.
fn decode(part: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    String::from_utf8(bytes).ok()
}

/// Reads an object without a key twice: another reader might take the other one.
fn object<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, AuthError> {
    let invalid = |why: String| AuthError::because(AuthErrorKind::Invalid, why);
    check_json(text).map_err(invalid)?;
    // serde would take an array for the fields in order.
    let raw: &RawValue = serde_json::from_str(text).map_err(|why| invalid(why.to_string()))?;
    if !raw.get().starts_with('{') {
        return Err(invalid("not an object".to_owned()));
    }
    serde_json::from_str(text).map_err(|why| invalid(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, AuthError> {
        let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(text));
        Parts::of(&token).map(|parts| parts.header)
    }

    #[test]
    fn a_header_names_an_algorithm_and_perhaps_a_key() {
        let read = header(r#"{"typ": "JWT", "alg": "HS256", "kid": "a", "jku": "http://x"}"#);
        let read = read.ok().unwrap();
        assert_eq!((&*read.alg, read.kid.as_deref()), ("HS256", Some("a")));
    }

    #[test]
    fn what_a_header_must_not_be_is_refused() {
        for bad in [
            "",
            "[]",
            r#"["HS256", null]"#,
            "{}",
            r#"{"alg": 1}"#,
            r#"{"alg": {"HS256": null}}"#,
            r#"{"alg": "HS256", "alg": "none"}"#,
            r#"{"alg": "HS256", "kid": 7}"#,
            r#"{"alg": "HS256", "crit": ["exp"]}"#,
            r#"{"alg": "HS256", "crit": []}"#,
            r#"{"alg": "HS256", "crit": null}"#,
        ] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_of_three_parts_and_written_in_one_way() {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        assert!(Parts::of(&format!("{head}.e30.AAAA")).is_ok());
        for bad in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            head.clone(),
            format!("{head}.e30"),
            format!("{head}.e30.AAAA.AAAA"),
            format!(".{head}.e30.AAAA"),
            format!("{head}=.e30.AAAA"),
            format!(" {head}.e30.AAAA"),
            format!("{head}\n.e30.AAAA"),
            format!("{head}.e30.{}", "A".repeat(MOST_BYTES)),
        ] {
            assert!(Parts::of(&bad).is_err(), "{bad:?}");
        }
    }
}
