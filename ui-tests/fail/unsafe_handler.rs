#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    unsafe fn resign(&mut self) {}

    #[on_join]
    fn joined<const N: usize>(&mut self) {}
}

fn main() {}
