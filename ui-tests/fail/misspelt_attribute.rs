use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[mesage]
    fn resign(&mut self, _player: &Player) {}

    #[validator(draw)]
    fn may(&self) -> Result<(), String> {
        Ok(())
    }

    #[message]
    fn draw(&mut self) {}
}

fn main() {}
