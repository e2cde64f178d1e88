//! The login for a token came in a body that WordPress did not read.
//!
//! `WP_REST_Request` takes fields from JSON or a form that says so, and passes over anything else; the login then has no name. JSON as
//! `text/plain` is refused like a missing user, and so is a body that never arrived: behind mod_cgi a chunked one does not.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::login_refused::code;
use super::untouched;
use crate::evidence::{Content, Hop, Software, Symptom, Trail};

pub(in super::super) struct LoginBodyUnread;

impl Rule for LoginBodyUnread {
    fn id(&self) -> &'static str {
        "login-body-unread"
    }

    fn text(&self) -> &'static str {
        include_str!("login_body_unread.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let code = code(trail, symptom)?;
        let is_empty = matches!(code, "empty_username" | "jwt_auth_missing_credentials");
        if trail.has_login_in_query || !is_empty && code != "invalid_username" {
            return None;
        }
        let (proof, product, what, because) = match trail.content {
            Content::Unsaid => (
                Proof::Likely,
                "type",
                "the request has no Content-Type",
                "no Content-Type was seen on arrival, and WordPress found no user of that name",
            ),
            Content::Other => (
                Proof::Likely,
                "type",
                "its Content-Type is neither JSON nor a form",
                "the Content-Type that was seen on arrival is none that WordPress reads, and it found no user of that name",
            ),
            _ if trail.is_bodyless => (
                Proof::Likely,
                "body",
                "the body is empty",
                "Content-Length is 0, and WordPress found no user of that name",
            ),
            _ if trail.is_chunked
                && !trail.memory.direct
                && (is_empty || symptom.software == Software::Apache) =>
            {
                (
                    Proof::Possible,
                    "chunked",
                    "a chunked body may not have reached PHP",
                    "the body was sent in chunks, which mod_cgi does not hand on; a wrong name, or none, would look the same",
                )
            }
            _ => return None,
        };
        let mut path = untouched(trail);
        if let Some(client) = path.first_mut() {
            *client = Stop::new(Hop::Client, Mark::Bad).noted("login");
        }
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because: because.into(),
            path,
            cleared: cleared(product),
            caution: "No token was judged. Do not rotate secrets",
            ..Finding::of(self, proof, product, format!("WordPress found no user name in the login: {what}"))?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["login-refused"]
    }
}

/// An empty body may have been dropped by a hop in front, one in chunks by one behind.
fn cleared(product: &str) -> Vec<&'static str> {
    match product {
        "type" => vec!["proxies", "web server", "secret", "CORS"],
        "body" => vec!["web server", "secret", "CORS"],
        _ => vec!["secret", "CORS"],
    }
}
