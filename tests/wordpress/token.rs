//! Tokens as the plugin makes them, and as clients spoil them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use crate::judge::{Ask, TOKEN, directly};
use crate::stand::Stand;

/// The claims of a good token for a user, as of `now` seconds.
pub(crate) fn claims(stand: &Stand, user: u64, now: u64) -> Value {
    json!({
        "iss": stand.get("ISSUER"), "iat": now - 60, "nbf": now - 60, "exp": now + 3600,
        "data": { "user": { "id": user.to_string() } },
    })
}

/// These claims with another value for one of them.
pub(crate) fn changed(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

/// These claims without one of them.
pub(crate) fn lacking(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    assert!(claims.as_object_mut().unwrap().remove(name).is_some());
    claims
}

/// A token with these claims, signed with `secret` by HS256.
pub(crate) fn sign(claims: &Value, secret: &str) -> String {
    sign_as("HS256", claims, secret)
}

/// The same, whatever algorithm its header names.
pub(crate) fn sign_as(algorithm: &str, claims: &Value, secret: &str) -> String {
    signed_by::<Hmac<Sha256>>(algorithm, claims, secret)
}

/// A token that is rightly signed by HS512.
pub(crate) fn sign_hs512(claims: &Value, secret: &str) -> String {
    signed_by::<Hmac<Sha512>>("HS512", claims, secret)
}

fn signed_by<M: Mac + KeyInit>(algorithm: &str, claims: &Value, secret: &str) -> String {
    let signed = unsigned(algorithm, claims);
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// A token's first two segments.
pub(crate) fn unsigned(algorithm: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(&json!({ "typ": "JWT", "alg": algorithm })), part(claims))
}

/// The `Authorization` with which the stand's `ADMIN` or `SUBSCRIBER` is welcome, by a token of WordPress's own.
pub(crate) fn bearer_of(who: &str) -> String {
    let (stand, name) = (Stand::up(), |what: &str| format!("{who}_{what}"));
    let login =
        json!({ "username": stand.get(&name("USER")), "password": stand.get(&name("PASSWORD")) }).to_string();
    let headers = vec![("Content-Type", "application/json".to_owned())];
    let reply = directly(&Ask { body: &login, ..Ask::new(TOKEN, headers) });
    format!("Bearer {}", reply.json()["token"].as_str().unwrap())
}

/// The `Authorization` for Basic.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tokens for a real WordPress are made by the real time")]
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
