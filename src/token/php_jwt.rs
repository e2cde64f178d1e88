//! What php-jwt 6.4 makes of a token, in its order and in its words (`JWT::decode` in `JWT.php`): the version that
//! JWT Authentication for WP REST API 1.3.4 carries.
//!
//! Its base64 is lenient: what is no letter of the alphabet is passed over. So `tok,` is good and `"tok"` is not, for
//! the signature covers the text and not what it decodes to.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Sha256, Sha384, Sha512};

use super::php;
use super::plugin::{Check, Course, Refused};
use crate::moment::Moment;

/// The algorithm that the plugins use unless a filter says another (`jwt_auth_algorithm`).
pub(super) const ALGORITHM: &str = "HS256";

/// The algorithms that php-jwt 6.4 knows (`JWT::$supported_algs`).
const SUPPORTED: [&str; 10] =
    ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES256K", "EdDSA"];

/// A token taken apart.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    pub(super) header: Value,
    pub(super) claims: Value,
    /// What the signature covers.
    pub(super) signed: &'t str,
    pub(super) signature: Vec<u8>,
}

impl<'t> Parts<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It has other than three parts, or they are not what they should be: which check says so, and in which words.
    pub(super) fn of(token: &'t str) -> Result<Self, (Check, &'static str)> {
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, signature] = *parts.as_slice() else {
            return Err((Check::Segments, "Wrong number of segments"));
        };
        let signed = token.get(..header.len() + 1 + claims.len()).unwrap_or_default();
        let of = |part, when_null| json(part, when_null).map_err(|words| (Check::Encoding, words));
        let (header, claims) =
            (of(header, "Invalid header encoding")?, of(claims, "Invalid claims encoding")?);
        if !claims.is_object() && !claims.is_array() {
            return Err((Check::Encoding, "Payload must be a JSON object"));
        }
        Ok(Self { header, claims, signed, signature: php::base64_decode(signature) })
    }

    /// The name of the algorithm; nothing where none that can be read is given.
    pub(super) fn algorithm(&self) -> Option<&str> {
        self.header.get("alg").and_then(Value::as_str)
    }

    /// Whether it is signed with this secret; nothing where that needs a public key.
    pub(super) fn is_signed_with(&self, secret: &[u8]) -> Option<bool> {
        let Self { signed, signature, .. } = self;
        match self.algorithm()? {
            "HS256" => Some(is_hmac::<Hmac<Sha256>>(secret, signed, signature)),
            "HS384" => Some(is_hmac::<Hmac<Sha384>>(secret, signed, signature)),
            "HS512" => Some(is_hmac::<Hmac<Sha512>>(secret, signed, signature)),
            _ => None,
        }
    }

    /// Whether any secret could fit: a signer writes nothing but base64url, and HMAC with SHA-256 gives 32 bytes.
    fn could_be_signed(&self) -> bool {
        let is_letter = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+' | b'/')
        };
        let is_whole = self.algorithm() != Some(ALGORITHM) || self.signature.len() == 32;
        is_whole && self.signed.bytes().all(is_letter)
    }

    /// Goes through the checks behind the parts.
    pub(super) fn judge(&self, course: &mut Course, secret: Option<&[u8]>, now: Moment) {
        let alg = self.header.get("alg");
        let name = self.algorithm().unwrap_or_default();
        let complaint = match name {
            ALGORITHM => None,
            _ if php::is_empty(alg) => Some("Empty algorithm"),
            _ if SUPPORTED.contains(&name) => Some("Incorrect key for this algorithm"),
            _ => Some("Algorithm not supported"),
        };
        course.take(Check::Algorithm, complaint.map(invalid));
        let fits = match secret {
            _ if !self.could_be_signed() => Some(false),
            None => None,
            Some(secret) => self.is_signed_with(secret),
        };
        let differs = || invalid("Signature verification failed");
        course.may_take(Check::Signature, fits.map(|fits| (!fits).then(differs)));
        let time = |name| self.claims.get(name).and_then(php::seconds);
        let early = ["nbf", "iat"].into_iter().filter_map(time).find(|time| *time > now.seconds());
        course.take(Check::Begin, early.map(prior_to));
        let over = time("exp").is_some_and(|time| now.seconds() >= time);
        course.take(Check::Expiry, over.then(|| invalid("Expired token")));
    }
}

fn is_hmac<M: Mac + KeyInit>(secret: &[u8], signed: &str, signature: &[u8]) -> bool {
    M::new_from_slice(secret).is_ok_and(|mac| mac.chain_update(signed).verify_slice(signature).is_ok())
}

/// In the form of `DateTime::ISO8601`.
fn prior_to(time: i64) -> Refused {
    let date = Moment::from_seconds(time).to_string();
    let date = date.get(.."2026-11-23T15:17:59".len()).unwrap_or_default();
    Refused::new(403, "jwt_auth_invalid_token", format!("Cannot handle token prior to {date}+0000"))
}

/// A refusal in php-jwt's words, as the plugin passes it on.
pub(super) fn invalid(words: &'static str) -> Refused {
    Refused::new(403, "jwt_auth_invalid_token", words)
}

fn json(part: &str, when_null: &'static str) -> Result<Value, &'static str> {
    let text = String::from_utf8(php::base64_decode(part)).map_err(|_| "Malformed UTF-8 characters")?;
    match serde_json::from_str(&text) {
        Ok(Value::Null) => Err(when_null),
        Ok(value) => Ok(value),
        Err(_) => Err("Syntax error, malformed JSON"),
    }
}
