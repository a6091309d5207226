#[tapaculo::game(players = 0)]
pub struct NoSeat;

#[tapaculo::game(players = 3..=2)]
pub struct EmptyRange;

#[tapaculo::game(players = 2..6)]
pub struct HalfOpen;

#[tapaculo::game(players(2))]
pub struct Parentheses;

#[tapaculo::game(players)]
pub struct NoNumber;

#[tapaculo::game(history = "many")]
pub struct NotANumber;

#[tapaculo::game(history = -1)]
pub struct Negative;

#[tapaculo::game(spectators = true)]
pub struct NotAFlag;

#[tapaculo::game(empty_timeout = "soon")]
pub struct NoTime;

#[tapaculo::game(empty_timeout = 300)]
pub struct NoUnit;

#[tapaculo::game(reconnect = "soon")]
pub struct NoDuration;

#[tapaculo::game(handler_timeout = "0s")]
pub struct NoTimeAtAll;

#[tapaculo::game(rollback = "always")]
pub struct NotAFlagEither;

#[tapaculo::game(name = "Chess Club")]
pub struct NoName;

#[tapaculo::game(crate = "my::reexport")]
pub struct QuotedPath;

#[tapaculo::game(event =)]
pub struct NoEvent;

#[tapaculo::game]
pub struct Šach;

fn main() {}
