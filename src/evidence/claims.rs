//! What a token states about itself.
//!
//! Of all claims only the times, the issuer and the algorithm are read (RFC 7519 §4.1, RFC 7515 §4.1.1), to compare
//! them with the date of a reply, the address of the site and what php-jwt accepts; nobody verifies or logs anything
//! here. Reading forgives what php-jwt forgives (padding, numbers as text), because the question is what WordPress
//! will make of the token.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use super::site::{Home, Issuer};
use crate::message::host_of;
use crate::moment::Moment;
use crate::secret::{Fingerprint, Key};

/// No honest token is longer: header limits are 8 to 64 KiB.
const LONGEST: usize = 64 * 1024;

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// When a token is good, by its own word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// `exp`: refused from then on; WordPress refuses in that very second.
    pub expires: Option<Moment>,
    /// `nbf`: refused before.
    pub not_before: Option<Moment>,
    /// `iat`: php-jwt refuses before that, too.
    pub issued: Option<Moment>,
}

/// What a token states about itself.
#[derive(Clone, Debug)]
pub struct Claims {
    /// When it is good.
    pub times: Times,
    /// How it is signed.
    pub algorithm: Algorithm,
    /// Who issued it.
    issuer: Issuer,
    /// How long its signature is, in characters.
    signature: usize,
    /// Whether Google took the signature away.
    is_stripped: bool,
    /// Whether it names a user where the JWT plugins do.
    has_user: bool,
}

/// What Google puts in the place of a signature that its own gate has checked.
const STRIPPED: &[u8] = b"SIGNATURE_REMOVED_BY_GOOGLE";

/// The signature algorithm a token names in its header, as php-jwt 6 sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256, the plugins' default.
    Hs256,
    /// Another one of RFC 7518 §3.1; the word is from our own list.
    Known(&'static str),
    /// `none`: not signed at all.
    None,
    /// A name that is no algorithm, or no name.
    Unknown,
}

impl Algorithm {
    /// The name, as the standard writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Known(word) => word,
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    /// How many characters of base64url its signature takes, where every one takes as many (RFC 7518 §3.2).
    const fn signature(self) -> Option<usize> {
        match self.word().as_bytes() {
            b"HS256" => Some(43),
            b"HS384" => Some(64),
            b"HS512" => Some(86),
            _ => None,
        }
    }

    fn of(name: &str) -> Self {
        const KNOWN: [&str; 12] = [
            "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384",
            "PS512", "EdDSA",
        ];
        match name {
            "HS256" => Self::Hs256,
            _ if name.eq_ignore_ascii_case("none") => Self::None,
            _ => KNOWN.into_iter().find(|known| *known == name).map_or(Self::Unknown, Self::Known),
        }
    }
}

#[derive(Deserialize)]
struct Payload {
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    iss: Option<Value>,
    data: Option<Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: Option<Value>,
}

impl Claims {
    /// Reads a token of three parts; nothing when its payload is not the JSON object it should be.
    #[must_use]
    pub fn of(token: &[u8]) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let header = parts.next()?;
        let payload: Payload = object(parts.next()?)?;
        let algorithm = object::<Header>(header).and_then(|header| header.alg);
        let signature = parts.next().unwrap_or_default();
        let moment = |claim: Option<Value>| claim.as_ref().and_then(numeric_date);
        Some(Self {
            times: Times {
                expires: moment(payload.exp),
                not_before: moment(payload.nbf),
                issued: moment(payload.iat),
            },
            algorithm: algorithm.as_ref().and_then(Value::as_str).map_or(Algorithm::Unknown, Algorithm::of),
            issuer: Issuer::of(payload.iss.as_ref().and_then(Value::as_str)),
            signature: signature.len(),
            is_stripped: signature == STRIPPED,
            has_user: payload.data.as_ref().is_some_and(names_user),
        })
    }

    /// Whether Google took the signature away when it let the request through.
    #[must_use]
    pub const fn is_stripped(&self) -> bool {
        self.is_stripped
    }

    /// Whether it names a user where the JWT plugins do, in `data.user.id`.
    #[must_use]
    pub const fn has_user(&self) -> bool {
        self.has_user
    }

    /// Whether this is the first part of a token: an object that names an algorithm.
    pub(super) fn is_header(part: &[u8]) -> bool {
        part.len() <= LONGEST && object::<Header>(part).is_some_and(|header| header.alg.is_some())
    }

    /// Whether the signature is shorter than its algorithm makes it: the end of the token is missing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.is_stripped && self.algorithm.signature().is_some_and(|whole| self.signature < whole)
    }

    /// Whether its issuer has the host of this authority.
    pub(super) fn is_of(&self, authority: &[u8]) -> bool {
        self.issuer.is_at(host_of(authority))
    }

    /// How the issuer differs from the address of the site; nothing when it does not, as far as can be told.
    #[must_use]
    pub fn foreign(&self, home: &Home) -> Option<super::site::Difference> {
        self.issuer.differs_from(home)
    }
}

/// What stands for the user that a token names, so that tokens of one user are known: `data.user.id` (Tmeister and
/// usefulteam), `id` (Simple JWT Login), `sub` (RFC 7519 §4.1.2).
#[must_use]
pub fn user(token: &[u8], key: &Key) -> Option<Fingerprint> {
    let payload = token.get(..token.len().min(LONGEST))?.split(|byte| *byte == b'.').nth(1)?;
    let payload: Value = object(payload)?;
    let user = ["/data/user/id", "/id", "/sub"].into_iter().find_map(|place| payload.pointer(place))?;
    let named = user.is_number() || user.is_string();
    named.then(|| key.fingerprint(user.as_str().map_or_else(|| user.to_string(), str::to_owned).as_bytes()))
}

/// A part that is the JSON object it should be. serde would take a list for a struct; WordPress says "Payload must be
/// a JSON object".
fn object<T: serde::de::DeserializeOwned>(part: &[u8]) -> Option<T> {
    let text = BASE64URL.decode(part).ok()?;
    let is_object = text.trim_ascii_start().first() == Some(&b'{');
    serde_json::from_slice(&text).ok().filter(|_| is_object)
}

/// `data.user.id`, of which PHP's `empty()` takes a few for none.
fn names_user(data: &Value) -> bool {
    match data.pointer("/user/id") {
        Some(Value::Number(id)) => id.as_u64() != Some(0),
        Some(Value::String(id)) => !matches!(id.as_str(), "" | "0"),
        _ => false,
    }
}

impl Times {
    /// Whether the token is good at `now`: its time has come and is not over.
    #[must_use]
    pub fn good(&self, now: Moment) -> bool {
        !self.over(now) && !self.to_come(now)
    }

    /// Whether the token's time is over at `now`. php-jwt: `$timestamp >= $payload->exp`.
    #[must_use]
    pub fn over(&self, now: Moment) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    /// Whether the token's time has not come at `now`.
    #[must_use]
    pub fn to_come(&self, now: Moment) -> bool {
        [self.not_before, self.issued].into_iter().flatten().any(|start| start > now)
    }
}

/// Seconds since the epoch, fractions allowed (RFC 7519 §2).
fn numeric_date(claim: &Value) -> Option<Moment> {
    let seconds = match claim {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is far in the past or future")]
    seconds.is_finite().then(|| Moment::from_seconds(seconds.floor() as i64))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::{any, proptest};

    use super::{Algorithm, Claims, Times};
    use crate::moment::Moment;

    fn token(payload: &str) -> Vec<u8> {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)).into_bytes()
    }

    #[test]
    fn the_three_times_are_read() {
        let payload = r#"{"iss":"x","exp":1700000000,"nbf":1699990000.5,"iat":"1699990000"}"#;
        let times = Claims::of(&token(payload)).unwrap().times;
        assert_eq!(times.expires, Some(Moment::from_seconds(1_700_000_000)));
        assert_eq!(times.not_before, Some(Moment::from_seconds(1_699_990_000)));
        assert_eq!(times.issued, Some(Moment::from_seconds(1_699_990_000)));
    }

    #[test]
    fn equality_counts_as_expired() {
        let times = Claims::of(&token(r#"{"exp":100,"iat":50}"#)).unwrap().times;
        let at = |seconds| Moment::from_seconds(seconds);
        assert_eq!([99, 100, 101].map(|now| times.over(at(now))), [false, true, true]);
        assert_eq!([49, 50].map(|now| times.to_come(at(now))), [true, false]);
    }

    #[test]
    fn what_is_no_object_has_no_times() {
        for payload in ["", "[]", "[1,2,3]", "1", "null", "{", "{\"exp\":1,\"exp\":2}"] {
            assert!(Claims::of(&token(payload)).is_none(), "{payload}");
        }
        assert!(Claims::of(&token(r#"{"exp":{},"nbf":1e999}"#)).is_none());
        assert_eq!(Claims::of(&token(r#"{"exp":null}"#)).unwrap().times, Times::default());
        assert!(Claims::of(b"undefined").is_none());
    }

    #[test]
    fn the_algorithm_is_a_word_of_our_own_list() {
        let algorithm = |header: &str| {
            let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header));
            Claims::of(token.as_bytes()).unwrap().algorithm
        };
        assert_eq!(algorithm(r#"{"alg":"HS256"}"#), Algorithm::Hs256);
        assert_eq!(algorithm(r#"{"alg":"RS256"}"#), Algorithm::Known("RS256"));
        assert_eq!(algorithm(r#"{"alg":"None"}"#), Algorithm::None);
        for header in [r#"{"alg":"hunter2"}"#, r#"{"alg":1}"#, "{}", "[]", "x"] {
            assert_eq!(algorithm(header), Algorithm::Unknown, "{header}");
        }
    }

    #[test]
    fn a_signature_that_is_too_short_was_cut() {
        let cut = |algorithm: &str, signature: usize| {
            let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"{algorithm}\"}}"));
            Claims::of(format!("{header}.e30.{}", "x".repeat(signature)).as_bytes()).unwrap().is_cut()
        };
        assert_eq!([42, 43, 44].map(|length| cut("HS256", length)), [true, false, false]);
        assert_eq!([85, 86].map(|length| cut("HS512", length)), [true, false]);
        assert!(!cut("RS256", 10));
    }

    #[test]
    fn a_user_is_named_where_the_plugins_look() {
        let has_user = |payload: &str| Claims::of(&token(payload)).unwrap().has_user();
        assert!(has_user(r#"{"data":{"user":{"id":"1"}}}"#) && has_user(r#"{"data":{"user":{"id":1}}}"#));
        for payload in ["{}", r#"{"data":{"user":{}}}"#, r#"{"data":[]}"#, r#"{"data":{"user":{"id":0}}}"#] {
            assert!(!has_user(payload), "{payload}");
        }
    }

    #[test]
    fn a_signature_that_google_took_is_not_cut() {
        let claims = Claims::of(b"eyJhbGciOiJIUzI1NiJ9.e30.SIGNATURE_REMOVED_BY_GOOGLE").unwrap();
        assert!(claims.is_stripped() && !claims.is_cut());
        assert!(!Claims::of(&token("{}")).unwrap().is_stripped());
    }

    #[test]
    fn claims_are_never_shown() {
        let claims = Claims::of(&token(r#"{"iss":"https://hunter2.example"}"#)).unwrap();
        assert!(!format!("{claims:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(token in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), exp in any::<f64>()) {
            std::hint::black_box(Claims::of(&token));
            let part = URL_SAFE_NO_PAD.encode(&payload);
            std::hint::black_box(Claims::of(format!("{part}.{part}.c").as_bytes()));
            let part = URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}"));
            std::hint::black_box(Claims::of(format!("a.{part}.c").as_bytes()));
        }
    }
}
