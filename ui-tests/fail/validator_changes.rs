use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess(u8);

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&mut self, from: &u8) -> Result<(), String> {
        self.0 = *from;
        Ok(())
    }

    #[validate(play)]
    fn quiet(&self, room: &mut Room<Self>) -> Result<(), String> {
        Err(format!("{:?}", room.id()))
    }

    #[message]
    fn play(&mut self, from: u8) {
        let _ = from;
    }
}

fn main() {}
