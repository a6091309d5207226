//! A connection is here by a token, and goes on by a fresh one of the same user in the same room.

use super::{app::App, connections::Admission};
use crate::{
    auth::{Access, AuthErrorKind, Moment},
    ids::{RoomId, SessionId, UserId},
    protocol::Close,
    session::{Lease, Term},
};
use std::{error::Error, sync::Arc};

/// The place of a connection among the others, and what a fresh token for it has to say.
pub(super) struct TokenLease {
    app: Arc<App>,
    game: &'static str,
    user: UserId,
    room: RoomId,
    session: SessionId,
    admission: Admission,
}

impl TokenLease {
    pub(super) fn new(
        app: &Arc<App>,
        game: &'static str,
        access: &Access,
        admission: Admission,
    ) -> Self {
        Self {
            app: Arc::clone(app),
            game,
            user: access.user.clone(),
            room: access.room.clone(),
            session: access.session.clone(),
            admission,
        }
    }
}

/// How long a token is good.
pub(super) fn term(access: &Access) -> Term {
    let now = Moment::now();
    Term {
        expires_in: access.expires.since(now),
        ends_in: access.identity.ends.since(now),
    }
}

impl Lease for TokenLease {
    fn renew(&mut self, token: &str) -> Result<Term, String> {
        let access = self.app.auth.access(token, self.game).map_err(|error| {
            tracing::debug!(%error, cause = error.source(), "refused a fresh token");
            error.to_string()
        })?;
        let is_the_same =
            access.user == self.user && access.room == self.room && access.session == self.session;
        if !is_the_same {
            return Err("a fresh token is for the same user, room and session".to_owned());
        }
        let revoked = self.app.handle.revoked();
        if revoked.has(&access.identity) {
            return Err(AuthErrorKind::Revoked.to_string());
        }
        self.admission.renew(access.identity.clone());
        // One that was revoked meanwhile may have been looked for while it was not there.
        if revoked.has(&access.identity) {
            self.admission.dismiss(Close::Revoked);
        }
        Ok(term(&access))
    }
}
