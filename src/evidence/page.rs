//! Pages that answer in the place of WordPress, and what they say.
//!
//! Each mark was read in the source of what writes it or seen in its reply; none of them is a product's name alone, which
//! anybody may print.

use super::body::Body;
use crate::message::{Name, ReplyHead};

/// The web server whose own error page it is. What stands in `Server` may be another: the page is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// nginx: `ngx_http_error_full_tail` and its fellows in `ngx_http_special_response.c`.
    Nginx,
    /// Apache httpd: `ap_send_error_response` in `modules/http/http_protocol.c`.
    Apache,
    /// LiteSpeed: `src/http/httpstatuscode.cpp` of the free edition.
    LiteSpeed,
    /// HAProxy: `http_err_msgs` in `src/http.c`. It names itself nowhere else.
    HaProxy,
}

impl Page {
    /// Its name in a verdict.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "Apache",
            Self::LiteSpeed => "LiteSpeed",
            Self::HaProxy => "HAProxy",
        }
    }

    pub(super) fn of(reply: &ReplyHead, text: &[u8]) -> Option<Self> {
        if reply.status.code() < 300 {
            return None;
        }
        if contains(text, "<center>nginx") {
            return Some(Self::Nginx);
        }
        if is_apache(reply.status.code(), text) {
            return Some(Self::Apache);
        }
        if contains(text, "litespeedtech.com/error-page") {
            return Some(Self::LiteSpeed);
        }
        is_haproxy(reply.status.code(), text).then_some(Self::HaProxy)
    }
}

/// Who says that the head of the request is too large. The limits are 8 KiB and more (nginx and Apache 8 KiB a line,
/// HAProxy 15 KiB in all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// nginx, in words: its own 494 is sent as 400 (`ngx_http_special_response.c`).
    Nginx,
    /// Apache, in words: a field, or their number (`server/protocol.c`).
    Apache,
    /// `CloudFront`, by 413 to a request that has no body.
    CloudFront,
    /// Somebody, by 431 (RFC 6585 §5): Caddy, Envoy, Traefik, Apache in HTTP/2.
    Status,
    /// `HAProxy`, perhaps: its 400 says the same to every head it cannot take.
    Perhaps,
}

impl TooLarge {
    pub(super) fn of(reply: &ReplyHead, page: Option<Page>, text: &[u8], has_body: bool) -> Option<Self> {
        let is_cloudfront = reply.fields.first(Name::Server) == Some(b"CloudFront");
        match (reply.status.code(), page) {
            (400 | 431 | 494, Some(Page::Nginx)) if contains(text, "Request Header Or Cookie Too Large") => {
                Some(Self::Nginx)
            }
            (400, Some(Page::Apache)) if is_apaches_limit(text) => Some(Self::Apache),
            (400, Some(Page::HaProxy)) => Some(Self::Perhaps),
            (413, _) if is_cloudfront && !has_body => Some(Self::CloudFront),
            (431, _) => Some(Self::Status),
            _ => None,
        }
    }
}

/// Apache's frame (`ap_send_error_response` in httpd's `modules/http/http_protocol.c`): until lately that of HTML 2.0,
/// which nobody else uses, and in 2.4.71 that of HTML 4.01 with the status in the title.
fn is_apache(status: u16, text: &[u8]) -> bool {
    const OLD: &str = r#"<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">"#;
    const NEW: &str = concat!(
        r#"<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">"#,
        "\n<html><head>\n<title>"
    );
    let titled =
        || text.strip_prefix(NEW.as_bytes()).map(|rest| rest.starts_with(format!("{status} ").as_bytes()));
    contains(text, OLD) || titled() == Some(true)
}

fn is_apaches_limit(text: &[u8]) -> bool {
    contains(text, "Size of a request header field exceeds server limit.")
        || contains(text, "The number of request header fields exceeds this server")
}

fn is_haproxy(status: u16, text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"<html><body><h1>") else { return false };
    let begins = rest.starts_with(format!("{status} ").as_bytes());
    begins
        && text.len() < 512
        && contains(rest, "</h1>\n")
        && rest.trim_ascii_end().ends_with(b"\n</body></html>")
}

/// PHP broke off: WordPress's words for it (`class-wp-fatal-error-handler.php`; in the shape of a REST error when the
/// client accepts JSON), or PHP's own (`main/main.c`).
pub(super) fn is_fatal(status: u16, body: &Body, text: &[u8]) -> bool {
    let in_json = body.code() == "internal_server_error";
    let in_words =
        contains(text, "There has been a critical error on ") || contains(text, "<b>Fatal error</b>:");
    status == 500 && (in_json || in_words) || begins_with_an_error(text)
}

/// What PHP prints where it shows its errors (`display_errors`), whatever the status: before WordPress runs, it is 200.
fn begins_with_an_error(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    [b"<br />\n<b>Parse error</b>:  ".as_slice(), b"<br />\n<b>Fatal error</b>:  "]
        .iter()
        .any(|mark| text.starts_with(mark))
}

/// WordPress dies: in the frame of `_default_wp_die_handler`, or in the JSON of `_json_wp_die_handler`
/// (`wp-includes/functions.php`), for whatever reason.
pub(super) fn dies(status: u16, body: &Body, text: &[u8]) -> bool {
    let is_page = contains(text, DIES) && contains(text, r#"<div class="wp-die-message">"#);
    status >= 500 && (is_page || body.code() == "wp_die")
}

/// The words of `dead_db` (`wp-includes/functions.php`), and those of `wpdb::select` where errors are shown. They are translated;
/// in another language nothing else tells them from other deaths.
pub(super) fn is_without_database(text: &[u8]) -> bool {
    contains(text, "<h1>Error establishing a database connection<")
        || contains(text, "<h1>Cannot select database<")
}

/// The way to WordPress's installer, which nothing else sends anybody to.
pub(super) fn is_installer(reply: &ReplyHead) -> bool {
    let (path, _) = leads_to(reply);
    path.ends_with(b"/wp-admin/install.php") || path.ends_with(b"/wp-admin/setup-config.php")
}

/// The way to the form at which a network takes new sites, with the name of one in it.
pub(super) fn is_signup(reply: &ReplyHead) -> bool {
    let (path, query) = leads_to(reply);
    path.ends_with(b"/wp-signup.php") && query.starts_with(b"?new=")
}

/// Where a redirect leads: up to the query, and the query with its mark; empty when it is none.
fn leads_to(reply: &ReplyHead) -> (&[u8], &[u8]) {
    let is_redirect = matches!(reply.status.code(), 301 | 302 | 303 | 307 | 308);
    let to = if is_redirect { reply.fields.only(Name::Location).unwrap_or_default() } else { b"" };
    let end = to.iter().position(|byte| b"?#".contains(byte)).unwrap_or(to.len());
    to.split_at_checked(end).unwrap_or_default()
}

/// The body of each page by which WordPress dies.
const DIES: &str = r#"<body id="error-page">"#;

/// WordPress is being updated: `wp_maintenance` in `wp-includes/load.php` sends 503 and ten minutes, and then dies,
/// with its words (they are translated), in the frame of `wp_die` or in JSON.
pub(super) fn is_maintenance(reply: &ReplyHead, body: &Body, text: &[u8]) -> bool {
    let announced = reply.status.code() == 503 && reply.fields.only(Name::RetryAfter) == Some(b"600");
    let dies = contains(text, DIES) || body.code() == "wp_die";
    announced && (dies || contains(text, "Briefly unavailable for scheduled maintenance."))
}

/// WordPress's login form (`wp-login.php`), or the way to it.
pub(super) fn is_login(reply: &ReplyHead, text: &[u8]) -> bool {
    let leads = |to: &[u8]| memchr::memmem::find(to, b"/wp-login.php").is_some();
    let redirects = matches!(reply.status.code(), 301 | 302 | 303 | 307 | 308);
    redirects && reply.fields.only(Name::Location).is_some_and(leads)
        || contains(text, r#"<form name="loginform" id="loginform""#)
}

/// Whether it is HTML, by its type, or by its beginning when it has none.
pub(super) fn is_html(reply: &ReplyHead, text: &[u8]) -> bool {
    const TYPE: &[u8] = b"text/html";
    reply.fields.first(Name::ContentType).map_or_else(
        || text.trim_ascii_start().starts_with(b"<"),
        |kind| kind.get(..TYPE.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(TYPE)),
    )
}

fn contains(text: &[u8], mark: &str) -> bool {
    memchr::memmem::find(text, mark.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Page, TooLarge};
    use crate::message::{Fields, ReplyHead, Status};

    fn reply(status: u16, fields: Fields) -> ReplyHead {
        ReplyHead::build(Status::new(status).unwrap(), fields)
    }

    fn page(status: u16, text: &str) -> Option<Page> {
        Page::of(&reply(status, Fields::new()), text.as_bytes())
    }

    const HAPROXY_403: &str =
        "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n";
    const HAPROXY_400: &str =
        "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n";
    const NGINX_400: &str = "<html>\r\n<head><title>400 Request Header Or Cookie Too Large</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>Request Header Or Cookie Too Large</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    const APACHE_400: &str = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>400 Bad Request</title>\n</head><body>\n<h1>Bad Request</h1>\n<p>Your browser sent a request that this server could not understand.<br />\nSize of a request header field exceeds server limit.</p>\n</body></html>\n";
    const APACHE_400_OF_2_4_71: &str = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n<html><head>\n<title>400 Bad Request</title>\n</head><body>\n<h1>Bad Request</h1>\n<p>Your browser sent a request that this server could not understand.<br />\nSize of a request header field exceeds server limit.</p>\n</body></html>\n";

    #[test]
    fn a_web_servers_page_is_known_by_its_frame() {
        let table = [
            (403, "<hr><center>nginx/1.22.1</center>", Some(Page::Nginx)),
            (400, NGINX_400, Some(Page::Nginx)),
            (400, APACHE_400, Some(Page::Apache)),
            (400, APACHE_400_OF_2_4_71, Some(Page::Apache)),
            (404, APACHE_400_OF_2_4_71, None),
            (403, HAPROXY_403, Some(Page::HaProxy)),
            (401, HAPROXY_403, None),
            (403, "<html><body><h1>403 Forbidden</h1></body></html>", None),
            (
                403,
                "Proudly powered by  <a href=\"http://www.litespeedtech.com/error-page\">LiteSpeed Web Server</a>",
                Some(Page::LiteSpeed),
            ),
            (200, NGINX_400, None),
            (403, "nginx", None),
        ];
        for (status, text, expected) in table {
            assert_eq!(page(status, text), expected, "{text}");
        }
    }

    #[test]
    fn a_limit_is_known_by_who_says_so() {
        let none = Fields::new;
        let cloudfront = || Fields::from([("Server", "CloudFront")]);
        let table = [
            (400, none(), NGINX_400, false, Some(TooLarge::Nginx)),
            (431, none(), NGINX_400, false, Some(TooLarge::Nginx)),
            (400, none(), APACHE_400, false, Some(TooLarge::Apache)),
            (400, none(), HAPROXY_400, false, Some(TooLarge::Perhaps)),
            (431, none(), "", false, Some(TooLarge::Status)),
            (413, cloudfront(), "", false, Some(TooLarge::CloudFront)),
            (413, cloudfront(), "", true, None),
            (413, none(), "", false, None),
            (400, none(), "<hr><center>nginx</center>", false, None),
            (403, none(), HAPROXY_403, false, None),
            (200, none(), NGINX_400, false, None),
        ];
        for (status, fields, text, has_body, expected) in table {
            let reply = reply(status, fields);
            let page = Page::of(&reply, text.as_bytes());
            assert_eq!(TooLarge::of(&reply, page, text.as_bytes(), has_body), expected, "{status} {text}");
        }
    }
}
