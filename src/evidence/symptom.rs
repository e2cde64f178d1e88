//! What a reply complains of.

use std::time::Duration;

use super::answered::{AnsweredBy, Asked, has_api_link, is_before_cors, is_rest};
use super::body::Body;
use super::caching::{self, Caching, Vary};
use super::coding;
use super::login_page::LoginPage;
use super::message::Message;
use super::page::{self, Page, TooLarge};
use super::php::Trouble;
use super::plugin::Plugin;
use super::product::Product;
use super::site::Home;
use super::wordpress::WordPressError;
use crate::browser::Blocked;
use crate::message::{Fields, Method, Name, ReplyHead, RequestHead, Status};
use crate::moment::Moment;

/// The complaint of a reply, and what it betrays about who stands behind it.
#[derive(Clone, Debug)]
pub struct Symptom {
    /// The status.
    pub status: Status,
    /// `Date`: the clock of the machine that answered.
    pub date: Option<Moment>,
    /// When the reply came, by our own clock.
    pub received: Moment,
    /// How far that clock is from ours; nothing when a cache answered, whose `Date` is of another time.
    pub offset: Option<Offset>,
    /// Who really answered.
    pub answered_by: AnsweredBy,
    /// The plugin that the error betrays, also where it answers by way of the REST server.
    pub plugin: Option<Plugin>,
    /// The web server whose own error page it is.
    pub page: Option<Page>,
    /// The web server, by `Server`.
    pub software: Software,
    /// Whether `Server` betrays mod_php (`php_apache_add_version` in php-src `sapi/apache2handler`).
    pub mod_php: bool,
    /// The error in the body.
    pub error: Option<WordPressError>,
    /// When the refused token becomes good (`nbf` or `iat`), by the words of [`Message::PRIOR`].
    pub not_before: Option<Moment>,
    /// The product that the reply came through, or from, as far as it betrays itself.
    pub product: Product,
    /// Whose login it leads to.
    pub login: Option<LoginPage>,
    /// Whether it has the fields that the REST server sends whoever asks: its `Link` and `Access-Control-Allow-Headers`
    /// (`serve_request` in `class-wp-rest-server.php`).
    pub has_rest_fields: bool,
    /// Whether the body could not be decoded: its content coding is unknown, or one of several, or is not what it says.
    pub unread: bool,
    /// Whether a REST route was answered in HTML.
    pub html_for_rest: bool,
    /// Whether a plugin printed its error and left before WordPress sent its CORS headers: a browser then reports a
    /// CORS error in its place.
    pub before_cors: bool,
    /// Who says that the head of the request is too large.
    pub too_large: Option<TooLarge>,
    /// Whether a cache says that it answered: then the words may be about another request.
    pub from_cache: bool,
    /// Whether a cache may keep this reply.
    pub caching: Caching,
    /// What a cache must tell replies apart by.
    pub vary: Vary,
    /// Who redirects, by `X-Redirect-By` (`wp_redirect` in `wp-includes/pluggable.php`); nothing else sends it.
    pub redirected_by: Option<RedirectedBy>,
    /// What is wrong with PHP, where it was asked directly.
    pub php: Option<Trouble>,
    /// Whether it sets a cookie.
    pub sets_cookie: bool,
    /// Where it leads, when it is a redirect that can be read.
    pub led: Option<Led>,
    /// The address of the site, by its own word.
    pub home: Option<Home>,
    /// Whether the site names its REST root as `?rest_route=/`: its permalinks are plain.
    pub plain_root: bool,
    /// Whether it is a redirect by WordPress to the same path with a slash behind it: the URL was none of the REST API to it.
    pub adds_slash: bool,
    /// Why a browser keeps the reply, as it leaves the doctor, from the page that asked.
    pub blocked: Option<Box<Blocked>>,
    /// Whether WordPress says that it knows the user: core forbids storing such replies with all five directives
    /// of `wp_get_nocache_headers`, and sends none of them to anonymous callers.
    pub knows_user: bool,
}

impl Symptom {
    /// Reads the reply to a request: its head, the first bytes of its body (all of it, or up to a cut) and when it
    /// came. Of the request only the route, the method and whether there is an `Origin` are asked for.
    #[must_use]
    pub fn read(request: &RequestHead, reply: &ReplyHead, prefix: &[u8], received: Moment) -> Self {
        let fields = &reply.fields;
        let decoded = coding::decode(fields, prefix);
        let unread = decoded.is_none();
        let text = decoded.as_deref().unwrap_or_default();
        let body = &Body::read(text);
        let page = Page::of(reply, text);
        let server = fields.first(Name::Server).unwrap_or_default();
        let date = fields.only(Name::Date).and_then(Moment::from_http);
        let from_cache = caching::is_from_cache(fields);
        let has_body = !matches!(request.method, Method::Get | Method::Head | Method::Options);
        Self {
            status: reply.status,
            date,
            received,
            offset: date.filter(|_| !from_cache).map(|date| Offset::between(date, received)),
            answered_by: AnsweredBy::of(&Asked { request, reply, text, body, unread, page }),
            plugin: Plugin::of(body, reply.status.code()),
            page,
            software: Software::of(server),
            mod_php: memchr::memmem::find(server, b" PHP/").is_some(),
            error: body.error(),
            not_before: body.not_before(),
            product: Product::of_reply(fields),
            login: LoginPage::of(reply),
            has_rest_fields: has_api_link(reply) && fields.has(Name::AccessControlAllowHeaders),
            unread,
            html_for_rest: is_rest(request) && page::is_html(reply, text),
            before_cors: is_before_cors(request, reply, body),
            too_large: TooLarge::of(reply, page, text, has_body),
            from_cache,
            caching: Caching::of(fields),
            vary: Vary::of(fields),
            redirected_by: RedirectedBy::of(reply),
            home: Home::of(fields),
            plain_root: has_plain_root(fields),
            adds_slash: adds_slash(request, reply),
            php: None,
            sets_cookie: fields.has(Name::SetCookie),
            led: None,
            blocked: None,
            knows_user: caching::is_for_a_known_user(fields),
        }
    }

    /// Counts `Server` as not said: where another doctor stands behind, what lies between may have put its own name there, as
    /// nginx does, and the name would be taken for that of the web server behind both.
    pub const fn forget_server(&mut self) {
        self.software = Software::Unknown;
        self.mod_php = false;
        self.product = Product::Unknown;
    }

    /// The time at the site: by the reply's own date, else by our clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.date.unwrap_or(self.received)
    }

    /// Whether WordPress's REST server, or something in its shape, refused with this code.
    #[must_use]
    pub fn refused_with(&self, code: &str) -> bool {
        let by_rest = matches!(self.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
        by_rest && self.is_refusal() && !self.from_cache && self.code() == code
    }

    /// The message of the error, when it is one we know.
    #[must_use]
    pub fn message(&self) -> Option<Message> {
        self.error.as_ref().and_then(|error| error.message)
    }

    /// The error code; empty when there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.error.as_ref().map(|error| error.code.as_str()).unwrap_or_default()
    }

    /// Whether the status refuses: 401 or 403.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self.status.code(), 401 | 403)
    }

    /// Whether the REST server refused by permission, with this status. 401 is said to nobody: a plugin that says it to a user whom
    /// WordPress knows means something else.
    #[must_use]
    pub fn is_permission(&self, status: u16) -> bool {
        self.status.code() == status
            && !(status == 401 && self.knows_user)
            && self.answered_by == AnsweredBy::WordPressRest
            && self.error.as_ref().is_some_and(|error| error.code.is_permission())
    }
}

/// Whether a redirect by WordPress tells that it asked no REST route, whatever the URL says: to its installer, to the form for new
/// sites, or to the same path with a slash. Of any other reply no more than the status is looked at.
#[must_use]
pub fn is_led_past_rest(request: &RequestHead, reply: &ReplyHead) -> bool {
    page::is_installer(reply) || page::is_signup(reply) || adds_slash(request, reply)
}

/// `redirect_canonical` (`wp-includes/canonical.php`) adds the slash, and never touches what WordPress takes for a REST URL.
fn adds_slash(request: &RequestHead, reply: &ReplyHead) -> bool {
    let is_own = reply.status.code() == 301 && RedirectedBy::of(reply) == Some(RedirectedBy::WordPress);
    let Some(to) = reply.fields.only(Name::Location).filter(|_| is_own) else { return false };
    let to = to.split(|byte| *byte == b'?').next().unwrap_or_default();
    to.strip_suffix(b"/").is_some_and(|to| to.ends_with(request.path()) && !request.path().ends_with(b"/"))
}

/// `get_rest_url` names the root by a parameter where there are no rewrite rules (`wp-includes/rest-api.php`).
fn has_plain_root(fields: &Fields) -> bool {
    let names = |link: &[u8], what: &str| memchr::memmem::find(link, what.as_bytes()).is_some();
    fields.all(Name::Link).any(|link| names(link, "https://api.w.org/") && names(link, "rest_route=/>"))
}

/// The software of a web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// nginx, or OpenResty which is built on it.
    Nginx,
    /// Apache httpd.
    Apache,
    /// LiteSpeed, the free edition or not.
    LiteSpeed,
    /// Caddy.
    Caddy,
    /// Another one, or none that says so. HAProxy says nothing.
    Unknown,
}

impl Software {
    fn of(server: &[u8]) -> Self {
        let known = [
            ("nginx", Self::Nginx),
            ("openresty", Self::Nginx),
            ("Apache", Self::Apache),
            ("LiteSpeed", Self::LiteSpeed),
            ("Caddy", Self::Caddy),
        ];
        let is =
            |name: &str| server.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name.as_bytes()));
        known.into_iter().find(|(name, _)| is(name)).map_or(Self::Unknown, |(_, software)| software)
    }

    /// Its name in a verdict.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "Apache",
            Self::LiteSpeed => "LiteSpeed",
            Self::Caddy => "Caddy",
            Self::Unknown => "web server",
        }
    }
}

/// How far the clock behind a reply is from ours.
///
/// `Date` counts whole seconds and is written before the reply travels, so the clock is ahead by `seconds`, or by up to
/// [`Offset::WITHIN`] and the time of the exchange more; it cannot be ahead by less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// `Date` less our own time, in whole seconds, rounded down; negative when their clock is behind.
    pub seconds: i64,
}

impl Offset {
    /// What the resolution of `Date` and the rounding leave open, in seconds.
    pub const WITHIN: i64 = 2;

    /// Their clock less ours.
    #[must_use]
    pub const fn between(date: Moment, received: Moment) -> Self {
        Self { seconds: date.millis().saturating_sub(received.millis()).div_euclid(1000) }
    }

    /// The seconds by which their clock is certainly ahead of ours.
    #[must_use]
    pub const fn ahead(self) -> i64 {
        if self.seconds > 0 { self.seconds } else { 0 }
    }

    /// The seconds by which their clock is certainly behind ours, when the exchange took no longer than `took`.
    #[must_use]
    pub fn behind(self, took: Duration) -> i64 {
        let took = i64::try_from(took.as_secs()).unwrap_or(i64::MAX);
        self.seconds.saturating_neg().saturating_sub(Self::WITHIN).saturating_sub(took).max(0)
    }
}

/// Where a redirect leads, seen from the URL that was asked for. Of the new URL nothing else is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Led {
    /// Whether it leaves the origin: another scheme, host or port. Then most clients go on without `Authorization`.
    pub away: bool,
    /// To the very URL that was asked for, only by `https`: for ever, when the site does not see that TLS is there.
    pub only_to_tls: bool,
    /// To the very URL that was asked for, at the same origin.
    pub back: bool,
    /// Whether it is to `https`.
    pub to_https: bool,
    /// What is another one there, in words: `scheme`, `host`, `port`, or several of them.
    pub changes: &'static str,
    /// To the same path, if perhaps for the slash at its end: what was asked for is served there.
    pub same_path: bool,
    /// Whether the doctor rewrote it, so that the client stays where it is.
    pub rewritten: bool,
}

/// Who redirects, by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectedBy {
    /// WordPress itself.
    WordPress,
    /// A plugin, through WordPress.
    Plugin,
}

impl RedirectedBy {
    fn of(reply: &ReplyHead) -> Option<Self> {
        let is = |name: &[u8]| name.eq_ignore_ascii_case(b"X-Redirect-By");
        let field = reply.fields.iter().find(|field| is(field.name))?;
        Some(if field.value == b"WordPress" { Self::WordPress } else { Self::Plugin })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::{any, prop, proptest};

    use super::{Offset, RedirectedBy, Software, Symptom};
    use crate::evidence::{AnsweredBy, Message, Page, TooLarge};
    use crate::message::{Fields, ReplyHead, RequestHead, Status};
    use crate::moment::Moment;

    fn symptom(fields: Fields, body: &[u8]) -> Symptom {
        let request = RequestHead::build("GET", "/wp-json/wp/v2/users/me", Fields::new());
        let reply = ReplyHead::build(Status::new(401).unwrap(), fields);
        Symptom::read(&request, &reply, body, Moment::from_seconds(9))
    }

    #[test]
    fn software_is_read_from_server() {
        let software = |server: &str| {
            let symptom = symptom(Fields::from([("Server", server)]), b"");
            (symptom.software, symptom.mod_php)
        };
        assert_eq!(software("nginx/1.22.1"), (Software::Nginx, false));
        assert_eq!(software("Apache/2.4.71 (Debian) PHP/8.2.36"), (Software::Apache, true));
        assert_eq!(software("Apache"), (Software::Apache, false));
        assert_eq!(software("LiteSpeed"), (Software::LiteSpeed, false));
        assert_eq!(software("awselb/2.0"), (Software::Unknown, false));
    }

    #[test]
    fn a_body_that_cannot_be_decoded_is_unread() {
        let fields = Fields::from([
            ("Content-Encoding", "gzip"),
            ("Content-Type", "application/json; charset=UTF-8"),
            ("Link", "<https://a/wp-json/>; rel=\"https://api.w.org/\""),
        ]);
        let symptom = symptom(fields, br#"{"code":"rest_forbidden","message":"x","data":{}}"#);
        assert!(symptom.unread && symptom.error.is_none());
        assert_eq!(symptom.answered_by, AnsweredBy::WordPressRest);
    }

    #[test]
    fn the_time_is_the_sites_or_else_ours() {
        assert_eq!(symptom(Fields::new(), b"").now(), Moment::from_seconds(9));
        let dated = symptom(Fields::from([("Date", "Sun, 06 Nov 1994 08:49:37 GMT")]), b"");
        assert_eq!(dated.now(), Moment::from_seconds(784_111_777));
    }

    #[test]
    fn a_reply_from_a_cache_tells_no_clock() {
        let date = ("Date", "Thu, 01 Jan 1970 00:00:07 GMT");
        assert_eq!(symptom(Fields::from([date]), b"").offset, Some(Offset { seconds: -2 }));
        assert_eq!(symptom(Fields::from([date, ("Age", "3")]), b"").offset, None);
        assert_eq!(symptom(Fields::new(), b"").offset, None);
    }

    #[test]
    fn an_offset_is_certain_beyond_what_it_leaves_open() {
        let between = |date: i64, received: i64| {
            Offset::between(Moment::from_seconds(date), Moment::from_millis(received))
        };
        let no_time = Duration::ZERO;
        assert_eq!(between(100, 100_300), Offset { seconds: -1 });
        assert_eq!((between(100, 100_300).ahead(), between(100, 100_300).behind(no_time)), (0, 0));
        assert_eq!(between(130, 100_300).ahead(), 29);
        assert_eq!(between(70, 100_300).behind(no_time), 29);
        assert_eq!(between(70, 100_300).behind(Duration::from_secs(10)), 19);
        assert_eq!(between(70, 100_300).behind(Duration::MAX), 0);
    }

    #[test]
    fn a_coded_body_is_read() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(br#"{"code":"jwt_auth_invalid_token","message":"Cannot handle token prior to 2026-11-23T15:17:59+0000","data":{"status":403}}"#).unwrap();
        let symptom = symptom(Fields::from([("Content-Encoding", "gzip")]), &gzip.finish().unwrap());
        assert!(!symptom.unread);
        assert_eq!(symptom.message(), Some(Message::PRIOR));
        assert_eq!(symptom.not_before, Some(Moment::from_seconds(1_795_447_079)));
    }

    #[test]
    fn what_else_a_reply_betrays_is_kept() {
        let page = symptom(Fields::new(), b"<hr><center>nginx</center>");
        assert_eq!((page.page, page.html_for_rest, page.too_large), (Some(Page::Nginx), true, None));
        let by = |name: &str| symptom(Fields::from([("X-Redirect-By", name)]), b"").redirected_by;
        assert_eq!(
            (by("WordPress"), by("Polylang")),
            (Some(RedirectedBy::WordPress), Some(RedirectedBy::Plugin))
        );
        let request = RequestHead::build("GET", "/", Fields::new());
        let reply = ReplyHead::build(Status::new(431).unwrap(), Fields::new());
        let large = Symptom::read(&request, &reply, b"", Moment::default());
        assert_eq!(large.too_large, Some(TooLarge::Status));
    }

    proptest! {
        #[test]
        fn no_reply_panics(status in 100u16..1000, body in any::<Vec<u8>>(), value in any::<Vec<u8>>(), name in prop::sample::select(vec![
            "Date", "Server", "Content-Type", "Content-Encoding", "Retry-After", "WWW-Authenticate", "Link", "Location", "X-Redirect-By",
        ])) {
            let mut fields = Fields::new();
            fields.append(name.as_bytes(), &value);
            let request = RequestHead::build("POST", "/wp-json/", Fields::new());
            let reply = ReplyHead::build(Status::new(status).unwrap(), fields);
            std::hint::black_box(Symptom::read(&request, &reply, &body, Moment::default()));
        }
    }
}
