//! One promise a test, over real sockets.

mod connecting;
mod games;
mod hostile;
mod messages;
mod rooms;
mod stopping;
