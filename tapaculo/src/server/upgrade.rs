//! An HTTP request is checked and becomes a connection: a task that runs a session.

use super::{
    app::App,
    arrival,
    lease::{self, TokenLease},
    reject::Reject,
};
use crate::{
    auth::{Access, AuthErrorKind, Identity},
    game::{Newcomer, Options},
    limits::{Account, Place},
    metrics::GameMeter,
    protocol::{Dialect, NoPosition, Position},
    room::{Ear, Outlet, Visitor},
    session,
};
use axum::{
    body::Body,
    extract::{Query, Request},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::{error::Error, sync::Arc};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::Instrument;

/// The subprotocols of the codecs.
const JSON: &str = "tapaculo.v1.json";
const MESSAGE_PACK: &str = "tapaculo.v1.msgpack";

/// What a token among the subprotocols begins with.
const TOKEN: &str = "tapaculo.token.";

#[derive(Deserialize)]
struct Parameters {
    token: Option<String>,
    resume: Option<String>,
}

/// Checks a request for a connection to a game and takes it up.
pub(super) fn upgrade(
    app: &Arc<App>,
    game: &'static str,
    mut request: Request,
) -> Result<Response, Reject> {
    if app.handle.is_shutting_down() {
        return Err(Reject::unavailable("the server is shutting down"));
    }
    if !app.knows_users() {
        return Err(Reject::unavailable(
            "the server does not know yet who may come in",
        ));
    }
    let address = app.proxies.client(&request);
    app.gate.arrive(address).map_err(Reject::too_many)?;
    let Query(parameters) = Query::<Parameters>::try_from_uri(request.uri())
        .map_err(|rejection| Reject::bad_request(rejection.body_text()))?;
    let offers = Offers::read(request.headers());
    let token = bearer(request.headers())
        .or(offers.token.as_deref())
        .or(parameters.token.as_deref())
        .ok_or_else(|| {
            let words =
                "no access token: send `Authorization: Bearer …`, or connect to `…?token=…`";
            Reject::unauthorized(words)
        })?;
    let access = app.auth.access(token, game).map_err(|error| {
        tracing::debug!(%error, cause = error.source(), "refused a token");
        match error.kind() {
            AuthErrorKind::Name => Reject::bad_request(error.to_string()),
            _ => Reject::unauthorized(error.to_string()),
        }
    })?;
    let dialect = offers.dialect()?;
    let position = parameters.resume.as_deref().map(str::parse::<Position>);
    let position = position
        .transpose()
        .map_err(|NoPosition| Reject::bad_request("`resume` is `<epoch>-<seq>`"))?;
    let refuse_shut_out = |identity: &Identity| {
        if app.handle.revoked().has(identity) {
            return Err(Reject::unauthorized(AuthErrorKind::Revoked.to_string()));
        }
        match app.handle.ban_list().time_left(&identity.user) {
            Some(time) => Err(Reject::banned(time)),
            None => Ok(()),
        }
    };
    // Before the upgrade is looked at: who only asks why it was refused is to be told. It is asked once
    // more when the connection is admitted.
    refuse_shut_out(&access.identity)?;
    let mut response = create_response_with_body(&request, Body::empty)
        .map_err(|error| Reject::bad_request(error.to_string()))?;
    if let Some(name) = name(dialect) {
        let chosen = HeaderValue::from_static(name);
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
    }
    let account = app.limits.account(&access.user);
    let place = Place {
        game,
        room: access.room.clone(),
        user: access.user.clone(),
    };
    let pass = app.gate.enter(place, address).map_err(Reject::too_many)?;
    let connection = arrival::number(&request);
    let outlet =
        Arc::new(Outlet::new(connection, access.user.clone(), dialect).bounded(app.buffer));
    let identity = access.identity.clone();
    let admission = app.connections.admit(&outlet, identity, refuse_shut_out)?;
    let Some(admission) = admission else {
        return Err(Reject::unavailable(
            "the server has all the connections it can take",
        ));
    };
    let lease = TokenLease::new(app, game, &access, admission);
    let upgraded = hyper::upgrade::on(&mut request);
    let span = tracing::info_span!("session", game, room = %access.room, user = %access.user, session = %access.session);
    let start = start(app, game, access, account, outlet, position, lease);
    tokio::spawn(
        async move {
            let _here = pass;
            match upgraded.await {
                Ok(io) => session::serve(TokioIo::new(io), start).await,
                Err(error) => tracing::debug!(%error, "the client went before the upgrade"),
            }
        }
        .instrument(span),
    );
    Ok(response)
}

fn start(
    app: &Arc<App>,
    game: &'static str,
    access: Access,
    account: Account,
    outlet: Arc<Outlet>,
    position: Option<Position>,
    lease: TokenLease,
) -> session::Start {
    let term = lease::term(&access);
    let visitor = Visitor {
        ear: Ear::Here(Arc::clone(&outlet)),
        newcomer: Newcomer {
            user: access.user,
            name: access.name,
            session: access.session,
            role: access.role,
            position,
            expires: Some(app.clock.now() + term.expires_in),
            came: app.clock.now(),
        },
        options: Options::new(access.options),
    };
    let registry = Arc::clone(&app.registry);
    session::Start {
        outlet,
        join: Box::pin(registry.enter(game, access.room, visitor)),
        heartbeat: app.heartbeat,
        term,
        lease: Box::new(lease),
        account,
        max_message: app.max_message,
        counted: GameMeter::of(game).connection(),
    }
}

/// The token of the `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The subprotocol of a dialect.
fn name(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::Plain => None,
        Dialect::Json => Some(JSON),
        Dialect::MessagePack => Some(MESSAGE_PACK),
    }
}

/// What the client offers in `Sec-WebSocket-Protocol`; not to be printed, for the token.
#[derive(Default)]
struct Offers {
    token: Option<String>,
    /// The first that is spoken here.
    codec: Option<Dialect>,
    /// Something else, or nothing.
    other: bool,
}

impl Offers {
    fn read(headers: &HeaderMap) -> Self {
        let mut offers = Self::default();
        let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        for value in values {
            for offer in value.to_str().unwrap_or("?").split(',').map(str::trim) {
                if let Some(token) = offer.strip_prefix(TOKEN) {
                    offers.token.get_or_insert_with(|| token.to_owned());
                } else {
                    match offer {
                        JSON => drop(offers.codec.get_or_insert(Dialect::Json)),
                        MESSAGE_PACK => drop(offers.codec.get_or_insert(Dialect::MessagePack)),
                        _ => offers.other = true,
                    }
                }
            }
        }
        offers
    }

    /// The codec; without any offer, the plain one.
    fn dialect(&self) -> Result<Dialect, Reject> {
        match (self.codec, self.other || self.token.is_some()) {
            (Some(codec), _) => Ok(codec),
            (None, false) => Ok(Dialect::Plain),
            // A browser would drop a connection whose offers are all passed over.
            (None, true) => Err(Reject::bad_request(format!(
                "none of the subprotocols is spoken here: offer `{JSON}` or `{MESSAGE_PACK}`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(values: &[&'static str]) -> Offers {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(value),
            );
        }
        Offers::read(&headers)
    }

    #[test]
    fn a_token_may_stand_anywhere_among_the_subprotocols_but_not_alone() {
        for values in [
            &["tapaculo.v1.json, tapaculo.token.abc"][..],
            &["tapaculo.token.abc,tapaculo.v1.json"],
            &["tapaculo.token.abc", "x, tapaculo.v1.json"],
        ] {
            let offers = offers(values);
            assert_eq!(offers.token.as_deref(), Some("abc"));
            assert_eq!(offers.dialect().unwrap(), Dialect::Json);
        }
        for (first, second) in [(JSON, MESSAGE_PACK), (MESSAGE_PACK, JSON)] {
            let dialect = offers(&["x", first, second]).dialect().unwrap();
            assert_eq!(name(dialect), Some(first));
        }
        assert!(offers(&["tapaculo.token.abc"]).dialect().is_err());
        assert!(offers(&["chat"]).dialect().is_err());
        assert_eq!(offers(&[]).dialect().unwrap(), Dialect::Plain);
    }
}
