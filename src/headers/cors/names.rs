//! Methods and header names that a policy lists: names alone, since `*` would not cover `Authorization`.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use crate::browser::Token;

/// One entry of `allow_methods`, as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MethodName(Token);

/// One entry of `allow_headers` or `expose_headers`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderName(Token);

impl MethodName {
    /// The method.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl HeaderName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for MethodName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        const EXAMPLE: &str = "write names such as GET, POST or DELETE";
        if text == "*" {
            return Err(Wrong::new("does not hold with credentials", EXAMPLE));
        }
        let token = Token::read(text.as_bytes()).ok_or_else(|| Wrong::new("is not a method", EXAMPLE))?;
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            let right = format!("write {}", text.to_ascii_uppercase());
            return Err(Wrong::new("is another method than its capitals", right));
        }
        Ok(Self(token))
    }
}

impl FromStr for HeaderName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        const EXAMPLE: &str = "write names such as authorization or x-wp-nonce";
        if text == "*" {
            return Err(Wrong::new("does not cover authorization, and nothing with credentials", EXAMPLE));
        }
        Token::name(text.as_bytes()).map(Self).ok_or_else(|| Wrong::new("is not a header name", EXAMPLE))
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderName, MethodName};

    #[test]
    fn a_name_is_kept_as_browsers_send_it() {
        assert_eq!("X-WP-Nonce".parse::<HeaderName>().unwrap().as_str(), "x-wp-nonce");
        assert_eq!("PATCH".parse::<MethodName>().unwrap().as_str(), "PATCH");
    }

    #[test]
    fn what_is_no_name_is_told_what_would_be_right() {
        let method = |text: &str| text.parse::<MethodName>().unwrap_err().to_string();
        assert_eq!(method("patch"), "is another method than its capitals; write PATCH");
        assert!(method("*").starts_with("does not hold with credentials; write"));
        assert!(method("GET POST").starts_with("is not a method; write"));
        let header = |text: &str| text.parse::<HeaderName>().unwrap_err().to_string();
        assert!(header("*").starts_with("does not cover authorization"));
        assert!(header("a, b").starts_with("is not a header name; write"));
    }
}
