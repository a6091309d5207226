//! The claims as they stand in a token (RFC 7519, section 4).

use super::{AuthError, AuthErrorKind, login::Login, moment::Moment};
use crate::ids::Role;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Access,
    Refresh,
}

/// The claims as they stand in a token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_id: Option<String>,
    pub(super) exp: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<Moment>,
    /// With a fraction in what we sign, so that a login right after a revocation is told from one
    /// right before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iat: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience>,
    /// May be absent from tokens of other issuers: one that names a room is then for access.
    pub(super) kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) game: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Box<RawValue>>,
    /// The name to show for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// What only the routes of this library put into their tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tapaculo: Option<Descent>,
}

/// From which login a token descends.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Descent {
    /// A random word, the same in all tokens of the login.
    pub(super) family: String,
    /// In a refresh token: how many were there before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u32>,
    /// In a refresh token: what the next access token says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grant: Option<Grant>,
}

/// What a login allows, as a refresh token remembers it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) room: String,
    pub(super) session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) game: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// For how many seconds an access token is good.
    pub(super) ttl: u64,
}

/// Whom a token is for: one, or each of several (RFC 7519, section 4.1.3).
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn has(&self, who: &str) -> bool {
        match self {
            Self::One(one) => one == who,
            Self::Several(several) => several.iter().any(|one| one == who),
        }
    }
}

/// What claims have to say, by the options.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) leeway: Duration,
}

impl Rules {
    /// Fails unless the claims are in force here and now.
    pub(super) fn check(&self, claims: &Claims, now: Moment) -> Result<(), AuthError> {
        if now >= claims.exp + self.leeway {
            return Err(AuthErrorKind::Expired.into());
        }
        if claims.nbf.is_some_and(|from| from > now + self.leeway) {
            return Err(AuthErrorKind::Early.into());
        }
        if self.issuer.is_some() && claims.iss != self.issuer {
            return Err(AuthErrorKind::Issuer.into());
        }
        let is_for_us = match (&claims.aud, &self.audience) {
            (None, None) => true,
            (Some(audience), Some(us)) => audience.has(us),
            // Who has no name can't be meant (RFC 7519, section 4.1.3).
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_for_us {
            return Err(AuthErrorKind::Audience.into());
        }
        Ok(())
    }

    /// Sets what the claims have to say.
    pub(super) fn fulfil(&self, claims: &mut Claims) {
        claims.iss.clone_from(&self.issuer);
        claims.aud = self.audience.clone().map(Audience::One);
    }
}

impl Claims {
    fn new(sub: String, kind: Kind, ttl: Duration) -> Self {
        Self {
            sub,
            room: None,
            session_id: None,
            exp: (Moment::now() + ttl).whole(),
            nbf: None,
            iat: Some(Moment::now_and_once()),
            jti: Some(super::word(20)),
            iss: None,
            aud: None,
            kind: Some(kind),
            role: None,
            game: None,
            options: None,
            name: None,
            tapaculo: None,
        }
    }

    pub(super) fn access(login: Login) -> Self {
        Self {
            room: Some(login.room),
            session_id: Some(login.session),
            role: login.role,
            game: login.game,
            options: login.options,
            name: login.name,
            ..Self::new(login.user, Kind::Access, login.ttl)
        }
    }

    pub(super) fn refresh(user: String, ttl: Duration) -> Self {
        Self::new(user, Kind::Refresh, ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rules(issuer: Option<&str>, audience: Option<&str>) -> Rules {
        Rules {
            issuer: issuer.map(str::to_owned),
            audience: audience.map(str::to_owned),
            leeway: Duration::from_secs(30),
        }
    }

    fn verdict(rules: &Rules, more: Value) -> Option<AuthErrorKind> {
        let mut claims = json!({"sub": "alice", "exp": 1000});
        let more = more.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(more);
        let claims: Claims = serde_json::from_value(claims).unwrap();
        let now = serde_json::from_value(json!(900)).unwrap();
        rules.check(&claims, now).err().map(|error| error.kind())
    }

    #[test]
    fn a_token_is_in_force_from_nbf_to_exp_and_for_the_leeway_around() {
        let rules = rules(None, None);
        for (claims, expected) in [
            (json!({}), None),
            (json!({"exp": 870.000_001}), None),
            (json!({"exp": 870}), Some(AuthErrorKind::Expired)),
            (json!({"exp": 0}), Some(AuthErrorKind::Expired)),
            (json!({"nbf": 930}), None),
            (json!({"nbf": 930.5}), Some(AuthErrorKind::Early)),
            (json!({"nbf": null}), None),
            (json!({"exp": 1e300}), None),
        ] {
            assert_eq!(verdict(&rules, claims.clone()), expected, "{claims}");
        }
    }

    #[test]
    fn issuer_and_audience_are_required_once_they_are_configured() {
        let both = rules(Some("us"), Some("game"));
        let (issuer, audience) = (Some(AuthErrorKind::Issuer), Some(AuthErrorKind::Audience));
        for (claims, expected) in [
            (json!({"iss": "us", "aud": "game"}), None),
            (json!({"iss": "us", "aud": ["x", "game"]}), None),
            (json!({"aud": "game"}), issuer),
            (json!({"iss": "them", "aud": "game"}), issuer),
            (json!({"iss": "us"}), audience),
            (json!({"iss": "us", "aud": "Game"}), audience),
            (json!({"iss": "us", "aud": []}), audience),
            (json!({"iss": "us", "aud": ["x"]}), audience),
        ] {
            assert_eq!(verdict(&both, claims.clone()), expected, "{claims}");
        }
        let none = rules(None, None);
        assert_eq!(verdict(&none, json!({"iss": "anybody"})), None);
        assert_eq!(verdict(&none, json!({"aud": "somebody"})), audience);
    }
}
