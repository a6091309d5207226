//! The user guide of version 0.2, snippet by snippet: each stands here as the guide has it, in a
//! function that compiles, beside a test of what it says.

mod auth;
mod browser;
mod redis;
mod rooms;
mod servers;
