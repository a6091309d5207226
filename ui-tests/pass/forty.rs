//! Forty messages.

use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Many(u64);

#[tapaculo::game]
impl Many {
    #[message]
    fn message_1(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_2(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_3(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_4(&mut self) {}

    #[message]
    fn message_5(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_6(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_7(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_8(&mut self) {}

    #[message]
    fn message_9(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_10(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_11(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_12(&mut self) {}

    #[message]
    fn message_13(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_14(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_15(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_16(&mut self) {}

    #[message]
    fn message_17(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_18(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_19(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_20(&mut self) {}

    #[message]
    fn message_21(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_22(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_23(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_24(&mut self) {}

    #[message]
    fn message_25(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_26(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_27(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_28(&mut self) {}

    #[message]
    fn message_29(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_30(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_31(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_32(&mut self) {}

    #[message]
    fn message_33(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_34(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_35(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_36(&mut self) {}

    #[message]
    fn message_37(&mut self, by: u32) {
        self.0 += u64::from(by);
    }

    #[message]
    fn message_38(&mut self, room: &mut Room<Self>, text: String) {
        let _ = (room, text);
    }

    #[message]
    fn message_39(&mut self, player: &Player, at: (u8, u8)) {
        let _ = (player, at);
    }

    #[message]
    fn message_40(&mut self) {}
}

fn main() {
    use tapaculo::game::Game;
    assert_eq!(Many::MESSAGES.len(), 40);
    assert_eq!(Many::MESSAGES[39], "Message40");
}
