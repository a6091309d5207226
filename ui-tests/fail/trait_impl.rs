#[tapaculo::game]
pub struct Chess;

#[tapaculo::game]
impl Default for Chess {
    fn default() -> Self {
        Self
    }
}

fn main() {}
