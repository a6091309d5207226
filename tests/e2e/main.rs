//! One promise a test, over real sockets.

mod browser;
mod connecting;
mod games;
mod hostile;
mod messages;
mod rooms;
mod stopping;
