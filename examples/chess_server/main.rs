//! Two people play chess in two browser tabs: `cargo run --example chess_server`.

mod chess;
mod outcome;
mod position;
#[cfg(test)]
mod tests;

use anyhow::anyhow;
use axum::{Router, response::Html, routing::get};
use std::{env, io::ErrorKind};
use tapaculo::prelude::*;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();

    // Without a secret of your own, tokens are good until the server stops.
    let auth = match env::var("TAPACULO_SECRET") {
        Ok(secret) => JwtAuth::new(secret),
        Err(_) => JwtAuth::new(rand::random::<[u8; 32]>()),
    };
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = bind(&port).await?;
    println!(
        "Chess: open http://localhost:{}",
        listener.local_addr()?.port()
    );
    Server::new()
        .with_auth(auth)
        .with_guest_tokens()
        .with_game::<chess::Chess>()
        .with_routes(Router::new().route("/", get(|| async { Html(include_str!("page.html")) })))
        .serve(listener)
        .await
}

async fn bind(port: &str) -> anyhow::Result<TcpListener> {
    let number: u16 = port
        .parse()
        .map_err(|_| anyhow!("PORT is `{port}`, which is no port"))?;
    TcpListener::bind(("0.0.0.0", number)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: stop what uses it, or take another one with PORT=8081 before the command"
        ),
        _ => anyhow!("port {port} can't be used: {error}"),
    })
}
