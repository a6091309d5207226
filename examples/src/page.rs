//! Pages: a few files, compiled in.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    routing::get,
};

/// A file of a page: its path in the URL, and what is in it.
pub type File = (&'static str, &'static str);

/// The files of a page, from a folder beside the source: `files!("page/": "index.html", "app.js")`.
#[macro_export]
macro_rules! files {
    ($folder:literal: $($file:literal),* $(,)?) => {
        [$(($file, include_str!(concat!($folder, $file)))),*]
    };
}

/// Serves a page: `index.html` is at `/`, `nodes.html` at `/nodes`, each other file under its name, and
/// with them what all pages share.
pub fn router(files: impl IntoIterator<Item = File>) -> Router {
    let shared = files!("page/":
        "base.css", "connection.js", "dom.js", "door.js", "guest.js", "server_time.js", "sounds.js",
    );
    let files = shared.into_iter().chain(files);
    files.fold(Router::new(), |router, (name, text)| {
        let headers = [
            (CONTENT_TYPE, kind(name)),
            (CACHE_CONTROL, "no-cache"),
            // Nobody's clicks are taken by a page that has this one in a frame.
            (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        router.route(&path(name), get(move || async move { (headers, text) }))
    })
}

fn path(name: &str) -> String {
    let page = name.strip_suffix(".html");
    match page.unwrap_or(name) {
        "index" => "/".to_owned(),
        name => format!("/{name}"),
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ => "application/octet-stream",
    }
}
