//! WordPress's own words: the error in the body of a refusal.
//!
//! `rest_convert_error_to_response` (`wp-includes/rest-api.php`) writes `{"code", "message", "data": {"status"}}`.
//! The code says what is wrong; the message decides only within `jwt_auth_invalid_token`. Neither is kept as it
//! came: a code must have the form of one, and a message is recognised in a table and shown as the table has it,
//! so that no plugin can smuggle a token into a log.

use std::fmt;

use crate::secret::looks_secret;

/// The error WordPress, or a plugin in it, answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPressError {
    /// The code.
    pub code: Code,
    /// The message, when it is one we know.
    pub message: Option<Message>,
}

/// An error code: 1 to 64 letters, digits, blanks and `_ - [ ]`, and nothing that looks like a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Box<str>);

impl Code {
    /// Takes a code, if it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'[' | b']' | b' ');
        let safe = (1..=64).contains(&text.len()) && text.bytes().all(plain);
        (safe && !looks_secret(text.as_bytes())).then(|| Self(text.into()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of core's codes for "you may not", whose status tells anonymous (401) from known (403):
    /// `rest_authorization_required_code` in `wp-includes/rest-api.php`.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        const EXACT: [&str; 4] =
            ["rest_forbidden", "rest_not_logged_in", "rest_user_invalid_role", "rest_comment_login_required"];
        const PREFIX: [&str; 3] = ["rest_forbidden_", "rest_cannot_", "rest_user_cannot_"];
        let code = self.as_str();
        let known = EXACT.contains(&code) || PREFIX.iter().any(|prefix| code.starts_with(prefix));
        known && !self.is_lockdown()
    }

    /// Whether it is the code of a plugin that closes the REST API to anonymous callers (Password Protected, Force
    /// Login and others): they choose their status freely.
    #[must_use]
    pub fn is_lockdown(&self) -> bool {
        ["rest_cannot_access", "rest_unauthorized", "rest_login_required", "rest_disabled"]
            .contains(&self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message of the table below. One that ends in `…` stands for every message that begins so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message(&'static str);

impl Message {
    /// php-jwt: not three parts.
    pub const WRONG_SEGMENTS: Self = Self("Wrong number of segments");
    /// php-jwt: `exp` has come.
    pub const EXPIRED: Self = Self("Expired token");

    /// Finds the pattern of a message.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = ["<strong>Error:</strong>", "Error:"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .map_or(text, str::trim_start);
        let is = |known: &&&str| {
            known.strip_suffix('…').map_or(text == **known, |beginning| text.starts_with(beginning))
        };
        KNOWN.iter().find(is).map(|known| Self(known))
    }

    /// The pattern.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The messages we know. php-jwt's are never translated; core's are, and then only the code speaks.
const KNOWN: [&str; 47] = [
    // php-jwt, by way of `jwt_auth_invalid_token`.
    "Wrong number of segments",
    "Expired token",
    "Signature verification failed",
    "Cannot handle token prior to …",
    "Syntax error, malformed JSON",
    "Malformed UTF-8 characters",
    "Unexpected control character found",
    "Maximum stack depth exceeded",
    "Invalid header encoding",
    "Invalid claims encoding",
    "Payload must be a JSON object",
    "Payload exp must be a number",
    "Payload nbf must be a number",
    "Payload iat must be a number",
    "Empty algorithm",
    "Algorithm not supported",
    "Incorrect key for this algorithm",
    "Key may not be empty",
    "Provided key is too short",
    "OpenSSL error: …",
    // The JWT plugins.
    "Authorization header not found.",
    "Authorization header malformed.",
    "The iss do not match with this server",
    "User ID not found in the token",
    "JWT is not configured properly, please contact the admin",
    "Algorithm not supported, see …",
    "Invalid token",
    "Invalid Credentials.",
    // Core.
    "You are not currently logged in.",
    "Sorry, you are not allowed to …",
    "Sorry, you must be logged in to …",
    "Cookie check failed",
    "Cookie nonce is invalid",
    "The provided password is an invalid application password.",
    "Unknown username. Check again or try your email address.",
    "Unknown email address. Check again or try your username.",
    "Application passwords are not available.",
    "No route was found matching the URL and request method.",
    "Invalid JSON body passed.",
    "Invalid parameter(s): …",
    "Missing parameter(s): …",
    // WooCommerce.
    "Consumer key is invalid.",
    "Consumer secret is invalid.",
    "Invalid signature - provided signature does not match.",
    "Invalid signature - signature method is invalid.",
    "Invalid timestamp.",
    "Invalid nonce - nonce has already been used.",
];

#[cfg(test)]
mod tests {
    use super::{Code, KNOWN, Message};

    #[test]
    fn codes_are_kept_in_a_safe_form_only() {
        assert!(Code::new("[jwt_auth] incorrect_password").is_some());
        for text in ["", "a.b.c", "<b>", "rest\nforbidden", "eyJhbGciOiJIUzI1NiJ9", &"a".repeat(65)] {
            assert_eq!(Code::new(text), None, "{text}");
        }
    }

    #[test]
    fn raw_messages_are_never_kept() {
        assert_eq!(Message::of("Expired token for s3cret"), None);
        let message = Message::of("Cannot handle token prior to 2026-11-23T15:17:59+0000");
        assert_eq!(message.unwrap().as_str(), "Cannot handle token prior to …");
    }

    #[test]
    fn every_pattern_finds_itself_first() {
        for known in KNOWN {
            assert_eq!(Message::of(known).map(Message::as_str), Some(known));
        }
    }

    #[test]
    fn permission_codes_are_cores() {
        let is = |code: &str| Code::new(code).unwrap().is_permission();
        assert!(
            ["rest_forbidden", "rest_forbidden_context", "rest_cannot_edit", "rest_not_logged_in"].map(is)
                == [true; 4]
        );
        assert!(
            ["rest_cannot_access", "rest_unauthorized", "rest_cookie_invalid_nonce", "jwt_auth_bad_iss"]
                .map(is)
                == [false; 4]
        );
    }
}
