//! One promise a test, over real sockets.

mod admin;
mod browser;
mod client;
mod closures;
mod connecting;
mod failing;
mod games;
mod hostile;
mod limits;
mod messages;
mod reconnecting;
mod rooms;
mod stopping;
