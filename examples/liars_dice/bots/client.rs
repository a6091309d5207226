//! One bot at one table: from its connection to the end of it.

use super::{
    agency::Call,
    brain::{self, Answer},
    known::Known,
};
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use rand::RngExt;
use std::{future::pending, time::Duration};
use tapaculo::prelude::*;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// How long the server may take to let a bot in. The room keeps the seat for longer.
const CONNECTS: Duration = Duration::from_secs(5);

/// How long its token is good for, and so how long a bot can play.
const TTL: Duration = Duration::from_secs(6 * 60 * 60);

/// Plays until the connection ends: because the table wants no bot any more, because it is gone, or
/// because the server is. A bot does not come back; the room asks for another one.
pub(super) async fn play(auth: &JwtAuth, url: &str, call: &Call) -> anyhow::Result<()> {
    let login = Login::new(call.user.as_str(), call.room.as_str());
    let token = auth.sign_login(login.name(call.name).game("liars-dice").ttl(TTL))?;
    let mut request = url.into_client_request()?;
    let fields = request.headers_mut();
    fields.insert("Authorization", format!("Bearer {token}").parse()?);
    fields.insert("Sec-WebSocket-Protocol", "tapaculo.v1.json".parse()?);
    let connecting = timeout(CONNECTS, connect_async(request));
    let (mut socket, _) = connecting.await.context("the server does not answer")??;

    let mut known = Known::default();
    let mut thinks_until = None;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    known.hear(&text)?;
                    if known.only_watches() {
                        socket.close(None).await?; // somebody else was quicker
                        return Ok(());
                    }
                    // A person would take a moment, too; whatever comes in meanwhile is heard.
                    thinks_until = match known.my_turn() {
                        Some(_) => thinks_until.or_else(|| Some(Instant::now() + moment())),
                        None => None,
                    };
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
            () = sleep(thinks_until) => {
                thinks_until = None;
                if let Some(turn) = known.my_turn() {
                    let answer = brain::answer(&turn, &mut rand::rng());
                    known.has_answered();
                    socket.send(Message::text(frame(answer))).await?;
                }
            }
        }
    }
}

/// How long it thinks about a turn.
fn moment() -> Duration {
    Duration::from_millis(rand::rng().random_range(1100..2600))
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}

fn frame(answer: Answer) -> String {
    let message = match answer {
        Answer::Bid(bid) => {
            serde_json::json!({"type": "Bid", "count": bid.count, "face": bid.face})
        }
        Answer::Liar => serde_json::json!({"type": "Liar"}),
    };
    serde_json::json!({ "data": message }).to_string()
}
