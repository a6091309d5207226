#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[tick]
    fn step(&mut self) {}
}

#[tapaculo::game]
#[derive(Default)]
pub struct Pong;

#[tapaculo::game]
impl Pong {
    #[tick(every = "fast")]
    fn step(&mut self) {}
}

#[tapaculo::game]
#[derive(Default)]
pub struct Snake;

#[tapaculo::game]
impl Snake {
    #[tick("50ms")]
    fn step(&mut self) {}
}

#[tapaculo::game]
#[derive(Default)]
pub struct Tag;

#[tapaculo::game]
impl Tag {
    #[tick(every = "0ms")]
    fn step(&mut self) {}
}

#[tapaculo::game]
#[derive(Default)]
pub struct Race;

#[tapaculo::game]
impl Race {
    #[tick(rate = "50ms")]
    fn step(&mut self) {}
}

fn main() {}
