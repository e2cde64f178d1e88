//! WordPress's own words: the error in the body of a refusal.
//!
//! `rest_convert_error_to_response` (`wp-includes/rest-api.php`) writes `{"code", "message", "data": {"status"}}`.
//! The code says what is wrong; the message decides only within `jwt_auth_invalid_token`. Neither is kept as it
//! came: a code must have the form of one, and a message is recognised in a table and shown as the table has it,
//! so that no plugin can smuggle a token into a log.
//!
//! Of a body that was cut off, what came before the cut still counts: code and message stand first.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

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

/// What of an error body could be read: the raw words, to be judged and dropped.
#[derive(Default)]
pub(super) struct Body {
    code: Option<String>,
    message: Option<String>,
    error: Option<String>,
    has_data: bool,
    has_error_number: bool,
    is_failure: bool,
    is_complete: bool,
}

impl Body {
    /// Reads the beginning of a body. White space, a byte order mark or a PHP warning in front, as careless
    /// plugins print, is passed over.
    pub(super) fn read(prefix: &[u8]) -> Self {
        const USUAL: &[u8] = br#"{"code":"#;
        let trimmed = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix).trim_ascii_start();
        let start = match trimmed.first() {
            Some(b'{') => 0,
            _ => memchr::memmem::find(trimmed, USUAL).unwrap_or(trimmed.len()),
        };
        let mut body = Self::default();
        let mut json = serde_json::Deserializer::from_slice(trimmed.get(start..).unwrap_or_default());
        body.is_complete = json.deserialize_map(Reader(&mut body)).is_ok();
        body
    }

    /// Whether it has the shape of an error of the REST server.
    pub(super) const fn is_rest_error(&self) -> bool {
        self.code.is_some() && self.message.is_some() && (self.has_data || !self.is_complete)
    }

    /// `{success: false, data: {message, error_code}}`.
    pub(super) const fn is_simple_jwt_login(&self) -> bool {
        self.is_failure && self.has_error_number && self.code.is_none()
    }

    /// `{status: "error", error, code: "401", error_description}`.
    pub(super) const fn is_mini_orange(&self) -> bool {
        self.is_failure && self.error.is_some() && self.code.is_some()
    }

    /// The code as it came.
    pub(super) fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }

    /// The error as it may be kept.
    pub(super) fn error(&self) -> Option<WordPressError> {
        let code = if self.is_mini_orange() { self.error.as_deref() } else { self.code.as_deref() };
        let code = Code::new(code?)?;
        Some(WordPressError { code, message: self.message.as_deref().and_then(Message::of) })
    }
}

/// Fills a [`Body`] key by key, so that a cut leaves what came before it.
struct Reader<'b>(&'b mut Body);

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let body = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "code" => body.code = text(map.next_value()?),
                "message" => body.message = text(map.next_value()?),
                "error" => body.error = text(map.next_value()?),
                "success" => body.is_failure |= map.next_value::<Value>()? == false,
                "status" => body.is_failure |= map.next_value::<Value>()? == "error",
                "data" => {
                    body.has_data = true;
                    body.has_error_number = map.next_value::<Value>()?.get("error_code").is_some();
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Body, Code, KNOWN, Message};

    #[test]
    fn an_error_is_read() {
        let body = Body::read(
            br#"{"code":"jwt_auth_invalid_token","message":"Expired token","data":{"status":403}}"#,
        );
        let error = body.error().unwrap();
        assert!(body.is_rest_error());
        assert_eq!((error.code.as_str(), error.message), ("jwt_auth_invalid_token", Some(Message::EXPIRED)));
    }

    #[test]
    fn what_comes_before_a_cut_or_after_a_warning_counts() {
        let table: [&[u8]; 4] = [
            br#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that.","data":{"sta"#,
            b"\xef\xbb\xbf{\"code\":\"rest_forbidden\",\"message\":\"Sorry, you are not allowed to do that.\",\"data\":null}",
            b"<br />\n<b>Warning</b>: x in <b>/y.php</b>{\"code\":\"rest_forbidden\",\"message\":\"Sorry, you are not allowed to edit.\",\"data\":[]}",
            br#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that.","data":{},"more":[{"#,
        ];
        for body in table {
            let body = Body::read(body);
            assert!(body.is_rest_error());
            let error = body.error().unwrap();
            assert_eq!(error.message.unwrap().as_str(), "Sorry, you are not allowed to …");
        }
    }

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

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            std::hint::black_box(Body::read(&bytes).error());
            std::hint::black_box(Body::read(format!("{{\"code\":{text}").as_bytes()).error());
            std::hint::black_box(Message::of(&text));
        }
    }
}
