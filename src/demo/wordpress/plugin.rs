//! The plugin "JWT Authentication for WP REST API" 1.3.4: who asks, by the token (`class-jwt-auth-public.php`).
//!
//! There are two code paths: `token/validate` reads the header as it came and says when it found none; every other route
//! reads it through `sanitize_text_field`, and without it takes the caller for anonymous.

use serde_json::{Value, json};

use super::jwt::{self, Key};
use super::{Refused, USERS, User};
use crate::moment::Moment;

/// How long a token is good, in seconds: `jwt_auth_expire`.
const LIFETIME: i64 = 7 * 86_400;

/// The plugin, as far as it needs to know the site.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    /// `get_bloginfo('url')`.
    pub(super) home: String,
    pub(super) key: Key,
}

impl Plugin {
    /// A token for a user.
    pub(super) fn issue(&self, user: User, now: Moment) -> String {
        let now = now.seconds();
        let claims = json!({
            "iss": self.home, "iat": now, "nbf": now, "exp": now + LIFETIME,
            "data": { "user": { "id": user.id.to_string() } },
        });
        jwt::encode(&claims, &self.key)
    }

    /// `determine_current_user`: nobody, somebody, or the complaint that every route will answer with.
    pub(super) fn user(&self, authorization: &str, now: Moment) -> Result<Option<User>, Refused> {
        let header = sanitized(authorization);
        if !header.starts_with("Bearer") {
            return Ok(None);
        }
        let claims = self.claims(&header, now)?;
        let id = claims.pointer("/data/user/id").map(|id| id.as_str().map_or(id.to_string(), str::to_owned));
        Ok(USERS.into_iter().find(|user| Some(user.id.to_string()) == id))
    }

    /// `token/validate`. It does not ask whether the user exists.
    pub(super) fn validate(&self, authorization: &str, now: Moment) -> Result<Value, Refused> {
        if authorization.is_empty() {
            return Err(Refused::new(403, "jwt_auth_no_auth_header", "Authorization header not found."));
        }
        self.claims(authorization, now)?;
        Ok(json!({ "code": "jwt_auth_valid_token", "data": { "status": 200 } }))
    }

    fn claims(&self, header: &str, now: Moment) -> Result<Value, Refused> {
        let Some(token) = first_word(header) else {
            return Err(Refused::new(403, "jwt_auth_bad_auth_header", "Authorization header malformed."));
        };
        let claims = jwt::decode(token, &self.key, now)
            .map_err(|complaint| Refused::new(403, "jwt_auth_invalid_token", complaint))?;
        if claims.get("iss").and_then(Value::as_str) != Some(&self.home) {
            return Err(Refused::new(403, "jwt_auth_bad_iss", "The iss do not match with this server"));
        }
        if claims.pointer("/data/user/id").is_none() {
            return Err(Refused::new(403, "jwt_auth_bad_request", "User ID not found in the token"));
        }
        Ok(claims)
    }
}

/// `sscanf($header, 'Bearer %s')`: white space in the format stands for any amount of it, none included.
fn first_word(header: &str) -> Option<&str> {
    header.strip_prefix("Bearer")?.split_ascii_whitespace().next()
}

/// `sanitize_text_field` (`wp-includes/formatting.php`): without tags and percent-escapes, white space made single.
fn sanitized(text: &str) -> String {
    let text = single_spaced(&without_tags(text));
    let escapes_removed = without_escapes(&text);
    if escapes_removed == text { text } else { single_spaced(&escapes_removed) }
}

fn single_spaced(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without `<…>`.
fn without_tags(text: &str) -> String {
    let mut pieces = text.split('<');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once('>').map_or(piece, |(_, after)| after));
    }
    out
}

/// Without `%XX`.
fn without_escapes(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_escape = piece.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        match piece.get(2..).filter(|_| is_escape) {
            Some(after) => out.push_str(after),
            None => out.extend(["%", piece]),
        }
    }
    out
}
