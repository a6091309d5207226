//! `/tapaculo.js` in a real browser, over a network that is as bad as a test wants it.

use axum::{
    Router,
    http::StatusCode,
    response::Html,
    routing::{MethodRouter, get},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tapaculo::{JwtKey, JwtOptions, MessageLimits, prelude::*};
use tapaculo_tests::{
    DEADLINE,
    browser::Browser,
    client::Client,
    codec::Codec,
    http,
    proxy::{Cut, Proxy, Way},
    server::{SECRET, TestServer},
    user,
};

/// A list of numbers to which everyone adds.
#[tapaculo::game(
    players = 4,
    history = 4096,
    reconnect = "60s",
    event = TallyEvent
)]
#[derive(Default)]
struct Tally {
    numbers: Vec<u64>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum TallyEvent {
    Added { number: u64 },
}

#[derive(Serialize)]
struct TallyView {
    numbers: Vec<u64>,
}

#[tapaculo::game]
impl Tally {
    #[validate(add)]
    fn lucky(&self, number: &u64) -> Result<(), &'static str> {
        match number {
            13 => Err("13 is unlucky"),
            _ => Ok(()),
        }
    }

    /// The reply is how many numbers there are.
    #[message]
    fn add(&mut self, room: &mut Room<Self>, number: u64) -> usize {
        self.numbers.push(number);
        room.broadcast(TallyEvent::Added { number });
        self.numbers.len()
    }

    #[view]
    fn view(&self) -> TallyView {
        let numbers = self.numbers.clone();
        TallyView { numbers }
    }
}

/// A page on the server, whose WebSockets go through the bad network.
struct Page {
    server: TestServer,
    proxy: Proxy,
    browser: Browser,
    /// How its clients speak.
    codec: Codec,
}

impl Page {
    async fn open() -> Self {
        Self::open_with(|server| server).await
    }

    async fn open_in(codec: Codec) -> Self {
        let page = Self::open().await;
        Self { codec, ..page }
    }

    async fn open_with(configure: impl FnOnce(Server) -> Server) -> Self {
        let page = get(async || Html(include_str!("client.html")));
        let server = TestServer::start_at(|server, address| {
            let routes = Router::new().route("/", page);
            let server = server.with_game::<Tally>().with_routes(routes);
            // The network is another origin than the page's.
            configure(server.with_allowed_origins([format!("http://{address}")]))
        })
        .await;
        let proxy = Proxy::start(server.address).await;
        let browser = Browser::start().await;
        browser.visit(&format!("http://{}/", server.address)).await;
        browser.until("'join' in window").await;
        Self {
            server,
            proxy,
            browser,
            codec: Codec::Json,
        }
    }

    /// Joins the room as a user with this token, or these; in the page it goes by the same name.
    async fn begin(&self, user: &str, tokens: Value) {
        let url = format!("http://{}/ws", self.proxy.address);
        self.begin_at(&url, user, tokens).await;
    }

    /// The same at a URL, which may be one of the page's own origin.
    async fn begin_at(&self, url: &str, user: &str, tokens: Value) {
        let codec = match self.codec {
            Codec::Json => "json",
            Codec::MessagePack => "msgpack",
        };
        let arguments = [json!(user), json!(url), tokens, json!(codec)];
        self.browser.run("join(...arguments)", &arguments).await;
    }

    /// Joins the room and waits until it has.
    async fn join(&self, user: &str) {
        let token = self.server.token(user, "r");
        self.begin(user, json!(token)).await;
        self.is(user, "connected").await;
    }

    /// Joins the room as somebody else, by a connection of its own.
    async fn observer(&self) -> Client {
        self.server.join("observer", "r").await
    }

    async fn is(&self, user: &str, status: &str) {
        let told = format!("log.{user}.statuses.at(-1)?.[0] === '{status}'");
        self.browser.until(&told).await;
    }

    async fn say(&self, user: &str, numbers: &[u64]) {
        let arguments = [json!(user), json!(numbers)];
        let script = "say(arguments[0], ...arguments[1])";
        self.browser.run(script, &arguments).await;
    }

    /// All that a number of a user was answered, once it was.
    async fn answers(&self, user: &str, number: u64) -> Value {
        let answers = format!("log.{user}.answers[{number}]");
        self.browser.until(&format!("{answers}.length > 0")).await;
        self.log(&format!("{user}.answers[{number}]")).await
    }

    async fn log(&self, of: &str) -> Value {
        self.browser.run(&format!("return log.{of}"), &[]).await
    }

    /// Saves the time that a client would wait.
    async fn hurry(&self) {
        self.browser.run("hurry()", &[]).await;
    }

    async fn close(self) {
        self.browser.close().await;
    }
}

/// Tests of which each is one in either codec.
macro_rules! in_both_codecs {
    ($($test:ident),* $(,)?) => {
        mod json {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(tapaculo_tests::codec::Codec::Json).await;
            })*
        }

        mod msgpack {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(tapaculo_tests::codec::Codec::MessagePack).await;
            })*
        }
    };
}

in_both_codecs! {
    every_message_is_promised_its_reply_or_its_refusal,
    events_come_once_and_in_order_across_thirty_cuts,
    what_was_not_answered_is_sent_again_and_applied_once,
    a_message_that_closes_the_connection_is_not_sent_again,
    who_cannot_be_brought_up_to_date_is_told_to_forget,
    a_fresh_token_goes_over_the_connection_before_the_last_one_expires,
    a_connection_that_is_half_open_is_noticed_and_replaced,
    latency_and_status_are_told_as_they_are,
    who_closes_leaves,
}

fn add(number: u64) -> Value {
    json!({"type": "Add", "number": number})
}

fn expired_token(user: &str) -> String {
    let claims = json!({"sub": user, "room": "r", "session_id": "s", "exp": 1_000_000_000});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("a token")
}

#[tokio::test]
async fn the_module_and_its_types_are_served_and_kept_by_whoever_has_them() {
    let server = TestServer::start(Server::with_game::<Tally>).await;
    for (path, content_type, words) in [
        ("/tapaculo.js", "text/javascript", "export function connect"),
        (
            "/tapaculo.d.ts",
            "application/typescript",
            "export interface Room",
        ),
    ] {
        let response = http::get(server.address, path).await;
        assert_eq!(response.status, 200);
        let content_type = format!("{content_type}; charset=utf-8");
        assert_eq!(response.header("content-type"), Some(&*content_type));
        assert_eq!(response.header("cache-control"), Some("no-cache"));
        assert!(response.body.contains(words), "{path}");
        let tag = response.header("etag").expect("an etag");
        let known = format!("If-None-Match: {tag}\r\n");
        let again = http::get_with(server.address, path, &known).await;
        assert_eq!((again.status, &*again.body), (304, ""));
    }
}

async fn every_message_is_promised_its_reply_or_its_refusal(codec: Codec) {
    let page = Page::open_in(codec).await;
    // Nothing is connected yet: they wait.
    let token = page.server.token("alice", "r");
    page.begin("alice", json!(token)).await;
    page.say("alice", &[5, 13, 7]).await;
    assert_eq!(page.answers("alice", 7).await, json!([{"reply": 2}]));
    assert_eq!(page.answers("alice", 5).await, json!([{"reply": 1}]));
    let refused = json!([{"code": "rejected", "message": "13 is unlucky"}]);
    assert_eq!(page.answers("alice", 13).await, refused);
    let many: Vec<u64> = (100..300).collect();
    page.say("alice", &many).await;
    assert_eq!(page.answers("alice", 299).await, json!([{"reply": 202}]));
    let known: Vec<_> = [5, 7].into_iter().chain(many).collect();
    assert_eq!(page.log("alice.known").await, json!(known));
    // A page that is loaded again does not begin with ids that the session has used.
    page.browser.run("location.reload()", &[]).await;
    page.browser.until("'join' in window && !log.alice").await;
    page.join("alice").await;
    page.say("alice", &[300]).await;
    assert_eq!(page.answers("alice", 300).await, json!([{"reply": 203}]));
    page.close().await;
}

async fn events_come_once_and_in_order_across_thirty_cuts(codec: Codec) {
    let page = Page::open_in(codec).await;
    let mut observer = page.observer().await;
    page.join("alice").await;
    let mut rng = StdRng::seed_from_u64(30);
    let mut numbers = 100..;
    let mut said = Vec::new();
    for _ in 0..30 {
        let way = if rng.random() { Way::Up } else { Way::Down };
        let cuts = page.proxy.counts().cuts;
        page.proxy.cut_after(way, rng.random_range(1..900));
        let start = Instant::now();
        while page.proxy.counts().cuts == cuts {
            assert!(start.elapsed() < DEADLINE, "no bytes go {way:?}");
            let new: Vec<u64> = numbers.by_ref().take(3).collect();
            page.say("alice", &new).await;
            said.extend(new);
            observer.tell(add(numbers.next().expect("endless"))).await;
            page.hurry().await;
        }
    }
    let last = numbers.next().expect("endless");
    page.say("alice", &[last]).await;
    page.hurry().await;
    page.answers("alice", last).await;
    let answers = page.log("alice.answers").await;
    for number in said {
        let answers = &answers[number.to_string()];
        assert!(answers[0]["reply"].is_u64(), "{number}: {answers}");
        assert_eq!(answers.as_array().map(Vec::len), Some(1), "{number}");
    }
    // What the room says of itself, to somebody who comes.
    let (greeting, _) = page.server.connect("late", "r").await.until("synced").await;
    let events = greeting.iter().filter(|frame| frame.get("data").is_some());
    let events: Vec<_> = events
        .map(|event| json!([event["seq"], event["data"]["number"]]))
        .collect();
    let mut different: Vec<_> = events.iter().map(|event| event[1].as_u64()).collect();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), events.len(), "each was applied once");
    assert_eq!(page.log("alice.events").await, json!(events));
    assert_eq!(page.log("alice.resets").await, 0);
    page.close().await;
}

async fn what_was_not_answered_is_sent_again_and_applied_once(codec: Codec) {
    let page = Page::open_in(codec).await;
    let mut observer = page.observer().await;
    page.join("alice").await;
    // The room has applied it, and the answer is lost.
    page.proxy.swallow(Way::Down);
    page.say("alice", &[1, 2]).await;
    assert_eq!(observer.event().await["number"], 1);
    assert_eq!(observer.event().await["number"], 2);
    page.proxy.cut(Cut::Reset);
    assert_eq!(page.answers("alice", 1).await, json!([{"reply": 1}]));
    assert_eq!(page.answers("alice", 2).await, json!([{"reply": 2}]));
    // It never got there.
    page.proxy.swallow(Way::Up);
    page.say("alice", &[3]).await;
    page.proxy.cut(Cut::Finish);
    assert_eq!(page.answers("alice", 3).await, json!([{"reply": 3}]));
    assert_eq!(observer.event().await["number"], 3);
    assert_eq!(page.log("alice.known").await, json!([1, 2, 3]));
    assert_eq!(page.log("alice.resets").await, 0);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_half_closed_is_replaced_and_no_seat_is_lost() {
    let page = Page::open().await;
    let mut observer = page.observer().await;
    page.join("alice").await;
    for (number, way) in [(1, Way::Up), (2, Way::Down)] {
        page.proxy.half_close(way);
        page.say("alice", &[number]).await;
        assert_eq!(
            page.answers("alice", number).await,
            json!([{"reply": number}])
        );
        assert_eq!(observer.event().await["number"], number);
    }
    // A dead connection that the client gives up is not a goodbye either, when that gets through.
    page.proxy.swallow(Way::Down);
    page.say("alice", &[3]).await;
    page.hurry().await;
    assert_eq!(page.answers("alice", 3).await, json!([{"reply": 3}]));
    assert_eq!(page.log("alice.resets").await, 0);
    observer.send(json!({"ping": 1})).await;
    let (before, _) = observer.until("pong").await;
    let left = before
        .iter()
        .any(|frame| frame["presence"]["event"] == "left");
    assert!(!left, "{before:?}");
    page.close().await;
}

async fn a_message_that_closes_the_connection_is_not_sent_again(codec: Codec) {
    let page = Page::open_in(codec).await;
    page.join("alice").await;
    // Longer than any frame that the server takes.
    let script = "window.code = rooms.alice.send({type: 'Add', number: 1, why: 'x'.repeat(70_000)})
        .then(() => 'no error', error => error.code); say('alice', 2)";
    page.browser.run(script, &[]).await;
    assert_eq!(page.answers("alice", 2).await, json!([{"reply": 1}]));
    assert_eq!(page.browser.run("return code", &[]).await, "too_large");
    assert_eq!(page.log("alice.statuses[2][1].code").await, 1009);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_waited_is_not_sent_as_a_flood() {
    let page = Page::open_with(|server| server.with_limits(MessageLimits::default())).await;
    page.join("alice").await;
    page.proxy.refuse(true);
    page.proxy.cut(Cut::Reset);
    page.is("alice", "reconnecting").await;
    let many: Vec<u64> = (100..200).collect();
    page.say("alice", &many).await;
    page.proxy.refuse(false);
    page.hurry().await;
    assert_eq!(page.answers("alice", 199).await, json!([{"reply": 100}]));
    page.close().await;
}

async fn who_cannot_be_brought_up_to_date_is_told_to_forget(codec: Codec) {
    let page = Page::open_in(codec).await;
    let mut observer = page.observer().await;
    page.join("alice").await;
    page.say("alice", &[1]).await;
    page.answers("alice", 1).await;
    page.proxy.refuse(true);
    page.proxy.cut(Cut::Reset);
    page.is("alice", "reconnecting").await;
    // More than is kept to resume from.
    let missed = 100..1200;
    for number in missed.clone() {
        observer.tell(add(number)).await;
    }
    page.proxy.refuse(false);
    page.hurry().await;
    page.is("alice", "connected").await;
    assert_eq!(page.log("alice.resets").await, 1);
    let known: Vec<u64> = [1].into_iter().chain(missed).collect();
    assert_eq!(page.log("alice.known").await, json!(known));
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_expired_is_asked_for_again() {
    let page = Page::open().await;
    let tokens = json!([expired_token("alice"), page.server.token("alice", "r")]);
    page.begin("alice", tokens).await;
    page.is("alice", "connected").await;
    assert_eq!(page.log("alice.asked").await, json!([false, true]));
    // Where there is nobody to ask, it is over.
    page.begin("bob", json!(expired_token("bob"))).await;
    page.is("bob", "closed").await;
    let closed = json!(["closed", {"code": 4002, "reason": "the token has expired"}]);
    assert_eq!(page.log("bob.statuses.at(-1)").await, closed);
    page.close().await;
}

/// A page on a server that gives expired tokens no leeway.
async fn strict() -> Page {
    Page::open_with(|server| {
        server.with_auth(JwtAuth::with_options(JwtOptions {
            keys: vec![JwtKey::secret(SECRET)],
            leeway: Duration::ZERO,
            ..JwtOptions::default()
        }))
    })
    .await
}

impl Page {
    fn token_for(&self, user: &str, seconds: u64) -> String {
        let token = self.server.auth.sign_access(user, "r", "s", seconds);
        token.expect("valid names")
    }
}

async fn a_fresh_token_goes_over_the_connection_before_the_last_one_expires(codec: Codec) {
    let page = Page {
        codec,
        ..strict().await
    };
    // At first nobody can give one: it is asked for again, in time.
    let of = |seconds| page.token_for("alice", seconds);
    page.begin("alice", json!([of(6), "fail", of(600)])).await;
    // Whoever has nobody to ask is gone when her first token would be.
    page.begin("bob", json!(page.token_for("bob", 7))).await;
    page.is("alice", "connected").await;
    page.is("bob", "closed").await;
    assert_eq!(page.log("bob.statuses.at(-1)[1].code").await, 4002);
    assert_eq!(page.log("alice.asked").await, json!([false, true, true]));
    page.say("alice", &[1]).await;
    assert_eq!(page.answers("alice", 1).await, json!([{"reply": 1}]));
    let statuses = json!([["connecting"], ["connected"]]);
    assert_eq!(page.log("alice.statuses").await, statuses);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_closed_for_a_token_that_has_expired_asks_for_another_and_comes_back() {
    let page = strict().await;
    let of = |seconds| page.token_for("alice", seconds);
    page.begin("alice", json!([of(2), "fail", of(600)])).await;
    page.browser.until("log.alice.statuses.length === 4").await;
    let statuses = page.log("alice.statuses").await;
    assert_eq!(statuses[2][0], "reconnecting");
    assert_eq!(statuses[2][1]["code"], 4002);
    assert_eq!(statuses[3], json!(["connected"]));
    assert_eq!(page.log("alice.asked").await, json!([false, true, true]));
    assert_eq!(page.log("alice.resets").await, 0);
    // Where there is none to be had any more, it is over; and where it was taken back.
    page.begin("bob", json!([page.token_for("bob", 1), Value::Null]))
        .await;
    page.is("bob", "closed").await;
    let closed = json!(["closed", {"code": 4002, "reason": "there is no token any more"}]);
    assert_eq!(page.log("bob.statuses.at(-1)").await, closed);
    page.server.handle.revoke_user(&user("alice"));
    page.is("alice", "closed").await;
    assert_eq!(page.log("alice.statuses.at(-1)[1].code").await, 4001);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_server_refuses_is_asked_for_again() {
    let page = Page::open().await;
    let gone = JwtAuth::new("a secret that was in use until the server was started anew");
    let refused = gone.sign_access("alice", "r", "s", 600).expect("a token");
    let tokens = json!([refused, page.server.token("alice", "r")]);
    page.begin("alice", tokens).await;
    page.is("alice", "connected").await;
    assert_eq!(page.log("alice.asked").await, json!([false, true]));
    // Where there is nobody to ask, it is over, and says why.
    let token = page.server.token("bob", "r");
    let revoked = page.server.handle.revoke_token(&token);
    revoked.expect("one of the server's");
    page.begin("bob", json!(token)).await;
    page.is("bob", "closed").await;
    let reason = "the token has been revoked";
    let statuses = json!([["connecting"], ["closed", {"code": 4001, "reason": reason}]]);
    assert_eq!(page.log("bob.statuses").await, statuses);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_revoked_while_offline_asks_for_another_token_and_comes_back() {
    let page = Page::open().await;
    page.begin("alice", json!([page.server.token("alice", "r")]))
        .await;
    page.is("alice", "connected").await;
    page.proxy.refuse(true);
    page.proxy.cut(Cut::Reset);
    // As long as nobody answers, the token is as good as it was.
    let tried = "log.alice.statuses.at(-1)[1]?.attempt >= 3";
    page.browser.until(tried).await;
    page.server.handle.revoke_user(&user("alice"));
    let fresh = json!(page.server.token("alice", "r"));
    page.browser
        .run("log.alice.tokens.push(arguments[0])", &[fresh])
        .await;
    page.proxy.refuse(false);
    page.hurry().await;
    page.is("alice", "connected").await;
    let asked = page.log("alice.asked").await;
    let asked = asked.as_array().expect("a list");
    let (last, before) = asked.split_last().expect("asked");
    assert!(before.len() >= 3, "{asked:?}");
    assert_eq!(last, true, "{asked:?}");
    assert!(before.iter().all(|expired| expired == false), "{asked:?}");
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_will_not_get_better_ends_the_connection_with_the_servers_words() {
    let page = Page::open().await;
    let connections = page.proxy.counts().connections;
    let url = format!("http://{}/ws/bridge", page.proxy.address);
    let token = json!([page.server.token("alice", "r")]);
    page.begin_at(&url, "alice", token.clone()).await;
    page.is("alice", "closed").await;
    let reason = "there is no such game; there are: `tally`";
    let statuses = json!([["connecting"], ["closed", {"code": 1006, "reason": reason}]]);
    assert_eq!(page.log("alice.statuses").await, statuses);
    // The attempt, the browser's question whether the page may ask, and the page's.
    let connections = page.proxy.counts().connections - connections;
    assert!(connections <= 3, "{connections}");
    // By another name the page is of another origin, which nobody has listed.
    let port = page.server.address.port();
    page.browser
        .visit(&format!("http://localhost:{port}/"))
        .await;
    page.browser.until("'join' in window").await;
    page.begin_at("/ws", "bob", token.clone()).await;
    page.is("bob", "closed").await;
    let reason = "pages of this origin may not connect: see `Server::with_allowed_origins`";
    let statuses = json!([["connecting"], ["closed", {"code": 1006, "reason": reason}]]);
    assert_eq!(page.log("bob.statuses").await, statuses);
    // What another one says, who is there in place of the server, may be wrong in a moment.
    page.begin_at("/nowhere", "carol", token).await;
    page.browser
        .until("log.carol.statuses.at(-1)[1]?.attempt >= 3")
        .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_to_wait_waits_for_as_long_as_the_server_says() {
    let page = Page::open().await;
    let hour = Duration::from_hours(1);
    page.server.handle.ban(&user("alice"), hour);
    page.begin("alice", json!(page.server.token("alice", "r")))
        .await;
    page.is("alice", "reconnecting").await;
    let told = page.log("alice.statuses.at(-1)[1]").await;
    assert_eq!(told["reason"], "banned for a while");
    let delay = told["delay"].as_u64().expect("whole milliseconds");
    let whole = 3_590_000..3_601_000;
    assert!(whole.contains(&delay), "{told}");
    // Who does something about it need not wait.
    assert!(page.server.handle.unban(&user("alice")));
    page.hurry().await;
    page.is("alice", "connected").await;
    page.close().await;
}

/// What stands before a server, refuses its WebSockets, and is silent when it is asked why.
#[derive(Clone, Default)]
struct Wall {
    refused: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
    /// How many still wait for an answer.
    waiting: Arc<()>,
}

impl Wall {
    fn route(&self) -> MethodRouter {
        let (refused, asked) = (Arc::clone(&self.refused), Arc::clone(&self.asked));
        let waiting = Arc::downgrade(&self.waiting);
        let refuse = async move || {
            refused.fetch_add(1, Ordering::SeqCst);
            StatusCode::BAD_GATEWAY
        };
        let be_silent = async move || {
            let _waits = waiting.upgrade();
            asked.fetch_add(1, Ordering::SeqCst);
            pending::<()>().await;
        };
        get(refuse).post(be_silent)
    }

    /// Waits until so many were refused and have asked why, and so many still wait.
    async fn has_seen(&self, attempts: u64, waiting: usize) {
        let start = Instant::now();
        loop {
            let refused = self.refused.load(Ordering::SeqCst);
            let asked = self.asked.load(Ordering::SeqCst);
            let waits = Arc::strong_count(&self.waiting) - 1;
            if (refused, asked, waits) == (attempts, attempts, waiting) {
                return;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "{refused} refused, {asked} have asked, {waits} wait"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_told_why_asks_once_an_attempt_and_goes_on() {
    let [first, second] = [Wall::default(), Wall::default()];
    let routes = Router::new()
        .route("/first", first.route())
        .route("/second", second.route());
    let page = Page::open_with(|server| server.with_routes(routes)).await;
    let token = json!([page.server.token("alice", "r")]);
    page.begin_at("/first", "alice", token.clone()).await;
    let again = "log.alice.statuses.at(-1)[1]?.attempt === 2";
    page.browser.until(again).await;
    // Now nobody gives up for the time it takes, but only who is woken or closes.
    let patient = "const timer = setTimeout;
        window.setTimeout = (act, ms) => timer(act, ms < 3_000 ? ms : 3_600_000)";
    page.browser.run(patient, &[]).await;
    page.begin_at("/second", "bob", token).await;
    second.has_seen(1, 1).await;
    page.browser.run("rooms.alice.close()", &[]).await;
    page.hurry().await;
    second.has_seen(2, 1).await;
    page.hurry().await;
    second.has_seen(3, 1).await;
    page.browser.run("rooms.bob.close()", &[]).await;
    second.has_seen(3, 0).await;
    let closed = json!(["closed", {"code": 1000, "reason": "left"}]);
    assert_eq!(page.log("bob.statuses.at(-1)").await, closed);
    page.close().await;
}

async fn a_connection_that_is_half_open_is_noticed_and_replaced(codec: Codec) {
    let page = Page::open_in(codec).await;
    page.join("alice").await;
    page.browser.until("log.alice.latencies.length > 0").await;
    page.proxy.swallow(Way::Up);
    page.proxy.swallow(Way::Down);
    page.say("alice", &[1]).await;
    // The ping would come by itself, within ten seconds.
    page.hurry().await;
    assert_eq!(page.answers("alice", 1).await, json!([{"reply": 1}]));
    let statuses = page.log("alice.statuses").await;
    let reason = "the server does not answer";
    let expected = json!([
        ["connecting"],
        ["connected"],
        ["reconnecting", {"attempt": 1, "delay": 0, "reason": reason}],
        ["connected"],
    ]);
    assert_eq!(statuses, expected);
    assert_eq!(page.log("alice.resets").await, 0);
    page.close().await;
}

async fn latency_and_status_are_told_as_they_are(codec: Codec) {
    let page = Page::open_in(codec).await;
    page.proxy.delay(Duration::from_millis(150));
    page.join("alice").await;
    page.browser.until("log.alice.latencies.length > 0").await;
    let latency = page.log("alice.latencies[0]").await;
    let latency = latency.as_u64().expect("milliseconds");
    assert!((300..3000).contains(&latency), "{latency} ms");

    page.proxy.delay(Duration::ZERO);
    page.proxy.refuse(true);
    page.proxy.cut(Cut::Reset);
    page.browser.until("log.alice.statuses.length >= 5").await;
    assert_eq!(
        page.browser.run("return rooms.alice.status", &[]).await,
        "reconnecting"
    );
    page.proxy.refuse(false);
    page.hurry().await;
    page.is("alice", "connected").await;
    let statuses = page.log("alice.statuses").await;
    let statuses = statuses.as_array().expect("a list");
    assert_eq!(statuses[..2], [json!(["connecting"]), json!(["connected"])]);
    let reconnecting = &statuses[2..statuses.len() - 1];
    for (attempt, status) in reconnecting.iter().enumerate() {
        assert_eq!(status[0], "reconnecting");
        assert_eq!(status[1]["attempt"], attempt + 1);
        assert_eq!(status[1]["code"], 1006);
    }
    page.browser.until("log.alice.latencies.length > 1").await;
    let latency = page.log("alice.latencies.at(-1)").await;
    assert!(latency.as_u64() < Some(300), "{latency} ms");
    page.close().await;
}

async fn who_closes_leaves(codec: Codec) {
    let page = Page::open_in(codec).await;
    page.join("alice").await;
    page.join("bob").await;
    let members = "return rooms.bob.members.map(member => [member.user, member.connected])";
    let both = json!([["alice", true], ["bob", true]]);
    assert_eq!(page.browser.run(members, &[]).await, both);
    // A connection that is lost is no goodbye.
    page.proxy.cut(Cut::Reset);
    page.hurry().await;
    page.is("alice", "connected").await;
    page.is("bob", "connected").await;
    page.browser.run("rooms.alice.close()", &[]).await;
    let closed = json!(["closed", {"code": 1000, "reason": "left"}]);
    assert_eq!(page.log("alice.statuses.at(-1)").await, closed);
    let left = "log.bob.presences.some(([event, user]) => event === 'left' && user === 'alice')";
    page.browser.until(left).await;
    let alone = json!([["bob", true]]);
    assert_eq!(page.browser.run(members, &[]).await, alone);
    page.say("alice", &[1]).await;
    assert_eq!(page.answers("alice", 1).await[0]["code"], "closed");
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_connection_wins_and_the_old_client_sends_nothing_again() {
    let page = Page::open().await;
    page.join("alice").await;
    page.proxy.swallow(Way::Up);
    page.say("alice", &[1]).await;
    let mut newest = page.server.join("alice", "r").await;
    page.is("alice", "closed").await;
    assert_eq!(page.log("alice.statuses.at(-1)[1].code").await, 4009);
    assert_eq!(page.answers("alice", 1).await[0]["code"], "closed");
    // Nothing wakes it.
    page.hurry().await;
    page.say("alice", &[2]).await;
    assert_eq!(page.answers("alice", 2).await[0]["code"], "closed");
    page.join("bob").await;
    let connections = page.proxy.counts().connections;
    assert_eq!(connections, 2, "one each of Alice and Bob");
    assert_eq!(newest.tell(add(3)).await["reply"], 1);
    page.close().await;
}
