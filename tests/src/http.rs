//! Plain HTTP requests, written out by hand: the tests see what is on the wire.

use crate::DEADLINE;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The status line and the header fields, as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Response {
    /// Reads what has come in; `None` as long as that is not a whole head.
    fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// A header field's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.trim())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// `GET path`.
pub async fn get(address: SocketAddr, path: &str) -> Response {
    get_with(address, path, "").await
}

/// `GET path` with further header fields, each with its line's end.
pub async fn get_with(address: SocketAddr, path: &str, fields: &str) -> Response {
    exchange(address, &format!("GET {path} HTTP/1.1\r\n{fields}"), "").await
}

/// `POST path` with a JSON body.
pub async fn post(address: SocketAddr, path: &str, body: &str) -> Response {
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    exchange(address, &head, body).await
}

/// A request as it stands, with whatever is wrong with it; `None` if the server has no answer.
///
/// # Panics
/// If the server neither answers nor closes the connection in time.
pub async fn raw(address: SocketAddr, request: &[u8]) -> Option<Response> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.expect("accepted");
        // It may have heard enough before it has heard all.
        let _ = stream.write_all(request).await;
        let mut came = Vec::new();
        let mut some = [0; 4096];
        // A reset is an end, too.
        while let Ok(1..) = stream.read(&mut some).await.inspect(|length| {
            came.extend(&some[..*length]);
        }) {
            let is_upgraded = came.starts_with(b"HTTP/1.1 101 ");
            if is_upgraded && came.windows(4).any(|four| four == b"\r\n\r\n") {
                break;
            }
        }
        came
    };
    let came = timeout(DEADLINE, exchange).await.expect("an end in time");
    Response::read(&String::from_utf8_lossy(&came))
}

async fn exchange(address: SocketAddr, head: &str, body: &str) -> Response {
    let request = format!("{head}Host: {address}\r\nConnection: close\r\n\r\n{body}");
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Ok::<_, std::io::Error>(response)
    };
    let response = timeout(DEADLINE, exchange).await;
    let response = response.expect("a response in time").expect("a response");
    Response::read(&response).expect("a head and a body")
}

/// Sends a request, its head written out to the empty line, and reads no further than the answer:
/// what has become a WebSocket is dropped.
///
/// # Panics
/// If there is no answer in time.
pub async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_ref()).await?;
        let mut response = Vec::new();
        loop {
            if let Some(response) = complete(&response) {
                return Ok::<_, std::io::Error>(response);
            }
            if stream.read_buf(&mut response).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    };
    let response = timeout(DEADLINE, exchange).await;
    response.expect("an answer in time").expect("an answer")
}

/// The response, once its head and the body that it announces are there.
fn complete(bytes: &[u8]) -> Option<Response> {
    let response = Response::read(&String::from_utf8_lossy(bytes))?;
    let length = response.header("content-length").unwrap_or("0");
    let length: usize = length.parse().expect("a length");
    (response.body.len() >= length).then_some(response)
}
