//! What `POST /token` and `POST /token/refresh` give: an access token, and a refresh token for
//! the next one.

use super::{
    AuthError, AuthErrorKind, JwtAuth,
    access::{self, Identity, Mark},
    claims::{Claims, Descent, Grant, Kind},
    families::Redemption,
    login::Login,
    moment::Moment,
    word,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// How long the first refresh token of a login is good; each of the next ones is, from then on.
const REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The most bytes of the name of an attempt.
const MOST_ATTEMPT: usize = 128;

/// What `POST /token/refresh` asks for.
#[derive(Deserialize)]
pub(crate) struct RefreshRequest {
    pub(crate) refresh_token: String,
    /// Another room than the one it was issued for.
    room: Option<String>,
    /// Names the attempt, so that it can be repeated if the answer is lost.
    attempt: Option<String>,
}

impl fmt::Debug for RefreshRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshRequest")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

/// What both answer.
#[derive(Serialize)]
pub(crate) struct Tokens {
    user: String,
    token: String,
    refresh_token: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Into which rooms a refresh token may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// Any: everybody may go everywhere.
    AnyRoom,
    /// The room of its login: others are for the login to allow.
    SameRoom,
}

/// A valid refresh token.
#[derive(Clone)]
pub(crate) struct Refresh {
    pub(crate) identity: Identity,
    /// The word in the tokens of its login; its own mark, if it was signed without one.
    pub(super) family: String,
    generation: u32,
    grant: Option<Grant>,
    /// How long it is good, from when it was issued: so is the next one.
    lifetime: Duration,
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh")
            .field("identity", &self.identity)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Refresh {
    /// Reads the claims of a refresh token.
    pub(super) fn read(claims: Claims, token: Mark, ends: Moment) -> Result<Self, AuthError> {
        if claims.kind != Some(Kind::Refresh) {
            return Err(AuthErrorKind::Kind.into());
        }
        let user = access::user(&claims.sub)?;
        let lifetime = claims.exp.since(claims.iat.unwrap_or_else(Moment::now));
        let (family, generation, grant) = match claims.tapaculo {
            Some(descent) => (
                descent.family,
                descent.generation.unwrap_or(0),
                descent.grant,
            ),
            // It begins a family, of its own name.
            None => (token.to_string(), 0, None),
        };
        let session = grant.as_ref().map(|grant| access::session(&grant.session));
        Ok(Self {
            identity: Identity {
                token,
                family: Some(Mark::family(&claims.sub, &family)),
                user,
                session: session.transpose()?,
                issued: claims.iat.unwrap_or_default(),
                ends,
            },
            family,
            generation,
            grant,
            lifetime,
        })
    }
}

impl JwtAuth {
    /// The first tokens of a login.
    pub(crate) fn begin(&self, login: Login) -> Result<Tokens, AuthError> {
        self.issue(login, REFRESH_TTL, word(26), 0)
    }

    /// A refresh token that is in force.
    pub(super) fn read_refresh(&self, token: &str) -> Result<Refresh, AuthError> {
        let (claims, mark) = self.verify(token)?;
        let ends = self.ends(&claims);
        Refresh::read(claims, mark, ends)
    }

    /// The next tokens of a login, and what has to be redeemed before they are handed out.
    pub(crate) fn refresh(
        &self,
        request: RefreshRequest,
        bounds: Bounds,
    ) -> Result<(Refresh, Redemption, Tokens), AuthError> {
        let refresh = self.read_refresh(&request.refresh_token)?;
        let user = refresh.identity.user.to_string();
        let login = match (refresh.grant.clone(), bounds) {
            (Some(grant), Bounds::SameRoom)
                if request
                    .room
                    .as_ref()
                    .is_some_and(|room| *room != grant.room) =>
            {
                return Err(AuthErrorKind::Room.into());
            }
            (Some(mut grant), _) => {
                if let Some(room) = request.room {
                    // What a room is made with is said for that room.
                    grant.options = grant.options.filter(|_| room == grant.room);
                    grant.room = room;
                }
                Login::again(user, grant)
            }
            (None, Bounds::AnyRoom) => Login::new(user, request.room.ok_or(AuthErrorKind::NoRoom)?),
            (None, Bounds::SameRoom) => return Err(AuthErrorKind::Room.into()),
        };
        let attempt = request.attempt.as_deref();
        if attempt.is_some_and(|attempt| attempt.is_empty() || attempt.len() > MOST_ATTEMPT) {
            return Err(AuthErrorKind::Attempt.into());
        }
        let (now, leeway) = (Moment::now().whole(), self.0.rules.leeway);
        let access_ends = now + login.ttl + leeway;
        let generation = refresh.generation.saturating_add(1);
        let tokens = self.issue(login, refresh.lifetime, refresh.family.clone(), generation)?;
        let redemption = Redemption {
            family: Mark::family(refresh.identity.user.as_str(), &refresh.family),
            generation: refresh.generation,
            issued: refresh.identity.issued,
            attempt: attempt.map(Mark::attempt),
            access_ends,
            ends: now + refresh.lifetime + leeway,
        };
        Ok((refresh, redemption, tokens))
    }

    fn issue(
        &self,
        login: Login,
        lifetime: Duration,
        family: String,
        generation: u32,
    ) -> Result<Tokens, AuthError> {
        let user = login.user.clone();
        let mut refresh = Claims::refresh(user.clone(), lifetime);
        refresh.tapaculo = Some(Descent {
            family: family.clone(),
            generation: Some(generation),
            grant: Some(login.grant()),
        });
        let mut access = Claims::access(login);
        access.tapaculo = Some(Descent {
            family,
            generation: None,
            grant: None,
        });
        Ok(Tokens {
            token: self.sign(access)?,
            refresh_token: self.sign(refresh)?,
            user,
        })
    }
}
