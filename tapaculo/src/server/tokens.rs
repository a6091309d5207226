//! `POST /token` and `POST /token/refresh`: who may have tokens, and what they get.

use super::{app::App, reject::Reject};
use crate::{
    auth::{
        AuthError, AuthErrorKind, Bounds, GuestRequest, Login, Redeemed, RefreshRequest, Tokens,
    },
    protocol::check_json,
};
use axum::{
    Json,
    body::to_bytes,
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use serde::de::DeserializeOwned;
use std::{error::Error, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The most bytes of a request's body.
const BODY_BYTES: usize = 8 * 1024;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a login may take.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a login is refused: the answer of a
/// [token endpoint](super::Server::with_token_endpoint) that says no.
///
/// A text becomes one, answered `401` with these words. An error becomes one as well (`anyhow`'s, a
/// boxed one), but its words are for the log: it is answered `500`.
///
/// ```
/// use tapaculo::{Login, LoginRefused};
///
/// async fn log_in(name: String) -> Result<Login, LoginRefused> {
///     match name.as_str() {
///         "" => Err("who are you?".into()),
///         "mallory" => Err(LoginRefused::forbidden("you may not play here")),
///         _ => Ok(Login::new(name, "table 1")),
///     }
/// }
/// # drop(tapaculo::Server::new().with_token_endpoint(log_in));
/// ```
pub struct LoginRefused(Refusal);

enum Refusal {
    /// In these words.
    Told(Reject),
    /// For the log only.
    Failed(String),
}

impl LoginRefused {
    /// Nobody knows who that is: `401`.
    pub fn unauthorized(why: impl fmt::Display) -> Self {
        Self(Refusal::Told(Reject::unauthorized(why.to_string())))
    }

    /// It is known who that is, who may not enter: `403`.
    pub fn forbidden(why: impl fmt::Display) -> Self {
        Self(Refusal::Told(Reject::forbidden(why.to_string())))
    }

    /// The login itself is at fault, as when the database can't be reached: `500`. Why is logged, and
    /// not told.
    pub fn failed(why: impl fmt::Display) -> Self {
        Self(Refusal::Failed(why.to_string()))
    }

    fn into_reject(self) -> Reject {
        match self.0 {
            Refusal::Told(reject) => reject,
            Refusal::Failed(why) => {
                tracing::error!(why, "a login failed");
                Reject::internal("the login failed")
            }
        }
    }
}

impl fmt::Debug for LoginRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Refusal::Told(reject) => f.debug_tuple("LoginRefused").field(reject).finish(),
            Refusal::Failed(why) => f.debug_tuple("LoginRefused").field(why).finish(),
        }
    }
}

impl From<&str> for LoginRefused {
    fn from(why: &str) -> Self {
        Self::unauthorized(why)
    }
}

impl From<String> for LoginRefused {
    fn from(why: String) -> Self {
        Self::unauthorized(why)
    }
}

impl From<anyhow::Error> for LoginRefused {
    fn from(why: anyhow::Error) -> Self {
        Self::failed(format!("{why:#}"))
    }
}

impl From<Box<dyn Error + Send + Sync>> for LoginRefused {
    fn from(why: Box<dyn Error + Send + Sync>) -> Self {
        Self::failed(why)
    }
}

/// The user's own login.
#[derive(Clone)]
pub(super) struct Endpoint(Arc<dyn LogIn>);

/// Reads the body of a request and says who that is.
trait LogIn: Fn(&str) -> BoxFuture<'static, Result<Login, Reject>> + Send + Sync {}

impl<F> LogIn for F where F: Fn(&str) -> BoxFuture<'static, Result<Login, Reject>> + Send + Sync {}

impl Endpoint {
    pub(super) fn new<B, F, Fut, E>(login: F) -> Self
    where
        B: DeserializeOwned,
        F: Fn(B) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Login, E>> + Send + 'static,
        E: Into<LoginRefused>,
    {
        let login = Arc::new(login);
        Self(Arc::new(move |body| {
            let (login, body) = (Arc::clone(&login), body.to_owned());
            // All of it may panic: reading the body, too, is the user's code.
            let answer = async move {
                let body = serde_json::from_str(&body).map_err(|error| {
                    let words = format!("not a login: {error}");
                    LoginRefused(Refusal::Told(Reject::bad_request(words)))
                })?;
                login(body).await.map_err(Into::into)
            };
            let answer = timeout(LOGIN_TIMEOUT, AssertUnwindSafe(answer).catch_unwind());
            Box::pin(async move {
                let answer = match answer.await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(_)) => Err(LoginRefused::failed("it panicked")),
                    Err(_) => Err(LoginRefused::failed("it takes too long")),
                };
                answer.map_err(LoginRefused::into_reject)
            })
        }))
    }
}

/// Who may have tokens.
pub(super) enum Issuer {
    /// Anyone, as a guest.
    Guests,
    /// Whom the login knows.
    Endpoint(Endpoint),
}

impl Issuer {
    pub(super) fn new(guests: bool, endpoint: Option<Endpoint>) -> Option<Self> {
        let guests = guests.then_some(Self::Guests);
        endpoint.map(Self::Endpoint).or(guests)
    }

    /// Into which rooms a refresh token may lead: guests may go into any.
    fn bounds(&self) -> Bounds {
        match self {
            Self::Guests => Bounds::AnyRoom,
            Self::Endpoint(_) => Bounds::SameRoom,
        }
    }
}

/// `POST /token`.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Reject> {
    let body = body(&app, request).await?;
    let login = match &app.issuer {
        Some(Issuer::Guests) => guest(&body)?,
        Some(Issuer::Endpoint(Endpoint(login))) => login(&body).await?,
        None => return Err(Reject::not_found("there are no tokens here")),
    };
    app.auth.begin(login).map(answer).map_err(unfit)
}

fn guest(body: &str) -> Result<Login, Reject> {
    let request: GuestRequest = serde_json::from_str(body).map_err(|error| {
        Reject::bad_request(format!(
            "expected {{\"name\", \"room\", \"options\"?}}: {error}"
        ))
    })?;
    request.login().map_err(unfit)
}

/// `POST /token/refresh`.
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Reject> {
    let body = body(&app, request).await?;
    // The parser's words could quote what was sent.
    let request: RefreshRequest = serde_json::from_str(&body).map_err(|_| {
        Reject::bad_request("expected {\"refresh_token\", \"room\"?, \"attempt\"?}, of text each")
    })?;
    let bounds = app.issuer.as_ref().map_or(Bounds::SameRoom, Issuer::bounds);
    let (refresh, redemption, tokens) = app.auth.refresh(request, bounds).map_err(refuse)?;
    let identity = refresh.identity;
    if !app.knows_users() {
        return Err(Reject::unavailable(
            "the server does not know yet what was revoked",
        ));
    }
    if app.handle.revoked().has(&identity) {
        return Err(Reject::unauthorized(AuthErrorKind::Revoked.to_string()));
    }
    let redeemed = app.families.redeem(&redemption).await.map_err(|error| {
        tracing::warn!(%error, "nobody knows whether a refresh token was used before");
        Reject::unavailable("it can't be said now whether this token was used before")
    })?;
    match redeemed {
        Redeemed::Once => Ok(answer(tokens)),
        Redeemed::Again(ends) => {
            // Two have it, and nobody knows who of them stole it.
            if let Some(family) = identity.family {
                let revoked = app.handle.revoked();
                revoked.revoke_family(&identity.user, family, ends);
            }
            let closed = app.close_revoked(&identity.user);
            tracing::warn!(user = %identity.user, closed, "a refresh token was used twice");
            Err(Reject::unauthorized(
                "this refresh token was used before: its login is over, log in again",
            ))
        }
        Redeemed::Forgotten => Err(Reject::unauthorized(
            "this login is no longer known: log in again",
        )),
    }
}

/// What is asked for, by an address that does not ask too often.
async fn body(app: &App, request: Request) -> Result<String, Reject> {
    let address = app.proxies.client(&request);
    app.gate.log_in(address).map_err(Reject::too_many)?;
    let body = to_bytes(request.into_body(), BODY_BYTES);
    let body = timeout(BODY_TIMEOUT, body)
        .await
        .map_err(|_| Reject::too_slow())?
        .map_err(|error| Reject::bad_request(error.to_string()))?;
    let text =
        std::str::from_utf8(&body).map_err(|error| Reject::bad_request(error.to_string()))?;
    check_json(text).map_err(Reject::bad_request)?;
    Ok(text.to_owned())
}

fn answer(tokens: Tokens) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    (no_store, Json(tokens)).into_response()
}

/// What is wrong with a login is wrong with the request.
fn unfit(error: AuthError) -> Reject {
    Reject::bad_request(error.to_string())
}

fn refuse(error: AuthError) -> Reject {
    use AuthErrorKind::{Attempt, Name, NoRoom, Room};
    let words = error.to_string();
    match error.kind() {
        Name | NoRoom | Attempt => Reject::bad_request(words),
        Room => Reject::forbidden(words),
        _ => Reject::unauthorized(words),
    }
}
