//! A WebSocket connection written out by hand, for frames that no client library would send.

use crate::{DEADLINE, client::JSON, server::TestServer};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The bit of a frame's first byte that ends a message (RFC 6455, section 5.2).
pub const LAST: u8 = 0x80;
/// The bit that compressed messages have.
pub const RSV1: u8 = 0x40;
/// A reserved bit.
pub const RSV2: u8 = 0x20;
/// Another reserved bit.
pub const RSV3: u8 = 0x10;
/// The opcode of a further part of a message.
pub const CONTINUE: u8 = 0x0;
/// The opcode of a text.
pub const TEXT: u8 = 0x1;
/// The opcode of bytes.
pub const BINARY: u8 = 0x2;
/// The opcode of a goodbye.
pub const CLOSE: u8 = 0x8;
/// The opcode of a ping.
pub const PING: u8 = 0x9;
/// The opcode of a pong.
pub const PONG: u8 = 0xA;

/// The bit of a frame's second byte that says that it is masked.
const MASKED: u8 = 0x80;

const MASK: [u8; 4] = [0x51, 0xa2, 0x17, 0xee];

/// A frame with this first byte, masked as a client's are.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = announced(first, payload.len() as u64);
    let mask = MASK.iter().cycle();
    frame.extend(payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame with this first byte that is not masked.
#[must_use]
pub fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, 0, payload.len() as u64);
    frame.extend(payload);
    frame
}

/// The head of a masked frame of so many bytes.
#[must_use]
pub fn announced(first: u8, length: u64) -> Vec<u8> {
    let mut head = head(first, MASKED, length);
    head.extend(MASK);
    head
}

fn head(first: u8, masked: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..126 => head.push(masked | length.to_le_bytes()[0]),
        126..65536 => {
            head.push(masked | 126);
            head.extend(&length.to_be_bytes()[6..]);
        }
        _ => {
            head.push(masked | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head
}

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    head: String,
    /// What has come in and was not looked at.
    came: Vec<u8>,
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A frame of the protocol.
    Frame(Value),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// A close frame with its code.
    Close(Option<u16>),
    /// The socket is closed, or reset.
    End,
}

impl Wire {
    /// Asks for a connection with all frames, with further header fields, each with its line's
    /// end, and reads the answer.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect(server: &TestServer, user: &str, room: &str, fields: &str) -> Self {
        let token = server.token(user, room);
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {JSON}\r\nAuthorization: Bearer {token}\r\n{fields}\r\n",
            server.address
        );
        let stream = TcpStream::connect(server.address).await;
        let mut wire = Self {
            stream: stream.expect("accepted"),
            head: String::new(),
            came: Vec::new(),
        };
        wire.send(request.as_bytes()).await;
        let end = loop {
            if let Some(at) = wire.came.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(wire.more().await, "an answer to the request");
        };
        let head = wire.came.drain(..end).collect();
        wire.head = String::from_utf8(head).expect("a head is text");
        assert!(wire.head.starts_with("HTTP/1.1 101 "), "{}", wire.head);
        wire
    }

    /// Connects and reads the greeting, up to `synced`.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn join(server: &TestServer, user: &str, room: &str) -> Self {
        let mut wire = Self::connect(server, user, room, "").await;
        wire.until("synced").await;
        wire
    }

    /// The head of the response that accepted the connection.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// If the connection is gone, or they are not taken in time.
    pub async fn send(&mut self, bytes: &[u8]) {
        let sent = timeout(DEADLINE, self.stream.write_all(bytes)).await;
        sent.expect("sent in time").expect("the connection is open");
    }

    /// Sends bytes, of which the other side may want no more; says whether it took them.
    ///
    /// # Panics
    /// If it neither takes them in time nor goes away.
    pub async fn try_send(&mut self, bytes: &[u8]) -> bool {
        let sent = timeout(DEADLINE, self.stream.write_all(bytes)).await;
        sent.expect("taken or refused in time").is_ok()
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        // The other side may have hung up already.
        let _ = timeout(DEADLINE, self.stream.shutdown()).await;
    }

    /// Reads some more; false at the end.
    async fn more(&mut self) -> bool {
        let mut some = [0; 4096];
        let read = timeout(DEADLINE, self.stream.read(&mut some)).await;
        let length = read.expect("something in time").unwrap_or(0);
        self.came.extend(&some[..length]);
        length > 0
    }

    /// What comes next, pings apart.
    ///
    /// # Panics
    /// If nothing does in time, or it is not a server's frame.
    pub async fn next(&mut self) -> Heard {
        loop {
            while let Some((first, payload)) = self.take_frame() {
                assert_eq!(first & !0xf, LAST, "the server sends whole frames");
                return match first & 0xf {
                    TEXT => Heard::Frame(serde_json::from_slice(&payload).expect("JSON")),
                    CLOSE => Heard::Close(
                        payload
                            .first_chunk()
                            .map(|code: &[u8; 2]| u16::from_be_bytes(*code)),
                    ),
                    PING => continue,
                    PONG => Heard::Pong(payload),
                    other => panic!("a frame with opcode {other}"),
                };
            }
            if !self.more().await {
                return Heard::End;
            }
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&first, &short) = (self.came.first()?, self.came.get(1)?);
        assert_eq!(short & MASKED, 0, "a server masks nothing");
        let (head, length) = match short {
            126 => {
                let length = *self.came.get(2..)?.first_chunk()?;
                (4, u16::from_be_bytes(length).into())
            }
            127 => {
                let length = *self.came.get(2..)?.first_chunk()?;
                let length = u64::from_be_bytes(length);
                (10, usize::try_from(length).expect("it fits"))
            }
            _ => (2, usize::from(short)),
        };
        let payload = self.came.get(head..head + length)?.to_vec();
        self.came.drain(..head + length);
        Some((first, payload))
    }

    /// The next frame of the protocol that has this key.
    ///
    /// # Panics
    /// If the connection ends before.
    pub async fn until(&mut self, key: &str) -> Value {
        loop {
            match self.next().await {
                Heard::Frame(frame) if frame.get(key).is_some() => return frame,
                Heard::Frame(_) | Heard::Pong(_) => {}
                end => panic!("{end:?} before `{key}`"),
            }
        }
    }

    /// Reads to the end: the code of the close frame, after which nothing comes but the end.
    ///
    /// # Panics
    /// If something does.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Heard::Close(code) => {
                    // Who has answered is let go at once.
                    let answer = code.unwrap_or(1000).to_be_bytes();
                    self.try_send(&frame(LAST | CLOSE, &answer)).await;
                    let after = self.next().await;
                    assert_eq!(after, Heard::End, "nothing follows a close frame");
                    return code;
                }
                Heard::End => return None,
                Heard::Frame(_) | Heard::Pong(_) => {}
            }
        }
    }
}
