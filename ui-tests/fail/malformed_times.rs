#[tapaculo::game(reconnect = "-5s")]
pub struct Negative;

#[tapaculo::game(reconnect = "99999999999999999999h")]
pub struct TooLong;

#[tapaculo::game(reconnect = "1 min")]
pub struct UnknownUnit;

#[tapaculo::game(reconnect = "1.5s")]
pub struct Fraction;

#[tapaculo::game(reconnect = "")]
pub struct Nothing;

#[tapaculo::game(reconnect = std::time::Duration::from_secs(60))]
pub struct Constant;

fn main() {}
