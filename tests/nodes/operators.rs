//! What an operator sees and does, whichever node is asked.

use super::{event, two};
use std::time::Duration;
use tapaculo::prelude::*;
use tapaculo_tests::DEADLINE;
use tokio::time::{sleep, timeout};

fn user(name: &str) -> UserId {
    UserId::new(name).expect("it is a name")
}

#[tokio::test]
async fn operators_ask_any_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let room = RoomId::new("r").unwrap();
    for node in [&two, &one] {
        let handle = &node.handle;
        handle.broadcast("notes", &room, &"soon").await.unwrap();
        assert_eq!(event(&mut alice).await.1, "soon");
        let nobody = RoomId::new("nobody").unwrap();
        let closed = handle.close_room("notes", &nobody, "").await;
        assert_eq!(closed.unwrap_err().to_string(), "there is no such room");
        let kicked = handle.kick("notes", &room, &user("mallory"), "").await;
        assert_eq!(
            kicked.unwrap_err().to_string(),
            "the user is not in the room"
        );
    }
    let mut bob = two.join("bob", "r").await;
    let kicked = two.handle.kick("notes", &room, &user("bob"), "go").await;
    kicked.unwrap();
    assert_eq!(bob.closed().await, Some(4011));
    two.handle.close_room("notes", &room, "bye").await.unwrap();
    assert_eq!(alice.closed().await, Some(4010));
}

#[tokio::test]
async fn a_node_knows_whose_connections_it_carries_and_which_rooms_it_has() {
    let (_redis, one, two) = two().await;
    let alice = one.join("alice", "r").await;
    let _bob = two.join("bob", "r").await;
    let _anna = two.join("anna", "r").await;
    assert_eq!(one.handle.connected(), [user("alice")]);
    assert_eq!(two.handle.connected(), [user("anna"), user("bob")]);
    assert_eq!(one.handle.rooms().await.len(), 1);
    assert!(two.handle.rooms().await.is_empty());
    drop(alice);
    let gone = async {
        while !one.handle.connected().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("she is gone");
}
