//! The pages: chess as it is, and the nodes beside it.

use crate::cluster::{Cluster, Order};
use axum::{
    Json, Router,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONNECTION},
    },
    middleware::map_response,
    response::{Redirect, Response},
    routing::get,
};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tapaculo_examples::{File, files};
use tokio::sync::watch;

/// Whatever a page is served by, it has these of its own.
const NODES: [File; 3] = files!("page/": "nodes.html", "nodes.css", "nodes.js");

/// The page of chess, and in its head a line that says where this table and this player are.
static INDEX: LazyLock<String> = LazyLock::new(|| {
    let chess = include_str!("../chess_server/page/index.html");
    let line = r#"<link rel="stylesheet" href="/where.css">
<script type="module" src="/where.js"></script>
</head>"#;
    chess.replacen("</head>", line, 1)
});

/// What a node serves.
pub(crate) fn router(cluster: watch::Receiver<Cluster>, give: impl Give) -> Router {
    let chess = files!("../chess_server/page/":
        "style.css", "app.js", "board.js", "clock.js", "game.js", "rules.js", "sound.js",
    );
    let own = files!("page/": "where.css", "where.js");
    let index: File = ("index.html", &INDEX);
    let files = [index].into_iter().chain(chess).chain(own).chain(NODES);
    tapaculo_examples::router(files).merge(status(cluster, give))
}

/// What there is to see while no node runs. A browser is not to come back by the same connection: by
/// the next one it may get to a node.
pub(crate) fn without_nodes(cluster: watch::Receiver<Cluster>, give: impl Give) -> Router {
    let close = |mut response: Response| async {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        response
    };
    tapaculo_examples::router(NODES)
        .merge(status(cluster, give))
        .route("/", get(async || Redirect::temporary("/nodes")))
        .fallback(async || (StatusCode::SERVICE_UNAVAILABLE, Json(nobody())))
        .layer(map_response(close))
}

/// What a node would say, if it could.
fn nobody() -> Value {
    json!({"error": {"code": "unavailable", "message": "no node runs: start one, at /nodes"}})
}

/// Takes an order to whoever carries it out.
pub(crate) trait Give: Fn(Order) + Clone + Send + Sync + 'static {}

impl<F: Fn(Order) + Clone + Send + Sync + 'static> Give for F {}

/// What is known of the nodes, and, for JSON that a page of this origin sends, what is to become of
/// them. Whoever gets to the page may do it: that is what this example is for.
fn status(cluster: watch::Receiver<Cluster>, give: impl Give) -> Router {
    let known = async move || {
        (
            [(CACHE_CONTROL, "no-store")],
            Json(cluster.borrow().clone()),
        )
    };
    let order = async move |Json(order): Json<Order>| {
        give(order);
        StatusCode::ACCEPTED
    };
    Router::new().route("/nodes.json", get(known).post(order))
}
