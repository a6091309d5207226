//! Two people play chess in two browser tabs: `cargo run --example chess_server`.

mod chess;
mod clock;
mod outcome;
mod page;
mod position;
#[cfg(test)]
mod tests;
mod wire;

use anyhow::anyhow;
use std::{env, io::ErrorKind, process::ExitCode};
use tapaculo::prelude::*;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();
    if let Err(error) = serve().await {
        eprintln!("chess_server: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn serve() -> anyhow::Result<()> {
    // Without a secret of your own, tokens are good until the server stops.
    let auth = match env::var("TAPACULO_SECRET") {
        Ok(secret) => JwtAuth::new(secret),
        Err(_) => JwtAuth::new(rand::random::<[u8; 32]>()),
    };
    let listener = listen().await?;
    let port = listener.local_addr()?.port();
    println!("Chess: open http://localhost:{port}");
    Server::new()
        .with_auth(auth)
        .with_guest_tokens()
        .with_game::<chess::Chess>()
        .with_routes(page::routes())
        .serve(listener)
        .await
}

async fn listen() -> anyhow::Result<TcpListener> {
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let bound = TcpListener::bind(format!("0.0.0.0:{port}")).await;
    bound.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: stop the program that uses it, or choose another port, \
             as in `PORT=8081 cargo run --example chess_server`"
        ),
        _ => anyhow!("can't listen on port {port}: {error}"),
    })
}
