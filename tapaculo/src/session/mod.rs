//! One connection, one task: it reads a frame, hands the message to the room, and writes whatever
//! the room has put into its outlet, all of it at each wake-up.
//!
//! It handles one message at a time and reads no further meanwhile, so that a client that sends
//! without reading is soon not read; while a handler runs it goes on writing.

#[cfg(test)]
pub(crate) mod echo;
mod fragments;
mod hear;
mod heartbeat;
mod lease;
mod linger;
mod patient;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    heartbeat::Heartbeat,
    lease::{Lease, Term},
    patient::Patient,
};

use self::{
    fragments::Fragments,
    hear::Refused,
    heartbeat::{Beat, Event},
    linger::linger,
};
use crate::{
    limits::{Account, InHand},
    metrics::{Ended, OpenConnection},
    protocol::{Close, Goodbye, Outgoing},
    room::{Departure, Door, Outlet, Taken},
};
use futures_util::{FutureExt, Sink, Stream, future::BoxFuture};
use std::{
    collections::VecDeque,
    future::poll_fn,
    ops::ControlFlow,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::coop::has_budget_remaining,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::CapacityError,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

/// Small buffers: they are what an idle connection costs, and what a broadcast touches.
const BUFFER_BYTES: usize = 4 * 1024;

/// How many frames are taken from the room at a time.
const BATCH: usize = 64;

/// How long a peer may take to read up to the close frame and to answer it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after a token has ended the message in hand is waited for, since a fresh token may have
/// come in behind it: as long as a handler may wait.
const CATCH_UP: Duration = Duration::from_secs(10);

/// How long what has come in before the connection broke is looked through for a goodbye.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long is a frame that closes the connection: four times the largest message, and at least
/// 64 KiB.
pub(crate) fn hard_limit(max_message: usize) -> usize {
    max_message.saturating_mul(4).max(64 * 1024)
}

/// What a connection begins with.
pub(crate) struct Start {
    pub(crate) outlet: Arc<Outlet>,
    /// Finds the room and asks for a place in it; `None` if there is no getting in.
    pub(crate) join: BoxFuture<'static, Option<Arc<dyn Door>>>,
    pub(crate) heartbeat: Heartbeat,
    /// How long it may stay, and by what.
    pub(crate) term: Term,
    pub(crate) lease: Box<dyn Lease>,
    pub(crate) account: Account,
    /// The largest message, in bytes of its frame.
    pub(crate) max_message: usize,
    /// Counts it, for as long as it is there.
    pub(crate) counted: OpenConnection,
}

/// Serves a connection to its end.
pub(crate) async fn serve<S>(io: S, start: Start)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limit = hard_limit(start.max_message);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let io = Fragments::new(Patient::new(io, start.heartbeat.notices_in()));
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let mut session = Session {
        socket,
        #[cfg(test)]
        echo: echo::Echo::of(&start.outlet.user),
        outlet: start.outlet,
        door: None,
        work: Some(Work::Joining(start.join)),
        ahead: None,
        batch: VecDeque::new(),
        unflushed: false,
        stage: Stage::Open,
        departure: Departure::Dropped,
        close_by: None,
        beat: Beat::start(start.heartbeat),
        pongs_due: 0,
        expires: None,
        lease: start.lease,
        account: start.account,
        max_message: start.max_message,
        counted: start.counted,
    };
    session.expire_after(start.term);
    // What is the game's is contained where it is called; this is for the seat's sake.
    let polling = AssertUnwindSafe(poll_fn(|cx| session.poll(cx)));
    let panicked = polling.catch_unwind().await.is_err();
    if panicked {
        tracing::error!("a session panicked");
    }
    if let Some(door) = session.door.take() {
        let (connection, departure) = (session.outlet.connection, session.departure);
        door.leave(connection, departure).await;
    }
    if session.stage == Stage::Closing && !panicked {
        linger(session.socket.into_inner()).await;
    }
}

struct Session<S> {
    socket: WebSocketStream<Fragments<S>>,
    #[cfg(test)]
    echo: echo::Echo,
    outlet: Arc<Outlet>,
    /// The room, once it has been asked for a place.
    door: Option<Arc<dyn Door>>,
    /// What the room does for this connection right now.
    work: Option<Work>,
    /// A message that came before there was a room to hand it to, with its fragments. More is not read
    /// then, but the end of the socket is noticed as long as nothing came.
    ahead: Option<(Message, u32)>,
    /// Taken from the outlet and not yet handed to the socket.
    batch: VecDeque<Outgoing>,
    /// Whether the socket has been handed something that it may not have sent.
    unflushed: bool,
    stage: Stage,
    /// Whether the client has said goodbye for good.
    departure: Departure,
    /// When the peer must have taken what is said before the goodbye, and answered that.
    close_by: Option<Instant>,
    beat: Beat,
    /// How many pings are not answered yet.
    pongs_due: u32,
    /// When its token is accepted no more; `None` once it was told to go, or if that is too far away
    /// to be counted.
    expires: Option<Instant>,
    lease: Box<dyn Lease>,
    /// What its user has sent, here and elsewhere.
    account: Account,
    max_message: usize,
    counted: OpenConnection,
}

enum Work {
    Joining(BoxFuture<'static, Option<Arc<dyn Door>>>),
    Handling {
        handling: BoxFuture<'static, ()>,
        /// Counts it as in hand until it is done.
        _in_hand: InHand,
    },
}

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// A close frame is on its way or sent; what comes in is no longer heard.
    Closing,
    /// Nothing can be sent; but what has come in may end with a goodbye, of a client that did not
    /// wait for ours.
    Broken,
    /// Nothing can be sent or received.
    Dead,
}

/// The socket is of no more use.
struct Broken;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Does all that can be done now; ready when the connection is over and its last message is
    /// handled.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.outlet.register(cx.waker());
        loop {
            self.poll_work(cx);
            if self.is_joining() && self.stage != Stage::Open {
                self.outlet.abandon();
            }
            if self.work.is_none()
                && let Some((frame, fragments)) = self.ahead.take()
                && self.stage == Stage::Open
            {
                self.hear_any(frame, fragments);
                continue;
            }
            if self.stage == Stage::Dead {
                return match self.work {
                    Some(_) => {
                        self.outlet.abandon();
                        Poll::Pending
                    }
                    None => Poll::Ready(()),
                };
            }
            let written = self.poll_write(cx);
            if written.is_pending() && self.outlet.is_to_close() {
                self.close_soon();
            }
            // Once it is closing nothing is heard, but all is read: what is left unread would
            // reset the connection, and the close frame be lost.
            let reading = match self.stage {
                Stage::Open => {
                    let listens = self.is_joining() && self.ahead.is_none();
                    (self.work.is_none() || listens) && written.is_ready()
                }
                Stage::Closing | Stage::Broken => true,
                Stage::Dead => false,
            };
            let read = match written {
                Poll::Ready(Err(Broken)) if self.stage == Stage::Open => {
                    self.stage = Stage::Broken;
                    self.close_by(Instant::now() + GOODBYE_TIMEOUT);
                    continue;
                }
                Poll::Ready(Err(Broken)) => Poll::Ready(ControlFlow::Break(())),
                _ if reading => self.poll_read(cx),
                _ => Poll::Pending,
            };
            match read {
                Poll::Ready(ControlFlow::Continue(())) => {
                    self.beat.heard();
                    continue;
                }
                // Nothing more comes in, but our last words are still on their way out.
                Poll::Ready(ControlFlow::Break(()))
                    if self.stage == Stage::Closing && written.is_pending() => {}
                Poll::Ready(ControlFlow::Break(())) => {
                    if self.stage != Stage::Closing || self.work.is_some() {
                        self.stage = Stage::Dead;
                        continue;
                    }
                    return Poll::Ready(());
                }
                Poll::Pending => {}
            }
            match self.poll_time(cx, reading) {
                Poll::Ready(()) => continue,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_joining(&self) -> bool {
        matches!(self.work, Some(Work::Joining(_)))
    }

    fn poll_work(&mut self, cx: &mut Context<'_>) {
        let done = match &mut self.work {
            Some(Work::Joining(join)) => join.as_mut().poll(cx).map(|door| self.door = door),
            Some(Work::Handling { handling, .. }) => handling.as_mut().poll(cx),
            None => return,
        };
        if done.is_ready() {
            self.work = None;
        }
    }

    /// Writes whatever waits; ready when all of it is on its way.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.stage == Stage::Broken {
            return Poll::Ready(Ok(()));
        }
        loop {
            #[cfg(test)]
            if self.echo.is_waiting() {
                ready!(self.poll_ready(cx))?;
                if let Some(message) = self.echo.take() {
                    self.send(message)?;
                }
            }
            while !self.batch.is_empty() {
                match self.poll_ready(cx) {
                    Poll::Ready(ready) => ready?,
                    // It may be the runtime that wants others to have their turn.
                    Poll::Pending
                        if has_budget_remaining() && self.outlet.is_too_slow(self.batch.len()) =>
                    {
                        self.batch.clear();
                        break;
                    }
                    Poll::Pending => return Poll::Pending,
                }
                if let Some(frame) = self.batch.pop_front() {
                    self.send(frame.into())?;
                }
            }
            if self.stage != Stage::Open {
                break;
            }
            match self.outlet.take(BATCH, &mut self.batch) {
                Taken::More => self.counted.sent(&self.batch),
                Taken::Nothing => break,
                Taken::Close(goodbye) => self.close(&goodbye)?,
            }
        }
        if self.unflushed {
            ready!(self.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads one frame and acts on it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<ControlFlow<()>> {
        let next = Pin::new(&mut self.socket).poll_next(cx);
        let fragments = self.socket.get_mut().take();
        let frame = match next {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(self.unreadable(&error)),
            Poll::Ready(None) => return Poll::Ready(ControlFlow::Break(())),
            Poll::Pending => {
                return match self.count(fragments, || None) {
                    Ok(()) => Poll::Pending,
                    Err(Refused) => Poll::Ready(ControlFlow::Continue(())),
                };
            }
        };
        if self.stage == Stage::Broken {
            if let Message::Close(frame) = frame {
                self.hear_goodbye(frame.as_ref());
                return Poll::Ready(ControlFlow::Break(()));
            }
        } else if self.stage == Stage::Open {
            #[cfg(test)]
            let Some(frame) = self.echo.hear(frame) else {
                return Poll::Ready(ControlFlow::Continue(()));
            };
            match frame {
                Message::Text(_) | Message::Binary(_) if self.is_joining() => {
                    self.ahead = Some((frame, fragments));
                }
                _ => self.hear_any(frame, fragments),
            }
        }
        Poll::Ready(ControlFlow::Continue(()))
    }

    fn expire_after(&mut self, term: Term) {
        self.expires = Instant::now().checked_add(term.ends_in);
        if let Some(at) = self.expires {
            self.beat.look_at(at);
        }
    }

    /// The socket reads no more; where the client is to blame it is told.
    fn unreadable(&mut self, error: &Error) -> ControlFlow<()> {
        let close = match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Close::TooLarge,
            Error::Utf8(_) => Close::InvalidData,
            Error::Protocol(
                tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ) => return ControlFlow::Break(()),
            Error::Protocol(_) | Error::Capacity(_) | Error::AttackAttempt => Close::ProtocolError,
            _ => return ControlFlow::Break(()),
        };
        tracing::debug!(%error, "the client does not speak the protocol");
        if self.stage != Stage::Open || self.close(&close.into()).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Begins to close: everything taken so far goes before the close frame.
    fn close(&mut self, goodbye: &Goodbye) -> Result<(), Broken> {
        self.begin_to_close();
        self.counted.ended(Ended::ByServer(goodbye.close));
        let code = goodbye.close.code();
        match goodbye.close {
            // An operator has to know of them: a limit may be too low, or somebody does harm.
            Close::Banned | Close::TooSlow => tracing::info!(code, "closed a connection"),
            _ => tracing::debug!(code, "closed a connection"),
        }
        self.send(Message::Close(Some(CloseFrame {
            code: code.into(),
            reason: goodbye.words().into(),
        })))
    }

    fn begin_to_close(&mut self) {
        self.stage = Stage::Closing;
        self.close_soon();
    }

    fn close_soon(&mut self) {
        if self.close_by.is_none() {
            self.close_by(Instant::now() + CLOSE_TIMEOUT);
        }
    }

    fn close_by(&mut self, by: Instant) {
        self.close_by = Some(by);
        self.beat.look_at(by);
    }

    /// Keeps time: the heartbeat, a token that expires, a peer that takes nothing, a close that is not
    /// answered.
    fn poll_time(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<()> {
        if self.close_by.is_some_and(|by| Instant::now() >= by) {
            self.stage = Stage::Dead;
            return Poll::Ready(());
        }
        let expired = self.expires.filter(|at| Instant::now() >= *at);
        // Whoever is to go anyway goes when that says.
        if let (Some(at), None) = (expired, self.close_by) {
            let catches_up_by = at + CATCH_UP;
            // A fresh token may wait behind the message in hand: it has come in time.
            if self.work.is_none() || Instant::now() >= catches_up_by {
                self.expires = None;
                self.outlet.dismiss(Close::Expired);
                return Poll::Ready(());
            }
            self.beat.look_at(catches_up_by);
        }
        match ready!(self.beat.poll(cx, reading)) {
            Event::Ping if self.stage == Stage::Open => {
                self.pongs_due += 1;
                if self.send(Message::Ping(Vec::new().into())).is_err() {
                    self.stage = Stage::Dead;
                }
            }
            Event::Ping => {}
            Event::Silent => {
                tracing::debug!("the peer is silent");
                self.stage = Stage::Dead;
            }
        }
        Poll::Ready(())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let ready = Pin::new(&mut self.socket).poll_ready(cx);
        ready.map_err(|_| Broken)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        flushed.map_err(|_| Broken)
    }

    fn send(&mut self, message: Message) -> Result<(), Broken> {
        self.unflushed = true;
        let sent = Pin::new(&mut self.socket).start_send(message);
        sent.map_err(|_| Broken)
    }
}
