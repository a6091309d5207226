//! `POST /token/refresh`: a refresh token works once, and one that is used twice ends its login.

use super::{join, status};
use crate::games::Desk;
use serde_json::{Value, json};
use tapaculo::{JwtAuth, Login, Server};
use tapaculo_tests::{
    http::{self, Response},
    server::{SECRET, TestServer},
    user,
};

async fn guests() -> TestServer {
    TestServer::start(|server| server.with_game::<Desk>().with_guest_tokens()).await
}

/// A server whose login believes everybody, and lets them watch the room that it is asked for.
async fn members() -> TestServer {
    let login = |asked: Value| async move {
        let text = |key: &str| asked[key].as_str().unwrap_or_default().to_owned();
        Ok::<_, String>(Login::new(text("user"), text("room")).name("A member"))
    };
    TestServer::start(|server: Server| server.with_game::<Desk>().with_token_endpoint(login)).await
}

async fn begin(server: &TestServer) -> Tokens {
    let asked = json!({"name": "Ann", "user": "ann", "room": "r"}).to_string();
    Tokens::of(&http::post(server.address, "/token", &asked).await)
}

async fn refresh(server: &TestServer, request: Value) -> Response {
    http::post(server.address, "/token/refresh", &request.to_string()).await
}

struct Tokens {
    user: String,
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let body = response.json();
        let text = |key: &str| body[key].as_str().expect(key).to_owned();
        Self {
            user: text("user"),
            access: text("token"),
            refresh: text("refresh_token"),
        }
    }

    async fn next(&self, server: &TestServer) -> Self {
        Self::of(&refresh(server, json!({"refresh_token": self.refresh})).await)
    }
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_ones_for_the_same_user_and_session() {
    let server = guests().await;
    let mut tokens = begin(&server).await;
    let user = tokens.user.clone();
    let mut client = join(&server, &tokens.access).await;
    for _ in 0..3 {
        tokens = tokens.next(&server).await;
        assert_eq!(tokens.user, user);
        // It is good for the connection that is there, too.
        client.send(json!({"token": tokens.access})).await;
        client.until("renewed").await;
        assert_eq!(status(&server, &tokens.refresh).await, 401);
    }
    assert_eq!(status(&server, &tokens.access).await, 101);
}

#[tokio::test]
async fn one_that_is_used_twice_ends_its_login_with_all_its_tokens_and_sockets() {
    let server = guests().await;
    let first = begin(&server).await;
    let stranger = begin(&server).await;
    let mut other = join(&server, &stranger.access).await;
    let second = first.next(&server).await;
    let third = second.next(&server).await;
    let mut client = join(&server, &third.access).await;
    // The thief comes late.
    let reused = refresh(&server, json!({"refresh_token": first.refresh})).await;
    assert_eq!(reused.status, 401);
    assert_eq!(reused.json()["error"]["code"], "unauthorized");
    assert_eq!(client.closed().await, Some(4001));
    for tokens in [&first, &second, &third] {
        assert_eq!(status(&server, &tokens.access).await, 401);
        let again = refresh(&server, json!({"refresh_token": tokens.refresh})).await;
        assert_eq!(again.status, 401);
    }
    // Another login is none of it.
    other.send(json!({"ping": 1})).await;
    other.until("pong").await;
    stranger.next(&server).await;
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_next_tokens() {
    let server = guests().await;
    let tokens = begin(&server).await;
    let request = || refresh(&server, json!({"refresh_token": tokens.refresh}));
    let answers = futures_util::future::join_all((0..10).map(|_| request())).await;
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(given, 1);
    assert_eq!(status(&server, &tokens.access).await, 401);
}

#[tokio::test]
async fn an_attempt_that_has_a_name_may_be_repeated_until_its_answer_is_used() {
    let server = guests().await;
    let first = begin(&server).await;
    let named = |attempt: &str| json!({"refresh_token": first.refresh, "attempt": attempt});
    let lost = Tokens::of(&refresh(&server, named("one")).await);
    let second = Tokens::of(&refresh(&server, named("one")).await);
    assert_eq!(status(&server, &lost.access).await, 101);
    let third = second.next(&server).await;
    assert_eq!(status(&server, &third.access).await, 101);
    // Now the answer has been used.
    assert_eq!(refresh(&server, named("one")).await.status, 401);
    assert_eq!(status(&server, &third.access).await, 401);

    let first = begin(&server).await;
    let named = |attempt: &str| json!({"refresh_token": first.refresh, "attempt": attempt});
    Tokens::of(&refresh(&server, named("one")).await);
    assert_eq!(refresh(&server, named("two")).await.status, 401, "a thief");
}

#[tokio::test]
async fn who_is_refused_for_the_form_of_the_request_has_not_used_the_token() {
    let server = guests().await;
    let tokens = begin(&server).await;
    for bad in [
        json!({}),
        json!([tokens.refresh]),
        json!({"refresh_token": 7}),
        json!({"refresh_token": tokens.refresh, "room": 7}),
        json!({"refresh_token": tokens.refresh, "room": ""}),
        json!({"refresh_token": tokens.refresh, "room": "x".repeat(129)}),
        json!({"refresh_token": tokens.refresh, "attempt": ""}),
        json!({"refresh_token": tokens.refresh, "attempt": "x".repeat(129)}),
        json!({"refresh_token": tokens.refresh, "x": "x".repeat(9000)}),
    ] {
        let response = refresh(&server, bad.clone()).await;
        assert_eq!(response.status, 400, "{bad}");
        assert!(
            !response.body.contains(&tokens.refresh),
            "{}",
            response.body
        );
    }
    let twice = format!(
        r#"{{"refresh_token":{0:?},"refresh_token":{0:?}}}"#,
        tokens.refresh
    );
    assert_eq!(
        http::post(server.address, "/token/refresh", &twice)
            .await
            .status,
        400
    );
    let stranger = JwtAuth::new("another secret of thirty-two bytes!!");
    for bad in [
        tokens.access.clone(),
        stranger.sign_refresh("alice", 60).expect("it signs"),
        "token".to_owned(),
        String::new(),
    ] {
        let response = refresh(&server, json!({"refresh_token": bad})).await;
        assert_eq!(response.status, 401);
    }
    tokens.next(&server).await;
}

#[tokio::test]
async fn a_guest_may_go_into_another_room_and_a_member_has_to_ask_the_login() {
    let (guests, members) = (guests().await, members().await);
    let guest = begin(&guests).await;
    let elsewhere = |tokens: &Tokens| json!({"refresh_token": tokens.refresh, "room": "q"});
    let moved = Tokens::of(&refresh(&guests, elsewhere(&guest)).await);
    let mut client = super::request(&guests, &moved.access)
        .connect()
        .await
        .expect("good");
    assert_eq!(client.frame().await["welcome"]["room"], "q");

    let member = begin(&members).await;
    let response = refresh(&members, elsewhere(&member)).await;
    assert_eq!(response.status, 403);
    assert_eq!(response.json()["error"]["code"], "forbidden");
    let here = json!({"refresh_token": member.refresh, "room": "r"});
    let next = Tokens::of(&refresh(&members, here).await);
    let mut client = super::request(&members, &next.access)
        .connect()
        .await
        .expect("good");
    let welcome = client.frame().await;
    assert_eq!(welcome["welcome"]["user"], "ann");
    assert_eq!(welcome["welcome"]["members"][0]["name"], "A member");
}

#[tokio::test]
async fn a_refresh_token_that_was_signed_by_hand_is_for_any_room_where_everybody_may_go() {
    let (guests, members) = (guests().await, members().await);
    let auth = JwtAuth::new(SECRET);
    let unbound = auth.sign_refresh("alice", 600).expect("it signs");
    let request = json!({"refresh_token": unbound, "room": "r"});
    assert_eq!(refresh(&members, request.clone()).await.status, 403);
    let nowhere = json!({"refresh_token": unbound});
    assert_eq!(refresh(&guests, nowhere).await.status, 400);
    let tokens = Tokens::of(&refresh(&guests, request.clone()).await);
    assert_eq!(tokens.user, "alice");
    assert_eq!(refresh(&guests, request).await.status, 401, "it works once");
    assert_eq!(status(&guests, &tokens.access).await, 401);
    // The call of the library is another matter.
    for _ in 0..2 {
        let access = auth.refresh_access(&unbound, "r", "s", 60).expect("good");
        assert_eq!(status(&guests, &access).await, 101);
    }
}

#[tokio::test]
async fn what_was_revoked_is_not_refreshed() {
    let server = guests().await;
    let [alone, with_user] = [begin(&server).await, begin(&server).await];
    server
        .handle
        .revoke_token(&alone.refresh)
        .expect("it is good");
    let request = json!({"refresh_token": alone.refresh});
    assert_eq!(refresh(&server, request).await.status, 401);
    assert_eq!(status(&server, &alone.access).await, 101);
    server.handle.revoke_user(&user(&with_user.user));
    let request = json!({"refresh_token": with_user.refresh});
    assert_eq!(refresh(&server, request).await.status, 401);
}
