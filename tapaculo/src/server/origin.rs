//! Which pages may speak to the server: those of its own origin, or those that it has been told.
//!
//! A browser lets any page connect to any server, and says which page it is in `Origin`. Clients
//! that are no browsers need not say anything, and pass: this protects who visits a hostile page,
//! not the server from a hostile client.

use super::{app::App, reject::Reject};
use anyhow::bail;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{collections::HashSet, fmt, net::Ipv6Addr, sync::Arc};

/// The origins from which a page may speak to the server.
#[derive(Debug)]
pub(super) enum AllowedOrigins {
    /// The one that the request was sent to.
    Same,
    /// These, as browsers write them.
    Listed(HashSet<String>),
}

impl AllowedOrigins {
    pub(super) fn read(listed: Option<&[String]>) -> anyhow::Result<Self> {
        let Some(listed) = listed else {
            return Ok(Self::Same);
        };
        let mut origins = HashSet::new();
        for text in listed {
            let Some(origin) = Origin::parse(text) else {
                bail!(
                    "`{text}` is no origin: with_allowed_origins takes `https://example.org` or \
                     `https://example.org:8443`, with nothing behind it and no `*` in it"
                );
            };
            origins.insert(origin.to_string());
        }
        Ok(Self::Listed(origins))
    }

    /// Whether a page of this origin may speak to the server at this address.
    fn allow(&self, origin: &str, addressed: Option<Addressed<'_>>) -> bool {
        match self {
            Self::Listed(origins) => origins.contains(origin),
            Self::Same => match (Origin::parse(origin), addressed) {
                (Some(page), Some(addressed)) => {
                    // Browsers write it in one way only.
                    page.to_string() == origin && addressed.is(&page)
                }
                _ => false,
            },
        }
    }
}

/// How the client has addressed the server, as far as that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addressed<'a> {
    /// The `Host`: a name, perhaps with a port.
    pub(super) host: &'a str,
    /// Whether it is sure that it was by https. Otherwise it may have been all the same: a proxy
    /// need not tell.
    pub(super) by_https: bool,
}

impl Addressed<'_> {
    /// Whether that is the page's own origin.
    fn is(self, page: &Origin) -> bool {
        let schemes: &[_] = match self.by_https {
            true => &["https"],
            false => &["https", "http"],
        };
        // A host without a port has the one of the scheme, which is then the page's.
        schemes.contains(&page.scheme.as_str())
            && Origin::parse(&format!("{}://{}", page.scheme, self.host)).as_ref() == Some(page)
    }
}

/// Scheme, host and port of a page (RFC 6454).
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: Host,
    /// `None` for the default of the scheme.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    /// A name or an IPv4 address, in lower case.
    Name(String),
    V6(Ipv6Addr),
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        let goes_on = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if !begins || !scheme.chars().all(goes_on) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = match authority.strip_prefix('[') {
            Some(authority) => {
                let (host, port) = authority.split_once(']')?;
                (Host::V6(host.parse().ok()?), port)
            }
            None => {
                let end = authority.find(':').unwrap_or(authority.len());
                let (host, port) = authority.split_at(end);
                (Host::name(host)?, port)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some(digits) if digits.chars().all(|c| c.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        let default = match scheme.as_str() {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        };
        Some(Self {
            scheme,
            host,
            port: port.filter(|_| port != default),
        })
    }
}

impl Host {
    fn name(text: &str) -> Option<Self> {
        let is_of_one = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_one = !text.is_empty() && !text.starts_with('.') && text.chars().all(is_of_one);
        is_one.then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            // Browsers have no dots in it.
            Host::V6(address) => match address.segments() {
                [0, 0, 0, 0, 0, 0xffff, high, low] => write!(f, "[::ffff:{high:x}:{low:x}]")?,
                _ => write!(f, "[{address}]")?,
            },
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The page that sends a request, if a browser says so.
fn page(headers: &HeaderMap) -> Option<Result<&str, Reject>> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let only = match (origins.next()?, origins.next()) {
        (origin, None) => origin.to_str().ok(),
        _ => None,
    };
    Some(only.ok_or_else(|| Reject::forbidden("`Origin` is not one origin")))
}

/// Refuses pages that are not allowed to speak to the server.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Reject> {
    if let Some(origin) = page(request.headers()).transpose()? {
        let addressed = app.proxies.addressed(&request);
        if !app.origins.allow(origin, addressed) {
            tracing::info!(
                origin,
                "refused a page: with_allowed_origins would let it in"
            );
            let words = "pages of this origin may not connect: see `Server::with_allowed_origins`";
            return Err(Reject::forbidden(words));
        }
    }
    Ok(next.run(request).await)
}

/// Lets the pages that [`guard`] has let through read the answers (CORS): theirs may be another
/// origin than the server's.
pub(super) async fn share(request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let asks_first = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if asks_first {
        let may = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type",
            ),
        ];
        (StatusCode::NO_CONTENT, may).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let more = HeaderValue::from_static("retry-after");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, more);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, expected) in [
            ("https://example.org", "https://example.org"),
            ("HTTPS://Example.ORG:443", "https://example.org"),
            ("http://example.org:80", "http://example.org"),
            ("http://example.org:443", "http://example.org:443"),
            ("https://example.org:08443", "https://example.org:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[2001:DB8:0::1]:80", "http://[2001:db8::1]"),
            ("http://[::ffff:192.0.2.1]", "http://[::ffff:c000:201]"),
            (
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
            ),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let origin = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(origin.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_none() {
        for text in [
            "",
            "null",
            "*",
            "example.org",
            "//example.org",
            "https:example.org",
            "https://",
            "https://*.example.org",
            "https://example.org/",
            "https://example.org/path",
            "https://example.org?query",
            "https://example.org#fragment",
            "https://user@example.org",
            "https://user:word@example.org",
            "https://example.org:",
            "https://example.org:https",
            "https://example.org:65536",
            "https://example.org:+80",
            "https://example.org:80:80",
            "https://.example.org",
            "https://exam ple.org",
            "https://bücher.example",
            "https://[::1",
            "https://[::1]x",
            "https://[::g]",
            "https://::1",
            "file://",
            "1http://example.org",
            "https://a.example, https://b.example",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }
}
