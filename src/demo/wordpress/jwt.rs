//! What php-jwt 6.4 makes of a token, in its order and in its words (`JWT::decode` in `JWT.php`).
//!
//! Its base64 is lenient: what is no letter of the alphabet is passed over. So `tok,` is good and `"tok"` is not, for
//! the signature covers the text and not what it decodes to.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::moment::Moment;
use crate::secret::Secret;

/// What `JWT_AUTH_SECRET_KEY` holds.
pub(super) type Key = Secret<[u8; 32]>;

/// Why a token is refused, in php-jwt's words.
pub(super) type Complaint = Cow<'static, str>;

/// The algorithms that php-jwt 6.4 knows beside HS256.
const OTHERS: [&str; 9] = ["HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES256K", "EdDSA"];

/// A token with these claims, signed by HS256.
pub(super) fn encode(claims: &Value, key: &Key) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "HS256" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(&signed, key).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// The claims of a token.
///
/// # Errors
/// It is refused.
pub(super) fn decode(token: &str, key: &Key, now: Moment) -> Result<Value, Complaint> {
    let parts: Vec<_> = token.split('.').collect();
    let [head, payload, signature] = *parts.as_slice() else {
        return Err("Wrong number of segments".into());
    };
    let head_fields = json_of(head, "Invalid header encoding")?;
    let claims = json_of(payload, "Invalid claims encoding")?;
    if !claims.is_object() && !claims.is_array() {
        return Err("Payload must be a JSON object".into());
    }
    check_algorithm(head_fields.get("alg").and_then(Value::as_str).unwrap_or_default())?;
    let verified = sign(&format!("{head}.{payload}"), key).verify_slice(&lenient(signature));
    verified.map_err(|_| "Signature verification failed")?;
    check_times(&claims, now)?;
    Ok(claims)
}

fn check_algorithm(name: &str) -> Result<(), Complaint> {
    match name {
        "HS256" => Ok(()),
        "" => Err("Empty algorithm".into()),
        name if OTHERS.contains(&name) => Err("Incorrect key for this algorithm".into()),
        _ => Err("Algorithm not supported".into()),
    }
}

/// There is no leeway, and a token is refused in the very second in which it expires.
fn check_times(claims: &Value, now: Moment) -> Result<(), Complaint> {
    let time = |claim: &str| claims.get(claim).and_then(Value::as_i64);
    let early = ["nbf", "iat"].into_iter().filter_map(time).find(|time| *time > now.seconds());
    if let Some(time) = early {
        let date = Moment::from_seconds(time).to_string();
        let date = date.get(.."2026-11-23T15:17:59".len()).unwrap_or_default();
        return Err(format!("Cannot handle token prior to {date}+0000").into());
    }
    if time("exp").is_some_and(|time| now.seconds() >= time) {
        return Err("Expired token".into());
    }
    Ok(())
}

fn json_of(part: &str, when_null: &'static str) -> Result<Value, Complaint> {
    let text = String::from_utf8(lenient(part)).map_err(|_| "Malformed UTF-8 characters")?;
    match serde_json::from_str(&text) {
        Ok(Value::Null) => Err(when_null.into()),
        Ok(value) => Ok(value),
        Err(_) => Err("Syntax error, malformed JSON".into()),
    }
}

fn sign(text: &str, key: &Key) -> Hmac<Sha256> {
    // A key of 32 bytes fits HMAC's block of 64 as it is (RFC 2104 §2).
    let mut block = [0; 64];
    block.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into()).chain_update(text)
}

/// PHP's `base64_decode` without `$strict`, for both alphabets; a last letter without partner is dropped.
fn lenient(text: &str) -> Vec<u8> {
    let (mut out, mut bits, mut held) = (Vec::with_capacity(text.len()), 0_u32, 0);
    for value in text.bytes().filter_map(sextet) {
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    out
}

const fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
