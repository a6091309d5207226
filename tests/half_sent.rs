//! Five hundred clients that begin something and never end it: nobody waits for them, and they are
//! soon gone.
//!
//! A process of its own: what else runs in it would be late on its account.

use futures_util::future::join_all;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tapaculo_tests::{
    client::{JSON, Received},
    server::TestServer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// By when they must be gone.
const GONE: Duration = Duration::from_secs(30);

/// How many there are of each kind.
const EACH: usize = 85;

/// What a client sends at once, and what it goes on with every second.
struct Kind {
    what: &'static str,
    begins: &'static str,
    goes_on: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        what: "nothing at all",
        begins: "",
        goes_on: "",
    },
    Kind {
        what: "half a handshake",
        begins: "GET /ws?token=abc HTTP/1.1\r\nHost: example.org\r\nUpgrade: web",
        goes_on: "",
    },
    Kind {
        what: "a byte each second",
        begins: "GET /ws?token=",
        goes_on: "x",
    },
    Kind {
        what: "a head that never ends",
        begins: "GET /ws HTTP/1.1\r\n",
        goes_on: "A: b\r\n",
    },
    Kind {
        what: "a body that never comes",
        begins: "POST /token HTTP/1.1\r\nHost: example.org\r\nContent-Length: 1000\r\n\r\n",
        goes_on: "",
    },
    Kind {
        what: "a body that comes a byte each second",
        begins: "POST /token HTTP/1.1\r\nHost: example.org\r\nContent-Length: 1000\r\n\r\n{",
        goes_on: " ",
    },
];

/// Sends what it sends until the server has had enough, and says how long that took.
async fn half_send(address: SocketAddr, kind: &Kind) -> Duration {
    let stream = TcpStream::connect(address).await.expect("accepted");
    let (mut reading, mut writing) = stream.into_split();
    let start = Instant::now();
    let writes = async {
        writing.write_all(kind.begins.as_bytes()).await?;
        loop {
            sleep(Duration::from_secs(1)).await;
            writing.write_all(kind.goes_on.as_bytes()).await?;
        }
    };
    // A word on why, or a reset, or nothing: but an end.
    let mut answer = Vec::new();
    let ends = async {
        tokio::select! {
            _ = reading.read_to_end(&mut answer) => {}
            Err::<std::convert::Infallible, std::io::Error>(_) = writes => {}
        }
    };
    let ended = timeout(2 * GONE, ends).await;
    assert!(ended.is_ok(), "{}: it is still there", kind.what);
    let took = start.elapsed();
    let answer = String::from_utf8_lossy(&answer);
    let is_refusal = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
    assert!(is_refusal, "{}: {answer}", kind.what);
    took
}

#[tapaculo::game(players = 1000)]
#[derive(Default)]
struct Hall;

#[tapaculo::game]
impl Hall {
    #[message]
    fn wave(&self) {}
}

/// How long it takes somebody to come in and to be answered.
async fn come_and_wave(server: &TestServer, number: usize) -> Duration {
    let start = Instant::now();
    let mut client = server.join(&format!("user {number}"), "hall").await;
    client.tell(serde_json::json!({"type": "Wave"})).await;
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_half_sent_requests_hold_nobody_up_and_are_gone_within_30_s() {
    let server = TestServer::start(|server| server.with_game::<Hall>().with_guest_tokens()).await;
    let address = server.address;
    let half_sent: Vec<_> = KINDS
        .iter()
        .flat_map(|kind| (0..EACH).map(move |_| tokio::spawn(half_send(address, kind))))
        .collect();
    assert!(half_sent.len() >= 500);
    // They are all there, and stay for a while: the others come and go meanwhile. As many, each in turn
    // with one of them, come to a server that has nothing else to do: that is how busy the machine is.
    let idle = TestServer::start(tapaculo::Server::with_game::<Hall>).await;
    let (mut others, mut control, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for number in 0..100 {
        let took = come_and_wave(&server, number).await;
        others += took;
        slowest = slowest.max(took);
        control += come_and_wave(&idle, number).await;
    }
    assert!(
        half_sent.iter().all(|half_sent| !half_sent.is_finished()),
        "they were not there meanwhile"
    );
    let most = Duration::from_secs(1) + 3 * control;
    assert!(
        others < most,
        "{others:?}, where nobody else is {control:?}"
    );
    let times = join_all(half_sent).await;
    let times = times.into_iter().map(|time| time.expect("no panic"));
    let longest = times.max().unwrap_or_default();
    println!(
        "a hundred others in {others:?}, where nobody else is in {control:?}; the slowest in \
         {slowest:?}; gone after {longest:?}"
    );
    assert!(longest < GONE, "{longest:?}");
}

#[tokio::test]
async fn an_upgraded_connection_that_sends_half_a_frame_ends_with_its_heartbeat() {
    let beat = Duration::from_secs(1);
    let server =
        TestServer::start(|server| server.with_game::<Hall>().with_heartbeat(beat, beat)).await;
    let mut watcher = server.join("watcher", "hall").await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {JSON}\r\nAuthorization: Bearer {}\r\n\r\n",
        server.token("half", "hall")
    );
    // The head of a frame that promises more; one that goes on; a fragment that is not the last.
    let halves: [(&[u8], &[u8]); 3] = [
        (&[0x81, 0x85, 0, 0, 0, 0, b'{'], &[]),
        (&[0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0], b" "),
        (&[0x01, 0x80, 0, 0, 0, 0], &[0x00, 0x80, 0, 0, 0, 0]),
    ];
    for (begins, goes_on) in halves {
        let mut stream = TcpStream::connect(server.address).await.expect("accepted");
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.write_all(begins).await.expect("sent");
        let (mut reading, mut writing) = stream.into_split();
        let start = Instant::now();
        let writes = async {
            loop {
                sleep(beat / 4).await;
                if writing.write_all(goes_on).await.is_err() {
                    return;
                }
            }
        };
        let mut answer = Vec::new();
        let ends = async {
            tokio::select! {
                _ = reading.read_to_end(&mut answer) => {}
                () = writes => {}
            }
        };
        // It leaves its room, too.
        let leaves = async {
            loop {
                match watcher.next().await {
                    Received::Frame(frame) if frame["presence"]["event"] == "left" => return,
                    Received::Frame(_) => {}
                    Received::Closed(code) => panic!("closed with {code:?}"),
                }
            }
        };
        let ended = timeout(GONE, async { tokio::join!(ends, leaves) }).await;
        assert!(ended.is_ok(), "{begins:?}: it is still there");
        assert!(start.elapsed() >= beat, "{begins:?}: {:?}", start.elapsed());
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{begins:?}");
    }
}
