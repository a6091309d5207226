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
    async fn sit_down(auth: &JwtAuth, port: u16, user: &str) -> Self {
        let login = Login::new(user, "table").options(json!({"dice": 1}));
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

/// A server on a free port of this machine, and how to end it.
async fn serve(auth: &JwtAuth) -> (u16, impl Future<Output = ()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server::new()
        .with_auth(auth.clone())
        .with_game::<LiarsDice>();
    let handle = server.handle();
    let serving = tokio::spawn(server.serve(listener));
    let end = async move {
        handle.shutdown().await;
        serving.await.unwrap().unwrap();
    };
    (port, end)
}

/// Waits until the agency has so many bots to send.
async fn has_free(agency: &Agency, bots: usize) {
    let waiting = async {
        while agency.free() < bots {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, waiting).await.expect("the bot is free");
}

#[tokio::test]
async fn a_bot_plays_a_game_over_the_protocol_and_ends_with_its_table() {
    let auth = JwtAuth::new([7; 32]);
    let (port, end) = serve(&auth).await;
    bots::open_agency(auth.clone(), port);
    let agency = Agency::open().unwrap();
    let all = agency.free();

    let mut alice = Person::sit_down(&auth, port, "alice").await;
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
                let bid = json!({"type": "Bid", "count": 1, "face": 1});
                alice.say(bid).await;
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
    has_free(&agency, all).await;
    end.await;
}

#[tokio::test]
async fn a_bot_that_finds_no_seat_does_not_stay_to_watch() {
    let auth = JwtAuth::new([8; 32]);
    let (port, end) = serve(&auth).await;
    let agency = Agency::start(1, auth.clone(), port);
    let (room, user) = (RoomId::new("table").unwrap(), bots::user(0));
    let mut people = Vec::new();
    for user in super::PEOPLE {
        // Uninvited, while there are seats: it is turned away.
        agency.call(&room, &bots::user(0), "Ada").unwrap();
        has_free(&agency, 1).await;
        people.push(Person::sit_down(&auth, port, user).await);
    }
    people[5]
        .hear(|frame| frame["data"]["type"] == "GameStart")
        .await;
    agency.call(&room, &user, "Ada").unwrap();
    let came = |event: &'static str| move |frame: &Value| frame["presence"]["event"] == event;
    people[5].hear(came("joined")).await;
    let left = people[5].hear(came("left")).await;
    assert_eq!(left["presence"]["user"], user.as_str());
    has_free(&agency, 1).await;
    drop(people); // who does not read is given its time at the end
    end.await;
}
