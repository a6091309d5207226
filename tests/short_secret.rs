//! A secret that can be guessed is warned of, once; in a process of its own, to count that.

use tapaculo::{JwtAuth, prelude::*};
use tapaculo_tests::log::Log;

#[tapaculo::game]
#[derive(Default)]
struct Quiet;

#[tapaculo::game]
impl Quiet {}

#[test]
fn a_short_secret_is_warned_of_once_and_never_said() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let long = JwtAuth::new("a secret of thirty-two bytes, this");
    long.sign_refresh("alice", 60).expect("it signs");
    assert_eq!(log.text(), "");
    let server = Server::new()
        .with_auth(JwtAuth::new("hunter2"))
        .with_game::<Quiet>();
    assert!(server.into_router().is_ok(), "it is served all the same");
    for secret in ["hunter2", "hunter2 and some more"] {
        let auth = JwtAuth::new(secret);
        for _ in 0..2 {
            auth.sign_access("alice", "r", "s", 60).expect("it signs");
        }
    }
    let written = log.text();
    assert_eq!(written.matches("WARN").count(), 1, "{written}");
    assert!(written.contains("fewer than 32 bytes"), "{written}");
    assert!(!written.contains("hunter2"), "{written}");
}
