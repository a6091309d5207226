//! Tokens stay out of the log, however much of it is written; in a process of its own, whose log
//! nobody else writes.

use serde_json::json;
use std::time::Duration;
use tapaculo::{JwtAuth, JwtKey, JwtOptions, MessageLimits, prelude::*};
use tapaculo_tests::{
    client::{Client, JSON, Request},
    forge::{self, Signer, good, parts, signed, with},
    http,
    log::Log,
    server::{SECRET, TestServer},
};

#[tapaculo::game]
#[derive(Default)]
struct Quiet;

#[tapaculo::game]
impl Quiet {}

#[tokio::test]
async fn no_token_is_in_the_log_nor_in_an_error_whichever_way_it_comes() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing_subscriber::util::SubscriberInitExt::init(subscriber);
    let options = JwtOptions {
        keys: vec![
            JwtKey::secret(SECRET),
            JwtKey::secret("short").with_id("short"),
        ],
        leeway: Duration::ZERO,
        ..JwtOptions::default()
    };
    let configure = |server: Server| {
        let limits = MessageLimits::default();
        let server = server.with_game::<Quiet>();
        server.with_guest_tokens().with_limits(limits)
    };
    let server = TestServer::start_with(JwtAuth::with_options(options), configure).await;
    let stranger = JwtAuth::new("another secret of thirty-two bytes!!");
    let sign = |auth: &JwtAuth| auth.sign_access("alice", "r", "s", 600).expect("it signs");
    let mut secrets = vec![
        sign(&server.auth),
        sign(&stranger),
        signed(&with(json!({"exp": 1}))),
        signed(&with(json!({"nbf": 99_999_999_999_u64}))),
        signed(&with(json!({"kind": "root"}))),
        signed(&with(json!({"role": 7}))),
        signed(&with(json!({"sub": ""}))),
        signed(&with(json!({"game": "other"}))),
        Signer::secret(SECRET).headed(json!({"crit": ["x"]})),
        Signer::secret(SECRET).sign("{", good().to_string()),
        server.auth.sign_refresh("alice", 600).expect("it signs"),
        format!("{}=", signed(&good())),
    ];
    for token in &secrets {
        for request in [
            Request::new(server.url("/ws")).header("Authorization", format!("Bearer {token}")),
            Request::new(server.url("/ws")).protocols(format!("{JSON}, tapaculo.token.{token}")),
            Request::new(server.url(&format!("/ws?token={token}"))),
            Request::new(server.url(&format!("/ws?token={token}&token={token}"))),
            Request::new(server.url(&format!("/ws?token={token}&resume={token}"))),
            Request::new(server.url(&format!("/ws/{token}"))),
        ] {
            if let Err(response) = request.connect_full().await {
                let body = response.body().clone().unwrap_or_default();
                let body = String::from_utf8(body).expect("text");
                assert!(!body.contains(parts_of(token).1), "{body}");
            }
        }
        http::get(server.address, &format!("/ws?token={token}")).await;
        let body = json!({"refresh_token": token, "room": "r"}).to_string();
        http::post(server.address, "/token/refresh", &body).await;
        http::post(
            server.address,
            "/token",
            &json!({"name": "a", "room": token}).to_string(),
        )
        .await;
    }
    // A guest's, refreshed, used twice, and revoked.
    let guest = http::post(server.address, "/token", r#"{"name": "Ann", "room": "r"}"#).await;
    let guest = guest.json();
    let body = json!({"refresh_token": guest["refresh_token"]}).to_string();
    let next = http::post(server.address, "/token/refresh", &body)
        .await
        .json();
    http::post(server.address, "/token/refresh", &body).await;
    for tokens in [&guest, &next] {
        for key in ["token", "refresh_token"] {
            secrets.push(tokens[key].as_str().expect("a token").to_owned());
        }
    }
    // Fresh ones, in frames of all forms, good and bad.
    let mut client = join(&server, &sign(&server.auth)).await;
    for token in secrets.clone() {
        client.send(json!({"token": token})).await;
        client.send(json!({"token": [token]})).await;
    }
    client.send(json!({"ping": 1})).await;
    client.until("pong").await;
    client.close().await;
    let revoked = sign(&server.auth);
    let mut client = join(&server, &revoked).await;
    server.handle.revoke_token(&revoked).expect("it is good");
    assert_eq!(client.closed().await, Some(4001));
    secrets.push(revoked);
    let mut client = join(&server, &sign(&server.auth)).await;
    let mallory = tapaculo_tests::user("alice");
    server.handle.ban(&mallory, Duration::from_secs(60));
    assert_eq!(client.closed().await, Some(4008));
    server.handle.shutdown().await;

    let log = log.text();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "it logs: {log}"
    );
    assert!(log.contains("refused a token"), "it logs refusals: {log}");
    assert!(log.contains("was used twice"), "it logs what is odd: {log}");
    let is_ban = |line: &str| line.contains("INFO") && line.contains("closed a connection");
    let ban = log
        .lines()
        .find(|line| is_ban(line) && line.contains("4008"));
    assert!(ban.is_some(), "it logs bans: {log}");
    for secret in &secrets {
        let (payload, signature) = parts_of(secret);
        assert!(!log.contains(secret.as_str()), "{log}");
        assert!(!log.contains(payload), "{log}");
        assert!(!log.contains(signature), "{log}");
    }
    assert!(!log.contains(SECRET) && !log.contains(forge::RSA), "{log}");
}

/// Connects with a token, and reads the greeting.
async fn join(server: &TestServer, token: &str) -> Client {
    let request = Request::new(server.url("/ws")).protocols(JSON);
    let request = request.header("Authorization", format!("Bearer {token}"));
    let mut client = request.connect().await.expect("the token is accepted");
    client.until("synced").await;
    client
}

fn parts_of(token: &str) -> (&str, &str) {
    let [_, payload, signature] = parts(token);
    (payload, signature)
}
