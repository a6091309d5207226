//! Which path leads where: `/ws` to the upgrade, `/token` to the tokens, `/tapaculo.js` to the
//! browser's client, `/healthz` and `/readyz` to the server's state.

use super::{app::App, client, origin, reject::Reject, tokens, upgrade};
use crate::metrics;
use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::HeaderMap,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use std::sync::Arc;

/// The server's own routes; what is none of them goes to `others`.
pub(super) fn router(app: &Arc<App>, others: Router) -> Router {
    let share = || from_fn(origin::share);
    // A browser tells a page nothing of an upgrade that was refused. It may ask by POST, for which
    // the browser always says which page it is.
    let mut for_pages = Router::new()
        .route("/ws", get(only_game).post(only_game).layer(share()))
        .route(
            "/ws/{game}",
            get(named_game).post(named_game).layer(share()),
        );
    if app.issuer.is_some() {
        for_pages = for_pages
            .route("/token", post(tokens::begin).layer(share()))
            .route("/token/refresh", post(tokens::refresh).layer(share()));
    }
    let for_pages = for_pages.layer(from_fn_with_state(Arc::clone(app), origin::guard));
    let for_pages = metrics::count_rejections(for_pages);
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
    if !app.has_lease() {
        return Err(Reject::unavailable("the other nodes can't be reached"));
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
