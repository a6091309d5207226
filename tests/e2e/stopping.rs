//! How a server ends.

use crate::games::{Desk, Gate};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use tapaculo::Server;
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Request},
    http,
    process::Process,
    server::TestServer,
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_message_in_hand_is_finished_then_all_are_closed_with_1012() {
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "other").await;
    alice
        .send(json!({"data": {"type": "Ponder", "gate": "stop"}, "id": 1}))
        .await;
    let gate = Gate::of("stop");
    gate.begun().await;
    let handle = server.handle.clone();
    let address = server.address;
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    assert_eq!(bob.closed().await, Some(1012));
    let ready = http::get(address, "/readyz").await;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert_eq!(http::get(address, "/healthz").await.status, 200);
    assert_eq!(server.request("carol", "r").status().await, 503);
    gate.open();
    let (before, ack) = alice.until("ack").await;
    assert_eq!(ack["ack"], 1);
    assert!(before.iter().any(|frame| frame["data"]["text"] == "hm"));
    assert_eq!(alice.closed().await, Some(1012));
    timeout(DEADLINE, stopping)
        .await
        .expect("in time")
        .expect("it stops");
    timeout(DEADLINE, server.ended())
        .await
        .expect("listen returns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_the_message_in_hand_is_not_waited_for() {
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let mut clients = Vec::new();
    for n in 0..8 {
        clients.push(server.join(&format!("user {n}"), "r").await);
    }
    let ponder = json!({"data": {"type": "Ponder", "gate": "backlog"}, "id": 1});
    clients[0].send(ponder.clone()).await;
    let gate = Gate::of("backlog");
    gate.begun().await;
    for client in &mut clients[1..] {
        client.send(ponder.clone()).await;
        client.raw(Message::Ping(Vec::new().into())).await;
    }
    // They have been read, and wait for the room.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let handle = server.handle.clone();
    let stopping = tokio::spawn(async move { handle.shutdown().await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.open();
    let closed = join_all(clients.iter_mut().map(Client::closed)).await;
    assert_eq!(closed, [Some(1012); 8]);
    timeout(DEADLINE, stopping)
        .await
        .expect("in time")
        .expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_asked_to_end_tells_everyone_and_ends_well() {
    let server = Process::chess().await;
    assert_eq!(http::get(server.address, "/readyz").await.status, 200);
    let mut clients = Vec::new();
    for n in 0..50 {
        let ask = format!(r#"{{"name": "guest", "room": "room {}"}}"#, n / 2);
        let guest = http::post(server.address, "/token", &ask).await.json();
        let token = guest["token"].as_str().expect("a token");
        let url = format!("ws://{}/ws?token={token}", server.address);
        let client = Request::new(url).connect().await;
        clients.push(client.expect("accepted"));
    }
    let closed = join_all(clients.iter_mut().map(Client::closed));
    let (closed, ended_well) = tokio::join!(closed, server.stop());
    assert_eq!(closed, [Some(1012); 50]);
    assert!(ended_well, "exit code 0");
}
