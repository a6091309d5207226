//! A server at work: what its requests share, and how it drains.

use super::{
    ServerHandle,
    connections::Connections,
    origin::AllowedOrigins,
    proxies::TrustedProxies,
    registry::{AnyGame, Registry},
    settings::Settings,
    tokens::Issuer,
};
use crate::{
    auth::{Families, JwtAuth},
    clock::Clock,
    ids::UserId,
    limits::{Gate, Limits, MessageLimits},
    protocol::Close,
    session::Heartbeat,
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::OnceCell, time::timeout};

/// How long connections may take to end when the server does.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// A server at work.
pub(super) struct App {
    pub(super) auth: JwtAuth,
    /// The game at `/ws`, if it is the only one.
    pub(super) only_game: Option<&'static str>,
    /// Who may have tokens, if anybody.
    pub(super) issuer: Option<Issuer>,
    /// Which refresh tokens have been used.
    pub(super) families: Families,
    pub(super) heartbeat: Heartbeat,
    /// How many events and frames may wait for one connection.
    pub(super) buffer: Option<usize>,
    /// The largest message, in bytes of its frame.
    pub(super) max_message: usize,
    pub(super) clock: Clock,
    pub(super) limits: Arc<Limits>,
    pub(super) gate: Arc<Gate>,
    pub(super) origins: AllowedOrigins,
    pub(super) proxies: TrustedProxies,
    pub(super) registry: Arc<Registry>,
    pub(super) connections: Connections,
    pub(super) handle: ServerHandle,
    /// Whoever asks for the end waits for the same one.
    drained: OnceCell<()>,
}

impl App {
    /// # Errors
    /// If a setting is not what it should be.
    pub(super) fn new(
        auth: JwtAuth,
        games: Vec<Arc<dyn AnyGame>>,
        settings: Settings,
        handle: ServerHandle,
    ) -> anyhow::Result<Arc<Self>> {
        settings.check()?;
        let Settings {
            guest_tokens,
            endpoint,
            max_connections,
            max_rooms,
            limits,
            connection_limits,
            allowed_origins,
            trusted_proxies,
            heartbeat,
            buffer,
        } = settings;
        let only_game = match games.as_slice() {
            [only] => Some(only.name()),
            _ => None,
        };
        let clock = handle.clock;
        let connections = Connections::new(max_connections);
        let all = connections.clone();
        let end = move |user: &UserId| {
            all.close(user, Close::Banned, |_| true);
        };
        let app = Arc::new(Self {
            auth,
            only_game,
            issuer: Issuer::new(guest_tokens, endpoint),
            families: Families::default(),
            heartbeat,
            buffer,
            max_message: limits
                .as_ref()
                .map_or(MessageLimits::default().max_size_bytes, |limits| {
                    limits.max_size_bytes
                }),
            clock,
            limits: Limits::new(limits, Arc::clone(handle.ban_list()), end, clock),
            gate: Gate::new(connection_limits, heartbeat.notices_in(), clock),
            origins: AllowedOrigins::read(allowed_origins.as_deref())?,
            proxies: TrustedProxies::read(&trusted_proxies)?,
            registry: Registry::new(games, max_rooms, clock),
            connections,
            handle,
            drained: OnceCell::new(),
        });
        app.handle.attach(&app);
        Ok(app)
    }

    /// Ends every connection, each after the message in hand, with `1012`; waits until they are
    /// gone, but no longer than 30 s.
    pub(super) async fn drain(&self) {
        self.drained.get_or_init(|| self.drain_now()).await;
    }

    async fn drain_now(&self) {
        tracing::info!(connections = self.connections.count(), "draining");
        let gone = async {
            self.registry.close_all(Close::Restarting).await;
            self.connections.none_left().await;
        };
        if timeout(DRAIN_TIMEOUT, gone).await.is_err() {
            tracing::warn!(
                connections = self.connections.count(),
                "some did not end in time"
            );
        }
    }
}
