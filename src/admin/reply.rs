//! The forms of a reply, and what is told where there is nothing else to tell.

use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::body::Body;

/// A reply.
pub(super) type Reply = Response<Body>;

/// An object of JSON.
pub(super) fn document(content: &impl Serialize) -> Reply {
    match serde_json::to_string(content) {
        Ok(text) => written(text),
        Err(_) => Trouble::Failed.reply(),
    }
}

/// An object of JSON that is text already.
pub(super) fn written(text: String) -> Reply {
    with(StatusCode::OK, "application/json", text)
}

/// A text for people, or for Prometheus.
pub(super) fn text(text: impl Into<String>) -> Reply {
    with(StatusCode::OK, "text/plain; charset=utf-8", text.into())
}

fn with(status: StatusCode, kind: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Body::text(text));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

/// Why a question is not answered. It describes what was sent and never quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The name it was asked by may be somebody else's trick.
    Host,
    /// A page of somebody else asks.
    Origin,
    /// The token is missing or wrong.
    Token,
    /// It is neither GET nor HEAD.
    Method,
    /// There is nothing there.
    Nothing(&'static str),
    /// A parameter is unknown or wrong.
    Parameter(String),
    /// As many follow along as may.
    Crowd,
    /// The doctor's own fault.
    Failed,
}

impl Trouble {
    /// It as a reply.
    pub(super) fn reply(&self) -> Reply {
        let text = json!({ "code": self.code(), "message": self.message() }).to_string();
        let mut reply = with(self.status(), "application/json", text);
        if let Some((name, value)) = self.field() {
            reply.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        reply
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Nothing(_) => StatusCode::NOT_FOUND,
            Self::Parameter(_) => StatusCode::BAD_REQUEST,
            Self::Crowd => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::Host => "header_doctor_admin_host",
            Self::Origin => "header_doctor_admin_origin",
            Self::Token => "header_doctor_admin_token",
            Self::Method => "header_doctor_admin_method",
            Self::Nothing(_) => "header_doctor_admin_not_found",
            Self::Parameter(_) => "header_doctor_admin_parameter",
            Self::Crowd => "header_doctor_admin_streams",
            Self::Failed => "header_doctor_admin_failed",
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::Host => {
                "the doctor is not asked by this name; use an IP address or localhost, or add the name to admin.hosts"
            }
            Self::Origin => "a page of another origin may not ask the doctor",
            Self::Token => {
                "the token is missing or wrong; send `Authorization: Bearer TOKEN` with what stands in admin.token_file"
            }
            Self::Method => "there is nothing to change here; use GET or HEAD",
            Self::Nothing(what) => what,
            Self::Parameter(what) => what,
            Self::Crowd => "sixteen follow along already; try again later, or ask /api/exchanges",
            Self::Failed => "the doctor failed to answer; its log says more",
        }
    }

    const fn field(&self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Token => Some((WWW_AUTHENTICATE, "Bearer")),
            Self::Method => Some((ALLOW, "GET, HEAD")),
            _ => None,
        }
    }
}
