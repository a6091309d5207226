//! The page to play on: a few files, compiled in.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};

/// Each file: where it is, what it is, and what is in it.
macro_rules! files {
    ($($path:literal = $file:literal, $kind:literal;)*) => {
        [$(($path, $kind, include_str!(concat!("page/", $file)))),*]
    };
}

pub(crate) fn routes() -> Router {
    let files = files! {
        "/" = "index.html", "text/html; charset=utf-8";
        "/style.css" = "style.css", "text/css; charset=utf-8";
        "/app.js" = "app.js", "text/javascript; charset=utf-8";
        "/board.js" = "board.js", "text/javascript; charset=utf-8";
        "/clock.js" = "clock.js", "text/javascript; charset=utf-8";
        "/game.js" = "game.js", "text/javascript; charset=utf-8";
        "/rules.js" = "rules.js", "text/javascript; charset=utf-8";
        "/seat.js" = "seat.js", "text/javascript; charset=utf-8";
        "/sound.js" = "sound.js", "text/javascript; charset=utf-8";
    };
    let router = Router::new();
    files
        .into_iter()
        .fold(router, |router, (path, kind, text)| {
            let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")];
            router.route(path, get(move || async move { (headers, text) }))
        })
}
