//! The body of a refusal, as far as it says who wrote it and why.
//!
//! At most the first 64 KiB are read, and they may be cut off anywhere: keys are taken one by one, so that what
//! came before the cut counts. Code and message stand first in what WordPress writes.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::message::{self, Message};
use super::wordpress::{Code, WordPressError};
use crate::moment::Moment;

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

    /// When the token that was refused becomes good, by the message.
    pub(super) fn not_before(&self) -> Option<Moment> {
        self.message.as_deref().and_then(message::not_before)
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

    use super::{Body, Message};

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

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            std::hint::black_box(Body::read(&bytes).error());
            std::hint::black_box(Body::read(format!("{{\"code\":{text}").as_bytes()).error());
            std::hint::black_box(Message::of(&text));
        }
    }
}
