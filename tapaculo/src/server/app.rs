//! A server at work: what its requests share, and how it drains.

use super::{
    ServerHandle,
    common::Common,
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
    cluster::{Cluster, Host, watch_over},
    ids::UserId,
    limits::{Gate, Limits, MessageLimits, share},
    protocol::Close,
    pubsub::{Nodes, everywhere::Everywhere},
    session::Heartbeat,
    store::StoreError,
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::OnceCell, task::JoinHandle, time::timeout};

/// How long connections may take to end when the server does.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// A task that ends with whoever has this.
#[derive(Debug)]
struct Abort(JoinHandle<()>);

impl Abort {
    fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    async fn ended(mut self) {
        let _ = (&mut self.0).await;
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How long the other nodes are tried to be told of what is known to this one only.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(5);

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
    nodes: Option<Arc<dyn Nodes>>,
    /// What all nodes know of users, if there may be others.
    common: Option<Arc<Common>>,
    /// What goes on for the sake of other nodes, until this one ends.
    cluster_task: OnceCell<Abort>,
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
        let store = settings.store();
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
            nodes,
            store: _,
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
            families: match &nodes {
                Some(nodes) => Families::Everywhere(Arc::clone(nodes) as Arc<dyn Everywhere>),
                None => Families::default(),
            },
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
            registry: Registry::new(games, max_rooms, clock, store),
            common: nodes
                .as_ref()
                .map(|nodes| Common::new(Arc::clone(nodes), &handle, connections.clone())),
            nodes,
            cluster_task: OnceCell::new(),
            connections,
            handle,
            drained: OnceCell::new(),
        });
        app.handle.attach(&app);
        Ok(app)
    }

    /// Whether this node may speak for its rooms, if there may be others.
    pub(super) fn has_lease(&self) -> bool {
        let nodes = self.nodes.as_ref();
        nodes.is_none_or(|nodes| nodes.has_lease())
    }

    /// Whether it is known who may come in.
    pub(super) fn knows_users(&self) -> bool {
        self.common.as_ref().is_none_or(|common| common.is_known())
    }

    /// Whether there is something to do before anybody is let in.
    pub(super) fn begins_first(&self) -> bool {
        self.nodes.is_some() || self.registry.outlives()
    }

    /// Goes on with the rooms that were saved and, where there may be other nodes, becomes one of them;
    /// to be done before anybody is let in.
    ///
    /// # Errors
    /// If the store can't be reached.
    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        if let Some((nodes, common)) = self.nodes.as_ref().zip(self.common.as_ref()) {
            nodes.begin().await?;
            let registry: Arc<dyn Host> = self.registry.clone();
            let cluster = Cluster::new(Arc::clone(nodes), Arc::downgrade(&registry));
            self.registry.join_cluster(Arc::clone(&cluster));
            common.catch_up().await?;
            let heard = nodes.hear();
            let handle = self.handle.clone();
            let (common, limits) = (Arc::clone(common), Arc::clone(&self.limits));
            let gate = Arc::clone(&self.gate);
            let everywhere = Arc::clone(nodes) as Arc<dyn Everywhere>;
            let work = async move {
                // They end with the server only, which gives its lease back, or with a panic.
                let listening = Arc::clone(&cluster).listen(heard, Arc::clone(&common) as _);
                let listening = Abort::spawn(listening);
                let watching = Abort::spawn(watch_over(cluster));
                let telling = Abort::spawn(common.tell());
                let sharing = Abort::spawn(async move {
                    tokio::join!(
                        share(limits, Arc::clone(&everywhere)),
                        share(gate, everywhere)
                    );
                });
                tokio::select! {
                    () = listening.ended() => {}
                    () = watching.ended() => {}
                    () = telling.ended() => {}
                    () = sharing.ended() => {}
                }
                if !handle.is_shutting_down() {
                    tracing::error!("this node can't speak with the others any more, and ends");
                    handle.request();
                }
            };
            let _ = self.cluster_task.set(Abort::spawn(work));
            tracing::info!(node = %nodes.me(), "one node of a cluster");
        }
        self.registry.go_on().await
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
        if let Some(common) = &self.common
            && timeout(LAST_WORDS_TIMEOUT, common.told()).await.is_err()
        {
            tracing::error!("a ban or a revocation is lost: the other nodes could not be told");
        }
        if let Some(nodes) = &self.nodes {
            nodes.end().await;
        }
    }
}
