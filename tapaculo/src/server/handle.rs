//! What is held of a server from outside of it: told before it serves, while it does, and after.

use super::app::App;
use crate::{auth::Revoked, clock::Clock, limits::Bans};
use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};
use tokio::sync::watch;

/// A server, as its operator sees it: shuts it down, looks into its rooms, sends people away, bans
/// them and takes their tokens back. [`Server::handle`](super::Server::handle) gives it; clones are of
/// the same server.
///
/// ```
/// use std::time::Duration;
/// use tapaculo::{Server, UserId};
///
/// let server = Server::new();
/// let handle = server.handle(); // before `listen`, which takes the server
///
/// let mallory = UserId::new("mallory")?;
/// handle.ban(&mallory, Duration::from_secs(3600));
/// assert_eq!(handle.bans()[0].user, mallory);
/// assert!(handle.unban(&mallory));
/// # Ok::<(), tapaculo::ids::InvalidId>(())
/// ```
///
/// The guide: [deployment](crate::docs::deployment#what-to-watch).
#[derive(Clone)]
pub struct ServerHandle {
    /// Whether the end was asked for.
    pub(super) requested: Arc<watch::Sender<bool>>,
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

    pub(super) fn revoked(&self) -> &Arc<Revoked> {
        &self.revoked
    }

    pub(super) fn ban_list(&self) -> &Arc<Bans> {
        &self.bans
    }
}
