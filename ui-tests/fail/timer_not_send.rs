#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn flag(&mut self, shared: std::rc::Rc<u8>) {
        let _ = shared;
    }
}

fn main() {}
