#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[view]
    async fn view(&self) -> u8 {
        0
    }
}

fn main() {}
