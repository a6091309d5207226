//! `Login` of `/tapaculo.js` in a real browser: a guest's tokens, from the first to the last.

use axum::{Router, response::Html, routing::get};
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::{ConnectionLimits, prelude::*};
use tapaculo_tests::{browser::Browser, server::TestServer, user};

#[tapaculo::game]
#[derive(Default)]
struct Lounge;

#[tapaculo::game]
impl Lounge {}

/// A page that has the client at hand.
const PAGE: &str = r#"<!doctype html>
<title>A login that a test reads</title>
<script type="module">
import * as tapaculo from "/tapaculo.js";
window.statuses = [];
window.asked = [];
const { fetch } = window;
window.fetch = async (url, request) => {
  window.asked.push(String(url));
  const answer = await fetch(url, request);
  if (window.loseTheNext) {
    window.loseTheNext = false;
    throw new TypeError("cut off");
  }
  return answer;
};
window.logIn = (...of) => { window.login = new tapaculo.Login(...of); };
window.join = () => {
  window.room = tapaculo.connect({
    token: login.token,
    onStatus: (...change) => { window.statuses.push(change); },
  });
};
</script>"#;

struct Page {
    server: TestServer,
    browser: Browser,
}

impl Page {
    async fn open(configure: impl FnOnce(Server) -> Server) -> Self {
        let page = Router::new().route("/", get(async || Html(PAGE)));
        let server = TestServer::start(|server| {
            configure(server.with_game::<Lounge>().with_guest_tokens()).with_routes(page)
        })
        .await;
        let browser = Browser::start().await;
        let page = Self { server, browser };
        page.load().await;
        page
    }

    async fn load(&self) {
        let url = format!("http://{}/", self.server.address);
        self.browser.visit(&url).await;
        self.browser.until("'logIn' in window").await;
    }

    async fn log_in(&self, body: Value) {
        self.browser.run("logIn(arguments[0])", &[body]).await;
    }

    async fn token(&self, expired: bool) -> Value {
        let expired = json!({"expired": expired});
        self.browser
            .run("return login.token(arguments[0])", &[expired])
            .await
    }

    /// What the page's script says.
    async fn is(&self, what: &str) -> Value {
        self.browser.run(&format!("return {what}"), &[]).await
    }

    async fn join(&self) {
        self.browser.run("join()", &[]).await;
    }

    async fn close(self) {
        self.browser.close().await;
    }
}

fn ann() -> Value {
    json!({"name": "Ann", "room": "lobby"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_loaded_again_is_the_same_guest_and_another_tab_is_another() {
    let page = Page::open(|server| server).await;
    page.log_in(ann()).await;
    assert_eq!(page.is("login.user").await, Value::Null);
    page.join().await;
    page.browser.until("room.status === 'connected'").await;
    let first = page.is("room.me.user").await;
    assert_eq!(page.is("login.user").await, first);
    // What a login asks for may be a password.
    let kept = "Object.keys(JSON.parse(sessionStorage[Object.keys(sessionStorage)[0]])).sort()";
    assert_eq!(
        page.is(kept).await,
        json!(["refresh_token", "token", "user"])
    );

    page.load().await;
    page.log_in(ann()).await;
    assert_eq!(page.is("login.user").await, first);
    page.join().await;
    page.browser.until("room.status === 'connected'").await;
    assert_eq!(page.is("room.me.user").await, first);
    assert_eq!(page.is("asked.length").await, 0);
    // In another room this tab is nobody yet.
    page.log_in(json!({"name": "Ann", "room": "attic"})).await;
    assert_eq!(page.is("login.user").await, Value::Null);

    page.browser.new_tab().await;
    page.load().await;
    page.log_in(ann()).await;
    page.token(false).await;
    assert_ne!(page.is("login.user").await, first);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_refreshed_also_where_the_answer_was_lost() {
    let page = Page::open(|server| server).await;
    page.log_in(ann()).await;
    let first = page.token(false).await;
    let user = page.is("login.user").await;
    let second = page.token(true).await;
    assert!(second.is_string() && second != first, "{second}");

    let lost = "window.loseTheNext = true;
        return login.token({ expired: true }).catch(({ code, status }) => ({ code, status }))";
    assert_eq!(
        page.browser.run(lost, &[]).await,
        json!({"code": "unavailable", "status": null})
    );
    // The page is loaded again before it has tried again.
    page.load().await;
    page.log_in(ann()).await;
    let third = page.token(true).await;
    assert!(third.is_string() && third != second, "{third}");
    assert_eq!(page.is("asked").await, json!(["/token/refresh"]));
    assert_eq!(page.is("login.user").await, user);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_ask_at_once_are_one_user_and_who_is_forgotten_meanwhile_stays_so() {
    let page = Page::open(|server| server).await;
    page.log_in(ann()).await;
    for (expired, path) in [(false, "/token"), (true, "/token/refresh")] {
        let both = "window.asked = [];
            return Promise.all([login.token(arguments[0]), login.token(arguments[0])])";
        let tokens = page.browser.run(both, &[json!({"expired": expired})]).await;
        assert!(tokens[0].is_string() && tokens[0] == tokens[1], "{tokens}");
        assert_eq!(page.is("asked").await, json!([path]));
    }

    let first = page.is("login.user").await;
    let forgotten = "const asked = login.token({ expired: true }); login.forget(); return asked";
    assert!(page.browser.run(forgotten, &[]).await.is_string());
    let second = page.is("login.user").await;
    assert!(second.is_string() && second != first, "{second}");
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_over_begins_anew_if_there_is_one_to_begin_with() {
    let page = Page::open(|server| server).await;
    page.log_in(ann()).await;
    page.token(false).await;
    let first = page.is("login.user").await;
    let gone = user(first.as_str().expect("a user"));
    page.server.handle.revoke_user(&gone);
    assert!(page.token(true).await.is_string());
    let second = page.is("login.user").await;
    assert_ne!(second, first);

    let second = user(second.as_str().expect("a user"));
    page.server.handle.revoke_user(&second);
    let alone = "logIn(null, { key: Object.keys(sessionStorage)[0] })";
    page.browser.run(alone, &[]).await;
    assert_eq!(page.is("login.user").await, json!(second));
    assert_eq!(page.token(true).await, Value::Null);
    assert_eq!(page.is("login.user").await, Value::Null);
    assert_eq!(page.is("sessionStorage.length").await, 0);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_refused_ends_the_connection_and_one_that_is_to_wait_waits() {
    let minute = Duration::from_secs(60);
    let page = Page::open(|server| {
        let limits = ConnectionLimits {
            tokens_per_address: 2,
            ..ConnectionLimits::default()
        };
        server.with_connection_limits(limits)
    })
    .await;
    page.log_in(json!({"name": "", "room": "lobby"})).await;
    page.join().await;
    page.browser.until("room.status === 'closed'").await;
    let (status, detail) = ("closed", page.is("statuses.at(-1)[1]").await);
    assert_eq!(page.is("statuses.at(-1)[0]").await, status);
    assert_eq!(detail["code"], 1006);
    let reason = detail["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("name"), "{detail}");
    assert_eq!(page.is("asked").await, json!(["/token"]));

    page.log_in(ann()).await;
    page.token(false).await;
    page.browser.run("login.forget()", &[]).await;
    page.join().await;
    page.browser.until("room.status === 'reconnecting'").await;
    let detail = page.is("statuses.at(-1)[1]").await;
    let delay = detail["delay"].as_u64().expect("whole milliseconds");
    let most = u64::try_from(minute.as_millis()).expect("a minute") + 1_000;
    assert!((1_000..=most).contains(&delay), "{detail}");
    assert_eq!(page.is("asked.length").await, 3);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_of_one_game_is_none_of_another_and_a_login_of_ones_own_has_a_key() {
    let page = Page::open(|server| server).await;
    page.log_in(json!({"name": "Ann", "room": "lobby", "game": "bridge"}))
        .await;
    page.join().await;
    page.browser.until("statuses.length > 1").await;
    let reason = page.is("statuses.at(-1)[1].reason").await;
    assert!(reason.to_string().contains("game"), "{reason}");

    let keyless =
        "try { logIn({ email: 'ann@example.org' }); } catch (error) { return error.name; }";
    assert_eq!(page.browser.run(keyless, &[]).await, "TypeError");
    page.close().await;
}
