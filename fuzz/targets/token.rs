//! A token: who is let in was signed for, with our secret and algorithm, and may come in.
//!
//! Random bytes have no good signature, so the first of them says how the rest is signed.

#![no_main]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sha2::Sha256;
use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};
use tapaculo::{
    JwtAuth,
    fuzzing::{Admitted, token},
};
use tapaculo_fuzz::{is_name, is_user};

const SECRET: &[u8] = b"a secret that is known to this target only";
const OTHER: &[u8] = b"another secret, known to this target only";
const GAME: &str = "chess";

/// Seconds by which clocks may differ, and some for a slow run.
const LEEWAY: u64 = 30 + 5;

static AUTH: LazyLock<JwtAuth> = LazyLock::new(|| JwtAuth::new(SECRET));

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let (head, claims) = match rest.iter().position(|byte| *byte == 0) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (br#"{"alg":"HS256","typ":"JWT"}"#.as_slice(), rest),
    };
    let body = format!("{}.{}", BASE64.encode(head), BASE64.encode(claims));
    match how {
        b'+' => {
            if let Ok(admitted) = token(&AUTH, &signed(&body, SECRET), GAME) {
                check(head, claims, &admitted);
            }
        }
        b'-' => {
            let other = token(&AUTH, &signed(&body, OTHER), GAME);
            assert!(other.is_err(), "signed with another secret, but {other:?}");
        }
        _ => {
            let text = String::from_utf8_lossy(rest);
            if token(&AUTH, &text, GAME).is_ok() {
                let (body, _) = text.rsplit_once('.').expect("a signature");
                assert_eq!(text, signed(body, SECRET), "nobody signed this");
            }
        }
    }
});

fn signed(body: &str, secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is a key");
    mac.update(body.as_bytes());
    let signature = mac.finalize().into_bytes();
    format!("{body}.{}", BASE64.encode(signature))
}

/// A part of a token. What is not looked at in it need not be text.
fn json(part: &[u8]) -> Value {
    serde_json::from_str(&String::from_utf8_lossy(part)).expect("it is JSON")
}

/// What a token says that lets somebody in.
fn check(head: &[u8], claims: &[u8], admitted: &Admitted) {
    let head = json(head);
    assert_eq!(head["alg"], "HS256");
    assert_eq!(head.get("crit"), None, "nobody understands it");
    let claims = json(claims);
    assert_eq!(claims["sub"], *admitted.user);
    assert_eq!(claims["room"], *admitted.room);
    assert_eq!(claims["session_id"], *admitted.session);
    assert!(is_user(&admitted.user), "{admitted:?}");
    assert!(is_name(&admitted.room), "{admitted:?}");
    assert!(is_name(&admitted.session), "{admitted:?}");
    assert!(matches!(&claims["kind"], Value::Null) || claims["kind"] == "access");
    assert!(matches!(&claims["game"], Value::Null) || claims["game"] == GAME);
    assert!(claims["aud"].is_null(), "it is for somebody else");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let expires = claims["exp"].as_f64().expect("a time");
    assert!(expires + LEEWAY as f64 >= now.as_secs_f64(), "{expires}");
    if let Some(begins) = claims["nbf"].as_f64() {
        assert!(begins <= now.as_secs_f64() + LEEWAY as f64, "{begins}");
    }
}
