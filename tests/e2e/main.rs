//! One promise a test, over real sockets.

mod browser;
mod connecting;
mod games;
mod hostile;
mod messages;
mod reconnecting;
mod rooms;
mod stopping;
