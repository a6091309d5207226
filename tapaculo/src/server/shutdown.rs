//! How a server is told to end: by a signal to the process, or by a handle.

use super::app::App;
use crate::{auth::Revoked, clock::Clock, limits::Bans};
use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};
use tokio::sync::watch;

/// Shuts a server down from elsewhere; clones are of the same server.
#[derive(Clone)]
pub struct ServerHandle {
    requested: Arc<watch::Sender<bool>>,
    app: Arc<OnceLock<Weak<App>>>,
    /// Here rather than in the app, for it may be told before there is one.
    revoked: Arc<Revoked>,
    bans: Arc<Bans>,
    /// The server's time.
    pub(super) clock: Clock,
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("shutting_down", &self.is_shutting_down())
            .finish_non_exhaustive()
    }
}

impl ServerHandle {
    pub(super) fn new() -> Self {
        let clock = Clock::start();
        Self {
            bans: Arc::new(Bans::new(clock)),
            clock,
            requested: Arc::new(watch::Sender::new(false)),
            app: Arc::default(),
            revoked: Arc::default(),
        }
    }

    pub(super) fn attach(&self, app: &Arc<App>) {
        // A server is built once, since building takes it.
        let _ = self.app.set(Arc::downgrade(app));
    }

    /// The server, while it runs.
    pub(super) fn app(&self) -> Option<Arc<App>> {
        self.app.get().and_then(Weak::upgrade)
    }

    pub(super) fn revoked(&self) -> &Revoked {
        &self.revoked
    }

    pub(super) fn bans(&self) -> &Arc<Bans> {
        &self.bans
    }

    /// Takes no more connections, lets each message in hand finish, and closes all connections
    /// with `1012`; returns when they are gone, or after 30 s.
    ///
    /// [`Server::listen`](super::Server::listen) returns at the same time: a task that waits here
    /// may not see the end of `main`.
    pub async fn shutdown(&self) {
        self.request();
        if let Some(app) = self.app() {
            app.drain().await;
        }
    }

    /// Whether the server takes no more connections.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        *self.requested.borrow()
    }

    pub(super) fn request(&self) {
        self.requested.send_replace(true);
    }

    /// Waits for a signal or a call of [`shutdown`](Self::shutdown).
    pub(super) async fn requested(&self) {
        let mut requested = self.requested.subscribe();
        tokio::select! {
            // The sender lives in `self`, so the wait can't fail.
            _ = requested.wait_for(|requested| *requested) => {}
            () = signalled() => self.request(),
        }
    }
}

/// Waits until the process is asked to end.
pub(super) async fn signalled() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "ctrl-c can't be heard");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate() => {}
    }
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM can't be heard");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending::<()>().await;
}
