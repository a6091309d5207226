//! What the other tests do to processes does what it says.

use crate::{PROGRAM, alone};
use std::time::Duration;
use tapaculo_tests::{
    http,
    node::{Keeps, Nodes, Signal},
};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_stopped_continued_asked_to_end_and_killed() {
    let _alone = alone().await;
    let nodes = Nodes::new(PROGRAM);
    let node = nodes.start(&Keeps::Memory).await;
    node.signal(Signal::Stop);
    let answer = timeout(
        Duration::from_millis(300),
        http::get(node.address, "/healthz"),
    )
    .await;
    assert!(answer.is_err(), "it does nothing");
    node.signal(Signal::Continue);
    assert_eq!(http::get(node.address, "/healthz").await.status, 200);
    node.signal(Signal::Terminate);
    assert!(node.ended().await.success());

    let node = nodes.start(&Keeps::Memory).await;
    let address = node.address;
    node.kill().await;
    assert!(std::net::TcpStream::connect(address).is_err(), "it is gone");
}
