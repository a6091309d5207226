//! The browser's side of the protocol: a module and its types, served as they stand in the crate.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A file of the client.
pub(super) struct File {
    content: &'static str,
    content_type: &'static str,
}

/// `/tapaculo.js`.
pub(super) const MODULE: File = File {
    content: include_str!("../../client/tapaculo.js"),
    content_type: "text/javascript; charset=utf-8",
};

/// `/tapaculo.d.ts`.
pub(super) const TYPES: File = File {
    content: include_str!("../../client/tapaculo.d.ts"),
    content_type: "application/typescript; charset=utf-8",
};

impl File {
    /// Answers a request for it; with the head alone, if the client has it already.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let tag = self.tag();
        // Pages of other origins may import it, too: it is no secret.
        let head: [(HeaderName, HeaderValue); 4] = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.content_type),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (
                header::ACCESS_CONTROL_ALLOW_ORIGIN,
                HeaderValue::from_static("*"),
            ),
            (header::ETAG, tag.clone()),
        ];
        if has(request, &tag) {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        (head, self.content).into_response()
    }

    /// Names the content: FNV-1a, which is the same in every build.
    fn tag(&self) -> HeaderValue {
        let hash = self
            .content
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        HeaderValue::try_from(format!("\"{hash:016x}\"")).expect("quotes and digits")
    }
}

/// Whether the client has the content of this tag.
fn has(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).into_iter();
    let mut tags = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tags.any(|known| {
        let known = known.trim_ascii();
        known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_with(known: &str) -> StatusCode {
        let mut request = HeaderMap::new();
        let known = HeaderValue::try_from(known).unwrap();
        request.insert(header::IF_NONE_MATCH, known);
        MODULE.answer(&request).status()
    }

    #[test]
    fn who_has_the_module_is_not_sent_it_again() {
        let response = MODULE.answer(&HeaderMap::new());
        assert_eq!(response.status(), StatusCode::OK);
        let tag = response.headers()[header::ETAG].to_str().unwrap();
        assert_eq!(asked_with(tag), StatusCode::NOT_MODIFIED);
        assert_eq!(asked_with("*"), StatusCode::NOT_MODIFIED);
        let several = format!("\"other\", W/{tag}");
        assert_eq!(asked_with(&several), StatusCode::NOT_MODIFIED);
        assert_eq!(asked_with("\"other\""), StatusCode::OK);
        assert_ne!(MODULE.tag(), TYPES.tag());
    }
}
