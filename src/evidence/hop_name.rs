//! What a doctor is called on the path, and which of its instances it is.
//!
//! Both travel in a header and are printed in logs, so their form is narrow: they hold no white space, no quote, no comma and
//! nothing that needs escaping anywhere.

use std::fmt;
use std::sync::Arc;

/// A doctor's name on the path: a small letter, then up to 31 of small letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HopName(Arc<str>);

impl HopName {
    /// The name, when it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        (begins && text.len() <= 32 && text.bytes().all(is_plain)).then(|| Self(text.into()))
    }

    /// `php`: what answers from within PHP.
    #[must_use]
    pub fn php() -> Self {
        Self(PHP.into())
    }

    /// Whether it is that one, which no doctor may have.
    #[must_use]
    pub fn is_php(&self) -> bool {
        &*self.0 == PHP
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const PHP: &str = "php";

impl Default for HopName {
    /// `doctor`: that of a doctor which nobody named.
    fn default() -> Self {
        Self("doctor".into())
    }
}

impl fmt::Display for HopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of several doctors of one name, a pod for example: up to 63 of letters, digits, `.`, `_`, `-` and `:`; it may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance(Arc<str>);

impl Instance {
    /// The name, when it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
        (text.len() <= 63 && text.bytes().all(is_plain)).then(|| Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Instance {
    /// None.
    fn default() -> Self {
        Self("".into())
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{HopName, Instance};

    #[test]
    fn names_are_narrow() {
        for name in ["edge", "a", "edge-2.eu_west", "abcdefghijklmnopqrstuvwxyz012345"] {
            assert_eq!(HopName::new(name).unwrap().as_str(), name);
        }
        for name in ["", "Edge", "2edge", "-", "a b", "a\"", "a,b", "é", "abcdefghijklmnopqrstuvwxyz0123456"]
        {
            assert_eq!(HopName::new(name), None, "{name}");
        }
        assert_eq!(HopName::new("doctor"), Some(HopName::default()));
        assert_eq!(Instance::new(""), Some(Instance::default()));
        for name in ["", "web-1", "10.0.0.7:8080", "Pod_A"] {
            assert_eq!(Instance::new(name).unwrap().as_str(), name);
        }
        for name in ["a b", "a\"", "a,b", "é", &"a".repeat(64)] {
            assert_eq!(Instance::new(name), None, "{name}");
        }
    }
}
