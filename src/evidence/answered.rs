//! Who really answered.
//!
//! A 401 or 403 means one thing from WordPress's REST server and another from a gate, a web server's error page or
//! an edge. Only marks that were read in source or measured are used; what bears none of them is `Unknown`.

use super::body::{Body, Shape};
use super::page::{self, Page};
use super::plugin::Plugin;
use super::route::{Route, RouteClass};
use crate::message::{Name, ReplyHead, RequestHead};

/// Who answered. A cache that answers in the place of any of them shows in `from_cache` of the symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The REST server: its `Link` (`serve_request` in `class-wp-rest-server.php` sends it always) and its shape
    /// of error, or of a body that could not be read.
    WordPressRest,
    /// The shape of a REST error without the REST server's `Link`: a plugin that imitates it, or a hop that
    /// removes headers.
    RestLike,
    /// WordPress, outside the REST server: a page, a redirect. Where a REST route is answered in HTML
    /// (`html_for_rest` of the symptom), that is how plain permalinks show.
    WordPress,
    /// WordPress's login, on a REST route: a plugin sends everybody there.
    Login,
    /// A plugin with a shape of its own.
    Plugin(Plugin),
    /// A plugin we do not know, that printed JSON below the REST server's headers and left before its CORS step
    /// (`wp_send_json_error` and `wp_die` exit; `rest_send_cors_headers` waits at `rest_pre_serve_request`).
    Exit,
    /// PHP broke off.
    PhpFatal,
    /// WordPress is being updated (`wp_maintenance` in `wp-includes/load.php`).
    Maintenance,
    /// WordPress's files, with no site behind them yet: everybody is sent to its installer (`wp_not_installed` in
    /// `wp-includes/load.php`), or to where wp-config.php is made (`wp-load.php`).
    Installer,
    /// WordPress, which cannot use its database (`dead_db` in `wp-includes/functions.php`).
    NoDatabase,
    /// A network of sites that has none for the host it was asked for, and offers to make one
    /// (`ms_load_current_site_and_network` in `wp-includes/ms-load.php`).
    Network,
    /// The web server's own error page; `page` of the symptom tells whose.
    WebServer,
    /// Another authentication in front: core never sends `WWW-Authenticate`, and a gate not the `Link` of WordPress, below
    /// which plugins for OAuth ask.
    Gate(Gate),
    /// A CDN.
    Edge,
    /// Another header-doctor.
    Doctor,
    /// A page that refuses a REST route, from nobody we know: a firewall, most often.
    BlockPage,
    /// Nobody we recognise.
    Unknown,
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

/// What is known of an exchange when its answerer is looked for.
pub(super) struct Asked<'a> {
    pub(super) request: &'a RequestHead,
    pub(super) reply: &'a ReplyHead,
    /// The body, decoded; empty when it could not be.
    pub(super) text: &'a [u8],
    pub(super) body: &'a Body,
    pub(super) unread: bool,
    pub(super) page: Option<Page>,
}

impl AnsweredBy {
    /// Recognises who answered, from the head and what could be read of the body.
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        let Asked { reply, text, body, .. } = *asked;
        if body.code().starts_with("header_doctor_") {
            return Self::Doctor;
        }
        if page::is_fatal(reply.status.code(), body, text) {
            return Self::PhpFatal;
        }
        if page::is_maintenance(reply, body, text) {
            return Self::Maintenance;
        }
        if let Some(unready) = unready(asked) {
            return unready;
        }
        by_shape(asked)
            .or_else(|| gate(reply).map(Self::Gate))
            .or_else(|| asked.page.map(|_| Self::WebServer))
            .or_else(|| by_head(asked))
            .or_else(|| is_edge(reply).then_some(Self::Edge))
            .or_else(|| is_block_page(asked).then_some(Self::BlockPage))
            .unwrap_or(Self::Unknown)
    }
}

/// Whether the reply was made below the REST server and left before its CORS step: its headers are there, the request
/// had an `Origin`, there is no `Access-Control-Allow-Origin`, and the shape is one that is printed and exited with. A
/// browser then reports a CORS error for what is an error of authentication.
pub(super) fn is_before_cors(request: &RequestHead, reply: &ReplyHead, body: &Body) -> bool {
    let exits = matches!(body.shape(), Shape::SimpleJwtLogin | Shape::MiniOrange | Shape::Sent);
    (exits || is_death(body))
        && has_api_link(reply)
        && request.fields.has(Name::Origin)
        && !reply.fields.has(Name::AccessControlAllowOrigin)
}

/// WordPress dies in JSON (`_json_wp_die_handler` in `wp-includes/functions.php`), which has the shape of a REST error.
fn is_death(body: &Body) -> bool {
    body.code() == "wp_die"
}

pub(super) fn is_rest(request: &RequestHead) -> bool {
    Route::of(request).class != RouteClass::NotRest
}

/// WordPress, before there is a site that could answer.
fn unready(asked: &Asked<'_>) -> Option<AnsweredBy> {
    let Asked { reply, text, body, .. } = *asked;
    if page::is_installer(reply) {
        return Some(AnsweredBy::Installer);
    }
    if page::is_signup(reply) {
        return Some(AnsweredBy::Network);
    }
    if !page::dies(reply.status.code(), body, text) {
        return None;
    }
    if page::is_without_database(text) {
        return Some(AnsweredBy::NoDatabase);
    }
    Some(AnsweredBy::WordPress)
}

fn by_shape(asked: &Asked<'_>) -> Option<AnsweredBy> {
    let Asked { request, reply, body, .. } = *asked;
    match body.shape() {
        Shape::Rest if is_death(body) && is_before_cors(request, reply, body) => Some(AnsweredBy::Exit),
        Shape::Rest | Shape::Usefulteam if has_api_link(reply) => Some(AnsweredBy::WordPressRest),
        Shape::Rest | Shape::Usefulteam => Some(AnsweredBy::RestLike),
        Shape::Sent if is_before_cors(request, reply, body) => Some(AnsweredBy::Exit),
        _ => Plugin::of(body, reply.status.code()).map(AnsweredBy::Plugin),
    }
}

fn by_head(asked: &Asked<'_>) -> Option<AnsweredBy> {
    let Asked { request, reply, text, unread, .. } = *asked;
    let redirected = reply.fields.iter().any(|field| field.name.eq_ignore_ascii_case(b"X-Redirect-By"));
    let linked = has_api_link(reply);
    let json =
        reply.fields.first(Name::ContentType).is_some_and(|kind| kind.starts_with(b"application/json"));
    if linked && json && unread {
        return Some(AnsweredBy::WordPressRest);
    }
    if is_rest(request) && page::is_login(reply, text) {
        return Some(AnsweredBy::Login);
    }
    (linked || redirected).then_some(AnsweredBy::WordPress)
}

/// Only statuses with which something refuses to let a request through; a 404 may be a page of anybody.
fn is_block_page(asked: &Asked<'_>) -> bool {
    let refuses = matches!(asked.reply.status.code(), 401 | 403 | 405 | 406 | 429 | 503);
    refuses && is_rest(asked.request) && page::is_html(asked.reply, asked.text)
}

pub(super) fn has_api_link(reply: &ReplyHead) -> bool {
    let is = |link: &[u8]| memchr::memmem::find(link, b"https://api.w.org/").is_some();
    reply.fields.all(Name::Link).any(is)
}

fn gate(reply: &ReplyHead) -> Option<Gate> {
    // WooCommerce asks too, for a known key with a wrong secret (`send_unauthorized_headers`).
    let is_foreign = |challenge: &&[u8]| memchr::memmem::find(challenge, b"\"WooCommerce API").is_none();
    let is_asked = reply.status.code() == 401;
    let challenge = reply.fields.first(Name::WwwAuthenticate).filter(|_| is_asked).filter(is_foreign)?;
    if has_api_link(reply) {
        return None;
    }
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
    use super::{AnsweredBy, Asked, Body, Gate, Page, Plugin, is_before_cors};
    use crate::message::{Fields, ReplyHead, RequestHead, Status};

    fn request(target: &str) -> RequestHead {
        RequestHead::build("GET", target, Fields::from([("Origin", "https://app.example.com")]))
    }

    fn at(target: &str, status: u16, fields: Fields, text: &str) -> AnsweredBy {
        let request = request(target);
        let reply = ReplyHead::build(Status::new(status).unwrap(), fields);
        let text = text.as_bytes();
        let (page, body) = (Page::of(&reply, text), Body::read(text));
        AnsweredBy::of(&Asked { request: &request, reply: &reply, text, body: &body, unread: false, page })
    }

    fn who(status: u16, fields: Fields, body: &str) -> AnsweredBy {
        at("/wp-json/wp/v2/users/me", status, fields, body)
    }

    const REST: &str = r#"{"code":"rest_forbidden","message":"x","data":{"status":401}}"#;
    const SENT: &str = r#"{"success":false,"data":{"message":"x"}}"#;
    const DIES: &str = "<!DOCTYPE html>\n<html lang=\"de\">\n<body id=\"error-page\">\n<div class=\"wp-die-message\">Wegen Wartungsarbeiten</div>";
    const FORM: &str =
        r#"<form name="loginform" id="loginform" action="https://a/wp-login.php" method="post">"#;

    fn link() -> Fields {
        Fields::from([("Link", "<https://a/wp-json/>; rel=\"https://api.w.org/\"")])
    }

    fn with(mut fields: Fields, name: &str, value: &str) -> Fields {
        fields.append(name.as_bytes(), value.as_bytes());
        fields
    }

    #[test]
    fn the_rest_server_is_known_by_link_and_shape() {
        let cloudflare = || with(link(), "Server", "cloudflare");
        assert_eq!(who(401, link(), REST), AnsweredBy::WordPressRest);
        assert_eq!(who(401, cloudflare(), REST), AnsweredBy::WordPressRest);
        assert_eq!(who(401, Fields::new(), REST), AnsweredBy::RestLike);
        assert_eq!(who(404, link(), "<html>"), AnsweredBy::WordPress);
        assert_eq!(who(404, cloudflare(), "<html>"), AnsweredBy::WordPress);
    }

    #[test]
    fn woocommerces_challenge_is_no_gate() {
        let challenge = r#"Basic realm="WooCommerce API. Use a consumer key in the username field and a consumer secret in the password field.""#;
        let text = r#"{"code":"woocommerce_rest_authentication_error","message":"Consumer secret is invalid.","data":{"status":401}}"#;
        let fields = || with(link(), "WWW-Authenticate", challenge);
        assert_eq!(who(401, fields(), text), AnsweredBy::WordPressRest);
        assert_eq!(who(401, fields(), ""), AnsweredBy::WordPress);
    }

    #[test]
    fn the_others_are_known_by_their_marks() {
        let none = Fields::new;
        let field = |name: &str, value: &str| Fields::from([(name, value)]);
        let login = "https://a/wp-login.php?redirect_to=%2Fwp-json";
        let table = [
            (
                who(401, field("WWW-Authenticate", "Basic realm=\"staging\""), "<html>"),
                AnsweredBy::Gate(Gate::Basic),
            ),
            (who(401, field("WWW-Authenticate", "bearer"), ""), AnsweredBy::Gate(Gate::Bearer)),
            (who(403, none(), "<hr><center>nginx/1.22.1</center>"), AnsweredBy::WebServer),
            (who(403, field("Server", "cloudflare"), "<html>"), AnsweredBy::Edge),
            (who(403, none(), "<html><h1>Blocked</h1>"), AnsweredBy::BlockPage),
            (at("/shop", 403, none(), "<html><h1>Blocked</h1>"), AnsweredBy::Unknown),
            (who(404, none(), "<html>"), AnsweredBy::Unknown),
            (who(302, field("Location", login), ""), AnsweredBy::Login),
            (who(200, none(), FORM), AnsweredBy::Login),
            (at("/wp-login.php", 200, none(), FORM), AnsweredBy::Unknown),
            (who(403, none(), "no"), AnsweredBy::Unknown),
        ];
        for (at, (seen, expected)) in table.into_iter().enumerate() {
            assert_eq!(seen, expected, "row {at}");
        }
    }

    #[test]
    fn breakdown_and_update_are_known_by_their_words_or_their_frame() {
        let none = Fields::new;
        let field = |name: &str, value: &str| Fields::from([(name, value)]);
        let table = [
            (who(503, field("Retry-After", "600"), DIES), AnsweredBy::Maintenance),
            (
                who(
                    503,
                    field("Retry-After", "600"),
                    r#"{"code":"wp_die","message":"x","data":{"status":503},"additional_errors":[]}"#,
                ),
                AnsweredBy::Maintenance,
            ),
            (
                who(
                    503,
                    field("Retry-After", "600"),
                    "<h1>Briefly unavailable for scheduled maintenance. Check back in a minute.</h1>",
                ),
                AnsweredBy::Maintenance,
            ),
            (who(503, field("Retry-After", "600"), "<html>busy"), AnsweredBy::BlockPage),
            (who(503, field("Retry-After", "60"), DIES), AnsweredBy::WordPress),
            (
                who(200, none(), "<br />\n<b>Parse error</b>:  syntax error in <b>/srv/wp-config.php</b>"),
                AnsweredBy::PhpFatal,
            ),
            (who(200, none(), "<p>Then PHP says <b>Parse error</b>: syntax error</p>"), AnsweredBy::Unknown),
            (
                who(500, none(), "<p>There has been a critical error on this website.</p>"),
                AnsweredBy::PhpFatal,
            ),
            (who(500, none(), "<br />\n<b>Fatal error</b>:  Uncaught Error"), AnsweredBy::PhpFatal),
            (
                who(
                    500,
                    none(),
                    r#"{"code":"internal_server_error","message":"x","data":{"status":500},"additional_errors":[]}"#,
                ),
                AnsweredBy::PhpFatal,
            ),
            (who(500, none(), "<html>"), AnsweredBy::Unknown),
        ];
        for (at, (seen, expected)) in table.into_iter().enumerate() {
            assert_eq!(seen, expected, "row {at}");
        }
    }

    #[test]
    fn wordpress_without_a_site_behind_it_is_known_by_where_it_leads_or_its_words() {
        let to = |location: &str| who(302, Fields::from([("Location", location)]), "");
        let page =
            |text: &str| format!("<body id=\"error-page\">\n<div class=\"wp-die-message\">{text}</div>");
        let json = |text: &str| format!(r#"{{"code":"wp_die","message":"{text}","data":{{"status":500}}}}"#);
        let gone = "<h1>Error establishing a database connection</h1>";
        let table = [
            (to("http://a/wp-admin/install.php"), AnsweredBy::Installer),
            (to("/blog/wp-admin/setup-config.php?step=0"), AnsweredBy::Installer),
            (to("http://a/wp-admin/"), AnsweredBy::Unknown),
            (to("http://a/?next=/wp-admin/install.php"), AnsweredBy::Unknown),
            (to("http://a/wp-signup.php?new=b.test"), AnsweredBy::Network),
            (to("http://a/wp-signup.php"), AnsweredBy::Unknown),
            (to("http://a/?next=/wp-signup.php?new=b"), AnsweredBy::Unknown),
            (who(500, Fields::new(), &page(gone)), AnsweredBy::NoDatabase),
            (
                who(500, Fields::new(), &json(r"<h1>Error establishing a database connection<\/h1>")),
                AnsweredBy::NoDatabase,
            ),
            (who(500, Fields::new(), &page("<h1>Cannot select database</h1>")), AnsweredBy::NoDatabase),
            (
                who(500, Fields::new(), &page("<h1>Datenbankverbindung fehlgeschlagen</h1>")),
                AnsweredBy::WordPress,
            ),
            (who(500, Fields::new(), gone), AnsweredBy::Unknown),
            (who(200, Fields::new(), &page(gone)), AnsweredBy::Unknown),
        ];
        for (at, (seen, expected)) in table.into_iter().enumerate() {
            assert_eq!(seen, expected, "row {at}");
        }
    }

    #[test]
    fn shapes_of_their_own_are_plugins() {
        let none = Fields::new;
        let field = |name: &str, value: &str| Fields::from([(name, value)]);
        let table = [
            (who(301, field("X-Redirect-By", "WordPress"), ""), AnsweredBy::WordPress),
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
            (
                at(
                    "/graphql",
                    403,
                    none(),
                    r#"{"errors":[{"message":"invalid-secret-key | JWT is not configured properly"}]}"#,
                ),
                AnsweredBy::Plugin(Plugin::WpGraphQl),
            ),
        ];
        for (at, (seen, expected)) in table.into_iter().enumerate() {
            assert_eq!(seen, expected, "row {at}");
        }
    }

    #[test]
    fn a_plugin_that_exits_before_cors_is_told_from_one_that_does_not() {
        let allowed = || with(link(), "Access-Control-Allow-Origin", "https://app.example.com");
        assert_eq!(who(401, link(), SENT), AnsweredBy::Exit);
        assert_eq!(who(401, allowed(), SENT), AnsweredBy::WordPress);
        assert_eq!(who(401, Fields::new(), SENT), AnsweredBy::Unknown);
        let before = |fields: Fields, text: &str| {
            let reply = ReplyHead::build(Status::new(401).unwrap(), fields);
            is_before_cors(&request("/wp-json/x"), &reply, &Body::read(text.as_bytes()))
        };
        let simple = r#"{"success":false,"data":{"message":"x","error_code":48}}"#;
        assert!(before(link(), simple) && !before(allowed(), simple) && !before(Fields::new(), simple));
        // The REST server's own error without the field: `Origin` did not reach it.
        assert!(!before(link(), REST));
    }
}
