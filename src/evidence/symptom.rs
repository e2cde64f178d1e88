//! What a reply complains of.

use super::answered::AnsweredBy;
use super::body::Body;
use super::coding;
use super::message::Message;
use super::site::Home;
use super::wordpress::WordPressError;
use crate::browser::Blocked;
use crate::message::{Name, ReplyHead, Status};
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
    /// Who really answered.
    pub answered_by: AnsweredBy,
    /// The web server, by `Server`.
    pub software: Software,
    /// Whether `Server` betrays mod_php (`php_apache_add_version` in php-src `sapi/apache2handler`).
    pub mod_php: bool,
    /// The error in the body.
    pub error: Option<WordPressError>,
    /// When the refused token becomes good (`nbf` or `iat`), by the words of [`Message::PRIOR`].
    pub not_before: Option<Moment>,
    /// Whether the body could not be decoded: its content coding is unknown, or one of several, or is not what it says.
    pub unread: bool,
    /// Whether a cache says that it answered: then the words may be about another request.
    pub from_cache: bool,
    /// The address of the site, by its own word.
    pub home: Option<Home>,
    /// Why a browser keeps the reply, as it leaves the doctor, from the page that asked.
    pub blocked: Option<Box<Blocked>>,
    /// Whether WordPress says that it knows the user: core forbids storing such replies with all five directives
    /// of `wp_get_nocache_headers`, and sends none of them to anonymous callers.
    pub knows_user: bool,
}

impl Symptom {
    /// Reads a reply: its head, the first bytes of its body (all of it, or up to a cut) and when it came.
    #[must_use]
    pub fn read(reply: &ReplyHead, prefix: &[u8], received: Moment) -> Self {
        let fields = &reply.fields;
        let decoded = coding::decode(fields, prefix);
        let unread = decoded.is_none();
        let text = decoded.as_deref().unwrap_or_default();
        let body = Body::read(text);
        let server = fields.first(Name::Server).unwrap_or_default();
        Self {
            status: reply.status,
            date: fields.only(Name::Date).and_then(Moment::from_http),
            received,
            answered_by: AnsweredBy::of(reply, text, &body, unread),
            software: Software::of(server),
            mod_php: memchr::memmem::find(server, b" PHP/").is_some(),
            error: body.error(),
            not_before: body.not_before(),
            unread,
            from_cache: is_from_cache(reply),
            home: Home::of(fields),
            blocked: None,
            knows_user: knows_user(reply),
        }
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

    /// Whether the REST server refused by permission, with this status.
    #[must_use]
    pub fn is_permission(&self, status: u16) -> bool {
        self.status.code() == status
            && self.answered_by == AnsweredBy::WordPressRest
            && self.error.as_ref().is_some_and(|error| error.code.is_permission())
    }
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

/// `Age` above zero (RFC 9111 §5.1), or an `X-Cache` that reports a hit.
fn is_from_cache(reply: &ReplyHead) -> bool {
    let aged = reply.fields.first(Name::Age).is_some_and(|age| age.iter().any(|b| (b'1'..=b'9').contains(b)));
    let hit = reply
        .fields
        .first(Name::XCache)
        .is_some_and(|cache| cache.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"hit")));
    aged || hit
}

/// Whether a reply bears the five directives of `wp_get_nocache_headers` (`wp-includes/functions.php`), which the REST
/// server sends to known users alone.
#[must_use]
pub fn knows_user(reply: &ReplyHead) -> bool {
    let directives = ["no-cache", "must-revalidate", "max-age=0", "no-store", "private"];
    let said = |directive: &str| {
        reply
            .fields
            .all(Name::CacheControl)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(directive.as_bytes()))
    };
    directives.into_iter().all(said)
}

#[cfg(test)]
mod tests {
    use super::{Software, Symptom};
    use crate::evidence::AnsweredBy;
    use crate::message::{Fields, ReplyHead, Status};
    use crate::moment::Moment;

    fn symptom(fields: Fields, body: &[u8]) -> Symptom {
        Symptom::read(&ReplyHead::build(Status::new(401).unwrap(), fields), body, Moment::from_seconds(9))
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
    fn caches_and_known_users_show_in_the_head() {
        let all =
            Fields::from([("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private")]);
        assert!(symptom(all, b"").knows_user);
        assert!(!symptom(Fields::from([("Cache-Control", "no-store")]), b"").knows_user);
        assert!(symptom(Fields::from([("Age", "12")]), b"").from_cache);
        assert!(symptom(Fields::from([("X-Cache", "HIT")]), b"").from_cache);
        assert!(!symptom(Fields::from([("Age", "0"), ("X-Cache", "MISS")]), b"").from_cache);
    }
}
