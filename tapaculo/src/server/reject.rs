//! Answers of an HTTP route that says no.

use crate::limits::TooMany;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::time::Duration;

/// A refusal before the upgrade: a status, and `{"error": {"code", "message"}}`.
#[derive(Debug)]
pub(super) struct Reject {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// When it is worth another try.
    retry_after: Option<Duration>,
}

impl Reject {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "the request took too long",
        )
    }

    pub(super) fn banned(time: Duration) -> Self {
        Self {
            retry_after: Some(time),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "banned",
                "banned for a while",
            )
        }
    }

    pub(super) fn too_many(too_many: TooMany) -> Self {
        let TooMany { words, retry_after } = too_many;
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", words)
        }
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }
}

impl IntoResponse for Reject {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Error {
            code: &'static str,
            message: String,
        }
        #[derive(Serialize)]
        struct Body {
            error: Error,
        }
        let (code, message) = (self.code, self.message);
        let body = Json(Body {
            error: Error { code, message },
        });
        let mut response = (self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2, has it say what would help.
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(time) = self.retry_after {
            // Whole seconds (RFC 9110, section 10.2.3), and not too early.
            let seconds = time.as_millis().div_ceil(1000);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
