//! How php-jwt writes a token (`JWT::encode` in `JWT.php`); how it reads one stands in `token`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::secret::Secret;

/// What `JWT_AUTH_SECRET_KEY` holds.
pub(super) type Key = Secret<[u8; 32]>;

/// A token with these claims, signed by HS256.
pub(super) fn encode(claims: &Value, key: &Key) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "HS256" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(&signed, key).finalize().into_bytes());
    format!("{signed}.{signature}")
}

fn sign(text: &str, key: &Key) -> Hmac<Sha256> {
    // A key of 32 bytes fits HMAC's block of 64 as it is (RFC 2104 §2).
    let mut block = [0; 64];
    block.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = *from);
    Hmac::new(&block.into()).chain_update(text)
}
