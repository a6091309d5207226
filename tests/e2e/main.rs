//! One promise a test, over real sockets.

#[path = "../../examples/chess_server/chess.rs"]
mod chess;
#[path = "../../examples/chess_server/clock.rs"]
mod clock;
#[path = "../../examples/chess_server/outcome.rs"]
mod outcome;
#[path = "../../examples/chess_server/position.rs"]
mod position;
#[path = "../../examples/chess_server/wire.rs"]
mod wire;

mod admin;
mod auth;
mod browser;
mod bystander;
mod chat;
mod client;
mod client_codec;
mod client_login;
mod closures;
mod connecting;
mod connections;
mod dice;
mod documents;
mod failing;
mod first_game;
mod forged;
mod frames;
mod games;
mod guess;
mod hostile;
mod kept;
mod limits;
mod messages;
mod msgpack;
mod names;
mod origin;
mod pages;
mod proxies;
mod reconnecting;
mod requests;
mod rooms;
mod stopping;
