//! The guide's client, in a browser.

use axum::{Router, response::Html, routing::get};
use serde_json::json;
use tapaculo_tests::{browser::Browser, server::TestServer};

/// The guide's script as it stands, but for the address and the place of its output.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>The client of the guide</title>
<script>
window.heard = [];
window.start = token => {
  const ws = new WebSocket(`ws://${location.host}/ws?token=${token}`);

  ws.onmessage = (event) => {
    const envelope = JSON.parse(event.data);
    window.heard.push([envelope.from, envelope.data]);
  };

  // Send message
  ws.onopen = () => ws.send(JSON.stringify({
    from: "user123",
    data: { type: "Move", from: "e2", to: "e4" }
  }));
};
</script>"#;

#[tokio::test]
async fn the_browser_client() {
    let server = TestServer::start(|server| {
        server
            .with_routes(Router::new().route("/", get(async || Html(PAGE))))
            .on_message(|ctx, envelope| async move {
                ctx.broadcast(envelope.data).await.ok();
            })
    })
    .await;
    let mut other = server.join("other", "room").await;
    let browser = Browser::start().await;
    browser.visit(&format!("http://{}/", server.address)).await;
    let token = server.token("user123", "room");
    browser
        .run("window.start(arguments[0])", &[token.into()])
        .await;
    let play = json!({"type": "Move", "from": "e2", "to": "e4"});
    let (_, event) = other.until("data").await;
    assert_eq!(event["from"], "user123");
    assert_eq!(event["data"], play);
    let heard = browser
        .until("window.heard.length > 0 && window.heard")
        .await;
    assert_eq!(heard, json!([["user123", play]]));
    browser.close().await;
}
