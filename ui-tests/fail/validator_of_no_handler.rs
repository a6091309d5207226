#[tapaculo::game]
#[derive(Default)]
pub struct Poker;

#[tapaculo::game]
impl Poker {
    #[validate(call)]
    fn enough(&self) -> Result<(), String> {
        Err("too little".to_owned())
    }

    fn call(&mut self) {}
}

fn main() {}
