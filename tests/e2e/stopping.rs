//! How a server ends.

use crate::games::{Desk, Gate};
use futures_util::future::join_all;
use serde_json::json;
use tapaculo::Server;
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Request},
    http,
    process::Process,
    server::TestServer,
};
use tokio::time::timeout;

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
async fn a_process_that_is_asked_to_end_tells_everyone_and_ends_well() {
    let server = Process::start("chess_server").await;
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
