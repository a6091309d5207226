#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[create]
    fn create(&mut self) -> Self {
        Self
    }

    #[message]
    fn resign(self) {}

    #[message]
    fn offer_draw() {}

    #[validate]
    fn legal() -> Result<(), String> {
        Ok(())
    }

    #[on_full]
    fn start() {}

    #[view]
    fn view(&mut self) -> u8 {
        0
    }
}

fn main() {}
