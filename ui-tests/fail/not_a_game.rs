use tapaculo::{prelude::*, testing::TestRoom};

pub struct Chess;

fn main() {
    let _ = Server::new().with_game::<Chess>();
    let _ = TestRoom::<Chess>::with_seed(7);
}
