//! The times a token states about itself.
//!
//! Of all claims only `exp`, `nbf` and `iat` (RFC 7519 §4.1.4 to §4.1.6) are read, to compare them with the date
//! of a reply; nobody verifies or logs anything here. Reading forgives what php-jwt forgives (padding, numbers as
//! text), because the question is what WordPress will make of the token.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use crate::moment::Moment;

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

#[derive(Deserialize)]
struct Claims {
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
}

impl Times {
    /// Reads the payload of a token of three parts; nothing when it is not the JSON object it should be.
    #[must_use]
    pub fn of(token: &[u8]) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let payload = token.split(|byte| *byte == b'.').nth(1)?;
        let payload = BASE64URL.decode(payload).ok()?;
        // serde would take a list for a struct; WordPress says "Payload must be a JSON object".
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        let moment = |claim: Option<Value>| claim.as_ref().and_then(numeric_date);
        Some(Self { expires: moment(claims.exp), not_before: moment(claims.nbf), issued: moment(claims.iat) })
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

    use super::Times;
    use crate::moment::Moment;

    fn token(payload: &str) -> Vec<u8> {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)).into_bytes()
    }

    #[test]
    fn the_three_times_are_read() {
        let times =
            Times::of(&token(r#"{"iss":"x","exp":1700000000,"nbf":1699990000.5,"iat":"1699990000"}"#));
        let times = times.unwrap();
        assert_eq!(times.expires, Some(Moment::from_seconds(1_700_000_000)));
        assert_eq!(times.not_before, Some(Moment::from_seconds(1_699_990_000)));
        assert_eq!(times.issued, Some(Moment::from_seconds(1_699_990_000)));
    }

    #[test]
    fn equality_counts_as_expired() {
        let times = Times::of(&token(r#"{"exp":100,"iat":50}"#)).unwrap();
        let at = |seconds| Moment::from_seconds(seconds);
        assert_eq!([99, 100, 101].map(|now| times.over(at(now))), [false, true, true]);
        assert_eq!([49, 50].map(|now| times.to_come(at(now))), [true, false]);
    }

    #[test]
    fn what_is_no_object_has_no_times() {
        for payload in ["", "[]", "[1,2,3]", "1", "null", "{", "{\"exp\":1,\"exp\":2}"] {
            assert_eq!(Times::of(&token(payload)), None, "{payload}");
        }
        assert_eq!(Times::of(&token(r#"{"exp":{},"nbf":1e999}"#)), None);
        assert_eq!(Times::of(&token(r#"{"exp":null}"#)), Some(Times::default()));
        assert_eq!(Times::of(b"undefined"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(token in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), exp in any::<f64>()) {
            std::hint::black_box(Times::of(&token));
            std::hint::black_box(Times::of(format!("a.{}.c", URL_SAFE_NO_PAD.encode(&payload)).as_bytes()));
            std::hint::black_box(Times::of(format!("a.{}.c", URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}"))).as_bytes()));
        }
    }
}
