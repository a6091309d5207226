//! What takes time, by a clock that a test turns.

use super::{Closures, Handlers, RoomSettings};
use crate::{
    game::Connection,
    room::{Door, Outlet, Taken, Ticket, alice, unkept},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

fn frames(outlet: &Outlet) -> Vec<Value> {
    let mut frames = VecDeque::new();
    while outlet.take(usize::MAX, &mut frames) == Taken::More {}
    let frames = frames.iter();
    frames
        .map(|frame| serde_json::from_str(frame.as_json()).unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_ended_and_what_it_has_said_is_said() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let mut handlers = Handlers::default();
    handlers.add_message::<Value, _, _>(move |ctx, envelope| {
        *keep.lock().unwrap() = Some(ctx.clone());
        async move {
            ctx.broadcast(&envelope.data).await.unwrap();
            if envelope.data == "wait" {
                std::future::pending::<()>().await;
            }
        }
    });
    let handlers = Arc::new(handlers);
    let settings = RoomSettings::default().for_rooms(Duration::ZERO);
    let room = unkept(settings, |room| {
        Some(Closures::new(Arc::clone(&handlers), room))
    });
    let connection = Connection(1);
    let (outlet, visitor) = alice(connection);
    let joined = Arc::clone(&room).join(visitor).await;
    assert!(joined.is_ok());

    let tell = |id, data: &str| {
        let data = serde_json::value::to_raw_value(data).unwrap();
        let ticket = Ticket::new(id, data.get());
        Arc::clone(&room).message(connection, Some(ticket), Ok(&data))
    };
    let began = Instant::now();
    let waiting = tokio::spawn(tell(1, "wait"));
    let next = tokio::spawn(tell(2, "next"));
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(
        frames(&outlet),
        [json!({"seq": 1, "from": "alice", "data": "wait"})]
    );
    waiting.await.unwrap();
    next.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
    let told = frames(&outlet);
    assert_eq!(told[0]["error"]["code"], "internal");
    assert_eq!(told[0]["id"], 1);
    assert_eq!(told[1]["data"], "next");
    assert_eq!(told[2], json!({"ack": 2, "seq": 2}));
    let ctx = kept.lock().unwrap().take().unwrap();
    ctx.broadcast("after all").await.unwrap();
    assert_eq!(frames(&outlet)[0]["data"], "after all");
}
