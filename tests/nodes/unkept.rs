//! Rooms of a game that is not kept: one node has each, and when that goes the room is another.

use super::{Node, to_the_end};
use serde_json::{Value, json};
use tapaculo::{Server, prelude::*};
use tapaculo_tests::{client::Client, redis::Redis};

#[tapaculo::game(players = 3, event = u32, history = 10, reconnect = "30s")]
#[derive(Default)]
struct Count {
    count: u32,
}

#[tapaculo::game]
impl Count {
    #[message]
    fn add(&mut self, room: &mut Room<Self>) -> u32 {
        self.count += 1;
        room.broadcast(self.count);
        self.count
    }

    #[view]
    fn view(&self) -> u32 {
        self.count
    }
}

async fn greeted(client: &mut Client) -> (Value, Value) {
    let (_, welcome) = client.until("welcome").await;
    let (_, state) = client.until("state").await;
    client.until("synced").await;
    (welcome["welcome"].clone(), state["state"].clone())
}

async fn is_another(ends: bool) {
    let redis = Redis::start().await;
    let mut one = Node::start(&redis, Server::with_game::<Count>).await;
    let two = Node::start(&redis, Server::with_game::<Count>).await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.connect("bob", "r").await;
    let (welcome, _) = greeted(&mut bob).await;
    let add = json!({"type": "Add"});
    assert_eq!(alice.tell(add.clone()).await["reply"], 1);
    assert_eq!(bob.tell(add.clone()).await["reply"], 2);

    match ends {
        true => one.end().await,
        false => one.die(),
    }
    let code = bob.closed().await;
    assert!(matches!(code, Some(1012 | 4201)), "come back now: {code:?}");
    let position = format!("{}-2", welcome["epoch"].as_str().expect("an epoch"));
    let mut request = two.request("bob", "r");
    request.url = format!("{}?resume={position}", request.url);
    let mut bob = request.connect().await.expect("accepted");
    let (again, state) = greeted(&mut bob).await;
    assert_ne!(
        again["epoch"], welcome["epoch"],
        "it says that it is another"
    );
    assert_eq!((&again["resumed"], state), (&json!(false), json!(0)));
    assert_eq!(bob.tell(add).await["reply"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_its_node_ends_the_next_room_is_another_and_says_so() {
    is_another(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_its_node_dies_the_next_room_is_another_and_says_so() {
    is_another(false).await;
}

#[tokio::test]
async fn a_room_whose_last_member_has_left_is_made_anew_on_any_node_once_its_time_is_over() {
    #[tapaculo::game(event = u32, empty_timeout = "10ms")]
    #[derive(Default)]
    struct Brief {
        count: u32,
    }

    #[tapaculo::game]
    impl Brief {
        #[message]
        fn add(&mut self) -> u32 {
            self.count += 1;
            self.count
        }
    }

    let redis = Redis::start().await;
    let one = Node::start(&redis, Server::with_game::<Brief>).await;
    let two = Node::start(&redis, Server::with_game::<Brief>).await;
    let mut reply = json!(null);
    // The room may not be over yet when the next one comes.
    for node in [&one, &two].into_iter().cycle().take(40) {
        let mut alice = node.join("alice", "r").await;
        reply = alice.tell(json!({"type": "Add"})).await["reply"].clone();
        let closing = alice.close();
        closing.await;
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    }
    assert!(reply.as_u64().expect("a number") < 40, "{reply}");
    let mut alice = one.join("alice", "r").await;
    drop(alice.ask(json!({"type": "Add"})).await);
    two.end().await;
    let mut bob = one.join("bob", "r").await;
    bob.tell(json!({"type": "Add"})).await;
    one.end().await;
    let (_, code) = to_the_end(&mut bob).await;
    assert_eq!(code, Some(1012));
}
