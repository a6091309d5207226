//! Tokens that are taken back: who is here by them has to go, and nobody comes in by them.

use super::{desk, join, status};
use serde_json::json;
use tapaculo::{AuthErrorKind, JwtAuth, JwtKey, JwtOptions, Login, Server, SessionId};
use tapaculo_tests::{
    client::Client,
    forge::{signed, with},
    server::{SECRET, TestServer},
    user,
};

async fn server() -> TestServer {
    let keys = vec![JwtKey::secret(SECRET)];
    desk(JwtOptions {
        keys,
        ..JwtOptions::default()
    })
    .await
}

fn token(server: &TestServer, user: &str, room: &str, session: &str) -> String {
    let token = server.auth.sign_access(user, room, session, 600);
    token.expect("valid names")
}

/// It is still there, and answered.
async fn is_open(client: &mut Client) {
    client.send(json!({"ping": 1})).await;
    client.until("pong").await;
}

#[tokio::test]
async fn a_revoked_token_is_closed_with_4001_and_answered_401_and_others_are_not() {
    let server = server().await;
    let one = token(&server, "alice", "r", "s");
    let other = token(&server, "alice", "q", "s");
    let (mut here, mut there) = (join(&server, &one).await, join(&server, &other).await);
    assert_eq!(server.handle.revoke_token(&one).expect("it is good"), 1);
    assert_eq!(here.closed().await, Some(4001));
    assert_eq!(status(&server, &one).await, 401);
    is_open(&mut there).await;
    assert_eq!(status(&server, &other).await, 101);
    // Again, and now that nobody is here by it.
    assert_eq!(server.handle.revoke_token(&one).expect("it is known"), 0);
}

#[tokio::test]
async fn a_token_without_an_id_is_revoked_by_what_it_says() {
    let server = server().await;
    let (one, other) = (signed(&with(json!({}))), signed(&with(json!({"x": 1}))));
    let mut here = join(&server, &one).await;
    server.handle.revoke_token(&one).expect("it is good");
    assert_eq!(here.closed().await, Some(4001));
    assert_eq!(status(&server, &one).await, 401);
    assert_eq!(status(&server, &other).await, 101);
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_not_revoked() {
    let server = server().await;
    let forged =
        JwtAuth::new("another secret of thirty-two bytes!!").sign_access("a", "r", "s", 60);
    assert_eq!(
        status(&server, &token(&server, "a", "r", "s")).await,
        101,
        "it serves"
    );
    let error = server.handle.revoke_token(&forged.expect("it signs"));
    assert_eq!(error.expect_err("forged").kind(), AuthErrorKind::Invalid);
    let expired = signed(&with(json!({"exp": 1})));
    assert_eq!(server.handle.revoke_token(&expired).expect("it is over"), 0);
    let early = signed(&with(
        json!({"nbf": 99_999_999_998_u64, "exp": 99_999_999_999_u64}),
    ));
    assert_eq!(server.handle.revoke_token(&early).expect("in time"), 0);
    let unused = Server::new().handle();
    let error = unused.revoke_token(&expired).expect_err("nobody serves");
    assert_eq!(error.kind(), AuthErrorKind::NotServing);
}

#[tokio::test]
async fn a_revoked_session_takes_all_its_tokens_and_only_its() {
    let server = server().await;
    let [one, two] = ["r", "q"].map(|room| token(&server, "alice", room, "phone"));
    let laptop = token(&server, "alice", "p", "laptop");
    let bob = token(&server, "bob", "r", "phone");
    let unused = token(&server, "alice", "unused", "phone");
    let mut gone = [join(&server, &one).await, join(&server, &two).await];
    let mut staying = [join(&server, &laptop).await, join(&server, &bob).await];
    let phone = SessionId::new("phone").expect("a session's name");
    let closed = server.handle.revoke_session(&user("alice"), &phone);
    assert_eq!(closed, 2);
    for client in &mut gone {
        assert_eq!(client.closed().await, Some(4001));
    }
    for token in [&one, &two, &unused] {
        assert_eq!(status(&server, token).await, 401);
    }
    for client in &mut staying {
        is_open(client).await;
    }
    let again = token(&server, "alice", "r", "phone");
    assert_eq!(status(&server, &again).await, 101, "issued later");
}

#[tokio::test]
async fn a_revoked_user_is_gone_everywhere_and_may_log_in_again() {
    let server = server().await;
    let mut gone = Vec::new();
    for (room, session) in [("r", "phone"), ("q", "phone"), ("p", "laptop")] {
        let token = token(&server, "alice", room, session);
        gone.push((join(&server, &token).await, token));
    }
    let undated = signed(&with(json!({})));
    let dated = signed(&with(json!({"iat": 1_700_000_000})));
    let mut bob = join(&server, &token(&server, "bob", "r", "s")).await;
    assert_eq!(server.handle.revoke_user(&user("alice")), 3);
    for (client, token) in &mut gone {
        assert_eq!(client.closed().await, Some(4001));
        assert_eq!(status(&server, token).await, 401);
    }
    for token in [&undated, &dated] {
        assert_eq!(status(&server, token).await, 401);
    }
    is_open(&mut bob).await;
    // At once, for it is not the second that counts.
    let again = token(&server, "alice", "r", "phone");
    let mut client = join(&server, &again).await;
    is_open(&mut client).await;
    assert_eq!(server.handle.revoke_user(&user("nobody")), 0);
    is_open(&mut client).await;
}

#[tokio::test]
async fn a_user_may_be_revoked_before_the_server_serves() {
    let auth = JwtAuth::new(SECRET);
    let token = auth.sign_login(Login::new("alice", "r")).expect("valid");
    let server = TestServer::start(|server| {
        let server = server.with_game::<crate::games::Desk>();
        server.handle().revoke_user(&user("alice"));
        server
    })
    .await;
    assert_eq!(status(&server, &token).await, 401);
    assert_eq!(status(&server, &server.token("alice", "r")).await, 101);
}

#[tokio::test]
async fn a_secret_is_replaced_with_nobody_logged_out() {
    let (old, new) = (
        "the old secret, of thirty-two bytes",
        "the new secret, of thirty-two bytes",
    );
    let by = |keys: Vec<JwtKey>| JwtOptions {
        keys,
        ..JwtOptions::default()
    };
    let before = desk(by(vec![JwtKey::secret(old)])).await;
    let access = before.token("alice", "r");
    let refresh = before.auth.sign_refresh("alice", 600).expect("it signs");
    assert_eq!(status(&before, &access).await, 101);
    // First the new one is known everywhere, then it signs, then the old one goes.
    let named = JwtKey::secret(new).with_id("new");
    let known = desk(by(vec![JwtKey::secret(old), named.clone()])).await;
    let signing = desk(by(vec![named.clone(), JwtKey::secret(old)])).await;
    for server in [&known, &signing] {
        assert_eq!(status(server, &access).await, 101);
        let next = server.auth.refresh_access(&refresh, "r", "s", 600);
        let next = next.expect("the refresh token is good");
        assert_eq!(status(&signing, &next).await, 101);
        assert_eq!(status(&known, &next).await, 101);
    }
    let after = desk(by(vec![named])).await;
    let next = signing.auth.refresh_access(&refresh, "r", "s", 600);
    let next = next.expect("the refresh token is good");
    assert_eq!(status(&after, &next).await, 101);
    assert_eq!(status(&after, &access).await, 401);
    assert_eq!(status(&before, &next).await, 401);
}
