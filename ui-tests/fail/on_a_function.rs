#[tapaculo::game]
pub async fn chess() {}

fn main() {}
