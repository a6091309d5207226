//! A bot at a real table: over a socket, from the call to the end.

use crate::{
    bots::{self, Agency},
    dice::LiarsDice,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::prelude::*;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// A person at the table, with a client that knows nothing of the game.
struct Person {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Everything that it was told.
    told: Vec<Value>,
}

impl Person {
    async fn sit_down(auth: &JwtAuth, port: u16) -> Self {
        let login = Login::new("alice", "table").options(json!({"dice": 1}));
        let token = auth.sign_login(login).unwrap();
        let mut request = format!("ws://127.0.0.1:{port}/ws")
            .into_client_request()
            .unwrap();
        let fields = request.headers_mut();
        let bearer = format!("Bearer {token}");
        fields.insert("Authorization", bearer.parse().unwrap());
        fields.insert(
            "Sec-WebSocket-Protocol",
            "tapaculo.v1.json".parse().unwrap(),
        );
        let (socket, _) = connect_async(request).await.unwrap();
        let told = Vec::new();
        Self { socket, told }
    }

    async fn say(&mut self, message: Value) {
        let frame = Message::text(json!({ "data": message }).to_string());
        self.socket.send(frame).await.unwrap();
    }

    /// Reads until a frame is like this.
    async fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let next = timeout(DEADLINE, self.socket.next()).await;
            if let Message::Text(text) = next.expect("a frame in time").unwrap().unwrap() {
                let frame: Value = serde_json::from_str(&text).unwrap();
                self.told.push(frame.clone());
                if is_it(&frame) {
                    return frame;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_bot_plays_a_game_over_the_protocol_and_ends_with_its_table() {
    let auth = JwtAuth::new([7; 32]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    bots::open_agency(auth.clone(), port);
    let server = Server::new()
        .with_auth(auth.clone())
        .with_game::<LiarsDice>();
    let handle = server.handle();
    let serving = tokio::spawn(server.serve(listener));
    let agency = Agency::open().unwrap();
    let all = agency.free();

    let mut alice = Person::sit_down(&auth, port).await;
    alice.say(json!({"type": "AddBot"})).await;
    let joined = |frame: &Value| frame["presence"]["event"] == "joined";
    let bot = alice.hear(joined).await["presence"].clone();
    assert_eq!(
        (&bot["user"], &bot["name"]),
        (&json!("bot:0"), &json!("Ada"))
    );
    assert_eq!(agency.free(), all - 1);

    alice.say(json!({"type": "Start"})).await;
    loop {
        let frame = alice
            .hear(|frame| frame["data"]["turn"] == "alice" || frame["data"]["type"] == "GameOver")
            .await;
        match frame["data"]["type"].as_str() {
            Some("GameOver") => break,
            Some("RoundStart") => {
                alice
                    .say(json!({"type": "Bid", "count": 1, "face": 1}))
                    .await
            }
            _ => alice.say(json!({"type": "Liar"})).await,
        }
    }
    let answered = |frame: &Value| {
        let data = &frame["data"];
        frame["from"] == "bot:0" && matches!(data["type"].as_str(), Some("BidMade" | "Uncovered"))
    };
    assert!(alice.told.iter().any(answered), "it has said something");

    // Alice leaves: the bot goes, its table too, and the agency has it back.
    alice.socket.close(None).await.unwrap();
    let back = async {
        while agency.free() < all {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, back)
        .await
        .expect("the bot is free again");
    handle.shutdown().await;
    serving.await.unwrap().unwrap();
}
