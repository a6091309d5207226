//! What the examples share: how they log and listen, and the parts of a page that are no game's own.

mod page;

pub use self::page::{File, router};

use anyhow::anyhow;
use std::{env, io::ErrorKind};
use tapaculo::JwtAuth;
use tokio::net::TcpListener;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Logs to standard output: at `info`, or as `RUST_LOG` says.
pub fn log() {
    log_to(std::io::stdout);
}

/// The same, to somewhere else.
pub fn log_to(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    log.with_writer(writer).init();
}

/// Signs tokens with `TAPACULO_SECRET`; without one they are good until the server stops.
#[must_use]
pub fn auth() -> JwtAuth {
    match env::var("TAPACULO_SECRET") {
        Ok(secret) => JwtAuth::new(secret),
        Err(_) => JwtAuth::new(rand::random::<[u8; 32]>()),
    }
}

/// Listens on this port, or on that of `PORT`, and prints where to open the page.
///
/// # Errors
/// If the port can't be had, with words for who has started the example.
pub async fn listen(example: &str, port: u16) -> anyhow::Result<TcpListener> {
    let port = env::var("PORT").unwrap_or_else(|_| port.to_string());
    let bound = TcpListener::bind(format!("0.0.0.0:{port}")).await;
    let listener = bound.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: stop the program that uses it, or choose another port, \
             as in `PORT=9090 cargo run --example {example}`"
        ),
        _ => anyhow!("can't listen on port {port}: {error}"),
    })?;
    let port = listener.local_addr()?.port();
    println!("{example}: open http://localhost:{port}");
    Ok(listener)
}
