//! The tokens that pass at login and refresh, for their fingerprints and times alone.
//!
//! Bodies are read on token routes only, up to [`READ`] bytes, and nothing of them is kept. The shapes: `token` at the top
//! (JWT Authentication for WP REST API, and `refresh_token` beside it where a plugin has one), `data.token` (JWT Auth),
//! `data.jwt` (Simple JWT Login). JWT Auth keeps its refresh token in a cookie of that name.

use std::time::Duration;

use serde_json::Value;

use super::claims::{Claims, user};
use super::coding;
use super::query::{Plus, decoded, parameter};
use crate::message::{Fields, Name, ReplyHead};
use crate::moment::Moment;
use crate::secret::{Fingerprint, Key};

/// How much of a body is read, in bytes.
pub const READ: usize = 16 * 1024;

/// The name of JWT Auth's cookie (usefulteam, `class-auth.php`), and of the parameter that others take.
const REFRESH_TOKEN: &str = "refresh_token";

/// What a login or a refresh handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What stands for the token.
    pub token: Fingerprint,
    /// What stands for the user it names, if it names one.
    pub user: Option<Fingerprint>,
    /// What stands for the refresh token that came with it.
    pub refresh: Option<Fingerprint>,
    /// By how much the token was issued after it came here: then the clock of its machine is ahead.
    pub ahead: Option<Duration>,
}

impl Issue {
    /// Reads what a reply hands out; nothing when it hands out no token, or is larger than it ever is.
    #[must_use]
    pub fn read(reply: &ReplyHead, body: &[u8], received: Moment, key: &Key) -> Option<Self> {
        let body = json(reply, body)?;
        let word = |place| body.pointer(place).and_then(Value::as_str).filter(|word| !word.is_empty());
        let token = ["/token", "/data/token", "/data/jwt", "/jwt"].into_iter().find_map(word)?.as_bytes();
        let given = ["/refresh_token", "/data/refresh_token"].into_iter().find_map(word).map(str::as_bytes);
        let refresh = given.or_else(|| set_cookie(&reply.fields));
        let issued = Claims::of(token).and_then(|claims| claims.times.issued);
        Some(Self {
            token: key.fingerprint(token),
            user: user(token, key),
            refresh: refresh.map(|value| key.fingerprint(value)),
            ahead: issued.and_then(|issued| after(received, issued)),
        })
    }
}

/// Whether a reply says that a token is good. A page that somebody put in its place says 200, too.
#[must_use]
pub fn finds_good(reply: &ReplyHead, body: &[u8]) -> bool {
    json(reply, body).is_some_and(|body| {
        body.pointer("/code").and_then(Value::as_str) == Some("jwt_auth_valid_token")
            || body.pointer("/success").and_then(Value::as_bool) == Some(true)
    })
}

fn json(reply: &ReplyHead, body: &[u8]) -> Option<Value> {
    let text = coding::decode(&reply.fields, body)?;
    serde_json::from_slice(Some(&text).filter(|text| text.len() <= READ)?).ok()
}

/// What stands for the refresh token that a request brought: in a cookie, as JWT Auth wants it, or in a body as JSON or as a
/// form.
#[must_use]
pub fn refresh_token(fields: &Fields, body: &[u8], key: &Key) -> Option<Fingerprint> {
    let json = || {
        let body: Value = serde_json::from_slice(Some(body).filter(|body| body.len() <= READ)?).ok()?;
        body.get(REFRESH_TOKEN)?
            .as_str()
            .filter(|word| !word.is_empty())
            .map(|word| key.fingerprint(word.as_bytes()))
    };
    let form = || {
        let value = parameter(body, REFRESH_TOKEN.as_bytes()).filter(|value| !value.is_empty())?;
        Some(key.fingerprint(&decoded(value, Plus::IsSpace)))
    };
    let cookie = || refresh_cookie(fields).map(|value| key.fingerprint(value));
    json().or_else(form).or_else(cookie)
}

/// The value of JWT Auth's cookie, where a request brought one.
pub(super) fn refresh_cookie(fields: &Fields) -> Option<&[u8]> {
    let pairs = fields.all(Name::Cookie).flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.map(<[u8]>::trim_ascii).find_map(value_of)
}

fn set_cookie(fields: &Fields) -> Option<&[u8]> {
    fields
        .all(Name::SetCookie)
        .find_map(|line| value_of(line.split(|byte| *byte == b';').next()?.trim_ascii()))
}

/// The value of a pair of that name; an empty one takes the cookie away.
fn value_of(pair: &[u8]) -> Option<&[u8]> {
    pair.strip_prefix(REFRESH_TOKEN.as_bytes())?.strip_prefix(b"=").filter(|value| !value.is_empty())
}

/// By how much a token is from the future: more than the second that `iat` leaves open.
fn after(received: Moment, issued: Moment) -> Option<Duration> {
    let by = u64::try_from(issued.millis().saturating_sub(received.millis())).ok()?;
    (by > 1000).then(|| Duration::from_millis(by))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::{any, proptest};

    use super::{Duration, Issue, finds_good, refresh_token};
    use crate::message::{Fields, ReplyHead, Status};
    use crate::moment::Moment;
    use crate::secret::Key;

    fn key() -> Key {
        Key::from_bytes(&[5; 32])
    }

    fn token(payload: &str) -> String {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    fn read(fields: Fields, body: &str) -> Option<Issue> {
        let reply = ReplyHead::build(Status::OK, fields);
        Issue::read(&reply, body.as_bytes(), Moment::from_seconds(100), &key())
    }

    #[test]
    fn every_shape_hands_out_its_token() {
        let jwt = token(r#"{"iat":100,"data":{"user":{"id":7}}}"#);
        let shapes = [
            format!(r#"{{"token":"{jwt}","user_email":"a@b"}}"#),
            format!(r#"{{"success":true,"data":{{"token":"{jwt}","id":7}}}}"#),
            format!(r#"{{"success":true,"data":{{"jwt":"{jwt}"}}}}"#),
        ];
        for shape in &shapes {
            let issue = read(Fields::new(), shape).unwrap();
            assert_eq!(issue.token, key().fingerprint(jwt.as_bytes()), "{shape}");
            assert!(issue.user.is_some() && issue.refresh.is_none() && issue.ahead.is_none());
        }
        for none in ["", "[]", "{}", r#"{"token":""}"#, r#"{"token":1}"#, r#"{"data":"token"}"#] {
            assert_eq!(read(Fields::new(), none), None, "{none}");
        }
        assert_eq!(read(Fields::new(), &format!(r#"{{"token":"{}"}}"#, "x".repeat(20_000))), None);
    }

    #[test]
    fn a_token_is_good_by_the_words_of_a_plugin_alone() {
        let says = |body: &str| finds_good(&ReplyHead::build(Status::OK, Fields::new()), body.as_bytes());
        assert!(says(r#"{"code":"jwt_auth_valid_token","data":{"status":200}}"#));
        assert!(says(r#"{"success":true,"data":{}}"#));
        for page in ["", "<html>Checking your browser</html>", "{}", r#"{"success":false}"#, r#"{"code":1}"#]
        {
            assert!(!says(page), "{page}");
        }
    }

    #[test]
    fn a_refresh_token_is_one_wherever_it_stands() {
        let given = Some(key().fingerprint(b"7.abc"));
        let beside = read(Fields::new(), r#"{"token":"a","refresh_token":"7.abc"}"#);
        let cookie = read(
            Fields::from([("Set-Cookie", "refresh_token=7.abc; path=/; HttpOnly")]),
            r#"{"success":true,"data":{"token":"a"}}"#,
        );
        assert_eq!((beside.unwrap().refresh, cookie.unwrap().refresh), (given, given));
        let asked = |fields, body: &str| refresh_token(&fields, body.as_bytes(), &key());
        assert_eq!(asked(Fields::new(), r#"{"refresh_token":"7.abc"}"#), given);
        assert_eq!(asked(Fields::new(), "x=1&refresh_token=7.abc"), given);
        assert_eq!(asked(Fields::from([("Cookie", "a=b; refresh_token=7.abc")]), ""), given);
        assert_eq!(asked(Fields::from([("Cookie", "my_refresh_token=7.abc")]), "{}"), None);
    }

    #[test]
    fn a_token_from_the_future_tells_of_a_clock() {
        let ahead = |iat: i64| {
            read(Fields::new(), &format!(r#"{{"token":"{}"}}"#, token(&format!(r#"{{"iat":{iat}}}"#))))
        };
        assert_eq!(ahead(101).unwrap().ahead, None);
        assert_eq!(ahead(160).unwrap().ahead, Some(Duration::from_secs(60)));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any::<Vec<u8>>(), text in any::<String>()) {
            let reply = ReplyHead::build(Status::OK, Fields::new());
            std::hint::black_box(Issue::read(&reply, &body, Moment::default(), &key()));
            std::hint::black_box(refresh_token(&Fields::from([("Cookie", &*text)]), &body, &key()));
        }
    }
}
