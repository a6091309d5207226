//! Many nodes, by way of Redis: `docs/redis.md` says what is in there.

mod address;
mod backoff;
mod ears;
mod keys;
mod line;
mod node;
mod record;
mod shared;
#[cfg(test)]
mod tests;

pub use self::{address::RedisConfigError, backoff::BackoffConfig};

use self::{address::Address, node::RedisNode};
use super::{
    PubSub,
    nodes::Timing,
    sealed::{Others, Sealed},
};
use std::{sync::Arc, time::Duration};

const LEASE: Duration = Duration::from_secs(10);
/// Less than that and a node would lose its lease to any delay.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// One node of many, which find each other in Redis: the same program, run as often as you like.
///
/// A room lives on one node at a time, and it makes no difference to a client on which. What a room
/// has acknowledged outlives its node. Redis is connected to by
/// [`listen`](crate::Server::listen), with two connections whatever the number of rooms.
///
/// ```no_run
/// use tapaculo::{BackoffConfig, RedisPubSub, Server};
///
/// # fn main() -> anyhow::Result<()> {
/// let server = Server::new().with_pubsub(RedisPubSub::new("redis://localhost:6379")?);
/// # drop(server);
///
/// let config = BackoffConfig {
///     max_retries: 10,
///     base_delay_ms: 100,
///     max_delay_ms: 5000,
///     ..Default::default()
/// };
/// let pubsub = RedisPubSub::with_config("redis://localhost", config)?;
/// # drop(pubsub);
/// # Ok(())
/// # }
/// ```
///
/// | URL | |
/// | --- | --- |
/// | `redis://[user]:password@host:6379/0` | one server |
/// | `redis-sentinel://[user]:password@host1:26379,host2:26379/mymaster/0` | the master of that name, as the sentinels have it; `?sentinel_user=…&sentinel_password=…` if they want a login of their own |
/// | `redis-cluster://[user]:password@host1:6379,host2:6379` | a Redis Cluster, by some of its servers |
///
/// With `rediss` in place of `redis` they are spoken to over TLS. Characters of a user or password that
/// mean something in a URL, such as `/`, `@` and `:`, must be percent-encoded.
#[derive(Clone, Debug)]
pub struct RedisPubSub {
    address: Arc<Address>,
    backoff: BackoffConfig,
    lease: Duration,
    buffer: Option<usize>,
}

impl RedisPubSub {
    /// The Redis at this URL. Nothing is connected to yet.
    ///
    /// # Errors
    /// If the URL can't be read; the error does not repeat it, since there may be a password in it.
    pub fn new(url: impl AsRef<str>) -> Result<Self, RedisConfigError> {
        Self::with_config(url, BackoffConfig::default())
    }

    /// The same, with other retries.
    ///
    /// # Errors
    /// If the URL can't be read; the error does not repeat it, since there may be a password in it.
    pub fn with_config(
        url: impl AsRef<str>,
        config: BackoffConfig,
    ) -> Result<Self, RedisConfigError> {
        Ok(Self {
            address: Arc::new(Address::parse(url.as_ref())?),
            backoff: config,
            lease: LEASE,
            buffer: None,
        })
    }

    /// Closes a connection that takes nothing with `4108` once more than so many events and frames wait
    /// for it, as [`InMemoryPubSub::with_buffer`](crate::InMemoryPubSub::with_buffer) does. It may come
    /// back and resume.
    #[must_use]
    pub fn with_buffer(self, messages: usize) -> Self {
        Self {
            buffer: Some(messages),
            ..self
        }
    }

    /// How long after a node's last word its rooms may be taken over by others; 10 seconds unless told
    /// otherwise, and at least a tenth of a second. Each node says that it is there whenever three
    /// tenths of it have passed, and a node that can't serves its rooms no longer before it ends. It
    /// should be the same at all nodes.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self {
            lease: lease.max(SHORTEST_LEASE),
            ..self
        }
    }

    /// Trusts servers whose certificates are signed by this authority, in PEM form, instead of those
    /// that the system trusts.
    ///
    /// # Errors
    /// If it can't be read, or the URL does not begin with `rediss`.
    pub fn with_root_certificate(
        mut self,
        pem: impl Into<Vec<u8>>,
    ) -> Result<Self, RedisConfigError> {
        Arc::make_mut(&mut self.address).trust(pem.into())?;
        Ok(self)
    }

    /// Shows servers that ask for one this certificate, with its private key, both in PEM form.
    ///
    /// # Errors
    /// If they can't be read, or the URL does not begin with `rediss`.
    pub fn with_client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Result<Self, RedisConfigError> {
        Arc::make_mut(&mut self.address).show(certificate.into(), key.into())?;
        Ok(self)
    }

    fn timing(&self) -> Timing {
        Timing {
            lease: self.lease,
            renew: self.lease.mul_f64(0.3),
        }
    }
}

impl Sealed for RedisPubSub {
    fn nodes(&self) -> Option<Others> {
        Some(Others(Arc::new(RedisNode::new(self.clone()))))
    }
}

impl PubSub for RedisPubSub {
    fn buffer(&self) -> Option<usize> {
        self.buffer
    }
}
