#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    #[message]
    fn flag(&mut self) {}
}

fn main() {}
