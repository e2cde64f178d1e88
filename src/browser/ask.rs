//! What a page asked for, as far as its requests tell a server.

use super::list::{Token, Tokens};
use super::origin::Origin;
use crate::message::{Name, RequestHead};

/// Whether the page asked for the browser's own credentials (cookies, client certificates) to go along. A Bearer
/// token that a script sets itself is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// `credentials: "include"`: the rules are stricter, and `*` covers nothing.
    Include,
    /// `credentials: "omit"` or `"same-origin"`, the default of `fetch`.
    Omit,
    /// The request does not say. A preflight never does; a request only when a cookie came with it.
    Unknown,
}

/// A cross-origin request, or the preflight that announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Who asks.
    pub origin: Origin<'a>,
    /// With which method.
    pub method: Token,
    /// With which headers that need leave, in lower case.
    pub headers: Vec<Token>,
    /// Whether cookies go along.
    pub credentials: Credentials,
}

/// The most header names one preflight may announce; real ones announce fewer than ten.
const MOST_HEADERS: usize = 64;

impl<'a> Ask<'a> {
    /// What a preflight announces: `OPTIONS` with `Origin` and `Access-Control-Request-Method` (Fetch,
    /// "CORS-preflight fetch"). Nothing when it is no preflight, or none that a browser would send.
    #[must_use]
    pub fn of_preflight(head: &'a RequestHead) -> Option<Self> {
        let origin = Origin::of(&head.fields).ok()?;
        let method = Token::read(head.fields.only(Name::AccessControlRequestMethod)?)?;
        let names = Tokens::of(&head.fields, Name::AccessControlRequestHeaders).ok()?;
        let headers: Vec<_> =
            names.members().take(MOST_HEADERS + 1).map(Token::name).collect::<Option<_>>()?;
        let is_preflight = head.method_text() == b"OPTIONS" && headers.len() <= MOST_HEADERS;
        is_preflight.then_some(Self { origin, method, headers, credentials: Credentials::Unknown })
    }

    /// What a request asks for whose reply a browser will check. Nothing when it names no origin, when it came from
    /// the very origin it went to, or when the browser says that it checks nothing (a form, a navigation).
    ///
    /// Browsers say so in `Sec-Fetch-*`, towards https and loopback; without those fields origin and `Host` decide, by
    /// which the browser asked: an edge may have put it into `X-Forwarded-Host`.
    #[must_use]
    pub fn of_request(head: &'a RequestHead) -> Option<Self> {
        let origin = Origin::of(&head.fields).ok()?;
        if !is_checked(head, &origin) {
            return None;
        }
        let with_cookie = head.fields.has(Name::Cookie);
        let credentials = if with_cookie { Credentials::Include } else { Credentials::Unknown };
        Some(Self { origin, method: Token::read(head.method_text())?, headers: Vec::new(), credentials })
    }
}

fn is_checked(head: &RequestHead, origin: &Origin<'_>) -> bool {
    if head.fields.first(Name::SecFetchMode).is_some_and(|mode| mode != b"cors") {
        return false;
    }
    if let Some(site) = head.fields.first(Name::SecFetchSite) {
        return site != b"same-origin";
    }
    let hosts = [Name::Host, Name::XForwardedHost].into_iter();
    !hosts.filter_map(|name| head.fields.first(name)).any(|host| is_at(origin, host))
}

/// Whether `host`, with or without a port, is where this origin lives. The scheme the request came by is unknown.
fn is_at(origin: &Origin<'_>, host: &[u8]) -> bool {
    let scheme = if origin.is_null() { "https" } else { origin.scheme() };
    let mut text = format!("{scheme}://").into_bytes();
    text.extend_from_slice(host);
    Origin::read(&text).is_some_and(|here| here.is_same(origin))
}

#[cfg(test)]
mod tests {
    use super::{Ask, Credentials};
    use crate::message::{Fields, RequestHead};

    const ORIGIN: (&str, &str) = ("Origin", "https://app.test");

    #[test]
    fn a_preflight_announces_method_and_headers() {
        let fields = Fields::from([
            ORIGIN,
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", "Authorization,content-type"),
        ]);
        let head = RequestHead::build("OPTIONS", "/", fields);
        let ask = Ask::of_preflight(&head).unwrap();
        assert_eq!((ask.method.as_str(), ask.credentials), ("PUT", Credentials::Unknown));
        assert_eq!(format!("{:?}", ask.headers), "[authorization, content-type]");
    }

    #[test]
    fn what_is_no_preflight_announces_nothing() {
        let method = ("Access-Control-Request-Method", "PUT");
        let many = vec!["a"; 65].join(",");
        for (verb, fields) in [
            ("GET", Fields::from([ORIGIN, method])),
            ("OPTIONS", Fields::from([ORIGIN])),
            ("OPTIONS", Fields::from([method])),
            ("OPTIONS", Fields::from([ORIGIN, ORIGIN, method])),
            ("OPTIONS", Fields::from([ORIGIN, method, method])),
            ("OPTIONS", Fields::from([ORIGIN, method, ("Access-Control-Request-Headers", "a b")])),
            ("OPTIONS", Fields::from([ORIGIN, method, ("Access-Control-Request-Headers", &many)])),
        ] {
            assert_eq!(Ask::of_preflight(&RequestHead::build(verb, "/", fields)), None);
        }
    }

    #[test]
    fn a_request_is_checked_only_where_a_browser_checks() {
        let checked = |fields: Fields| Ask::of_request(&RequestHead::build("POST", "/", fields)).is_some();
        let host = ("Host", "api.test");
        assert!(checked(Fields::from([ORIGIN, host])));
        assert!(checked(Fields::from([("Origin", "null"), host])));
        assert!(checked(Fields::from([
            ORIGIN,
            host,
            ("Sec-Fetch-Mode", "cors"),
            ("Sec-Fetch-Site", "cross-site")
        ])));
        assert!(checked(Fields::from([ORIGIN, ("Host", "app.test:8443")])));
        assert!(!checked(Fields::from([host])));
        assert!(!checked(Fields::from([ORIGIN, ("Host", "app.test")])));
        assert!(!checked(Fields::from([ORIGIN, ("Host", "app.test:443")])));
        assert!(!checked(Fields::from([ORIGIN, host, ("X-Forwarded-Host", "app.test")])));
        assert!(checked(Fields::from([ORIGIN, host, ("X-Forwarded-Host", "api.test")])));
        assert!(!checked(Fields::from([ORIGIN, host, ("Sec-Fetch-Mode", "navigate")])));
        assert!(!checked(Fields::from([ORIGIN, host, ("Sec-Fetch-Site", "same-origin")])));
    }

    #[test]
    fn a_cookie_says_that_credentials_are_included() {
        let credentials = |fields: Fields| {
            Ask::of_request(&RequestHead::build("GET", "/", fields)).map(|ask| ask.credentials)
        };
        assert_eq!(credentials(Fields::from([ORIGIN, ("Cookie", "a=b")])), Some(Credentials::Include));
        assert_eq!(credentials(Fields::from([ORIGIN])), Some(Credentials::Unknown));
    }
}
