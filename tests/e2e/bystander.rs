//! Somebody else in the room of an attack, who is to notice nothing of it.

use crate::games::Desk;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::Server;
use tapaculo_tests::{client::Client, server::TestServer};

/// The room of the attacks.
pub(crate) const ROOM: &str = "r";

/// A server, and in its room Bob.
pub(crate) struct Scene {
    pub(crate) server: TestServer,
    bob: Client,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        Self::with(|server| server).await
    }

    pub(crate) async fn with(configure: impl FnOnce(Server) -> Server) -> Self {
        // Bob reads only when he is asked, so nobody asks whether he lives.
        let never = Duration::from_secs(24 * 60 * 60);
        let server = TestServer::start(|server| {
            configure(server.with_game::<Desk>().with_heartbeat(never, never))
        });
        let server = server.await;
        let bob = server.join("bob", ROOM).await;
        Self { server, bob }
    }

    /// What Bob has been told of what was said, up to now.
    pub(crate) async fn overheard(&mut self) -> Vec<Value> {
        self.bob.send(json!({"ping": 1})).await;
        let (mut heard, _) = self.bob.until("pong").await;
        heard.retain(|frame| frame["data"]["type"] == "Said");
        heard
    }

    /// Nothing has happened to Bob, to the room and to the server: he has heard nothing, and a good
    /// message of Alice's reaches him.
    pub(crate) async fn ends_unharmed(mut self) {
        assert_eq!(self.overheard().await, [json!(null); 0]);
        let mut alice = self.server.join("alice", ROOM).await;
        alice.tell(json!({"type": "Say", "text": "fine"})).await;
        let heard = self.overheard().await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0]["from"], "alice");
        assert_eq!(heard[0]["data"]["text"], "fine");
    }
}
