//! Which node a connection gets to.

use super::*;
use crate::cluster::{Name, Node};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Takes connections, and tells each one its letter.
async fn node(letter: u8) -> (Node, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = Node {
        state: State::Running,
        address: Some(listener.local_addr().unwrap()),
        ..Node::default()
    };
    let accepting = async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            client.write_u8(letter).await.unwrap();
        }
    };
    (node, tokio::spawn(accepting))
}

/// What so many connections are told.
async fn told(proxy: SocketAddr, connections: usize) -> String {
    let mut letters = String::new();
    for _ in 0..connections {
        let mut client = TcpStream::connect(proxy).await.unwrap();
        letters.push(char::from(client.read_u8().await.unwrap()));
    }
    letters
}

#[tokio::test]
async fn each_connection_goes_to_the_next_node_that_runs_and_takes_it() {
    let (a, _) = node(b'A').await;
    let (b, listening) = node(b'B').await;
    let (c, _) = node(b'C').await;
    let (last, _) = node(b'!').await;
    let nodes = [('A', a), ('B', b), ('C', c)];
    let cluster = watch::Sender::new(Cluster {
        nodes: nodes.into(),
        ..Cluster::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let otherwise = last.address.unwrap();
    tokio::spawn(serve(listener, cluster.subscribe(), otherwise));
    assert_eq!(told(proxy, 6).await, "ABCABC");

    // It has ended, and nobody has noticed yet.
    listening.abort();
    assert!(listening.await.unwrap_err().is_cancelled());
    assert_eq!(told(proxy, 3).await, "ACC");

    let end = |name: Name, state| {
        cluster.send_modify(|cluster| {
            cluster
                .nodes
                .entry(name)
                .and_modify(|node| node.state = state);
        });
    };
    end('B', State::Crashed);
    end('C', State::ShuttingDown);
    assert_eq!(told(proxy, 2).await, "AA");
    end('A', State::Stopped);
    assert_eq!(told(proxy, 2).await, "!!");
}
