//! Where Redis is and how to log in: what a URL says.

use percent_encoding::percent_decode_str;
use redis::{
    ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    RedisResult, TlsCertificates, TlsMode,
    cluster::{ClusterClient, ClusterClientBuilder},
    sentinel::{SentinelClientBuilder, SentinelServerType},
};
use std::{fmt, time::Duration};

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_SENTINEL_PORT: u16 = 26379;
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Why a [`RedisPubSub`](super::RedisPubSub) can't be made. It never repeats what the URL said: there
/// may be a password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// The URL is not of a kind that is known.
    Scheme,
    /// It names no host, or an empty one.
    Host,
    /// A port is not a number from 1 to 65535.
    Port,
    /// The database is not a number, or there is more than a number.
    Database,
    /// A Redis Cluster has only database 0.
    ClusterDatabase,
    /// A Sentinel URL does not name the master: `redis-sentinel://host:26379/mymaster`.
    NoMaster,
    /// User or password are percent-encoded wrongly.
    Encoding,
    /// There is a user without a password.
    NoPassword,
    /// It has options that are not known.
    Options,
    /// It names several hosts, which only Sentinel and Cluster have.
    ManyHosts,
    /// Certificates were given for a URL without TLS.
    NoTls,
    /// A certificate or its key can't be read: they must be in PEM form.
    Certificate,
}

impl fmt::Display for RedisConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => {
                "the URL of Redis must begin with `redis://`, `rediss://`, `redis-sentinel://`, \
                 `rediss-sentinel://`, `redis-cluster://` or `rediss-cluster://`"
            }
            Self::Host => "the URL of Redis has no host, or an empty one",
            Self::Port => {
                "a port in the URL of Redis is not a number from 1 to 65535; a `/`, `?`, `#`, `@` or \
                 `:` in a password must be percent-encoded"
            }
            Self::Database => "the database in the URL of Redis must be a number: `redis://host/0`",
            Self::ClusterDatabase => "a Redis Cluster has no other database than 0",
            Self::NoMaster => {
                "a Sentinel URL must name the master: `redis-sentinel://host:26379/mymaster`"
            }
            Self::Encoding => {
                "user and password in the URL of Redis must be UTF-8, percent-encoded where they \
                 have a `%`, `/`, `?`, `#`, `@` or `:`"
            }
            Self::NoPassword => "the URL of Redis has a user but no password",
            Self::Options => {
                "the URL of Redis has an unknown option; there are `sentinel_user` and \
                 `sentinel_password`, for Sentinel"
            }
            Self::ManyHosts => {
                "only `redis-sentinel://` and `redis-cluster://` URLs may have several hosts"
            }
            Self::NoTls => "certificates are of use only with a URL that begins with `rediss`",
            Self::Certificate => "a certificate for Redis, or its key, can't be read as PEM",
        })
    }
}

impl std::error::Error for RedisConfigError {}

/// How one logs in.
#[derive(Clone, Default, PartialEq, Eq)]
struct Login {
    user: Option<String>,
    password: Option<String>,
}

/// A host and its port.
type Host = (String, u16);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Topology {
    One(Host),
    Sentinel {
        sentinels: Vec<Host>,
        master: String,
    },
    Cluster(Vec<Host>),
}

/// Where Redis is and how to log in.
#[derive(Clone)]
pub(super) struct Address {
    topology: Topology,
    login: Login,
    /// How one logs in to the sentinels, which have users of their own.
    sentinel_login: Login,
    database: i64,
    tls: bool,
    certificates: TlsCertificates,
}

/// Without what nobody else may know.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("topology", &self.topology)
            .field("database", &self.database)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// To whom the commands, or the subscriptions, go.
pub(super) enum Way {
    /// To one server.
    Server(Box<redis::Client>),
    /// To whichever of a cluster's servers has the key.
    Cluster(Box<ClusterClient>),
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, RedisConfigError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisConfigError::Scheme)?;
        let (tls, kind) = match scheme.strip_prefix("rediss") {
            Some(kind) => (true, kind),
            None => (
                false,
                scheme
                    .strip_prefix("redis")
                    .ok_or(RedisConfigError::Scheme)?,
            ),
        };
        if rest.contains('#') {
            return Err(RedisConfigError::Options);
        }
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Login::parse(login)?, hosts),
            None => (Login::default(), authority),
        };
        let (topology, database) = match kind {
            "" => match hosts_of(hosts, DEFAULT_PORT)?.as_slice() {
                [host] => (Topology::One(host.clone()), path),
                _ => return Err(RedisConfigError::ManyHosts),
            },
            "-sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(RedisConfigError::NoMaster);
                }
                let topology = Topology::Sentinel {
                    sentinels: hosts_of(hosts, DEFAULT_SENTINEL_PORT)?,
                    master: decoded(master)?,
                };
                (topology, database)
            }
            "-cluster" => (Topology::Cluster(hosts_of(hosts, DEFAULT_PORT)?), path),
            _ => return Err(RedisConfigError::Scheme),
        };
        let database = match database {
            "" => 0,
            number => number
                .parse::<u32>()
                .map_err(|_| RedisConfigError::Database)?
                .into(),
        };
        if database != 0 && matches!(topology, Topology::Cluster(_)) {
            return Err(RedisConfigError::ClusterDatabase);
        }
        let sentinel_login = match topology {
            Topology::Sentinel { .. } => Login::of_options(options)?,
            _ if options.is_empty() => Login::default(),
            _ => return Err(RedisConfigError::Options),
        };
        Ok(Self {
            topology,
            login,
            sentinel_login,
            database,
            tls,
            certificates: TlsCertificates {
                client_tls: None,
                root_cert: None,
            },
        })
    }

    /// The authority whose certificates are trusted, and no other.
    pub(super) fn trust(&mut self, root: Vec<u8>) -> Result<(), RedisConfigError> {
        self.certificates.root_cert = Some(root);
        self.check_certificates()
    }

    /// What this node shows of itself.
    pub(super) fn show(
        &mut self,
        certificate: Vec<u8>,
        key: Vec<u8>,
    ) -> Result<(), RedisConfigError> {
        self.certificates.client_tls = Some(ClientTlsConfig {
            client_cert: certificate,
            client_key: key,
        });
        self.check_certificates()
    }

    fn check_certificates(&self) -> Result<(), RedisConfigError> {
        if !self.tls {
            return Err(RedisConfigError::NoTls);
        }
        // What has no certificate in it would be taken for an empty list of them.
        let none = |pem: &[u8]| {
            !pem.windows(CERTIFICATE.len())
                .any(|part| part == CERTIFICATE)
        };
        let certificates = &self.certificates;
        if certificates.root_cert.as_deref().is_some_and(none)
            || certificates
                .client_tls
                .as_ref()
                .is_some_and(|shown| none(&shown.client_cert))
        {
            return Err(RedisConfigError::Certificate);
        }
        let any = (String::from("localhost"), DEFAULT_PORT);
        self.client(&any)
            .map(drop)
            .map_err(|_| RedisConfigError::Certificate)
    }

    /// To whom the commands go. Asks the sentinels, where there are any, and else nobody.
    pub(super) async fn commands(&self, timeout: Duration) -> RedisResult<Way> {
        let Topology::Cluster(seeds) = &self.topology else {
            return self.server(0).await.map(Box::new).map(Way::Server);
        };
        self.prepare_tls();
        let seeds: RedisResult<Vec<_>> = seeds.iter().map(|host| self.info(host)).collect();
        let mut cluster = ClusterClientBuilder::new(seeds?)
            // It does not know what may be done twice.
            .retries(0)
            .connection_timeout(timeout)
            .response_timeout(timeout);
        if self.tls {
            cluster = cluster
                .tls(TlsMode::Secure)
                .certs(self.certificates.clone());
        }
        cluster.build().map(Box::new).map(Way::Cluster)
    }

    /// The server to subscribe at. In a cluster that is any of them: the one after that of the turn
    /// before.
    pub(super) async fn server(&self, turn: usize) -> RedisResult<redis::Client> {
        self.prepare_tls();
        match &self.topology {
            Topology::One(host) => self.client(host),
            Topology::Cluster(seeds) => self.client(&seeds[turn % seeds.len()]),
            Topology::Sentinel { sentinels, master } => self.master(sentinels, master).await,
        }
    }

    /// The server that is the master now; it was asked whether it is.
    async fn master(&self, sentinels: &[Host], master: &str) -> RedisResult<redis::Client> {
        let sentinels = sentinels.iter().map(|host| self.addr(host));
        let mut client = SentinelClientBuilder::new(sentinels, master, SentinelServerType::Master)?
            .set_client_to_redis_db(self.database);
        if self.tls {
            client = client
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(self.certificates.clone())
                .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_certificates(self.certificates.clone());
        }
        if let Some(user) = &self.login.user {
            client = client.set_client_to_redis_username(user);
        }
        if let Some(password) = &self.login.password {
            client = client.set_client_to_redis_password(password);
        }
        if let Some(user) = &self.sentinel_login.user {
            client = client.set_client_to_sentinel_username(user);
        }
        if let Some(password) = &self.sentinel_login.password {
            client = client.set_client_to_sentinel_password(password);
        }
        client.build()?.async_get_client().await
    }

    fn client(&self, host: &Host) -> RedisResult<redis::Client> {
        let info = self.info(host)?;
        if self.tls {
            redis::Client::build_with_tls(info, self.certificates.clone())
        } else {
            redis::Client::open(info)
        }
    }

    fn info(&self, host: &Host) -> RedisResult<ConnectionInfo> {
        let mut settings = RedisConnectionInfo::default()
            .set_db(self.database)
            .set_lib_name("tapaculo", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &self.login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.login.password {
            settings = settings.set_password(password);
        }
        let info = self.addr(host).into_connection_info()?;
        Ok(info.set_redis_settings(settings))
    }

    fn addr(&self, (host, port): &Host) -> ConnectionAddr {
        if self.tls {
            ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host.clone(), *port)
        }
    }

    /// TLS takes its cryptography from what the process has agreed on: where nothing was, and where
    /// another crate has brought a second kind along, it would panic.
    fn prepare_tls(&self) {
        if self.tls && rustls::crypto::CryptoProvider::get_default().is_none() {
            // It fails if somebody was faster; then there is one.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
    }
}

impl Login {
    /// `user:password`, or `:password`.
    fn parse(text: &str) -> Result<Self, RedisConfigError> {
        let (user, password) = text.split_once(':').ok_or(RedisConfigError::NoPassword)?;
        Self {
            user: Some(decoded(user)?),
            password: Some(decoded(password)?),
        }
        .checked()
    }

    /// The options by which a URL says how to log in to sentinels.
    fn of_options(options: &str) -> Result<Self, RedisConfigError> {
        let mut login = Self::default();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sentinel_user", user)) => login.user = Some(decoded(user)?),
                Some(("sentinel_password", password)) => login.password = Some(decoded(password)?),
                _ => return Err(RedisConfigError::Options),
            }
        }
        login.checked()
    }

    fn checked(self) -> Result<Self, RedisConfigError> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let login = Self {
            user: some(self.user),
            password: some(self.password),
        };
        if login.user.is_some() && login.password.is_none() {
            return Err(RedisConfigError::NoPassword);
        }
        Ok(login)
    }
}

fn decoded(text: &str) -> Result<String, RedisConfigError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| RedisConfigError::Encoding)
}

/// `host`, `host:port`, `[::1]:port`, and more of them after commas.
fn hosts_of(list: &str, default_port: u16) -> Result<Vec<Host>, RedisConfigError> {
    list.split(',')
        .map(|item| {
            let (host, port) = match item.strip_prefix('[') {
                Some(six) => {
                    let (host, port) = six.split_once(']').ok_or(RedisConfigError::Host)?;
                    let port = match port.strip_prefix(':') {
                        None if !port.is_empty() => return Err(RedisConfigError::Port),
                        port => port,
                    };
                    (host, port)
                }
                None => match item.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (item, None),
                },
            };
            if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(RedisConfigError::Host);
            }
            let port = match port {
                None => default_port,
                Some(port) => match port.parse() {
                    Ok(0) | Err(_) => return Err(RedisConfigError::Port),
                    Ok(port) => port,
                },
            };
            Ok((host.to_owned(), port))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Host {
        (name.into(), port)
    }

    #[test]
    fn a_url_says_where_redis_is() {
        let of = |url: &str| Address::parse(url).unwrap();
        assert_eq!(
            of("redis://localhost").topology,
            Topology::One(host("localhost", 6379))
        );
        let six = of("rediss://:word@[::1]:7000/3");
        assert_eq!(six.topology, Topology::One(host("::1", 7000)));
        assert_eq!((six.tls, six.database), (true, 3));
        let sentinel = of(
            "redis-sentinel://a%40b:p%2Fw@one:1,two/my%2Dmaster/2?sentinel_user=s&sentinel_password=t%26",
        );
        assert_eq!(
            sentinel.topology,
            Topology::Sentinel {
                sentinels: vec![host("one", 1), host("two", 26379)],
                master: "my-master".into(),
            }
        );
        assert_eq!(sentinel.database, 2);
        assert_eq!(sentinel.login.user.as_deref(), Some("a@b"));
        assert_eq!(sentinel.login.password.as_deref(), Some("p/w"));
        assert_eq!(sentinel.sentinel_login.password.as_deref(), Some("t&"));
        let cluster = of("rediss-cluster://one,two:2");
        assert_eq!(
            cluster.topology,
            Topology::Cluster(vec![host("one", 6379), host("two", 2)])
        );
        assert!(cluster.tls);
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        for (url, error) in [
            ("", RedisConfigError::Scheme),
            ("localhost:6379", RedisConfigError::Scheme),
            ("http://localhost", RedisConfigError::Scheme),
            ("redis-what://localhost", RedisConfigError::Scheme),
            ("redis://", RedisConfigError::Host),
            ("redis://:pass@", RedisConfigError::Host),
            ("redis-cluster://a,,b", RedisConfigError::Host),
            ("redis://host:port", RedisConfigError::Port),
            ("redis://host:0", RedisConfigError::Port),
            ("redis://host:70000", RedisConfigError::Port),
            ("redis://[::1]7", RedisConfigError::Port),
            ("redis://host/name", RedisConfigError::Database),
            ("redis://host/-1", RedisConfigError::Database),
            ("redis-cluster://host/1", RedisConfigError::ClusterDatabase),
            ("redis-sentinel://host", RedisConfigError::NoMaster),
            ("redis-sentinel://host/", RedisConfigError::NoMaster),
            ("redis://:%ff@host", RedisConfigError::Encoding),
            ("redis://user@host", RedisConfigError::NoPassword),
            ("redis://user:@host", RedisConfigError::NoPassword),
            ("redis://host?protocol=resp3", RedisConfigError::Options),
            ("rediss://host/#insecure", RedisConfigError::Options),
            ("redis-sentinel://host/m?what=1", RedisConfigError::Options),
            ("redis://one,two", RedisConfigError::ManyHosts),
        ] {
            assert_eq!(Address::parse(url).err(), Some(error), "{url}");
        }
    }

    #[test]
    fn an_address_never_shows_its_password() {
        for url in [
            "redis://user:s3cret@host:1",
            "redis-sentinel://:s3cret@host/m?sentinel_password=s3cret",
            "rediss-cluster://user:s3cret@host",
        ] {
            let address = format!("{:?}", Address::parse(url).unwrap());
            assert!(address.contains("host"), "{address}");
            assert!(!address.contains("s3cret"), "{address}");
        }
    }

    #[test]
    fn certificates_are_read_when_they_are_given() {
        let mut plain = Address::parse("redis://host").unwrap();
        assert_eq!(plain.trust(Vec::new()), Err(RedisConfigError::NoTls));
        let mut tls = Address::parse("rediss://host").unwrap();
        for junk in [
            "",
            "junk",
            "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----",
        ] {
            let trust = tls.clone().trust(junk.into());
            assert_eq!(trust, Err(RedisConfigError::Certificate), "{junk}");
            let show = tls.show(junk.into(), Vec::new());
            assert_eq!(show, Err(RedisConfigError::Certificate), "{junk}");
        }
    }
}
