#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[view]
    fn view(&self) -> Result<u8, String> {
        Err("not yet".to_owned())
    }
}

fn main() {}
