use std::rc::Rc;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

async fn engine() {}

#[tapaculo::game]
impl Chess {
    #[message]
    async fn hint(&mut self) {
        let board = Rc::new(0);
        engine().await;
        drop(board);
    }
}

fn main() {}
