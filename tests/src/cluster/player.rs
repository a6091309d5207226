//! A player of the ledger who never gives up: it does what the browser's client does, and keeps a
//! diary of it.

use super::{
    Entrances,
    diary::{Diary, Note, What},
    ledger::{Ledger, LedgerEvent},
};
use crate::client::JSON;
use futures_util::{SinkExt, StreamExt};
use rand::{RngExt, rngs::StdRng};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// How many messages may be unanswered at a time.
const WINDOW: usize = 4;

// The browser's client has the same with other numbers: nobody looks at a page so closely.
const PING_EVERY: Duration = Duration::from_millis(500);
/// Without any frame for so long after a ping the connection is dead.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits to be let in: longer than a room takes to move.
const GREETING: Duration = Duration::from_secs(12);
const BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);
/// How much longer it waits if it was told to try later.
const LATER: Duration = Duration::from_millis(500);
/// All come back at a restart: each at another time within this.
const RESTART: Duration = Duration::from_secs(2);
/// A connection that lasted as long starts the backoff anew.
const STABLE: Duration = Duration::from_secs(2);

/// What all players of a room are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Make entries.
    Play,
    /// Make none any more, but wait for all answers.
    Settle,
    /// Read on until so many entries are known.
    Reach(u64),
    /// Stop, whatever is missing.
    Stop,
}

/// How far a player is, for whoever waits for it.
#[derive(Debug, Default)]
pub struct Progress {
    acked: AtomicU64,
    is_settled: AtomicBool,
    last: Mutex<Option<Note>>,
}

impl Progress {
    /// What it has noted last.
    ///
    /// # Panics
    /// If it panicked while it did.
    #[must_use]
    pub fn last(&self) -> Option<Note> {
        self.last.lock().expect("not poisoned").clone()
    }

    /// How many of its messages were acked.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.acked.load(Ordering::SeqCst)
    }

    /// Whether it was told to settle, and nothing is unanswered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::SeqCst)
    }
}

/// Who a player is, and what it goes by.
#[derive(Debug)]
pub struct Character {
    /// Its name.
    pub user: String,
    /// Its access token.
    pub token: String,
    /// The first of the keys of its entries; it may make a million.
    pub first_key: u64,
    /// About how long it waits between two messages.
    pub pause: Duration,
    /// Whether it keeps a connection for as long as that is there, although nothing is heard.
    pub is_patient: bool,
    /// What it does at random.
    pub rng: StdRng,
}

/// A player.
#[derive(Debug)]
pub struct Player {
    character: Character,
    entrances: Entrances,
    orders: watch::Receiver<Order>,
    progress: Arc<Progress>,
    start: Instant,
    diary: Diary,
    epoch: Option<String>,
    /// The position from which it may resume: the last number it was told in an event or in `synced`.
    position: Option<u64>,
    is_synced: bool,
    /// How many entries it knows.
    entries: u64,
    next_key: u64,
    last_id: u64,
    /// The highest id that was answered, as far as is known.
    acked: u64,
    pending: Vec<Pending>,
    next_message: Instant,
    /// When it may send again what was `unavailable`.
    retry_at: Instant,
    /// Attempts to connect since the last good connection.
    attempts: u32,
}

/// A message that is not acked yet.
#[derive(Debug)]
struct Pending {
    /// `None` until it is sent, and where the last one can't be used any more.
    id: Option<u64>,
    key: u64,
    is_under_way: bool,
    /// It was `unavailable`, and so was not applied.
    is_refused: bool,
}

/// How a connection ended.
enum End {
    /// The player has done what it was told.
    Done,
    /// It is gone, with this code.
    Lost(Option<u16>),
}

type Socket = WebSocketStream<TcpStream>;

impl Player {
    /// One that is not there yet; its diary's times are since `start`.
    #[must_use]
    pub fn new(
        character: Character,
        entrances: Entrances,
        orders: watch::Receiver<Order>,
        start: Instant,
    ) -> Self {
        let diary = Diary {
            user: character.user.clone(),
            is_patient: character.is_patient,
            ..Diary::default()
        };
        Self {
            next_key: character.first_key,
            character,
            entrances,
            orders,
            progress: Arc::default(),
            start,
            diary,
            epoch: None,
            position: None,
            is_synced: false,
            entries: 0,
            last_id: 0,
            acked: 0,
            pending: Vec::new(),
            next_message: start,
            retry_at: start,
            attempts: 0,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Plays until it is told otherwise, and gives its diary.
    pub async fn play(mut self) -> Diary {
        loop {
            let end = match self.connect().await {
                Some(mut socket) => self.converse(&mut socket).await,
                None => End::Lost(None),
            };
            let End::Lost(code) = end else { break };
            self.note(What::Lost { code });
            self.is_synced = false;
            for pending in &mut self.pending {
                pending.is_under_way = false;
            }
            let pause = self.pause(code);
            tokio::select! {
                () = sleep(pause) => {}
                () = told_to_stop(&mut self.orders) => break,
            }
        }
        self.diary.closed = self.start.elapsed();
        self.diary
    }

    /// How long it waits before it comes back.
    fn pause(&mut self, code: Option<u16>) -> Duration {
        self.attempts += 1;
        let most = BACKOFF.saturating_mul(1 << (self.attempts - 1).min(5));
        let most = most.min(LONGEST_BACKOFF);
        let rng = &mut self.character.rng;
        match code {
            Some(4201) if self.attempts == 1 => Duration::ZERO,
            Some(1012) => most.max(RESTART).mul_f64(rng.random_range(0.0..1.0)),
            Some(1013 | 4108) => LATER + most.mul_f64(rng.random_range(0.0..1.0)),
            _ => most.mul_f64(rng.random_range(0.0..1.0)),
        }
    }

    async fn connect(&mut self) -> Option<Socket> {
        let address = self.entrances.any(&mut self.character.rng)?;
        let mut url = format!("ws://{address}/ws");
        if let Some((epoch, seq)) = self.epoch.as_ref().zip(self.position) {
            url = format!("{url}?resume={epoch}-{seq}");
        }
        let mut request = url.into_client_request().expect("a URL");
        let protocols = format!("{JSON}, tapaculo.token.{}", self.character.token);
        let protocols = protocols.parse().expect("a header value");
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", protocols);
        let connecting = async {
            let io = TcpStream::connect(address).await.ok()?;
            io.set_nodelay(true).ok()?;
            let connected = client_async(request, io).await;
            connected.ok().map(|(socket, _)| socket)
        };
        timeout(PATIENCE, connecting).await.ok()?
    }

    async fn converse(&mut self, socket: &mut Socket) -> End {
        let mut pulse = Instant::now() + GREETING;
        let mut is_unheard = true;
        let mut pings = 0_u64;
        let began = Instant::now();
        loop {
            if self.is_done() {
                return End::Done;
            }
            self.settle();
            if let Some(end) = self.flush(socket).await {
                return end;
            }
            let wakes = self.wakes();
            tokio::select! {
                message = socket.next() => {
                    is_unheard = false;
                    pulse = Instant::now() + PING_EVERY;
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(&text),
                        Some(Ok(Message::Close(frame))) => {
                            return End::Lost(frame.map(|frame| frame.code.into()));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return End::Lost(None),
                    }
                }
                () = sleep_until(wakes) => {}
                () = sleep_until(pulse) => {
                    if is_unheard && !self.character.is_patient {
                        return End::Lost(None);
                    }
                    pings += 1;
                    let ping = json!({"ping": pings});
                    if let Some(end) = transmit(socket, &ping).await {
                        return end;
                    }
                    is_unheard = true;
                    pulse = Instant::now() + PATIENCE;
                }
                Ok(()) = self.orders.changed() => {}
            }
            if self.is_synced && began.elapsed() > STABLE {
                self.attempts = 0;
            }
        }
    }

    /// When there is something to send.
    fn wakes(&self) -> Instant {
        let never = Instant::now() + PATIENCE;
        if !self.is_synced {
            return never;
        }
        let under_way = self.pending.iter().any(|pending| pending.is_under_way);
        if !under_way && !self.pending.is_empty() {
            return self.retry_at.max(Instant::now() + Duration::from_millis(1));
        }
        if self.may_add() {
            self.next_message
        } else {
            never
        }
    }

    fn may_add(&self) -> bool {
        let plays = *self.orders.borrow() == Order::Play;
        plays && self.pending.len() < WINDOW && self.pending.iter().all(|one| one.is_under_way)
    }

    /// Sends what is due.
    async fn flush(&mut self, socket: &mut Socket) -> Option<End> {
        if !self.is_synced {
            return None;
        }
        let now = Instant::now();
        let under_way = self.pending.iter().any(|pending| pending.is_under_way);
        if !under_way && now >= self.retry_at {
            // What was `unavailable` was not applied, and may be sent anew. Its id can't be used any more
            // if a higher one was answered; and need not be otherwise.
            for pending in self.pending.iter_mut().filter(|one| one.is_refused) {
                let anew = self.character.rng.random_bool(0.5);
                pending.id = pending.id.filter(|id| *id > self.acked && !anew);
            }
            self.pending.sort_by_key(|one| (one.id.is_none(), one.id));
            for index in 0..self.pending.len() {
                if let Some(end) = self.send(index, socket).await {
                    return Some(end);
                }
            }
        }
        if self.may_add() && now >= self.next_message {
            let pause = self
                .character
                .pause
                .mul_f64(self.character.rng.random_range(0.0..2.0));
            self.next_message = now + pause;
            self.pending.push(Pending {
                id: None,
                key: self.next_key,
                is_under_way: false,
                is_refused: false,
            });
            self.next_key += 1;
            return self.send(self.pending.len() - 1, socket).await;
        }
        None
    }

    async fn send(&mut self, index: usize, socket: &mut Socket) -> Option<End> {
        let pending = &mut self.pending[index];
        let id = *pending.id.get_or_insert_with(|| {
            self.last_id += 1;
            self.last_id
        });
        pending.is_under_way = true;
        pending.is_refused = false;
        let key = pending.key;
        let kind = if key % 5 == 4 { "AddLater" } else { "Add" };
        let frame = json!({"data": {"type": kind, "key": key}, "id": id});
        self.note(What::Sent { id, key });
        transmit(socket, &frame).await
    }

    fn is_done(&self) -> bool {
        match *self.orders.borrow() {
            Order::Play | Order::Settle => false,
            Order::Reach(entries) => self.is_synced && self.entries >= entries,
            Order::Stop => true,
        }
    }

    /// Says so if it was told to settle, and has.
    fn settle(&self) {
        let is_settled = *self.orders.borrow() == Order::Settle && self.pending.is_empty();
        self.progress.is_settled.store(is_settled, Ordering::SeqCst);
    }

    fn hear(&mut self, text: &str) {
        let Ok(frame) = serde_json::from_str(text) else {
            return self.puzzled(text);
        };
        match frame {
            Frame {
                welcome: Some(welcome),
                ..
            } => self.welcomed(welcome),
            Frame {
                state: Some(ledger),
                seq: Some(seq),
                ..
            } => {
                self.entries = ledger.entries.len() as u64;
                self.note(What::Shown { seq, ledger });
            }
            Frame {
                data: Some(event),
                seq: Some(seq),
                ..
            } => {
                if let LedgerEvent::Added { number, .. } = &event {
                    self.entries = self.entries.max(*number);
                }
                if self.position.is_some() {
                    self.position = Some(seq);
                }
                self.note(What::Told { seq, event });
            }
            Frame {
                synced: Some(seq), ..
            } => {
                self.position = Some(seq);
                self.is_synced = true;
                self.retry_at = Instant::now();
                self.note(What::Synced { seq });
            }
            Frame {
                ack: Some(id),
                reply,
                ..
            } => self.acked(id, reply.as_ref()),
            Frame {
                error: Some(error),
                id: Some(id),
                ..
            } => self.refused(id, error.code),
            // Of the seat, which a close frame follows; and what needs nothing done.
            Frame { error: Some(_), .. }
            | Frame { pong: Some(_), .. }
            | Frame {
                presence: Some(_), ..
            } => {}
            _ => self.puzzled(text),
        }
    }

    fn puzzled(&mut self, by: &str) {
        let by = by.to_owned();
        self.note(What::Puzzled { by });
    }

    fn welcomed(&mut self, welcome: Welcome) {
        let Welcome {
            epoch,
            resumed,
            seat,
            acked,
        } = welcome;
        self.last_id = self.last_id.max(acked);
        self.acked = self.acked.max(acked);
        self.epoch = Some(epoch.clone());
        if !resumed {
            // Until `synced` there is no position: the greeting has to be whole.
            self.position = None;
        }
        self.note(What::Welcomed {
            epoch,
            resumed,
            seat,
        });
    }

    fn acked(&mut self, id: u64, reply: Option<&Value>) {
        self.acked = self.acked.max(id);
        let Some(index) = self.pending.iter().position(|one| one.id == Some(id)) else {
            return self.puzzled(&format!("an ack of {id}"));
        };
        let key = self.pending.remove(index).key;
        let number = reply.and_then(Value::as_u64);
        self.note(What::Acked { id, key, number });
        self.progress.acked.fetch_add(1, Ordering::SeqCst);
    }

    fn refused(&mut self, id: u64, code: String) {
        let Some(index) = self.pending.iter().position(|one| one.id == Some(id)) else {
            return self.puzzled(&format!("a refusal of {id}: {code}"));
        };
        let key = self.pending[index].key;
        if code == "unavailable" {
            // It is sent again once all others are answered.
            self.pending[index].is_under_way = false;
            self.pending[index].is_refused = true;
            let pause = BACKOFF.mul_f64(self.character.rng.random_range(0.5..1.5));
            self.retry_at = Instant::now() + pause;
        } else {
            self.pending.remove(index);
        }
        self.note(What::Refused { id, key, code });
    }

    fn note(&mut self, what: What) {
        let at = self.start.elapsed();
        let note = Note { at, what };
        *self.progress.last.lock().expect("not poisoned") = Some(note.clone());
        self.diary.notes.push(note);
    }
}

async fn told_to_stop(orders: &mut watch::Receiver<Order>) {
    if orders
        .wait_for(|order| *order == Order::Stop)
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
}

async fn transmit(socket: &mut Socket, frame: &Value) -> Option<End> {
    let sending = socket.send(Message::text(frame.to_string()));
    match timeout(PATIENCE, sending).await {
        Ok(Ok(())) => None,
        Ok(Err(_)) | Err(_) => Some(End::Lost(None)),
    }
}

/// A frame from the server; which one it is, is said by which of these it has.
#[derive(Deserialize)]
struct Frame {
    welcome: Option<Welcome>,
    state: Option<Ledger>,
    data: Option<LedgerEvent>,
    synced: Option<u64>,
    seq: Option<u64>,
    ack: Option<u64>,
    reply: Option<Value>,
    error: Option<Refusal>,
    id: Option<u64>,
    pong: Option<u64>,
    presence: Option<Value>,
}

#[derive(Deserialize)]
struct Welcome {
    epoch: String,
    resumed: bool,
    seat: Option<u64>,
    acked: u64,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
}
