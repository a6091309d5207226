//! Rooms of closures: the same promises as any other's, through a `Context`.

mod context;
mod events;
mod messages;
mod rooms;

use std::sync::{Arc, Mutex};
use tapaculo::{Context, RoomEventHandler};
use tapaculo_tests::DEADLINE;
use tokio::time::timeout;

/// Writes down what it is told, and says it.
#[derive(Clone, Default)]
struct Chronicle(Arc<Mutex<Vec<String>>>);

impl Chronicle {
    async fn note(&self, ctx: Option<&Context>, event: String) {
        if let Some(ctx) = ctx {
            ctx.broadcast(&event).await.expect("the room is there");
        }
        self.0.lock().expect("not poisoned").push(event);
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().expect("not poisoned").clone()
    }

    async fn until(&self, event: &str) {
        let told = async {
            while !self.told().iter().any(|told| told == event) {
                tokio::task::yield_now().await;
            }
        };
        let told = timeout(DEADLINE, told).await;
        assert!(told.is_ok(), "{event} is not among {:?}", self.told());
    }
}

#[async_trait::async_trait]
impl RoomEventHandler for Chronicle {
    async fn on_player_joined(&self, ctx: &Context, user_id: &str) {
        assert_eq!(ctx.user_id(), user_id);
        assert_eq!(ctx.session_id(), "s");
        self.note(Some(ctx), format!("joined {user_id}")).await;
    }

    async fn on_player_left(&self, ctx: &Context, user_id: &str) {
        assert!(!ctx.has_member(user_id).await);
        self.note(Some(ctx), format!("left {user_id}")).await;
    }

    async fn on_room_full(&self, ctx: &Context) {
        let members = ctx.get_room_members().await;
        self.note(Some(ctx), format!("full {}", members.join(" ")))
            .await;
    }

    async fn on_room_empty(&self, room_id: &str) {
        self.note(None, format!("empty {room_id}")).await;
    }
}
