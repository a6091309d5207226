pub struct Chess<B> {
    board: B,
}

#[tapaculo::game]
impl<B> Chess<B> {
    #[message]
    fn resign(&mut self) {}
}

fn main() {}
