//! Tokens: which are accepted, how they are taken back, how they end, and where they come from.

mod expiring;
mod forged;
mod login;
mod public_keys;
mod refreshing;
mod revoking;

use crate::games::Desk;
use tapaculo::{JwtAuth, JwtOptions, Server};
use tapaculo_tests::{
    client::{Client, Request},
    codec::Codec,
    server::TestServer,
};

/// A server of desks that checks tokens by these options.
async fn desk(options: JwtOptions) -> TestServer {
    desk_with(options, |server| server).await
}

async fn desk_with(options: JwtOptions, configure: impl FnOnce(Server) -> Server) -> TestServer {
    let auth = JwtAuth::with_options(options);
    let with_desk = |server: Server| configure(server.with_game::<Desk>());
    TestServer::start_with(auth, with_desk).await
}

/// With which status a token is answered.
async fn status(server: &TestServer, token: &str) -> u16 {
    request(server, token).status().await.as_u16()
}

fn request(server: &TestServer, token: &str) -> Request {
    request_in(Codec::Json, server, token)
}

fn request_in(codec: Codec, server: &TestServer, token: &str) -> Request {
    Request::new(server.url("/ws"))
        .protocols(codec.protocol())
        .header("Authorization", format!("Bearer {token}"))
}

/// Connects with a token, and reads the greeting.
async fn join(server: &TestServer, token: &str) -> Client {
    join_in(Codec::Json, server, token).await
}

async fn join_in(codec: Codec, server: &TestServer, token: &str) -> Client {
    let connected = request_in(codec, server, token).connect().await;
    let mut client = connected.expect("the token is accepted");
    client.until("synced").await;
    client
}
