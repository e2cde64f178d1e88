//! A small imitation of WordPress, so that the demo needs none: core's REST server, the plugin "JWT Authentication for
//! WP REST API" 1.3.4, and a route of an application.
//!
//! It does no I/O. What it answers was measured on WordPress 7.1.4, 6.8.12 and 6.1.9; the table of odd credentials in
//! the tests below is that measurement.

mod jwt;
mod login;
mod plugin;
mod routes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::page::Page;
use crate::message::{Fields, Method, Name, RequestHead};
use crate::moment::Moment;
use crate::secret::Secret;
use plugin::Plugin;

/// A made-up user.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    id: u64,
    /// The name to log in with.
    pub(super) login: &'static str,
    /// The password; it opens nothing but this imitation.
    pub(super) password: &'static str,
    email: &'static str,
    edits_posts: bool,
}

/// An administrator.
pub(super) const ADMIN: User =
    User { id: 1, login: "admin", password: "demo", email: "admin@example.com", edits_posts: true };

/// A subscriber, who may read and no more.
pub(super) const READER: User =
    User { id: 2, login: "reader", password: "demo", email: "reader@example.com", edits_posts: false };

const USERS: [User; 2] = [ADMIN, READER];

/// The site.
#[derive(Clone, Debug)]
pub(super) struct WordPress {
    plugin: Plugin,
}

/// A request, as PHP sees it.
pub(super) struct Asked<'r> {
    method: &'r str,
    /// Below `/wp-json`.
    route: &'r str,
    authorization: &'r str,
    content_type: &'r str,
    body: &'r [u8],
    now: Moment,
}

/// A `WP_Error`.
#[derive(Debug)]
pub(super) struct Refused {
    status: u16,
    code: &'static str,
    message: Cow<'static, str>,
}

impl Refused {
    fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// `rest_convert_error_to_response`.
    fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "data": { "status": self.status } })
    }
}

impl WordPress {
    /// A site at this address (`http://localhost:8080`), whose `JWT_AUTH_SECRET_KEY` is `secret`.
    #[must_use]
    pub(super) const fn new(home: String, secret: [u8; 32]) -> Self {
        Self { plugin: Plugin { home, key: Secret::new(secret) } }
    }

    /// A token as this user gets it on logging in.
    #[must_use]
    pub(super) fn issue(&self, user: User, now: Moment) -> String {
        self.plugin.issue(user, now)
    }

    fn home(&self) -> &str {
        &self.plugin.home
    }

    /// Answers a request that came to PHP.
    pub(super) fn answer(&self, head: &RequestHead, body: &[u8], now: Moment) -> Page {
        let path = String::from_utf8_lossy(head.path());
        match path.strip_prefix("/wp-json").filter(|route| route.is_empty() || route.starts_with('/')) {
            Some(route) => self.rest(head, route, body, now),
            None => self.front(&path),
        }
    }

    fn rest(&self, head: &RequestHead, route: &str, body: &[u8], now: Moment) -> Page {
        let text = |name| String::from_utf8_lossy(head.fields.first(name).unwrap_or_default());
        let (authorization, content_type) = (text(Name::Authorization), text(Name::ContentType));
        let method = String::from_utf8_lossy(head.method_text());
        let asked = Asked {
            method: &method,
            route,
            authorization: &authorization,
            content_type: &content_type,
            body,
            now,
        };
        let user =
            if route.contains("token/validate") { Ok(None) } else { self.plugin.user(&authorization, now) };
        let known = matches!(user, Ok(Some(_)));
        // The plugin's complaint comes before any route is looked for (`rest_pre_dispatch`).
        let (outcome, allowed) = match user {
            Ok(user) => routes::dispatch(self, &asked, user),
            Err(refused) => (Err(refused), None),
        };
        let mut fields = self.rest_fields(head);
        if let Some(allowed) = allowed {
            fields.append(b"Allow", allowed.as_bytes());
        }
        if known {
            forbid_storing(&mut fields);
        }
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(refused) => (refused.status, refused.body()),
        };
        Page { status, fields, body: body.to_string().into_bytes() }
    }

    /// What `serve_request` and `rest_send_cors_headers` send with every REST reply.
    fn rest_fields(&self, head: &RequestHead) -> Fields {
        let link = format!("<{}/wp-json/>; rel=\"https://api.w.org/\"", self.home());
        let mut fields = Fields::from([
            ("Content-Type", "application/json; charset=UTF-8"),
            ("X-Robots-Tag", "noindex"),
            ("Link", &link),
            ("X-Content-Type-Options", "nosniff"),
            ("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link"),
            (
                "Access-Control-Allow-Headers",
                "Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type",
            ),
        ]);
        if let Some(origin) = head.fields.first(Name::Origin) {
            fields.append(b"Access-Control-Allow-Origin", origin);
            fields.append(b"Access-Control-Allow-Methods", b"OPTIONS, GET, POST, PUT, PATCH, DELETE");
            fields.append(b"Access-Control-Allow-Credentials", b"true");
            fields.append(b"Vary", b"Origin");
        }
        if head.method == Method::Get && head.path() == b"/wp-json/wp/v2/posts" {
            fields.append(b"X-WP-Total", b"1");
            fields.append(b"X-WP-TotalPages", b"1");
        }
        fields
    }

    /// The pages outside the REST server.
    fn front(&self, path: &str) -> Page {
        let link = format!("<{}/wp-json/>; rel=\"https://api.w.org/\"", self.home());
        let mut page = match path {
            "/" => Page::html(200, "<h1>header-doctor demo</h1><p>An imitation of WordPress.</p>"),
            _ => Page::html(404, "<h1>Page not found</h1>"),
        };
        page.fields.append(b"Link", link.as_bytes());
        page
    }
}

/// `wp_get_nocache_headers`: core sends them to known users alone.
fn forbid_storing(fields: &mut Fields) {
    fields.append(b"Expires", b"Wed, 11 Jan 1984 05:00:00 GMT");
    fields.append(b"Cache-Control", b"no-cache, must-revalidate, max-age=0, no-store, private");
}
