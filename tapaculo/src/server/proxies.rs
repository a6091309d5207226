//! What proxies say of the client that they speak for: believed only from those that are trusted.

use super::origin::Addressed;
use anyhow::Context;
use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, header, uri::Authority},
};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The proxies whose word counts.
#[derive(Debug, Default)]
pub(super) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub(super) fn read(networks: &[String]) -> anyhow::Result<Self> {
        let networks = networks.iter().map(|text| {
            let network = match text.parse::<IpAddr>() {
                Ok(address) => Ok(IpNet::from(address.to_canonical())),
                Err(_) => text.parse::<IpNet>(),
            };
            network.with_context(|| {
                format!(
                    "`{text}` is no network: with_trusted_proxies takes addresses, `10.0.0.7`, and \
                     networks, `10.0.0.0/8`"
                )
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the word of this one counts.
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of a socket, unless it is a proxy's and so the socket of many.
    pub(super) fn client_at(&self, peer: SocketAddr) -> Option<IpAddr> {
        let address = peer.ip().to_canonical();
        (!self.trusts(address)).then_some(address)
    }

    /// The client's address; `None` where the listener did not say whose socket it is.
    pub(super) fn client(&self, request: &Request) -> Option<IpAddr> {
        let peer = peer(request)?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        let headers = request.headers();
        let by_list = headers.contains_key(FORWARDED_FOR);
        let by_pairs = headers.contains_key(header::FORWARDED);
        let hops = || items(headers, FORWARDED_FOR).map(address);
        let nodes = || elements(headers).map(|element| address(field(element, "for")?));
        Some(match (by_list, by_pairs) {
            (true, false) => self.walk(peer, hops()),
            (false, true) => self.walk(peer, nodes()),
            (false, false) => peer,
            // A proxy that writes one of them may pass on the other as the client has written it.
            (true, true) => {
                let client = self.walk(peer, hops());
                match client == self.walk(peer, nodes()) {
                    true => client,
                    false => peer,
                }
            }
        })
    }

    /// From the peer back towards the client, as long as the way is trusted and known.
    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut reached = peer;
        for hop in hops {
            match hop {
                Some(hop) if self.trusts(reached) => reached = hop,
                _ => break,
            }
        }
        reached
    }

    /// How the client has addressed the server.
    pub(super) fn addressed<'a>(&self, request: &'a Request) -> Option<Addressed<'a>> {
        let headers = request.headers();
        let is_trusted = peer(request).is_some_and(|peer| self.trusts(peer));
        let by_proxy = |name, pair| {
            let last = || items(headers, name).next();
            let element = || field(elements(headers).next()?, pair);
            is_trusted.then(|| last().or_else(element)).flatten()
        };
        let own = || {
            let mut hosts = headers.get_all(header::HOST).iter();
            match (hosts.next(), hosts.next()) {
                (Some(host), None) => host.to_str().ok(),
                // HTTP/2, in a server around this one.
                (None, _) => request.uri().authority().map(Authority::as_str),
                _ => None,
            }
        };
        let proto = by_proxy(FORWARDED_PROTO, "proto").unwrap_or_default();
        Some(Addressed {
            host: by_proxy(FORWARDED_HOST, "host").or_else(own)?,
            by_https: ["https", "wss"]
                .iter()
                .any(|tls| proto.eq_ignore_ascii_case(tls)),
        })
    }
}

/// Who is at the other end of the socket.
fn peer(request: &Request) -> Option<IpAddr> {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

/// The items of a list that may go on over several fields, the last one first.
fn items<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().rev();
    values
        .flat_map(|value| value.to_str().unwrap_or("?").rsplit(','))
        .map(str::trim)
}

/// What each proxy says in `Forwarded` (RFC 7239), the last one first.
fn elements(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    items(headers, header::FORWARDED.as_str())
}

/// The value of a pair of an element.
fn field<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    let value = value.trim();
    let quoted = value.strip_prefix('"').map(|value| value.strip_suffix('"'));
    quoted.unwrap_or(Some(value))
}

/// An address that may have a port, and brackets if it is of IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    let address = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(peer: &str, fields: &[(&str, &str)]) -> Request {
        let mut request = Request::new(Body::empty());
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        for (name, value) in fields {
            let name: axum::http::HeaderName = name.parse().unwrap();
            let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(name, value);
        }
        request
    }

    fn proxies() -> TrustedProxies {
        let networks = [
            "10.0.0.0/8",
            "192.0.2.1",
            "2001:db8::/32",
            "::ffff:192.0.2.9",
        ];
        TrustedProxies::read(&networks.map(str::to_owned)).unwrap()
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_not_trusted() {
        const FOR: &str = "x-forwarded-for";
        for (peer, fields, expected) in [
            // Whoever is not trusted speaks for itself.
            ("198.51.100.1", &[(FOR, "203.0.113.5")][..], "198.51.100.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "203.0.113.5")], "203.0.113.5"),
            ("192.0.2.1", &[(FOR, "203.0.113.5")], "203.0.113.5"),
            ("192.0.2.9", &[(FOR, "203.0.113.5")], "203.0.113.5"),
            ("192.0.2.2", &[(FOR, "203.0.113.5")], "192.0.2.2"),
            (
                "::ffff:10.0.0.1",
                &[(FOR, "::ffff:203.0.113.5")],
                "203.0.113.5",
            ),
            ("2001:db8::1", &[(FOR, "2001:db9::5")], "2001:db9::5"),
            // What the client has written stands to the left of what the first proxy has seen.
            ("10.0.0.1", &[(FOR, "1.1.1.1, 203.0.113.5")], "203.0.113.5"),
            (
                "10.0.0.1",
                &[(FOR, "1.1.1.1,203.0.113.5 , 10.9.9.9")],
                "203.0.113.5",
            ),
            (
                "10.0.0.1",
                &[(FOR, "1.1.1.1"), (FOR, "203.0.113.5")],
                "203.0.113.5",
            ),
            ("10.0.0.1", &[(FOR, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            // Ports and brackets.
            ("10.0.0.1", &[(FOR, "203.0.113.5:80")], "203.0.113.5"),
            ("10.0.0.1", &[(FOR, "[2001:db9::5]:80")], "2001:db9::5"),
            ("10.0.0.1", &[(FOR, "[2001:db9::5]")], "2001:db9::5"),
            // What is no address ends the way at the last one that is known.
            ("10.0.0.1", &[(FOR, "203.0.113.5, nonsense")], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "203.0.113.5, , 10.0.0.2")], "10.0.0.2"),
            (
                "10.0.0.1",
                &[(FOR, "203.0.113.5, unknown, 10.0.0.2")],
                "10.0.0.2",
            ),
            ("10.0.0.1", &[(FOR, "")], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "203.0.113.5"), (FOR, "é")], "10.0.0.1"),
            ("10.0.0.1", &[(FOR, "203.0.113.256")], "10.0.0.1"),
            // RFC 7239.
            (
                "10.0.0.1",
                &[("forwarded", "for=203.0.113.5")],
                "203.0.113.5",
            ),
            (
                "10.0.0.1",
                &[(
                    "forwarded",
                    "for=1.1.1.1, For=\"[2001:db9::5]:80\";proto=https",
                )],
                "2001:db9::5",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=203.0.113.5, for=_hidden, for=10.0.0.2")],
                "10.0.0.2",
            ),
            ("10.0.0.1", &[("forwarded", "by=203.0.113.5")], "10.0.0.1"),
            (
                "10.0.0.1",
                &[("forwarded", "for=\"203.0.113.5")],
                "10.0.0.1",
            ),
            // One of the two may be the client's own invention.
            (
                "10.0.0.1",
                &[(FOR, "203.0.113.5"), ("forwarded", "for=203.0.113.5")],
                "203.0.113.5",
            ),
            (
                "10.0.0.1",
                &[(FOR, "203.0.113.5"), ("forwarded", "for=203.0.113.6")],
                "10.0.0.1",
            ),
        ] {
            let client = proxies().client(&request(peer, fields));
            assert_eq!(client, Some(expected.parse().unwrap()), "{peer} {fields:?}");
        }
        assert_eq!(proxies().client(&Request::new(Body::empty())), None);
    }

    #[test]
    fn the_host_that_a_proxy_names_counts_only_if_the_proxy_is_trusted() {
        let fields = [
            ("host", "inner:8080"),
            ("x-forwarded-host", "evil.example, example.org"),
            ("x-forwarded-proto", "https"),
        ];
        let seen = |peer, fields: &[_]| {
            let request = request(peer, fields);
            let addressed = proxies().addressed(&request);
            addressed.map(|addressed| (addressed.host.to_owned(), addressed.by_https))
        };
        let at = |host: &str, by_https| Some((host.to_owned(), by_https));
        assert_eq!(seen("10.0.0.1", &fields), at("example.org", true));
        assert_eq!(seen("198.51.100.1", &fields), at("inner:8080", false));
        let pairs = [
            ("host", "inner"),
            (
                "forwarded",
                "for=1.1.1.1;host=\"example.org:8443\";proto=https",
            ),
        ];
        assert_eq!(seen("10.0.0.1", &pairs), at("example.org:8443", true));
        assert_eq!(seen("10.0.0.1", &[("host", "a")]), at("a", false));
        assert_eq!(seen("10.0.0.1", &[("host", "a"), ("host", "b")]), None);
        assert_eq!(seen("10.0.0.1", &[]), None);
        let mut by_http2 = Request::new(Body::empty());
        *by_http2.uri_mut() = "https://example.org/token".parse().unwrap();
        let addressed = proxies().addressed(&by_http2).unwrap();
        assert_eq!(addressed.host, "example.org");
    }

    #[test]
    fn what_is_no_network_is_an_error() {
        for text in ["", "*", "localhost", "10.0.0.0/33", "10.0.0", "::/129"] {
            let error = TrustedProxies::read(&[text.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
