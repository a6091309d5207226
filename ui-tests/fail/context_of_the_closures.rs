use tapaculo::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, ctx: &Context) {
        let _ = ctx.user_id();
    }

    #[on_message]
    fn play(&mut self, to: u8) {
        let _ = to;
    }
}

fn main() {}
