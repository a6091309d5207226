//! The chat, as a room: who is here, what they may say, what everybody is told.

use crate::{
    authors::{Authors, Written},
    person::{Avatar, Color, Look},
    text::{Name, Text, Unfit},
    wire::{ChatEvent, ChatView, Person, Refused},
};
use std::{collections::BTreeMap, time::Duration};
use tapaculo::prelude::*;

/// For how long a sign of typing holds, unless there is another one: the page of whoever types gives
/// one every two and a half seconds.
pub(crate) const TYPING: Duration = Duration::from_secs(5);

/// A group chat. The struct is the state of one room; what was said is not in it, but in the room's
/// history, of which a newcomer is told.
#[tapaculo::game(
    players = 100,
    history = 200,
    reconnect = "60s",
    empty_timeout = "1m",
    event = ChatEvent
)]
#[derive(Debug, Default)]
pub(crate) struct Chat {
    people: BTreeMap<UserId, Look>,
    pub(crate) authors: Authors,
    /// Whose typing ends by itself at which time.
    typing: BTreeMap<UserId, TimerId>,
}

#[tapaculo::game]
impl Chat {
    /// The name is the token's, and no better than one that is chosen here: the same is asked of it.
    #[on_join]
    fn come_in(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Unfit> {
        let look = Look {
            name: Name::try_from(player.name().unwrap_or_default().to_owned())?,
            color: Color::rarest(self.people.values()),
            avatar: Avatar::default(),
        };
        self.show(room, player, look);
        Ok(())
    }

    #[on_disconnect]
    fn away(&mut self, room: &mut Room<Self>, player: &Player) {
        self.stop_typing(room, player.user());
    }

    #[on_leave]
    fn leave(&mut self, room: &mut Room<Self>, player: &Player) {
        self.stop_typing(room, player.user());
        self.people.remove(player.user());
        room.clear_metadata(player.user());
    }

    /// `{"type": "Look", "name": "Ann", "color": "teal", "avatar": "moon"}`
    #[message]
    fn look(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
        name: Name,
        color: Color,
        avatar: Avatar,
    ) {
        let look = Look {
            name,
            color,
            avatar,
        };
        if self.people.get(player.user()) != Some(&look) {
            self.show(room, player, look);
        }
    }

    /// `{"type": "Say", "text": "Hello"}`; answers with the number of its event.
    #[message]
    fn say(&mut self, room: &mut Room<Self>, player: &Player, text: Text) -> Result<u64, Refused> {
        let (by, at) = (self.look_of(player)?, room.now());
        self.stop_typing(room, player.user());
        room.broadcast(ChatEvent::Said { by, at, text });
        let id = room.last_seq();
        let by = player.user().clone();
        self.authors.note(id, Written { id, by, at });
        Ok(id)
    }

    /// Only its author may change a message, whatever a page shows. A message is named by the number
    /// of the event that says it now, so that nobody changes what they have not seen.
    #[validate]
    fn is_ones_own(&self, player: &Player, sent: &ChatMessage) -> Result<(), Refused> {
        match sent {
            ChatMessage::Edit { message, .. } | ChatMessage::Delete { message } => {
                self.authors.check(*message, player.user())
            }
            _ => Ok(()),
        }
    }

    /// `{"type": "Edit", "message": 17, "text": "Hello!"}`; answers with the number of its event.
    /// The one before is forgotten: nobody who comes or comes back is told what it said.
    #[message]
    fn edit(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
        message: u64,
        text: Text,
    ) -> Result<u64, Refused> {
        let by = self.look_of(player)?;
        let written = self.authors.take(message)?;
        let (id, at) = (written.id, written.at);
        room.broadcast(ChatEvent::Edited { id, by, at, text });
        let seq = room.last_seq();
        room.redact(message);
        self.authors.note(seq, written);
        Ok(seq)
    }

    /// `{"type": "Delete", "message": 17}`
    #[message]
    fn delete(&mut self, room: &mut Room<Self>, message: u64) -> Result<(), Refused> {
        self.authors.take(message)?;
        room.redact(message);
        Ok(())
    }

    /// `{"type": "Typing", "active": true}`
    #[message]
    fn typing(&mut self, room: &mut Room<Self>, player: &Player, active: bool) {
        let user = player.user();
        if !active {
            return self.stop_typing(room, user);
        }
        let user = user.clone();
        let ends = room.after(TYPING, ChatTimer::TypingEnds { user: user.clone() });
        if let Some(before) = self.typing.insert(user.clone(), ends) {
            room.cancel(before);
        }
        room.broadcast_volatile(ChatEvent::Typing { user, active });
    }

    /// Whoever typed has not for a while, and the word of it was lost.
    #[timer]
    fn typing_ends(&mut self, room: &mut Room<Self>, user: UserId) {
        self.stop_typing(room, &user);
    }

    #[view]
    fn view(&self) -> ChatView {
        let people = self.people.iter();
        let people = people.map(|(user, look)| Person {
            user: user.clone(),
            look: look.clone(),
        });
        people.collect()
    }
}

impl Chat {
    /// Has everybody know how somebody looks. Newcomers learn it from the view, so it is not for the
    /// history, where it would take the place of a message.
    fn show(&mut self, room: &mut Room<Self>, player: &Player, look: Look) {
        let user = player.user().clone();
        room.set_metadata(&user, Metadata::from(&look));
        self.people.insert(user.clone(), look.clone());
        room.broadcast_to(|_| true, ChatEvent::Looks(Person { user, look }));
    }

    #[cfg(test)]
    pub(crate) fn knows(&self, user: &UserId) -> bool {
        self.people.contains_key(user) || self.typing.contains_key(user)
    }

    fn look_of(&self, player: &Player) -> Result<Look, Refused> {
        let look = self.people.get(player.user());
        look.cloned().ok_or(Refused::NotHere)
    }

    fn stop_typing(&mut self, room: &mut Room<Self>, user: &UserId) {
        if let Some(ends) = self.typing.remove(user) {
            room.cancel(ends);
            let (user, active) = (user.clone(), false);
            room.broadcast_volatile(ChatEvent::Typing { user, active });
        }
    }
}
