//! Tokens as the plugin makes them, and as clients spoil them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::stand::Stand;

/// The claims of a good token for a user, as of `now` seconds.
pub(crate) fn claims(stand: &Stand, user: u64, now: u64) -> Value {
    json!({
        "iss": stand.get("ISSUER"), "iat": now - 60, "nbf": now - 60, "exp": now + 3600,
        "data": { "user": { "id": user.to_string() } },
    })
}

/// A token with these claims, signed with `secret` by HS256.
pub(crate) fn sign(claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "HS256" })), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tokens for a real WordPress are made by the real time")]
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
