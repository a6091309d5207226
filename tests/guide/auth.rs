//! What the guide does with tokens.

use serde_json::json;
use tapaculo::*;
use tapaculo_tests::server::{SECRET, TestServer};

/// The guide's own calls, with the secret of the tests.
fn sessions(secret: &str) -> anyhow::Result<(String, String)> {
    // Generate token with session ID
    let auth = JwtAuth::new(secret);
    let token = auth.sign_access(
        "user123".to_string(),
        "room456".to_string(),
        "session-abc".to_string(), // Session ID
        3600,
    )?;

    // Later, reconnect with same session ID
    let new_token = auth.sign_access(
        "user123".to_string(),
        "room456".to_string(),
        "session-abc".to_string(), // Same session
        3600,
    )?;
    Ok((token, new_token))
}

#[tokio::test]
async fn session_tracking() {
    let server = TestServer::start(|server| {
        server.on_message(|ctx, _| async move {
            // Access session ID in handler
            Ok::<_, String>(ctx.session_id().to_owned()) // "session-abc"
        })
    })
    .await;
    let (token, new_token) = sessions(SECRET).expect("they are signed");
    for (id, token) in [(1, token), (1, new_token)] {
        let request = tapaculo_tests::client::Request::new(server.url("/ws"))
            .protocols(tapaculo_tests::client::JSON)
            .header("Authorization", format!("Bearer {token}"));
        let mut client = request.connect().await.expect("accepted");
        client.until("synced").await;
        // The second time it is the same message of the same session.
        client.send(json!({"data": 0, "id": id})).await;
        let (_, ack) = client.until("ack").await;
        assert_eq!(ack, json!({"ack": 1, "seq": 0, "reply": "session-abc"}));
    }
}

fn tokens(secret: &str) -> anyhow::Result<(String, String, String)> {
    let auth = JwtAuth::new(secret);

    // Access token
    let access_token = auth.sign_access(
        "user_id".to_string(),
        "room_id".to_string(),
        "session_id".to_string(),
        3600, // 1 hour
    )?;

    // Refresh token
    let refresh_token = auth.sign_refresh(
        "user_id".to_string(),
        86400, // 24 hours
    )?;

    // Refresh access token
    let new_access = auth.refresh_access(
        &refresh_token,
        "new_room".to_string(),
        "new_session".to_string(),
        3600,
    )?;
    Ok((access_token, refresh_token, new_access))
}

#[tokio::test]
async fn access_and_refresh_tokens() {
    let server = TestServer::start(|server| {
        server.on_message(|ctx, _| async move {
            Ok::<_, String>([ctx.user_id(), ctx.room_id(), ctx.session_id()].map(str::to_owned))
        })
    })
    .await;
    let (access, refresh, renewed) = tokens(SECRET).expect("they are signed");
    for (token, expected) in [
        (access, ["user_id", "room_id", "session_id"]),
        (renewed, ["user_id", "new_room", "new_session"]),
    ] {
        let url = format!("{}?token={token}", server.url("/ws"));
        let request = tapaculo_tests::client::Request::new(url);
        let mut client = request.connect().await.expect("accepted");
        let answer = client.tell(json!(null)).await;
        assert_eq!(answer["reply"], json!(expected));
    }
    let url = format!("{}?token={refresh}", server.url("/ws"));
    let refused = tapaculo_tests::client::Request::new(url).status().await;
    assert_eq!(refused, 401);
}
