//! A client that loses its connection again and again and always comes back: what the browser
//! client does, over sockets that are cut after so many bytes.

use crate::{DEADLINE, codec::Codec, server::TestServer};
use futures_util::{SinkExt, StreamExt};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// A socket that breaks once so many bytes have come or gone, in the middle of whatever that is.
#[derive(Debug)]
pub struct Cut {
    io: TcpStream,
    /// How many bytes it still reads and writes.
    left: [usize; 2],
}

impl Cut {
    /// A socket that takes so many bytes in each direction, and is then gone.
    #[must_use]
    pub fn after(io: TcpStream, read: usize, written: usize) -> Self {
        let left = [read, written];
        Self { io, left }
    }

    fn broken() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionReset, "cut by the test")
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left[0] == 0 {
            return Poll::Ready(Err(Self::broken()));
        }
        let most = buf.remaining().min(self.left[0]);
        let mut some = vec![0; most];
        let mut part = ReadBuf::new(&mut some);
        std::task::ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        self.left[0] -= part.filled().len();
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.left[1] == 0 {
            return Poll::Ready(Err(Self::broken()));
        }
        let most = bytes.len().min(self.left[1]);
        let written = std::task::ready!(Pin::new(&mut self.io).poll_write(cx, &bytes[..most]))?;
        self.left[1] -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A user who is in a room, whatever its connection does.
#[derive(Debug)]
pub struct Returning {
    user: String,
    url: String,
    token: String,
    /// How it speaks, from its next connection on.
    pub codec: Codec,
    socket: Option<WebSocketStream<Cut>>,
    rng: StdRng,
    /// About how many bytes a connection lives for; `None` is for ever.
    pub lives_for: Option<usize>,
    epoch: Option<String>,
    /// The position: the last number in an event or in `synced`.
    seq: u64,
    /// The events so far, each once, in order.
    pub events: Vec<Value>,
    /// The answers so far, by id.
    pub answers: BTreeMap<u64, Value>,
    /// The `seq` of each ack, and how far it had come then.
    pub acks: Vec<(u64, u64)>,
    /// What was not answered yet.
    pending: VecDeque<(u64, Value)>,
    next_id: u64,
    /// How often each frame is sent.
    pub copies: usize,
    /// Connections that were cut, those that never came to be included.
    pub cuts: usize,
    /// How often it could not be brought up to date.
    pub resets: usize,
}

impl Returning {
    /// A user of a room; it is not there yet.
    #[must_use]
    pub fn new(server: &TestServer, user: &str, room: &str, rng: StdRng) -> Self {
        Self {
            user: user.to_owned(),
            url: server.url("/ws"),
            token: server.token(user, room),
            codec: Codec::Json,
            socket: None,
            rng,
            lives_for: None,
            epoch: None,
            seq: 0,
            events: Vec::new(),
            answers: BTreeMap::new(),
            acks: Vec::new(),
            pending: VecDeque::new(),
            next_id: 1,
            copies: 1,
            cuts: 0,
            resets: 0,
        }
    }

    /// How many messages wait for their answer.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// Sends a message, now and again until it is answered.
    pub async fn send(&mut self, data: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let frame = json!({"data": data, "id": id});
        self.pending.push_back((id, frame.clone()));
        self.write(&frame).await;
        id
    }

    async fn write(&mut self, frame: &Value) {
        for _ in 0..self.copies {
            let Some(socket) = &mut self.socket else {
                return;
            };
            if socket.send(self.codec.encode(frame)).await.is_err() {
                self.lose();
            }
        }
    }

    /// Its connection is gone, one way or the other.
    pub fn lose(&mut self) {
        if let Some(socket) = self.socket.take() {
            if self.rng.random_bool(0.5) {
                // The other side reads an error instead of an end.
                let _ = socket.get_ref().io.set_zero_linger();
            }
            self.cuts += 1;
        }
    }

    /// Handles frames until it is so.
    ///
    /// # Panics
    /// If it is not so in time, or the server breaks a promise.
    pub async fn until(&mut self, mut is: impl FnMut(&Self) -> bool) {
        while !is(self) {
            self.step().await;
        }
    }

    /// Connects if need be, and handles one frame.
    async fn step(&mut self) {
        if self.socket.is_none() && !self.connect().await {
            return;
        }
        let Some(socket) = &mut self.socket else {
            return;
        };
        let next = timeout(DEADLINE, socket.next()).await;
        match next.expect("a frame in time") {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                self.hear(self.codec.decode(&message)).await;
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(other)) => panic!("{} is told {other:?}", self.user),
            Some(Err(_)) | None => self.lose(),
        }
    }

    async fn connect(&mut self) -> bool {
        let mut url = self.url.clone();
        if let Some(epoch) = &self.epoch {
            url = format!("{url}?resume={epoch}-{}", self.seq);
        }
        let mut request = url.into_client_request().expect("a URL");
        let protocols = format!("{}, tapaculo.token.{}", self.codec.protocol(), self.token);
        let protocols = protocols.parse().expect("a header value");
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocols);
        let authority = request.uri().authority().expect("a host").to_string();
        let io = timeout(DEADLINE, TcpStream::connect(authority)).await;
        let io = io.expect("connected in time").expect("connected");
        io.set_nodelay(true).expect("a socket");
        let mut budget = |most: Option<usize>| {
            most.map_or(usize::MAX, |most| self.rng.random_range(0..2 * most))
        };
        let (read, written) = (budget(self.lives_for), budget(self.lives_for));
        let connecting = timeout(
            DEADLINE,
            client_async(request, Cut::after(io, read, written)),
        );
        match connecting.await.expect("an answer in time") {
            Ok((socket, _)) => {
                self.socket = Some(socket);
                true
            }
            Err(error) => {
                assert!(self.lives_for.is_some(), "refused: {error}");
                self.cuts += 1;
                false
            }
        }
    }

    async fn hear(&mut self, frame: Value) {
        if let Some(welcome) = frame.get("welcome") {
            assert_eq!(welcome["user"], self.user.as_str());
            let epoch = welcome["epoch"].as_str().expect("an epoch").to_owned();
            let known = self.epoch.replace(epoch.clone());
            if welcome["resumed"] == false && known.is_some() {
                self.resets += 1;
                self.events.clear();
                self.seq = 0;
            } else if known.is_some() {
                assert_eq!(known, Some(epoch), "numbers do not start anew unasked");
            }
            for (_, frame) in self.pending.clone() {
                self.write(&frame).await;
            }
        } else if let Some(seq) = frame["seq"]
            .as_u64()
            .filter(|_| frame.get("data").is_some())
        {
            assert!(seq > self.seq, "{} is told twice: {frame}", self.user);
            self.seq = seq;
            self.events.push(frame);
        } else if let Some(seq) = frame["synced"].as_u64() {
            assert!(seq >= self.seq, "{frame} after {}", self.seq);
            self.seq = seq;
        } else if let Some(id) = frame["ack"].as_u64().or(frame["id"].as_u64()) {
            if let Some(seq) = frame["seq"].as_u64() {
                self.acks.push((seq, self.seq));
            }
            if let Some(before) = self.answers.insert(id, frame.clone()) {
                assert_eq!(before, frame, "the same message has the same answer");
            }
            self.pending.retain(|(pending, _)| *pending != id);
        }
    }
}
