use std::rc::Rc;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess {
    board: Rc<u8>,
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {
        self.board = Rc::new(0);
    }
}

fn main() {}
