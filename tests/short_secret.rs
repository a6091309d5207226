//! A secret that can be guessed is warned of, once; in a process of its own, to count that.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tapaculo::{JwtAuth, prelude::*};

#[tapaculo::game]
#[derive(Default)]
struct Quiet;

#[tapaculo::game]
impl Quiet {}

/// Whatever is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_short_secret_is_warned_of_once_and_never_said() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let written = || {
        let bytes = log.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text")
    };
    let long = JwtAuth::new("a secret of thirty-two bytes, this");
    long.sign_refresh("alice", 60).expect("it signs");
    assert_eq!(written(), "");
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
    let written = written();
    assert_eq!(written.matches("WARN").count(), 1, "{written}");
    assert!(written.contains("fewer than 32 bytes"), "{written}");
    assert!(!written.contains("hunter2"), "{written}");
}
