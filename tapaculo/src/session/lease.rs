//! How long a connection may stay, and what else than its own token could prolong that.

use std::time::Duration;

/// How long a token is good, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Until it expires.
    pub(crate) expires_in: Duration,
    /// Until it is accepted no more: that may be a little later.
    pub(crate) ends_in: Duration,
}

/// By what a connection is here.
pub(crate) trait Lease: Send {
    /// Puts a fresh token in the place of the last one; or says why it is not a good one.
    fn renew(&mut self, token: &str) -> Result<Term, String>;
}
