//! Which path leads where: `/ws` to the upgrade, `/token` to a guest's token, `/tapaculo.js` to the
//! browser's client, `/healthz` and `/readyz` to the server's state.

use super::{app::App, client, origin, reject::Reject, upgrade};
use crate::auth::GuestRequest;
use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// The most bytes of a request's body.
const BODY_BYTES: usize = 8 * 1024;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The server's own routes; what is none of them goes to `others`.
pub(super) fn router(app: &Arc<App>, others: Router) -> Router {
    let mut for_pages = Router::new()
        .route("/ws", get(only_game))
        .route("/ws/{game}", get(named_game));
    if app.guest_tokens {
        for_pages = for_pages.route("/token", post(guest_token).layer(from_fn(origin::share)));
    }
    let for_pages = for_pages.layer(from_fn_with_state(Arc::clone(app), origin::guard));
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/tapaculo.js", get(module))
        .route("/tapaculo.d.ts", get(types))
        .merge(for_pages);
    router.with_state(Arc::clone(app)).fallback_service(others)
}

async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Reject> {
    if app.handle.is_shutting_down() {
        return Err(Reject::unavailable("the server is shutting down"));
    }
    Ok("ok")
}

async fn module(head: HeaderMap) -> Response {
    client::MODULE.answer(&head)
}

async fn types(head: HeaderMap) -> Response {
    client::TYPES.answer(&head)
}

async fn only_game(State(app): State<Arc<App>>, request: Request) -> Result<Response, Reject> {
    let Some(game) = app.only_game else {
        let games = app.registry.games();
        return Err(Reject::not_found(format!(
            "this server has several games, each at /ws/{{game}}: {games}"
        )));
    };
    upgrade::upgrade(&app, game, request)
}

async fn named_game(
    State(app): State<Arc<App>>,
    game: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Reject> {
    let Path(game) = game.map_err(|rejection| Reject::bad_request(rejection.body_text()))?;
    match app.registry.game(&game) {
        Some(game) => upgrade::upgrade(&app, game, request),
        None => {
            let games = app.registry.games();
            Err(Reject::not_found(format!(
                "there is no such game; there are: {games}"
            )))
        }
    }
}

async fn guest_token(State(app): State<Arc<App>>, request: Request) -> Result<Response, Reject> {
    let address = app.proxies.client(&request);
    app.gate.admit_guest(address).map_err(Reject::too_many)?;
    let body = to_bytes(request.into_body(), BODY_BYTES);
    let body = timeout(BODY_TIMEOUT, body)
        .await
        .map_err(|_| Reject::too_slow())?
        .map_err(|error| Reject::bad_request(error.to_string()))?;
    let request: GuestRequest = serde_json::from_slice(&body).map_err(|error| {
        Reject::bad_request(format!(
            "expected {{\"name\", \"room\", \"options\"?}}: {error}"
        ))
    })?;
    let guest = app
        .auth
        .admit_guest(request)
        .map_err(|error| Reject::bad_request(error.to_string()))?;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Json(guest)).into_response())
}
