//! `POST /token` where the server has a login of its own.

use super::{request, status};
use crate::games::Desk;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::{JwtAuth, Login, LoginRefused, Role, Server};
use tapaculo_tests::{
    http::{self, Response},
    server::{SECRET, TestServer},
};

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    table: u32,
}

/// Like one that asks a database.
async fn log_in(credentials: Credentials) -> Result<Login, LoginRefused> {
    tokio::task::yield_now().await;
    let Credentials {
        email,
        password,
        table,
    } = credentials;
    if password != "correct horse" {
        return Err("wrong e-mail or password")?;
    }
    if table == 13 {
        return Err(LoginRefused::forbidden("nobody sits at table 13"));
    }
    let login = Login::new(&email, format!("table {table}"))
        .session("of a test")
        .name("Alice")
        .game("desk")
        .options(json!({"x": 1}))
        .ttl(Duration::from_secs(2));
    Ok(match table {
        7 => login.role(Role::Spectator),
        _ => login,
    })
}

async fn server() -> TestServer {
    TestServer::start(|server| server.with_game::<Desk>().with_token_endpoint(log_in)).await
}

async fn post(server: &TestServer, body: &Value) -> Response {
    http::post(server.address, "/token", &body.to_string()).await
}

fn asked(password: &str, table: u32) -> Value {
    json!({"email": "alice@example.org", "password": password, "table": table})
}

#[tokio::test]
async fn whom_the_login_knows_gets_tokens_that_say_what_it_says() {
    let server = server().await;
    let response = post(&server, &asked("correct horse", 1)).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let body = response.json();
    assert_eq!(body["user"], "alice@example.org");
    let token = body["token"].as_str().expect("a token");
    let refresh = body["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(status(&server, refresh).await, 401);
    let mut client = request(&server, token).connect().await.expect("good");
    let welcome = client.frame().await["welcome"].take();
    assert_eq!(welcome["room"], "table 1");
    assert_eq!(welcome["session"], "of a test");
    assert_eq!(welcome["members"][0]["name"], "Alice");
    assert!(welcome["expires_in_ms"].as_u64() <= Some(3000), "{welcome}");
}

#[tokio::test]
async fn whom_it_does_not_know_is_401_and_who_may_not_is_403_in_its_own_words() {
    let server = server().await;
    for (body, expected, words) in [
        (asked("guess", 1), 401, "wrong e-mail or password"),
        (asked("correct horse", 13), 403, "nobody sits at table 13"),
        (json!({}), 400, "missing field"),
        (json!([]), 400, ""),
        (json!({"email": 7}), 400, ""),
        (json!({"email": "x".repeat(9000)}), 400, ""),
        // A user that can't be.
        (
            json!({"email": "@server", "password": "correct horse", "table": 1}),
            400,
            "",
        ),
    ] {
        let response = post(&server, &body).await;
        assert_eq!(response.status, expected, "{body}");
        let message = response.json()["error"]["message"].take();
        let message = message.as_str().expect("words");
        assert!(message.contains(words), "{message}");
    }
    let response = http::post(server.address, "/token", "").await;
    assert_eq!(response.status, 400);
    assert_eq!(
        post(&server, &asked("guess", 1))
            .await
            .header("www-authenticate"),
        Some("Bearer")
    );
}

#[tokio::test]
async fn tokens_are_for_guests_or_for_those_who_log_in() {
    let server = Server::new()
        .with_auth(JwtAuth::new(SECRET))
        .with_game::<Desk>()
        .with_token_endpoint(log_in)
        .with_guest_tokens();
    let error = server.listen("127.0.0.1:0").await.expect_err("both");
    assert!(error.to_string().contains("one of them"), "{error}");
}

#[tokio::test]
async fn there_is_nothing_to_refresh_where_there_are_no_tokens() {
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let refresh = server.auth.sign_refresh("alice", 60).expect("it signs");
    let body = json!({"refresh_token": refresh, "room": "r"}).to_string();
    let response = http::post(server.address, "/token/refresh", &body).await;
    assert_eq!(response.status, 404);
}

#[tokio::test]
async fn what_fails_in_a_login_is_500_and_not_told() {
    async fn log_in(how: String) -> anyhow::Result<Login> {
        match how.as_str() {
            "panic" => panic!("this panic is part of a test"),
            "wait" => std::future::pending().await,
            _ => anyhow::bail!("reading /var/lib/users.db"),
        }
    }
    let server = TestServer::start(|server| {
        server
            .with_game::<Desk>()
            .with_token_endpoint(|how: String| {
                assert_ne!(how, "panic at once", "this panic is part of a test");
                log_in(how)
            })
    })
    .await;
    for how in ["fail", "panic", "panic at once", "wait"] {
        let response = post(&server, &json!(how)).await;
        assert_eq!(response.status, 500, "{how}");
        let error = json!({"error": {"code": "internal", "message": "the login failed"}});
        assert_eq!(response.json(), error);
    }
}
