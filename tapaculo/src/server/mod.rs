//! The server: it accepts sockets, checks who is there and takes each connection to its room; and
//! how it comes to an end.

mod admin;
mod app;
mod arrival;
#[cfg(test)]
mod autobahn;
mod client;
mod closures;
mod common;
mod connections;
mod deadlines;
mod handle;
mod http;
mod lease;
mod origin;
mod proxies;
mod registry;
mod reject;
mod revoke;
mod routes;
#[cfg(feature = "metrics")]
mod scrape;
mod settings;
mod shutdown;
mod tokens;
mod upgrade;

pub use self::{
    admin::{AdminError, Ban, MemberStatus, RoomStatus},
    handle::ServerHandle,
    tokens::LoginRefused,
};

use self::{
    app::App,
    registry::{AnyGame, Served},
    settings::Settings,
};
#[cfg(feature = "file-store")]
use crate::store::Storage;
use crate::{
    auth::{JwtAuth, Login},
    game::Game,
    limits::{ConnectionLimits, MessageLimits},
    metrics,
    pubsub::PubSub,
    session::Heartbeat,
};
use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use std::{fmt, sync::Arc, time::Duration};
use tokio::net::{TcpListener, ToSocketAddrs};

/// A server of games: say what it serves, then [`listen`](Self::listen).
///
/// ```no_run
/// use tapaculo::prelude::*;
///
/// #[tapaculo::game(players = 2)]
/// #[derive(Default)]
/// struct Quiet;
///
/// #[tapaculo::game]
/// impl Quiet {}
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// Server::new()
///     .with_auth(JwtAuth::new(std::env::var("TAPACULO_SECRET")?))
///     .with_game::<Quiet>()
///     .listen("0.0.0.0:8080")
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// The guide: [deployment](crate::docs::deployment), [auth](crate::docs::auth),
/// [limits](crate::docs::limits).
///
/// Connections come in at `/ws/{game}`, and at `/ws` where there is one game; `/healthz` answers
/// while the process lives, `/readyz` while it takes connections. `/tapaculo.js` is a module for
/// browsers that keeps a connection, described at its top; `/tapaculo.d.ts` are its types.
#[must_use = "a server does nothing until it listens"]
pub struct Server {
    auth: Option<JwtAuth>,
    games: Vec<Arc<dyn AnyGame>>,
    closures: closures::Builder,
    settings: Settings,
    routes: axum::Router,
    handle: ServerHandle,
    #[cfg(feature = "metrics")]
    scrape: scrape::Scrape,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let games: Vec<_> = self.games.iter().map(|game| game.name()).collect();
        f.debug_struct("Server")
            .field("games", &games)
            .finish_non_exhaustive()
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server without games that trusts nobody yet.
    pub fn new() -> Self {
        Self {
            auth: None,
            games: Vec::new(),
            closures: closures::Builder::default(),
            settings: Settings::default(),
            routes: axum::Router::new(),
            handle: ServerHandle::new(),
            #[cfg(feature = "metrics")]
            scrape: scrape::Scrape::default(),
        }
    }

    /// How tokens are checked.
    pub fn with_auth(mut self, auth: JwtAuth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Serves a game; its rooms are made as people join them.
    pub fn with_game<G: Game>(mut self) -> Self {
        self.games.push(Arc::new(Served::<G>::declared()));
        self
    }

    /// What connects the nodes of this server; one node, in memory, unless told.
    pub fn with_pubsub(mut self, pubsub: impl PubSub) -> Self {
        self.settings.buffer = pubsub.buffer();
        self.settings.nodes = pubsub.nodes().map(|others| others.0);
        self
    }

    /// Lets anyone have a token: `POST /token` with `{"name", "room", "game"?, "options"?}` answers
    /// `{"user", "token", "refresh_token"}`. Beside [`with_token_endpoint`](Self::with_token_endpoint)
    /// it changes nothing: then all log in there.
    ///
    /// The user is the name with a random suffix, so that no guest can be another. The access token
    /// is good for an hour, the refresh token for thirty days, and once: `POST /token/refresh` with
    /// `{"refresh_token", "room"?}` answers the same with the next ones. The
    /// [protocol](crate::docs::protocol) says what becomes of one that is used twice.
    pub fn with_guest_tokens(mut self) -> Self {
        self.settings.guest_tokens = true;
        self
    }

    /// Lets those have a token whom `login` knows: it gets the JSON body of `POST /token`, as a type
    /// of yours, and answers with who that is, and where it may go. The response is
    /// `{"user", "token", "refresh_token"}`, and `POST /token/refresh` goes on from there, for the
    /// same room.
    ///
    /// An error that is a text is answered `401` with its words, a [`LoginRefused::forbidden`] `403`.
    /// What is not the client's fault, an error of `anyhow`'s or a boxed one, is logged and answered
    /// `500`, and so is a login that panics or takes longer than 10 s. A body has at most 8 KiB.
    ///
    /// ```
    /// use tapaculo::{Login, Server};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Credentials { email: String, password: String, table: u32 }
    ///
    /// # async fn check(_: &str, _: &str) -> Option<&'static str> { None }
    /// let server = Server::new().with_token_endpoint(|credentials: Credentials| async move {
    ///     let Credentials { email, password, table } = credentials;
    ///     let user = check(&email, &password).await.ok_or("wrong e-mail or password")?;
    ///     Ok::<_, &str>(Login::new(user, format!("table {table}")))
    /// });
    /// # drop(server);
    /// ```
    pub fn with_token_endpoint<B, F, Fut, E>(mut self, login: F) -> Self
    where
        B: DeserializeOwned,
        F: Fn(B) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Login, E>> + Send + 'static,
        E: Into<LoginRefused>,
    {
        self.settings.endpoint = Some(tokens::Endpoint::new(login));
        self
    }

    /// The most connections at a time, of all users together; further ones are answered `503`. What
    /// one user or one address may have: [`with_connection_limits`](Self::with_connection_limits).
    pub fn with_max_connections(mut self, most: usize) -> Self {
        self.settings.max_connections = Some(most);
        self
    }

    /// The most rooms at a time, of all games together. A room counts until it is forgotten, which is
    /// its game's `empty_timeout` after the last has left. Who asks for one more is told
    /// `unavailable` and closed with `1013`; the rooms there are take in whom they would anyway.
    pub fn with_max_rooms(mut self, most: usize) -> Self {
        self.settings.max_rooms = Some(most);
        self
    }

    /// How many connections and tokens one user and one address may have. Without it nobody
    /// counts them: a server in the open should say
    /// `with_connection_limits(ConnectionLimits::default())`, and, behind a proxy,
    /// [`with_trusted_proxies`](Self::with_trusted_proxies).
    pub fn with_connection_limits(mut self, limits: ConnectionLimits) -> Self {
        self.settings.connection_limits = Some(limits);
        self
    }

    /// The proxies, by address (`10.0.0.7`) or network (`10.0.0.0/8`, `fd00::/8`), whose word on the
    /// client counts; nobody's does unless told. Further calls add to them.
    ///
    /// From such a peer, the client is the last address of `X-Forwarded-For` that is not a trusted
    /// proxy itself; or of `Forwarded` (RFC 7239), of which a proxy should write one or both, for
    /// where they differ the peer is taken. What is no address ends the search at the last one that
    /// is known. The page's own origin is that of `X-Forwarded-Host` then, if there is one, or of
    /// `host` in `Forwarded`; and where the proxy says that the client came by `https`
    /// (`X-Forwarded-Proto`), a page that was loaded by `http` is another origin.
    ///
    /// ```no_run
    /// # use tapaculo::Server;
    /// Server::new().with_trusted_proxies(["127.0.0.1", "::1"])
    /// # ;
    /// ```
    ///
    /// [`listen`](Self::listen) fails if one is neither.
    pub fn with_trusted_proxies<P: Into<String>>(
        mut self,
        proxies: impl IntoIterator<Item = P>,
    ) -> Self {
        let proxies = proxies.into_iter().map(Into::into);
        self.settings.trusted_proxies.extend(proxies);
        self
    }

    /// The origins from which pages may connect and ask for tokens; pages of others are
    /// answered `403`. Further calls add to them.
    ///
    /// Scheme, host and port must be the same as of one in this list: `https://example.org` allows
    /// neither `http://example.org` nor `https://www.example.org` nor `https://example.org:8443`. A
    /// name that is not ASCII is to be written as browsers write it, `https://xn--bcher-kva.example`.
    /// A list replaces the default: the server's own origin, so that pages which it has served
    /// itself may speak to it. Clients that send no `Origin`, which are no browsers, pass in any
    /// case: it is no substitute for tokens.
    ///
    /// ```no_run
    /// # use tapaculo::Server;
    /// Server::new().with_allowed_origins(["https://example.org", "http://localhost:5173"])
    /// # ;
    /// ```
    ///
    /// [`listen`](Self::listen) fails if one is no origin, such as one with a path.
    pub fn with_allowed_origins<O: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = O>,
    ) -> Self {
        let allowed = self.settings.allowed_origins.get_or_insert_default();
        allowed.extend(origins.into_iter().map(Into::into));
        self
    }

    /// Where rooms are kept, so that they outlive this process: those of games that say so,
    /// `#[tapaculo::game(persist)]`. In memory only, unless told.
    ///
    /// ```no_run
    /// use tapaculo::{FileStore, Server};
    ///
    /// let server = Server::new().with_store(FileStore::open("games.redb")?);
    /// # drop(server);
    /// # Ok::<(), tapaculo::FileStoreError>(())
    /// ```
    ///
    /// Needs the feature `file-store`.
    #[cfg(feature = "file-store")]
    pub fn with_store(mut self, store: impl Storage) -> Self {
        self.settings.store = Some(store.keeper().0);
        self
    }

    /// How much one user may send. Without it, messages have at most 16 KiB and nobody counts them.
    pub fn with_limits(mut self, limits: MessageLimits) -> Self {
        self.settings.limits = Some(limits);
        self
    }

    /// How often a connection is pinged, and how long a peer may be silent after a ping before it
    /// counts as gone; 25 s and 10 s unless told. A server of which either is zero does not start.
    pub fn with_heartbeat(mut self, every: Duration, patience: Duration) -> Self {
        self.settings.heartbeat = Heartbeat { every, patience };
        self
    }

    /// Serves other HTTP routes: a page, an API. The server's own paths go first, so that a route
    /// of the same path is never reached.
    ///
    /// ```
    /// use tapaculo::{Server, reexport::axum::{Router, response::Html, routing::get}};
    ///
    /// let page = Html("<h1>Chess</h1>"); // or include_str!("page.html")
    /// let server = Server::new().with_routes(Router::new().route("/", get(page)));
    /// # drop(server);
    /// ```
    ///
    /// # Panics
    /// If two calls of it give the same path, or both a fallback.
    pub fn with_routes(mut self, routes: axum::Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Lets Prometheus read the server's figures at `http://{address}/metrics`: connections, rooms,
    /// messages, refusals, times of handlers. The [guide](crate::docs::deployment#metrics) has all of
    /// them, and what to be alarmed by.
    ///
    /// It is a listener of its own, which asks nobody who they are: an address that only the operator
    /// reaches, such as one of the machine itself or of a private network. Where players connect there
    /// are no figures. It answers until [`listen`](Self::listen) returns, so also while the server
    /// drains.
    ///
    /// ```no_run
    /// # use tapaculo::Server;
    /// Server::new().with_metrics("127.0.0.1:9090")
    /// # ;
    /// ```
    ///
    /// The figures are those of the process, and so are what handlers count themselves, with the crate
    /// [`metrics`](https://docs.rs/metrics). A process that has a recorder of its own, installed before
    /// the server listens, has all of it there without this; `listen` fails if this is asked for as
    /// well, and so does [`into_router`](Self::into_router), which listens nowhere.
    #[cfg(feature = "metrics")]
    pub fn with_metrics(mut self, address: impl ToSocketAddrs + fmt::Display) -> Self {
        self.scrape = scrape::Scrape::at(address.to_string());
        self
    }

    /// A handle of the server for those who run it: who is there, kicks and bans, revoking tokens, and
    /// shutting it down. To be taken before [`listen`](Self::listen), which takes the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves on an address until the process is told to end (SIGTERM or ctrl-c) or a
    /// [`ServerHandle`] says so, then drains.
    ///
    /// # Errors
    /// If the address can't be listened on, there is no auth or no game, a key for tokens can't be
    /// used, tokens are for guests and for a login at once, two games have one name, the heartbeat
    /// takes no time, the settings of rooms of closures are of no use (there is no closure, or no
    /// player is let in), an origin or a proxy is none, or there is no showing the metrics.
    pub async fn listen(self, address: impl ToSocketAddrs + fmt::Display) -> anyhow::Result<()> {
        let listener = http::bind(&address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        self.serve(listener).await
    }

    /// Serves on a socket that listens already; otherwise as [`listen`](Self::listen).
    ///
    /// ```no_run
    /// # async fn serve(server: tapaculo::Server) -> anyhow::Result<()> {
    /// // Port 0 is any that is free: for tests.
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// println!("http://{}", listener.local_addr()?);
    /// server.serve(listener).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`listen`](Self::listen), the address apart.
    pub async fn serve(self, listener: TcpListener) -> anyhow::Result<()> {
        #[cfg(feature = "metrics")]
        let _scraped = self.scrape.open().await?;
        let (app, router) = self.build()?;
        app.begin().await?;
        http::serve(listener, router, &app).await
    }

    /// The routes, for a server of one's own.
    ///
    /// [`ServerHandle::shutdown`] drains its connections. It is up to the server around it to
    /// limit how long a client may take to send a request, and to say whose it is: an address has
    /// limits, and a proxy is trusted, where the request has an axum `ConnectInfo<SocketAddr>`
    /// (`router.into_make_service_with_connect_info::<SocketAddr>()`).
    ///
    /// ```
    /// use tapaculo::{JwtAuth, Server, reexport::axum::{Router, routing::get}};
    ///
    /// let games = Server::new()
    ///     .with_auth(JwtAuth::new("a secret of at least thirty-two bytes"))
    ///     .on_message(|ctx, envelope| async move {
    ///         ctx.broadcast(envelope.data).await.ok();
    ///     })
    ///     .into_router()?;
    /// let app = Router::new().route("/about", get(|| async { "games" })).merge(games);
    /// # drop(app);
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`listen`](Self::listen), the address apart.
    pub fn into_router(self) -> anyhow::Result<axum::Router> {
        #[cfg(feature = "metrics")]
        self.scrape.must_not_be_asked_for()?;
        let (app, router) = self.build()?;
        if app.begins_first() {
            let runtime = tokio::runtime::Handle::try_current().context(
                "a server that keeps its rooms begins with them: call into_router() in a tokio runtime",
            )?;
            runtime.spawn(async move {
                while let Err(error) = app.begin().await {
                    tracing::error!(%error, "the server can't begin yet; it tries again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
        }
        Ok(router)
    }

    fn build(mut self) -> anyhow::Result<(Arc<App>, axum::Router)> {
        let Some(auth) = self.auth else {
            bail!("no auth: say how tokens are checked, with_auth(JwtAuth::new(secret))");
        };
        auth.ready()?;
        if self.settings.gives_tokens() {
            auth.ready_to_sign()?;
        }
        self.games.extend(self.closures.served()?);
        if self.games.is_empty() {
            bail!("no game: say what to serve, with_game::<YourGame>() or on_message(…)");
        }
        for (index, game) in self.games.iter().enumerate() {
            if self.games[..index]
                .iter()
                .any(|other| other.name() == game.name())
            {
                bail!(
                    "two games are called `{}`: give one another, #[tapaculo::game(name = \"…\")]",
                    game.name()
                );
            }
        }
        metrics::begin(self.games.iter().map(|game| game.name()));
        let app = App::new(auth, self.games, self.settings, self.handle)?;
        let router = routes::router(&app, self.routes);
        Ok((app, router))
    }
}
