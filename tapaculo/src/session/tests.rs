//! What a connection does to its socket, with a room that does nothing.

use super::{Heartbeat, Lease, Start, Term, serve};
use crate::{
    clock::Clock,
    game::{Census, Connection, Post},
    ids::UserId,
    limits::{Bans, Limits},
    metrics::GameMeter,
    protocol::{Close, Dialect, ErrorCode, frames},
    room::{Call, Departure, Door, Outlet, Ticket, Unfit, Visitor},
};
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use serde_json::value::RawValue;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// A room whose handler takes until it is told, and that counts.
#[derive(Default)]
struct Idle {
    begun: AtomicUsize,
    go_on: Notify,
    finished: AtomicBool,
    left: Mutex<Vec<Connection>>,
}

impl Door for Idle {
    fn join(self: Arc<Self>, _visitor: Visitor) -> BoxFuture<'static, Result<(), Visitor>> {
        Box::pin(async { Ok(()) })
    }

    fn message(
        self: Arc<Self>,
        _connection: Connection,
        _ticket: Option<Ticket>,
        _data: Result<&RawValue, Unfit>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.go_on.notified().await;
            self.finished.store(true, Ordering::SeqCst);
        })
    }

    fn leave(
        self: Arc<Self>,
        connection: Connection,
        _departure: Departure,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            assert!(self.finished.load(Ordering::SeqCst) || self.begun.load(Ordering::SeqCst) == 0);
            self.left.lock().unwrap().push(connection);
        })
    }

    fn census(self: Arc<Self>) -> BoxFuture<'static, Option<Census>> {
        Box::pin(async { None })
    }

    fn post(self: Arc<Self>, _post: Post) -> BoxFuture<'static, Option<()>> {
        Box::pin(async { None })
    }

    fn due(self: Arc<Self>, _call: Call) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn close(self: Arc<Self>, _close: Close) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Every token is good, for as many seconds as it says.
struct Trusting;

fn term(seconds: u64) -> Term {
    let time = Duration::from_secs(seconds);
    Term {
        expires_in: time,
        ends_in: time,
    }
}

impl Lease for Trusting {
    fn renew(&mut self, token: &str) -> Result<Term, String> {
        let seconds = token.parse();
        seconds.map(term).map_err(|_| "no".to_owned())
    }
}

struct Served {
    room: Arc<Idle>,
    outlet: Arc<Outlet>,
    client: WebSocketStream<DuplexStream>,
    task: JoinHandle<()>,
}

/// A connection over a pipe that takes so many bytes in each direction.
async fn served(pipe: usize) -> Served {
    served_with(pipe, None).await
}

/// The same, for which so many frames may wait.
async fn served_with(pipe: usize, most: Option<usize>) -> Served {
    let room = Arc::new(Idle::default());
    let user = UserId::new("alice").unwrap();
    let outlet = Arc::new(Outlet::new(Connection(1), user, Dialect::Json).bounded(most));
    let (ours, theirs) = duplex(pipe);
    let door: Arc<dyn Door> = Arc::clone(&room) as _;
    let clock = Clock::start();
    let limits = Limits::new(None, Arc::new(Bans::new(clock)), |_| {}, clock);
    let start = Start {
        outlet: Arc::clone(&outlet),
        join: Box::pin(async { Some(door) }),
        heartbeat: Heartbeat::default(),
        term: term(3600),
        lease: Box::new(Trusting),
        account: limits.account(&outlet.user),
        max_message: 1024,
        counted: GameMeter::of("test").connection(),
    };
    Served {
        room,
        outlet,
        client: WebSocketStream::from_raw_socket(theirs, Role::Client, None).await,
        task: tokio::spawn(serve(ours, start)),
    }
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let waiting = async {
        while !is() {
            tokio::task::yield_now().await;
        }
    };
    let waited = timeout(DEADLINE, waiting).await;
    assert!(waited.is_ok(), "{what} in time");
}

#[tokio::test]
async fn a_handler_that_has_begun_finishes_when_its_socket_breaks_under_it() {
    let Served {
        room,
        outlet,
        mut client,
        task,
    } = served(1024).await;
    client.send(Message::text(r#"{"data": 1}"#)).await.unwrap();
    until("the handler begins", || {
        room.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    drop(client);
    // Something to write shows the connection that its socket is gone.
    outlet.answer(frames::pong(&1.into()));
    outlet.wake();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!task.is_finished());
    assert!(room.left.lock().unwrap().is_empty());
    room.go_on.notify_one();
    timeout(DEADLINE, task).await.unwrap().unwrap();
    assert!(room.finished.load(Ordering::SeqCst));
    assert_eq!(*room.left.lock().unwrap(), [Connection(1)]);
}

#[tokio::test]
async fn while_its_handler_runs_a_connection_goes_on_writing_and_reads_no_further() {
    let Served {
        room,
        outlet,
        mut client,
        ..
    } = served(4096).await;
    for _ in 0..3 {
        client.send(Message::text(r#"{"data": 1}"#)).await.unwrap();
    }
    until("the handler begins", || {
        room.begun.load(Ordering::SeqCst) == 1
    })
    .await;
    outlet.answer(frames::pong(&7.into()));
    outlet.wake();
    let frame = timeout(DEADLINE, client.next()).await.unwrap();
    assert_eq!(frame.unwrap().unwrap(), Message::text(r#"{"pong":7}"#));
    assert_eq!(room.begun.load(Ordering::SeqCst), 1);
    room.go_on.notify_one();
    until("the next message", || {
        room.begun.load(Ordering::SeqCst) == 2
    })
    .await;
}

#[tokio::test]
async fn a_client_that_sends_without_reading_is_soon_not_read() {
    let Served { mut client, .. } = served(1024).await;
    let mut sent = 0;
    let ping = || Message::text(r#"{"ping": 1}"#);
    while timeout(Duration::from_millis(200), client.send(ping()))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(sent < 10_000, "it is read for ever");
    }
    // Two pipes of 1 KiB, and the buffers of both ends.
    assert!(sent < 2000, "{sent}");
}

#[tokio::test]
async fn the_close_frame_comes_after_what_was_said_before_it() {
    let Served {
        outlet,
        mut client,
        task,
        ..
    } = served(1024).await;
    outlet.answer(frames::pong(&7.into()));
    outlet.dismiss(Close::Restarting);
    let frame = timeout(DEADLINE, client.next()).await.unwrap();
    assert_eq!(frame.unwrap().unwrap(), Message::text(r#"{"pong":7}"#));
    match timeout(DEADLINE, client.next()).await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1012),
        other => panic!("{other:?}"),
    }
    while let Some(Ok(_)) = client.next().await {}
    drop(client);
    timeout(DEADLINE, task).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_holds_no_goodbye_up_for_long() {
    let Served {
        outlet,
        task,
        client,
        ..
    } = served(1024).await;
    let words = "x".repeat(100_000);
    outlet.answer(frames::error(ErrorCode::Internal, &words, None));
    outlet.wake();
    tokio::task::yield_now().await;
    let start = tokio::time::Instant::now();
    outlet.dismiss(Close::Restarting);
    task.await.unwrap();
    assert!(
        start.elapsed() <= Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
    drop(client);
}

#[tokio::test]
async fn the_close_frame_gets_out_though_nothing_can_be_read_any_more() {
    // The pipe takes the head of a frame, and not the whole of the close frame.
    let Served {
        mut client, task, ..
    } = served(16).await;
    let length = super::hard_limit(1024) as u64 + 1;
    let head = [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    client.get_mut().write_all(&head).await.unwrap();
    match timeout(DEADLINE, client.next()).await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1009),
        other => panic!("{other:?}"),
    }
    drop(client);
    timeout(DEADLINE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_takes_nothing_is_closed_once_more_frames_wait_than_may() {
    for (most, is_too_slow) in [(None, false), (Some(100), false), (Some(16), true)] {
        let Served {
            outlet, mut client, ..
        } = served_with(1024, most).await;
        for _ in 0..100 {
            let words = "x".repeat(500);
            outlet.answer(frames::error(ErrorCode::Rejected, &words, None));
        }
        outlet.wake();
        let mut heard = 0;
        let code = loop {
            match timeout(DEADLINE, client.next()).await.unwrap() {
                Some(Ok(Message::Text(_))) => heard += 1,
                Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.code.into()),
                other => panic!("{other:?}"),
            }
            if heard == 100 {
                break None;
            }
        };
        assert_eq!(code, is_too_slow.then_some(4108), "{most:?} {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_when_its_token_expires_unless_there_is_a_fresh_one() {
    let Served {
        mut client, task, ..
    } = served(1024).await;
    let start = tokio::time::Instant::now();
    let mut told = Vec::new();
    for token in ["bad", "7200", "9000"] {
        let frame = format!(r#"{{"token": "{token}"}}"#);
        client.send(Message::text(frame)).await.unwrap();
    }
    let code = loop {
        match client.next().await {
            Some(Ok(Message::Text(text))) => told.push(text.to_string()),
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    let refused = r#"{"error":{"code":"unauthorized","message":"no"}}"#;
    let renewed = |ms: u64| format!(r#"{{"renewed":{{"expires_in_ms":{ms}}}}}"#);
    assert_eq!(
        told,
        [refused.to_owned(), renewed(7_200_000), renewed(9_000_000)]
    );
    assert_eq!(code, 4002);
    assert_eq!(start.elapsed().as_secs(), 9000);
    while let Some(Ok(_)) = client.next().await {}
    drop(client);
    task.await.unwrap();
}
