//! The figures that a server shows: each is moved by what it names, and by nothing else.
//!
//! A process of its own: the figures are those of a process.

use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};
use tapaculo::{JwtAuth, MessageLimits, Server, prelude::*};
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Request},
    figures::{Figures, Watch},
    http, room,
    server::{SECRET, TestServer},
    user,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

const GUIDE: &str = include_str!("../tapaculo/docs/guide/deployment.md");

/// How many messages a user may send.
const MOST: u32 = 20;

/// How often half a MiB is said to somebody who reads nothing: far more than sockets and logs hold.
const FLOODS: u32 = 100;

/// The figures are those of one test at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A table for two.
#[tapaculo::game(players = 2, reconnect = "60s", event = String)]
#[derive(Default)]
struct Table;

#[tapaculo::game]
impl Table {
    #[message]
    fn say(&mut self, room: &mut Room<Self>, text: String) {
        room.broadcast(text);
    }

    #[message]
    fn refuse(&mut self) -> Result<(), String> {
        Err("no".to_owned())
    }

    #[message]
    fn ring(&mut self, room: &mut Room<Self>) {
        room.after(Duration::from_millis(1), TableTimer::Bell {});
    }

    #[timer]
    fn bell(&mut self, room: &mut Room<Self>) {
        room.broadcast("ding".to_owned());
    }

    /// Says more than a socket takes.
    #[message]
    fn flood(&mut self, room: &mut Room<Self>) {
        for _ in 0..8 {
            room.broadcast("x".repeat(64 << 10));
        }
    }

    /// Counts something of its own.
    #[message]
    fn win(&mut self) {
        metrics::counter!("wins_total", "table" => "round").increment(1);
    }
}

/// Ticks.
#[tapaculo::game]
#[derive(Default)]
struct Metronome;

#[tapaculo::game]
impl Metronome {
    #[tick(every = "10ms")]
    fn tick(&mut self) {}
}

async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("bound")
}

/// A server, and where its figures are.
async fn start(configure: impl FnOnce(Server) -> Server) -> (TestServer, SocketAddr) {
    let figures = free_address().await;
    let server = TestServer::start(|server| {
        let server = server.with_game::<Table>().with_game::<Metronome>();
        configure(server.with_metrics(figures))
    })
    .await;
    let begun = async {
        while TcpStream::connect(figures).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, begun).await.expect("it shows figures");
    (server, figures)
}

fn at(server: &TestServer, path: &str, user: &str, room: &str) -> Request {
    let mut request = server.request(user, room);
    request.url = server.url(path);
    request
}

/// Connects and reads the greeting; gives the room's epoch, too.
async fn join(server: &TestServer, user: &str, room: &str) -> (Client, String) {
    let request = at(server, "/ws/table", user, room);
    let mut client = request.connect().await.expect("it is let in");
    let (_, welcome) = client.until("welcome").await;
    let epoch = welcome["welcome"]["epoch"].as_str().expect("an epoch");
    client.until("synced").await;
    (client, epoch.to_owned())
}

/// Bytes and frames, and what is not the library's: looked at where that is the point.
fn traffic(name: &str) -> bool {
    name.starts_with("tapaculo_sent_") || name.starts_with("tapaculo_received_")
}

fn nothing(_: &str) -> bool {
    false
}

const CONNECTIONS: &str = r#"tapaculo_connections{game="table"}"#;
const OPENED: &str = r#"tapaculo_connections_opened_total{game="table"}"#;
const ROOMS: &str = r#"tapaculo_rooms{game="table"}"#;
const MESSAGES: &str = r#"tapaculo_messages_total{game="table"}"#;
const HANDLED: &str = r#"tapaculo_handler_seconds_count{game="table",handler="message"}"#;
const HOOKS: &str = r#"tapaculo_handler_seconds_count{game="table",handler="hook"}"#;
const TIMERS: &str = r#"tapaculo_handler_seconds_count{game="table",handler="timer"}"#;
const TICKS: &str = r#"tapaculo_handler_seconds_count{game="metronome",handler="tick"}"#;
const SENT_FRAMES: &str = r#"tapaculo_sent_frames_total{game="table"}"#;
const SENT_BYTES: &str = r#"tapaculo_sent_bytes_total{game="table"}"#;
const RECEIVED_BYTES: &str = r#"tapaculo_received_bytes_total{game="table"}"#;
const LOST: &str = r#"tapaculo_connections_closed_total{by="nobody",code="1006"}"#;

fn closed(by: &str, code: &str) -> String {
    format!("tapaculo_connections_closed_total{{by=\"{by}\",code=\"{code}\"}}")
}

fn refused(code: &str) -> String {
    format!("tapaculo_refusals_total{{code=\"{code}\"}}")
}

fn rejected(status: u16) -> String {
    format!("tapaculo_http_rejections_total{{status=\"{status}\"}}")
}

#[tokio::test]
async fn connections_rooms_and_what_is_said_in_them() {
    let _alone = ALONE.lock().await;
    let (server, figures) = start(|server| server).await;
    let mut watch = Watch::begin(figures).await;

    let (mut alice, _) = join(&server, "alice", "r").await;
    // It is created, and then somebody joins.
    let joined = [
        (CONNECTIONS, 1.0),
        (OPENED, 1.0),
        (ROOMS, 1.0),
        (HOOKS, 2.0),
    ];
    watch.moved(&joined, traffic).await;

    let (mut bob, _) = join(&server, "bob", "r").await;
    // The presence of the other is on its way.
    alice.until("presence").await;
    // Somebody joins, and the room is full.
    let joined = [(CONNECTIONS, 1.0), (OPENED, 1.0), (HOOKS, 2.0)];
    watch.moved(&joined, traffic).await;

    // What is said goes to both, and the answer to one: this time each byte counts.
    let said = r#"{"data": {"type": "Say", "text": "hi"}, "id": 7}"#;
    alice.raw(Message::text(said)).await;
    let mut frames = vec![alice.frame().await, alice.frame().await];
    assert_eq!(frames[1]["ack"], 7);
    frames.push(bob.frame().await);
    let bytes: usize = frames.iter().map(|frame| frame.to_string().len()).sum();
    let bytes = f64::from(u32::try_from(bytes).expect("few"));
    let received = f64::from(u32::try_from(said.len()).expect("few"));
    let moved = [
        (MESSAGES, 1.0),
        (HANDLED, 1.0),
        (SENT_FRAMES, 3.0),
        (SENT_BYTES, bytes),
        (RECEIVED_BYTES, received),
    ];
    watch.moved(&moved, nothing).await;

    bob.tell(json!({"type": "Ring"})).await;
    bob.until("data").await;
    watch
        .moved(&[(MESSAGES, 1.0), (HANDLED, 1.0), (TIMERS, 1.0)], traffic)
        .await;

    // Others have a room, and it ends.
    let (mut carol, _) = join(&server, "carol", "other").await;
    let joined = [
        (CONNECTIONS, 1.0),
        (OPENED, 1.0),
        (ROOMS, 1.0),
        (HOOKS, 2.0),
    ];
    watch.moved(&joined, traffic).await;
    let ended = server.handle.close_room("table", &room("other"), "").await;
    assert_eq!(ended, Ok(()));
    assert_eq!(carol.closed().await, Some(4010));
    drop(carol);
    let ended = [
        (CONNECTIONS, -1.0),
        (&*closed("server", "4010"), 1.0),
        (ROOMS, -1.0),
    ];
    watch.moved(&ended, traffic).await;

    // Connections end in many ways. Bob gives his seat up, and the page of the next one goes away.
    bob.close().await;
    let left = [
        (CONNECTIONS, -1.0),
        (&*closed("client", "1000"), 1.0),
        (HOOKS, 1.0),
    ];
    watch.moved(&left, traffic).await;
    for (code, label) in [(CloseCode::Away, "1001"), (CloseCode::from(4108), "other")] {
        let (mut guest, _) = join(&server, "dan", "r").await;
        let frame = CloseFrame {
            code,
            reason: "".into(),
        };
        guest.raw(Message::Close(Some(frame))).await;
        guest.closed().await;
        drop(guest);
        // Who goes away holds its seat, and is back the second time.
        let hooks = if label == "1001" { 3.0 } else { 2.0 };
        let left = [
            (OPENED, 1.0),
            (&*closed("client", label), 1.0),
            (HOOKS, hooks),
        ];
        watch.moved(&left, traffic).await;
    }
    drop(alice);
    let lost = [(CONNECTIONS, -1.0), (LOST, 1.0), (HOOKS, 1.0)];
    watch.moved(&lost, traffic).await;
}

#[tokio::test]
async fn refusals_rejections_and_bans() {
    let _alone = ALONE.lock().await;
    let (server, figures) = start(|server| {
        server.with_limits(MessageLimits {
            max_messages_per_window: MOST,
            window_duration: Duration::from_secs(600),
            ..MessageLimits::default()
        })
    })
    .await;
    let (mut alice, _) = join(&server, "alice", "r").await;
    let (bob, _) = join(&server, "bob", "r").await;
    alice.until("presence").await;
    let mut watch = Watch::begin(figures).await;

    let say_no = json!({"data": {"type": "Refuse"}, "id": 1});
    alice.send(say_no.clone()).await;
    alice.until("error").await;
    let moved = [
        (MESSAGES, 1.0),
        (HANDLED, 1.0),
        (&*refused("rejected"), 1.0),
    ];
    watch.moved(&moved, traffic).await;
    // The same answer again is no other refusal.
    alice.send(say_no).await;
    alice.until("error").await;
    watch.moved(&[(MESSAGES, 1.0)], traffic).await;
    let from_bob = json!({"from": "bob", "data": {"type": "Say", "text": "hi"}});
    let unlike = [
        (json!({"nothing": 1}), "bad_frame"),
        (json!({"data": {"type": "Shout"}}), "bad_message"),
        (from_bob, "forged_sender"),
    ];
    for (frame, code) in unlike {
        alice.send(frame).await;
        alice.until("error").await;
        watch
            .moved(&[(MESSAGES, 1.0), (&*refused(code), 1.0)], traffic)
            .await;
    }

    // There are two seats.
    let request = at(&server, "/ws/table", "carol", "r");
    let mut carol = request.connect().await.expect("the upgrade is accepted");
    assert_eq!(carol.closed().await, Some(4003));
    drop(carol);
    let full = [
        (OPENED, 1.0),
        (&*refused("room_full"), 1.0),
        (&*closed("server", "4003"), 1.0),
    ];
    watch.moved(&full, traffic).await;

    // Before the upgrade.
    let bad = |path: &str, token: &str| {
        Request::new(server.url(path)).header("Authorization", format!("Bearer {token}"))
    };
    for (request, status) in [
        (bad("/ws/table", "none"), 401),
        (bad("/ws/chairs", "none"), 404),
        (bad("/ws/table?resume=here", &server.token("eve", "r")), 400),
        (
            bad("/ws/table", "none").header("Origin", "https://example.org"),
            403,
        ),
    ] {
        assert_eq!(request.status().await, status);
        watch.moved(&[(&*rejected(status), 1.0)], traffic).await;
    }
    // Nobody was refused anything here.
    for path in ["/healthz", "/readyz", "/tapaculo.js", "/nowhere"] {
        http::get(server.address, path).await;
    }
    watch.moved(&[], traffic).await;
    assert_eq!(http::get(server.address, "/metrics").await.status, 404);

    // Who sends too much is banned, and so is whom an operator means.
    drop(bob);
    watch
        .moved(&[(CONNECTIONS, -1.0), (LOST, 1.0), (HOOKS, 1.0)], traffic)
        .await;
    let (mut mallory, _) = join(&server, "mallory", "m").await;
    let joined = [
        (CONNECTIONS, 1.0),
        (OPENED, 1.0),
        (ROOMS, 1.0),
        (HOOKS, 2.0),
    ];
    watch.moved(&joined, traffic).await;
    for _ in 0..=MOST {
        mallory
            .send(json!({"data": {"type": "Say", "text": "me"}}))
            .await;
    }
    assert_eq!(mallory.closed().await, Some(4008));
    drop(mallory);
    let (most, by_limit) = (f64::from(MOST), r#"tapaculo_bans_total{by="limit"}"#);
    let banned = [
        (CONNECTIONS, -1.0),
        (&*closed("server", "4008"), 1.0),
        (MESSAGES, most),
        (HANDLED, most),
        (HOOKS, 1.0),
        (&*refused("banned"), 1.0),
        (by_limit, 1.0),
    ];
    watch.moved(&banned, traffic).await;
    server.handle.ban(&user("alice"), Duration::from_secs(60));
    assert_eq!(alice.closed().await, Some(4008));
    drop(alice);
    let banned = [
        (CONNECTIONS, -1.0),
        (&*closed("server", "4008"), 1.0),
        (HOOKS, 1.0),
        (r#"tapaculo_bans_total{by="operator"}"#, 1.0),
    ];
    watch.moved(&banned, traffic).await;
    let back = at(&server, "/ws/table", "alice", "r");
    assert_eq!(back.status().await, 429);
    watch.moved(&[(&*rejected(429), 1.0)], traffic).await;
}

#[tokio::test]
async fn who_resumes_who_is_reset_and_who_is_too_slow() {
    let _alone = ALONE.lock().await;
    let (server, figures) = start(|server| server).await;
    let (alice, epoch) = join(&server, "alice", "r").await;
    let mut watch = Watch::begin(figures).await;

    // The newer connection takes over, and knows where it was.
    let resume = format!("/ws/table?resume={epoch}-0");
    let mut newer = at(&server, &resume, "alice", "r")
        .connect()
        .await
        .expect("in");
    newer.until("synced").await;
    drop(alice);
    let resumed = [
        (OPENED, 1.0),
        (&*closed("server", "4009"), 1.0),
        (r#"tapaculo_resumes_total{outcome="resumed"}"#, 1.0),
    ];
    watch.moved(&resumed, traffic).await;
    let reset = at(&server, "/ws/table?resume=another-0", "alice", "r");
    let mut alice = reset.connect().await.expect("in");
    alice.until("synced").await;
    drop(newer);
    let reset = [
        (OPENED, 1.0),
        (&*closed("server", "4009"), 1.0),
        (r#"tapaculo_resumes_total{outcome="reset"}"#, 1.0),
    ];
    watch.moved(&reset, traffic).await;

    // Bob takes nothing of what is said.
    let (mut bob, _) = join(&server, "bob", "r").await;
    alice.until("presence").await;
    for _ in 0..FLOODS {
        alice.tell(json!({"type": "Flood"})).await;
    }
    assert_eq!(bob.closed().await, Some(4108));
    drop(bob);
    let moved = [
        (OPENED, 1.0),
        (&*closed("server", "4108"), 1.0),
        (HOOKS, 3.0),
        (MESSAGES, f64::from(FLOODS)),
        (HANDLED, f64::from(FLOODS)),
    ];
    watch.moved(&moved, traffic).await;
}

#[tokio::test]
async fn ticks_are_told_from_messages_and_one_game_from_another() {
    let _alone = ALONE.lock().await;
    let (server, figures) = start(|server| server).await;
    let before = Figures::at(figures).await;
    let request = at(&server, "/ws/metronome", "alice", "r");
    let mut alice = request.connect().await.expect("it is let in");
    alice.until("synced").await;
    let ticking = async {
        while Figures::at(figures).await.get(TICKS) < before.get(TICKS) + 3.0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, ticking).await.expect("it ticks");
    let moved = Figures::at(figures).await.since(&before);
    let names: BTreeSet<_> = moved.keys().map(String::as_str).collect();
    let expected = [
        r#"tapaculo_connections_opened_total{game="metronome"}"#,
        r#"tapaculo_connections{game="metronome"}"#,
        r#"tapaculo_handler_seconds_count{game="metronome",handler="hook"}"#,
        TICKS,
        r#"tapaculo_rooms{game="metronome"}"#,
        r#"tapaculo_sent_bytes_total{game="metronome"}"#,
        r#"tapaculo_sent_frames_total{game="metronome"}"#,
    ];
    assert_eq!(names, expected.into());
}

#[tokio::test]
async fn what_a_handler_counts_itself_is_on_the_page() {
    let _alone = ALONE.lock().await;
    let (server, figures) = start(|server| server).await;
    let (mut alice, _) = join(&server, "alice", "r").await;
    let mut watch = Watch::begin(figures).await;
    alice.tell(json!({"type": "Win"})).await;
    let won = (r#"wins_total{table="round"}"#, 1.0);
    watch
        .moved(&[(MESSAGES, 1.0), (HANDLED, 1.0), won], traffic)
        .await;
}

/// The guide's list: each figure's name, type and labels.
fn listed() -> BTreeMap<&'static str, (&'static str, BTreeSet<&'static str>)> {
    let rows = GUIDE
        .lines()
        .filter(|line| line.starts_with("| `tapaculo_"));
    let rows = rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let name = cells.next().expect("a name").trim_matches('`');
        let kind = cells.next().expect("a type");
        let labels = cells.next().expect("labels").split(", ");
        let labels = labels.map(|label| label.trim_matches('`'));
        (
            name,
            (kind, labels.filter(|label| !label.is_empty()).collect()),
        )
    });
    rows.collect()
}

#[tokio::test]
async fn every_figure_in_the_guide_is_on_the_page_and_none_besides() {
    let _alone = ALONE.lock().await;
    let (_server, figures) = start(|server| server).await;
    let page = Figures::at(figures).await;
    let ours = page.ours().into_iter();
    let ours: BTreeMap<_, _> = ours
        .map(|(name, labels)| {
            let (kind, words) = &page.families[name];
            assert!(words.ends_with('.'), "{name}: {words}");
            (name, (kind.as_str(), labels))
        })
        .collect();
    assert_eq!(ours, listed());
    // Those of the alarms are among them.
    let alarms = GUIDE.split("```yaml\ngroups:").nth(1).expect("alarms");
    let alarms = alarms.split("```").next().expect("an end");
    let words = alarms.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
    let named: BTreeSet<_> = words
        .filter(|word| word.starts_with("tapaculo_"))
        .map(|word| word.trim_end_matches("_bucket").trim_end_matches("_count"))
        .collect();
    assert!(named.len() >= 5, "{named:?}");
    for name in named {
        assert!(ours.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_page_is_there_until_the_server_has_ended() {
    let _alone = ALONE.lock().await;
    let (server, figures) = start(|server| server).await;
    let (mut alice, _) = join(&server, "alice", "r").await;
    let before = Figures::at(figures).await;
    // Another server of this process shows the same figures.
    let (other, elsewhere) = start(|server| server).await;
    assert_eq!(Figures::at(elsewhere).await.get(OPENED), before.get(OPENED));
    let told = async move { alice.closed().await };
    let ((), told) = tokio::join!(server.handle.shutdown(), told);
    assert_eq!(told, Some(1012));
    server.ended().await;
    assert!(TcpStream::connect(figures).await.is_err());
    let moved = Figures::at(elsewhere).await.since(&before);
    assert_eq!(moved.get(&closed("server", "1012")), Some(&1.0));
    assert_eq!(moved.get(ROOMS), Some(&-1.0));
    drop(other);
}

#[tokio::test]
async fn a_server_whose_figures_have_no_place_does_not_start() {
    let _alone = ALONE.lock().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let taken_at = taken.local_addr().expect("bound");
    let server = || {
        let server = Server::new().with_auth(JwtAuth::new(SECRET));
        server.with_game::<Table>().with_metrics(taken_at)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let error = server().serve(listener).await.expect_err("it is taken");
    let words = format!("cannot listen on {taken_at}, for the metrics");
    assert_eq!(error.to_string(), words);
    let error = server().into_router().expect_err("it listens nowhere");
    assert!(error.to_string().contains("with_metrics"), "{error}");
}

/// Otherwise what is read of a page would mean little.
#[test]
fn a_page_that_is_not_prometheus_text_is_none() {
    let read = |page: &'static str| std::panic::catch_unwind(|| Figures::read(page));
    let good = "# HELP a_total What.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n";
    assert_eq!(read(good).expect("good").get("a_total{b=\"c\"}"), 1.0);
    for bad in [
        "a_total 1\n",
        "# TYPE a_total counter\na_total one\n",
        "# TYPE a_total counter\na_total 1",
        "# TYPE a_total counter\na_total 1\na_total 1\n",
        "# TYPE a_total counter\n# TYPE a_total counter\na_total 1\n",
        "# TYPE a_total counter\na_total{b=c} 1\n",
        "# TYPE a_total counter\na_total{b=\"c\" 1\n",
        "# TYPE A counter\nA 1\n",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
