//! Whether the reply may be answered with again, to somebody else.
//!
//! WordPress forbids it for whoever is logged in and says nothing to anonymous callers or in errors (`serve_request` in
//! `wp-includes/rest-api/class-wp-rest-server.php`), and its `Vary` never names `Authorization`: a cache in front that
//! keeps what it was not forbidden replays one caller's refusal to the next.

use super::route::{Route, RouteClass};
use crate::message::{Field, Fields, Method, Name, ReplyHead, RequestHead, Status};

/// What `Cache-Control` says to a shared cache (RFC 9111 §5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// `no-store`, or `no-cache`: not to be answered with again unasked.
    Forbidden,
    /// `private`: not for a shared cache.
    Private,
    /// `public`, or a lifetime above zero.
    Storable,
    /// Nothing of that.
    Unsaid,
}

/// What `Vary` says that the reply depends on (RFC 9110 §12.5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vary {
    /// `Authorization`.
    pub authorization: bool,
    /// `Cookie`.
    pub cookie: bool,
    /// `Origin`: core sends it to whoever sent one.
    pub origin: bool,
    /// `*`: everything.
    pub everything: bool,
}

impl Caching {
    pub(super) fn of(fields: &Fields) -> Self {
        if has(fields, "no-store") || has(fields, "no-cache") {
            return Self::Forbidden;
        }
        if has(fields, "private") {
            return Self::Private;
        }
        let lives = directives(fields).any(|(name, value)| {
            let is_lifetime = name.eq_ignore_ascii_case(b"s-maxage") || name.eq_ignore_ascii_case(b"max-age");
            is_lifetime && value.iter().any(|byte| (b'1'..=b'9').contains(byte))
        });
        if lives || has(fields, "public") { Self::Storable } else { Self::Unsaid }
    }
}

impl Vary {
    pub(super) fn of(fields: &Fields) -> Self {
        let names =
            |name: &str| words(fields, Name::Vary).any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        Self {
            authorization: names("Authorization"),
            cookie: names("Cookie"),
            origin: names("Origin"),
            everything: names("*"),
        }
    }
}

/// Whether all five directives are there that core sends to whom it knows, and to nobody else
/// (`wp_get_nocache_headers` in `wp-includes/functions.php`).
#[must_use]
pub fn is_for_a_known_user(fields: &Fields) -> bool {
    let has_no_lifetime =
        directives(fields).any(|(name, value)| name.eq_ignore_ascii_case(b"max-age") && value == b"0");
    has_no_lifetime
        && ["no-cache", "must-revalidate", "no-store", "private"].into_iter().all(|name| has(fields, name))
}

/// Whether a shared cache is told in so many words that it may answer anybody with the reply, even one to a request with
/// `Authorization` (RFC 9111 §3.5).
#[must_use]
pub fn is_for_everybody(fields: &Fields) -> bool {
    let is_shared = has(fields, "public") || has(fields, "s-maxage");
    is_shared && Caching::of(fields) == Caching::Storable
}

/// `Age` above zero (RFC 9111 §5.1), `Cache-Status` with `hit` (RFC 9211 §2.1), two numbers in Varnish's `X-Varnish`, of
/// which the second is the request that fetched what is kept, or a word of the kind that caches are set up to add. Where it is no cache that says so, no more is lost than a finding.
pub(super) fn is_from_cache(fields: &Fields) -> bool {
    let aged = fields.first(Name::Age).is_some_and(|age| age.iter().any(|b| (b'1'..=b'9').contains(b)));
    let is_mark = |field: &Field<'_>| match field.id {
        Name::XCache => true,
        Name::Other => is_cache_mark(field.name),
        _ => false,
    };
    aged || fields.iter().any(|field| (is_mark(&field) && says_hit(field.value)) || is_varnish_hit(&field))
}

fn is_varnish_hit(field: &Field<'_>) -> bool {
    let is_number = |word: &[u8]| word.iter().all(u8::is_ascii_digit);
    let words = || field.value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    field.name.len() == 9
        && field.name.eq_ignore_ascii_case(b"X-Varnish")
        && words().count() == 2
        && words().all(is_number)
}

/// Whether a reply to a request with a credential came from a cache and was not meant for everybody: one for a user whom
/// WordPress knew, or of the route that tells who asks. Of a reply that no cache marks as its own this looks at no more than
/// the lengths of names that the product does not know.
#[must_use]
pub fn is_replayed(request: &RequestHead, reply: &ReplyHead) -> bool {
    let is_read = matches!(request.method, Method::Get | Method::Head) && reply.status == Status::OK;
    if !is_read || !is_from_cache(&reply.fields) {
        return false;
    }
    match Route::of(request).class {
        RouteClass::UsersMe => true,
        RouteClass::Public | RouteClass::NotRest => false,
        _ => is_for_a_known_user(&reply.fields),
    }
}

fn is_cache_mark(name: &[u8]) -> bool {
    // A healthy reply to a credential is looked through: the length alone settles most names.
    let known: &[&str] = match name.len() {
        12 => &["Cache-Status"],
        13 => &["X-Proxy-Cache"],
        14 => &["X-Cache-Status"],
        15 => &["X-FastCGI-Cache", "CF-Cache-Status"],
        17 => &["X-LiteSpeed-Cache"],
        _ => return false,
    };
    known.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// `HIT`, `Hit from cloudfront`, `MISS, HIT` of two caches in a row, `edge; hit; ttl=30`; and what nginx calls older replies
/// in `$upstream_cache_status`.
fn says_hit(value: &[u8]) -> bool {
    const OLD: [&str; 5] = ["hit", "refreshhit", "stale", "updating", "revalidated"];
    let is_old = |word: &[u8]| OLD.iter().any(|old| word.eq_ignore_ascii_case(old.as_bytes()));
    value.split(|byte| matches!(byte, b' ' | b',' | b';')).any(is_old)
}

fn has(fields: &Fields, directive: &str) -> bool {
    directives(fields).any(|(name, _)| name.eq_ignore_ascii_case(directive.as_bytes()))
}

/// The directives of `Cache-Control` with their values, quotes removed.
fn directives(fields: &Fields) -> impl Iterator<Item = (&[u8], &[u8])> {
    words(fields, Name::CacheControl).map(|word| {
        let mark = memchr::memchr(b'=', word).unwrap_or(word.len());
        let value = word.get(mark + 1..).unwrap_or_default();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        (word.get(..mark).unwrap_or_default(), value)
    })
}

fn words(fields: &Fields, name: Name) -> impl Iterator<Item = &[u8]> {
    fields.all(name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Caching, Vary, is_for_a_known_user, is_from_cache};
    use crate::message::Fields;

    fn control(value: &str) -> Fields {
        Fields::from([("Cache-Control", value)])
    }

    #[test]
    fn directives_say_who_may_keep_it() {
        let table = [
            ("", Caching::Unsaid),
            ("max-age=0", Caching::Unsaid),
            ("must-revalidate", Caching::Unsaid),
            ("no-cache, must-revalidate, max-age=0, no-store, private", Caching::Forbidden),
            ("public, NO-STORE", Caching::Forbidden),
            ("no-cache", Caching::Forbidden),
            ("private, max-age=60", Caching::Private),
            ("max-age=600", Caching::Storable),
            ("max-age=0, s-maxage=\"10\"", Caching::Storable),
            ("public", Caching::Storable),
            ("not-public", Caching::Unsaid),
        ];
        for (value, expected) in table {
            assert_eq!(Caching::of(&control(value)), expected, "{value}");
        }
        let two = Fields::from([("Cache-Control", "max-age=9"), ("Cache-Control", "private")]);
        assert_eq!(Caching::of(&two), Caching::Private);
    }

    #[test]
    fn vary_is_read_over_lines() {
        let vary = Vary::of(&Fields::from([("Vary", "Accept-Encoding, origin"), ("Vary", "Authorization")]));
        assert!(vary.origin && vary.authorization && !vary.cookie && !vary.everything);
        assert_eq!(Vary::of(&Fields::new()), Vary::default());
        assert!(Vary::of(&Fields::from([("Vary", "*")])).everything);
    }

    #[test]
    fn cores_five_directives_show_a_known_user() {
        assert!(is_for_a_known_user(&control("no-cache, must-revalidate, max-age=0, no-store, private")));
        for value in ["no-store", "no-cache, must-revalidate, max-age=60, no-store, private", ""] {
            assert!(!is_for_a_known_user(&control(value)), "{value}");
        }
    }

    #[test]
    fn a_cache_tells_of_itself() {
        let table = [
            (("Age", "12"), true),
            (("Age", "0"), false),
            (("X-Cache", "HIT"), true),
            (("X-Cache", "Hit from cloudfront"), true),
            (("X-Cache", "MISS"), false),
            (("X-Cache", "Miss from cloudfront"), false),
            (("X-Cache", "MISS, HIT"), true),
            (("CF-Cache-Status", "DYNAMIC"), false),
            (("cf-cache-status", "HIT"), true),
            (("X-FastCGI-Cache", "BYPASS"), false),
            (("Cache-Status", "edge; fwd=miss; stored"), false),
            (("Cache-Status", "edge; hit"), true),
            (("X-Hits", "HIT"), false),
            (("X-Varnish", "71 69"), true),
            (("x-varnish", "71"), false),
            (("X-Varnish", "71 pass"), false),
        ];
        for (field, expected) in table {
            assert_eq!(is_from_cache(&Fields::from([field])), expected, "{field:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in any::<Vec<u8>>()) {
            let mut fields = Fields::new();
            fields.append(b"Cache-Control", &value);
            fields.append(b"Vary", &value);
            fields.append(b"Age", &value);
            std::hint::black_box((Caching::of(&fields), Vary::of(&fields), is_from_cache(&fields)));
        }
    }
}
