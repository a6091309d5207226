use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct Said(String);

#[tapaculo::game(event = Said)]
#[derive(Default)]
pub struct Chat;

#[tapaculo::game]
impl Chat {
    #[message]
    fn whisper(&mut self, room: &mut Room<Self>, player: &Player, to: String, text: String) {
        room.send_to(player, Said(text.clone()));
        room.send_to(&to, Said(text));
    }

    #[message]
    fn shout(&mut self, room: &mut Room<Self>, text: String) {
        room.broadcast_to(Said(text.clone()), |member| member.user().as_str() != "bob");
        room.broadcast_to(|player: &Player| player.user().as_str() != "bob", Said(text));
    }

    #[message]
    async fn wait(&mut self, room: &mut Room<Self>, text: String) {
        room.broadcast(Said(text)).await;
    }
}

fn main() {}
