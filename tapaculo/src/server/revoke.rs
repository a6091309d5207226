//! Tokens taken back: connections that are here by them are closed, and new ones are refused.

use super::{ServerHandle, app::App};
use crate::{
    auth::{AuthError, AuthErrorKind, Identity},
    ids::{SessionId, UserId},
    protocol::Close,
};

#[allow(
    clippy::must_use_candidate,
    reason = "what counts is that they are revoked, not how many were connected"
)]
impl ServerHandle {
    /// Revokes a token, access or refresh: connections that are here by it are closed with `4001`,
    /// and it is answered `401` from now on. Answers with how many were closed.
    ///
    /// Other tokens of the same login stay good; [`revoke_session`](Self::revoke_session) takes them
    /// back, too. One that has expired need not be revoked, and is fine.
    ///
    /// # Errors
    /// If it is not a token that this server would accept, or the server does not serve yet.
    pub fn revoke_token(&self, token: &str) -> Result<usize, AuthError> {
        let app = self.app().ok_or(AuthErrorKind::NotServing)?;
        let identity = match app.auth.identity(token) {
            Err(error) if error.kind() == AuthErrorKind::Expired => return Ok(0),
            identity => identity?,
        };
        self.revoked().revoke_token(&identity);
        let is_meant = |open: &Identity| open.token == identity.token;
        Ok(app
            .connections
            .close(&identity.user, Close::Revoked, is_meant))
    }

    /// Revokes all tokens that a user has been issued so far for a session: its connections are
    /// closed with `4001`, and the tokens are answered `401`. Answers with how many were closed.
    ///
    /// A token that is issued for it later, by its `iat`, is good. Those that do not say when they
    /// were issued count as issued before.
    pub fn revoke_session(&self, user: &UserId, session: &SessionId) -> usize {
        self.revoked().revoke_session(user, session);
        self.close_all_revoked(user)
    }

    /// Revokes all tokens that a user has been issued so far, refresh tokens included: its
    /// connections are closed with `4001`, and the tokens are answered `401`. Answers with how many
    /// were closed.
    ///
    /// The user may log in again: a token that is issued later, by its `iat`, is good. Those that
    /// do not say when they were issued count as issued before. It is remembered until this process
    /// ends; where there are other nodes, all of them know of it, and close what they have.
    /// [`JwtAuth::refresh_access`](crate::JwtAuth::refresh_access) does not ask.
    pub fn revoke_user(&self, user: &UserId) -> usize {
        self.revoked().revoke_user(user);
        self.close_all_revoked(user)
    }

    fn close_all_revoked(&self, user: &UserId) -> usize {
        self.app().map_or(0, |app| app.close_revoked(user))
    }
}

impl App {
    /// Closes the connections of a user that are here by tokens that have been revoked.
    pub(super) fn close_revoked(&self, user: &UserId) -> usize {
        let is_revoked = |open: &Identity| self.handle.revoked().has(open);
        self.connections.close(user, Close::Revoked, is_revoked)
    }
}
