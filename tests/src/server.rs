//! A server in the test's own process, on a free port.

use crate::{
    client::{Client, Request},
    codec::Codec,
};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tapaculo::{JwtAuth, Server, ServerHandle};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};

/// The secret of the tests' tokens.
pub const SECRET: &str = "a secret that is known to the tests only";

/// A running server.
#[derive(Debug)]
pub struct TestServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its handle.
    pub handle: ServerHandle,
    /// Signs what it accepts.
    pub auth: JwtAuth,
    task: JoinHandle<()>,
}

/// As many may wait to be accepted as by `Server::listen`: of more, the system forgets some who take
/// themselves for connected, and whoever then says nothing is never told.
const BACKLOG: u32 = 4096;

fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    let bound = socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    bound.expect("a free port");
    socket.listen(BACKLOG).expect("it listens")
}

impl TestServer {
    /// Starts a server that trusts [`SECRET`].
    ///
    /// # Panics
    /// If it can't start.
    pub async fn start(configure: impl FnOnce(Server) -> Server) -> Self {
        Self::start_at(|server, _| configure(server)).await
    }

    /// The same, of one that has to know where it is.
    ///
    /// # Panics
    /// If it can't start.
    pub async fn start_at(configure: impl FnOnce(Server, SocketAddr) -> Server) -> Self {
        Self::begin(JwtAuth::new(SECRET), configure).await
    }

    /// Starts a server that checks tokens like this.
    ///
    /// # Panics
    /// If it can't start.
    pub async fn start_with(auth: JwtAuth, configure: impl FnOnce(Server) -> Server) -> Self {
        Self::begin(auth, |server, _| configure(server)).await
    }

    async fn begin(auth: JwtAuth, configure: impl FnOnce(Server, SocketAddr) -> Server) -> Self {
        let listener = listen();
        let address = listener.local_addr().expect("bound");
        let server = configure(Server::new().with_auth(auth.clone()), address);
        let handle = server.handle();
        let serving = async move { server.serve(listener).await.expect("it serves") };
        Self {
            address,
            handle,
            auth,
            task: tokio::spawn(serving),
        }
    }

    /// A token for a user in a room, with the session `s`.
    ///
    /// # Panics
    /// If a name is not valid.
    #[must_use]
    pub fn token(&self, user: &str, room: &str) -> String {
        let token = self.auth.sign_access(user, room, "s", 600);
        token.expect("valid names")
    }

    /// The same with further claims.
    ///
    /// # Panics
    /// If the claims are no object.
    #[must_use]
    pub fn token_with(&self, user: &str, room: &str, claims: &Value) -> String {
        let mut all = json!({"sub": user, "room": room, "session_id": "s", "kind": "access"});
        let all_claims = all.as_object_mut().expect("an object");
        all_claims.extend(claims.as_object().expect("an object").clone());
        all_claims.entry("exp").or_insert_with(|| {
            jsonwebtoken::get_current_timestamp()
                .saturating_add(600)
                .into()
        });
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::default(), &all, &key).expect("it signs")
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// A request for the one game, with all frames.
    #[must_use]
    pub fn request(&self, user: &str, room: &str) -> Request {
        self.request_in(Codec::Json, user, room)
    }

    /// The same in a codec.
    #[must_use]
    pub fn request_in(&self, codec: Codec, user: &str, room: &str) -> Request {
        let url = self.url("/ws");
        Request::new(url).protocols(codec.protocol()).header(
            "Authorization",
            format!("Bearer {}", self.token(user, room)),
        )
    }

    /// Connects to the one game; the greeting is still to be read.
    ///
    /// # Panics
    /// If the upgrade is refused.
    pub async fn connect(&self, user: &str, room: &str) -> Client {
        self.connect_in(Codec::Json, user, room).await
    }

    /// The same in a codec.
    ///
    /// # Panics
    /// If the upgrade is refused.
    pub async fn connect_in(&self, codec: Codec, user: &str, room: &str) -> Client {
        let connected = self.request_in(codec, user, room).connect().await;
        connected.expect("the upgrade is accepted")
    }

    /// Connects and reads the greeting, up to `synced`.
    pub async fn join(&self, user: &str, room: &str) -> Client {
        self.join_in(Codec::Json, user, room).await
    }

    /// The same in a codec.
    pub async fn join_in(&self, codec: Codec, user: &str, room: &str) -> Client {
        let mut client = self.connect_in(codec, user, room).await;
        client.until("synced").await;
        client
    }

    /// Waits until the server has ended.
    ///
    /// # Panics
    /// If it panicked.
    pub async fn ended(self) {
        self.task.await.expect("the server did not panic");
    }
}
