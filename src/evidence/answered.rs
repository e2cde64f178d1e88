//! Who really answered.
//!
//! A 401 or 403 means one thing from WordPress's REST server and another from a gate, a web server's error page or
//! an edge. Only marks that were read in source or measured are used; what bears none of them is `Unknown`.

use super::body::Body;
use crate::message::{Name, ReplyHead};

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The REST server: its `Link` (`serve_request` in `class-wp-rest-server.php` sends it always) and its shape
    /// of error, or of a body that could not be read.
    WordPressRest,
    /// The shape of a REST error without the REST server's `Link`: a plugin that imitates it, or a hop that
    /// removes headers.
    RestLike,
    /// WordPress, outside the REST server: a page, a redirect.
    WordPress,
    /// A plugin with a shape of its own.
    Plugin(Plugin),
    /// PHP broke off.
    PhpFatal,
    /// WordPress is being updated (`wp_maintenance` in `wp-includes/load.php`).
    Maintenance,
    /// The web server's own error page.
    WebServer,
    /// Another authentication in front: core never sends `WWW-Authenticate`.
    Gate(Gate),
    /// A CDN.
    Edge,
    /// Another header-doctor.
    Doctor,
    /// Nobody we recognise.
    Unknown,
}

/// A plugin known by the shape of its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// Simple JWT Login (`RouteHandler.php`).
    SimpleJwtLogin,
    /// miniOrange REST API Authentication.
    MiniOrange,
}

/// What a gate asks for in `WWW-Authenticate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `Basic`: htpasswd and its like.
    Basic,
    /// `Digest`.
    Digest,
    /// `Bearer`: an API gateway.
    Bearer,
    /// `Negotiate` or `NTLM`.
    Negotiate,
    /// Anything else.
    Other,
}

impl AnsweredBy {
    /// Recognises who answered, from the head and what could be read of the body.
    pub(super) fn of(reply: &ReplyHead, prefix: &[u8], body: &Body, unread: bool) -> Self {
        let status = reply.status.code();
        let by_body = by_body(reply, body);
        if let Some(who) = by_body {
            return who;
        }
        if let Some(gate) = gate(reply) {
            return Self::Gate(gate);
        }
        let contains = |text: &str| memchr::memmem::find(prefix, text.as_bytes()).is_some();
        // `wp_maintenance` announces ten minutes, always.
        if status == 503 && reply.fields.only(Name::RetryAfter) == Some(b"600") {
            return Self::Maintenance;
        }
        if status == 500 && contains("critical error") {
            return Self::PhpFatal;
        }
        if contains("<center>nginx") || contains(r#"<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">"#) {
            return Self::WebServer;
        }
        if is_edge(reply) {
            return Self::Edge;
        }
        by_head(reply, unread)
    }
}

fn by_body(reply: &ReplyHead, body: &Body) -> Option<AnsweredBy> {
    if body.code().starts_with("header_doctor_") {
        return Some(AnsweredBy::Doctor);
    }
    if body.is_simple_jwt_login() {
        return Some(AnsweredBy::Plugin(Plugin::SimpleJwtLogin));
    }
    if body.is_mini_orange() {
        return Some(AnsweredBy::Plugin(Plugin::MiniOrange));
    }
    if !body.is_rest_error() {
        return None;
    }
    // With `Accept: application/json` WordPress tells of a fatal error in the shape of a REST error.
    if body.code() == "internal_server_error" {
        return Some(AnsweredBy::PhpFatal);
    }
    Some(if has_api_link(reply) { AnsweredBy::WordPressRest } else { AnsweredBy::RestLike })
}

fn by_head(reply: &ReplyHead, unread: bool) -> AnsweredBy {
    let redirected = reply.fields.iter().any(|field| field.name.eq_ignore_ascii_case(b"X-Redirect-By"));
    let linked = has_api_link(reply);
    let json =
        reply.fields.first(Name::ContentType).is_some_and(|kind| kind.starts_with(b"application/json"));
    match (linked, json && unread, redirected) {
        (true, true, _) => AnsweredBy::WordPressRest,
        (true, false, _) | (false, _, true) => AnsweredBy::WordPress,
        _ => AnsweredBy::Unknown,
    }
}

fn has_api_link(reply: &ReplyHead) -> bool {
    let is = |link: &[u8]| memchr::memmem::find(link, b"https://api.w.org/").is_some();
    reply.fields.all(Name::Link).any(is)
}

fn gate(reply: &ReplyHead) -> Option<Gate> {
    let challenge = reply.fields.first(Name::WwwAuthenticate).filter(|_| reply.status.code() == 401)?;
    let scheme = challenge.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let is = |name: &str| scheme.eq_ignore_ascii_case(name.as_bytes());
    let known = [
        ("Basic", Gate::Basic),
        ("Digest", Gate::Digest),
        ("Bearer", Gate::Bearer),
        ("Negotiate", Gate::Negotiate),
        ("NTLM", Gate::Negotiate),
    ];
    Some(known.into_iter().find(|(name, _)| is(name)).map_or(Gate::Other, |(_, gate)| gate))
}

fn is_edge(reply: &ReplyHead) -> bool {
    let server = reply.fields.first(Name::Server).unwrap_or_default();
    let by_name =
        ["cloudflare", "CloudFront", "Vercel", "Netlify"].iter().any(|name| server == name.as_bytes());
    by_name || reply.fields.first(Name::XCache).is_some_and(|cache| cache.ends_with(b"Error from cloudfront"))
}

#[cfg(test)]
mod tests {
    use super::{AnsweredBy, Body, Gate, Plugin};
    use crate::message::{Fields, ReplyHead, Status};

    fn who(status: u16, fields: Fields, body: &str) -> AnsweredBy {
        let head = ReplyHead::build(Status::new(status).unwrap(), fields);
        AnsweredBy::of(&head, body.as_bytes(), &Body::read(body.as_bytes()), false)
    }

    const REST: &str = r#"{"code":"rest_forbidden","message":"x","data":{"status":401}}"#;

    #[test]
    fn the_rest_server_is_known_by_link_and_shape() {
        let link = || Fields::from([("Link", "<https://a/wp-json/>; rel=\"https://api.w.org/\"")]);
        assert_eq!(who(401, link(), REST), AnsweredBy::WordPressRest);
        assert_eq!(who(401, Fields::new(), REST), AnsweredBy::RestLike);
        assert_eq!(who(404, link(), "<html>"), AnsweredBy::WordPress);
    }

    #[test]
    fn the_others_are_known_by_their_marks() {
        let none = Fields::new;
        let basic = Fields::from([("WWW-Authenticate", "Basic realm=\"staging\"")]);
        let table = [
            (who(401, basic, "<html>"), AnsweredBy::Gate(Gate::Basic)),
            (who(503, Fields::from([("Retry-After", "600")]), "<html>"), AnsweredBy::Maintenance),
            (
                who(500, none(), "<p>There has been a critical error on this website.</p>"),
                AnsweredBy::PhpFatal,
            ),
            (who(403, none(), "<hr><center>nginx/1.22.1</center>"), AnsweredBy::WebServer),
            (who(403, Fields::from([("Server", "cloudflare")]), "<html>"), AnsweredBy::Edge),
            (
                who(
                    400,
                    none(),
                    r#"{"code":"header_doctor_host_missing","message":"x","data":{"status":400}}"#,
                ),
                AnsweredBy::Doctor,
            ),
            (
                who(401, none(), r#"{"success":false,"data":{"message":"x","error_code":48}}"#),
                AnsweredBy::Plugin(Plugin::SimpleJwtLogin),
            ),
            (
                who(
                    401,
                    none(),
                    r#"{"status":"error","error":"TOKEN_EXPIRED","code":"401","error_description":"x"}"#,
                ),
                AnsweredBy::Plugin(Plugin::MiniOrange),
            ),
            (who(403, none(), "no"), AnsweredBy::Unknown),
        ];
        for (seen, expected) in table {
            assert_eq!(seen, expected);
        }
    }
}
