//! How a server is told to end: by a signal to the process, or by a handle.

use super::ServerHandle;

impl ServerHandle {
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
