//! A WebSocket client on `tokio-tungstenite` that speaks the protocol as its document has it.

use crate::{DEADLINE, codec::Codec};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{Response, StatusCode},
    },
};

/// The subprotocol with all frames, in text.
pub const JSON: &str = "tapaculo.v1.json";

/// One connection.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    codec: Codec,
    next_id: u64,
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A frame of the protocol.
    Frame(Value),
    /// The end, with the code of the close frame if there was one.
    Closed(Option<u16>),
}

/// How a request for a connection is made.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The whole URL, query included.
    pub url: String,
    /// Header fields beyond a WebSocket request's own.
    pub headers: Vec<(&'static str, String)>,
}

impl Request {
    /// A bare request, as `new WebSocket(url)` makes it.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Offers subprotocols.
    #[must_use]
    pub fn protocols(self, protocols: impl Into<String>) -> Self {
        self.header("Sec-WebSocket-Protocol", protocols)
    }

    /// Connects.
    ///
    /// # Errors
    /// The response that refused.
    pub async fn connect(self) -> Result<Client, Response<Option<Vec<u8>>>> {
        self.connect_full().await.map(|(client, _)| client)
    }

    /// Connects, with the response that accepted.
    ///
    /// # Errors
    /// The response that refused.
    ///
    /// # Panics
    /// If the server does not answer HTTP in time.
    pub async fn connect_full(
        self,
    ) -> Result<(Client, Response<Option<Vec<u8>>>), Response<Option<Vec<u8>>>> {
        let mut request = self.url.as_str().into_client_request().expect("a URL");
        for (name, value) in self.headers {
            let value = value.parse().expect("a header value");
            request.headers_mut().append(name, value);
        }
        match timeout(DEADLINE, connect_async(request)).await {
            Ok(Ok((socket, response))) => {
                let taken = response.headers().get("Sec-WebSocket-Protocol");
                let taken = Codec::ALL.into_iter().find(|codec| {
                    taken.is_some_and(|taken| taken.as_bytes() == codec.protocol().as_bytes())
                });
                let client = Client {
                    socket,
                    codec: taken.unwrap_or_default(),
                    next_id: 1,
                };
                Ok((client, response))
            }
            Ok(Err(Error::Http(response))) => Err(*response),
            Ok(Err(other)) => panic!("no answer to the upgrade: {other}"),
            Err(_) => panic!("no answer to the upgrade within {DEADLINE:?}"),
        }
    }

    /// The status with which the server refuses the connection; `101` if it does not.
    pub async fn status(self) -> StatusCode {
        match self.connect_full().await {
            Ok((_, response)) | Err(response) => response.status(),
        }
    }
}

impl Client {
    /// The next frame or the end.
    ///
    /// # Panics
    /// If there is none in time.
    pub async fn next(&mut self) -> Received {
        loop {
            let next = timeout(DEADLINE, self.socket.next());
            return match next.await.expect("a frame in time") {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    let frame = self.codec.decode(&message);
                    if let Some(acked) = frame["welcome"]["acked"].as_u64() {
                        self.next_id = acked + 1; // ids grow through a session
                    }
                    Received::Frame(frame)
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| frame.code.into());
                    // Our answer to the close frame goes out with the next read.
                    let _ = timeout(DEADLINE, self.socket.next()).await;
                    Received::Closed(code)
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(_)) | None => Received::Closed(None),
            };
        }
    }

    /// The next frame.
    ///
    /// # Panics
    /// If the connection ends instead.
    pub async fn frame(&mut self) -> Value {
        match self.next().await {
            Received::Frame(frame) => frame,
            Received::Closed(code) => panic!("closed with {code:?} instead of a frame"),
        }
    }

    /// The next frame that has this key, and the ones before it.
    ///
    /// # Panics
    /// If the connection ends before.
    pub async fn until(&mut self, key: &str) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame.get(key).is_some() {
                return (before, frame);
            }
            before.push(frame);
        }
    }

    /// The next event's `data`, whatever comes before.
    pub async fn event(&mut self) -> Value {
        self.until("data").await.1["data"].take()
    }

    /// Reads to the end and answers with its code.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Received::Closed(code) = self.next().await {
                return code;
            }
        }
    }

    /// Reads until so many WebSocket messages of this kind have come; pings are answered.
    ///
    /// # Panics
    /// If the connection ends before, or they do not come in time.
    pub async fn until_raw(&mut self, times: usize, is: impl Fn(&Message) -> bool) {
        let mut seen = 0;
        while seen < times {
            let next = timeout(DEADLINE, self.socket.next()).await;
            match next.expect("a message in time") {
                Some(Ok(Message::Close(frame))) => panic!("closed with {frame:?}"),
                Some(Ok(message)) => seen += usize::from(is(&message)),
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// If the connection is gone.
    pub async fn send(&mut self, frame: Value) {
        self.raw(self.codec.encode(&frame)).await;
    }

    /// Sends a frame, if the connection is still there.
    pub async fn try_send(&mut self, frame: Value) {
        let message = self.codec.encode(&frame);
        let _ = timeout(DEADLINE, self.socket.send(message)).await;
    }

    /// Sends any WebSocket message.
    ///
    /// # Panics
    /// If the connection is gone.
    pub async fn raw(&mut self, message: Message) {
        let sent = timeout(DEADLINE, self.socket.send(message)).await;
        sent.expect("sent in time").expect("the connection is open");
    }

    /// Pings by the protocol, and gives what comes before the answer.
    ///
    /// # Panics
    /// If the connection is closed before.
    pub async fn before_pong(&mut self, number: u64) -> Vec<Value> {
        self.send(json!({"ping": number})).await;
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Received::Frame(frame) if frame["pong"] == number => return before,
                Received::Frame(frame) => before.push(frame),
                Received::Closed(code) => panic!("closed with {code:?}"),
            }
        }
    }

    /// Sends a message of the game and reads up to its answer; gives the frames before it, too.
    pub async fn ask(&mut self, data: Value) -> (Vec<Value>, Value) {
        let id = self.next_id;
        self.next_id += 1;
        self.send(json!({"data": data, "id": id})).await;
        let mut before = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame["ack"] == id || frame["id"] == id {
                return (before, frame);
            }
            before.push(frame);
        }
    }

    /// Sends a message that is to be accepted; gives the answer.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn tell(&mut self, data: Value) -> Value {
        let (_, answer) = self.ask(data.clone()).await;
        assert!(answer.get("ack").is_some(), "{data} was refused: {answer}");
        answer
    }

    /// Sends a message that is to be refused; gives the error's code.
    ///
    /// # Panics
    /// If it is accepted.
    pub async fn refused(&mut self, data: Value) -> String {
        let (_, answer) = self.ask(data.clone()).await;
        let code = answer["error"]["code"].as_str();
        code.unwrap_or_else(|| panic!("{data} was accepted: {answer}"))
            .to_owned()
    }

    /// Says goodbye and waits for the other side's.
    ///
    /// # Panics
    /// If it does not come in time.
    pub async fn close(mut self) {
        // The other side may have been faster.
        let _ = self.socket.close(None).await;
        while timeout(DEADLINE, self.socket.next())
            .await
            .expect("an answer to the close frame in time")
            .is_some_and(|frame| frame.is_ok())
        {}
    }
}
