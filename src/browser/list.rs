//! Lists of names in CORS fields: methods and header names, separated by commas.
//!
//! Several lines count as one list, members are tokens with white space around them, empty members mean nothing
//! (RFC 9110 §5.6.1); one member that is no token spoils the whole list (Fetch, "extract header list values").

use std::fmt;

use crate::message::{Fields, Name};
use crate::secret::looks_secret;

/// A name that may be printed: a token (RFC 9110 §5.6.2) of at most [`Token::LONGEST`] bytes that is no credential, as
/// in `fetch(url, { headers: { [token]: … } })`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(Box<str>);

impl Token {
    /// The longest token in bytes. Real header names have fewer than fifty.
    pub const LONGEST: usize = 100;

    /// Reads a token as it stands; methods are case-sensitive.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let is_readable = is_token(text) && text.len() <= Self::LONGEST && !looks_secret(text);
        let text = is_readable.then(|| std::str::from_utf8(text).ok()).flatten()?;
        Some(Self(text.into()))
    }

    /// Reads a header name, in lower case as browsers send it.
    #[must_use]
    pub fn name(text: &[u8]) -> Option<Self> {
        Self::read(&text.to_ascii_lowercase())
    }

    /// The token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A member of a list is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The members of a list, all of them tokens.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    fields: &'a Fields,
    name: Name,
}

impl<'a> Tokens<'a> {
    /// Reads the list under `name`; an absent field is an empty list.
    ///
    /// # Errors
    /// A member is no token.
    pub fn of(fields: &'a Fields, name: Name) -> Result<Self, Unreadable> {
        let list = Self { fields, name };
        if list.members().all(is_token) { Ok(list) } else { Err(Unreadable) }
    }

    /// The members in order, as they were spelled.
    pub fn members(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let name = self.name;
        let members = self.fields.all(name).flat_map(|value| value.split(|byte| *byte == b','));
        members.map(trim).filter(|member| !member.is_empty())
    }

    /// Whether this very member is in the list.
    #[must_use]
    pub fn has(&self, wanted: &str) -> bool {
        self.members().any(|member| member == wanted.as_bytes())
    }

    /// The same for a name, whose spelling does not matter.
    #[must_use]
    pub fn has_name(&self, wanted: &str) -> bool {
        self.members().any(|member| member.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

/// Without spaces and tabs around it: other white space is part of a value (RFC 9110 §5.6.3).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// RFC 9110 §5.6.2.
fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Token, Tokens, Unreadable};
    use crate::message::{Fields, Name};

    fn members(lines: &[&str]) -> Result<Vec<String>, Unreadable> {
        let mut fields = Fields::new();
        for line in lines {
            fields.append(b"Access-Control-Allow-Headers", line.as_bytes());
        }
        let list = Tokens::of(&fields, Name::AccessControlAllowHeaders)?;
        Ok(list.members().map(|member| String::from_utf8_lossy(member).into_owned()).collect())
    }

    #[test]
    fn several_lines_are_one_list_and_empty_members_mean_nothing() {
        assert_eq!(members(&["a, B ,,\tc", "", "*"]), Ok(["a", "B", "c", "*"].map(str::to_owned).to_vec()));
        assert_eq!(members(&[]), Ok(vec![]));
    }

    #[test]
    fn one_member_that_is_no_token_spoils_the_list() {
        for line in ["a b", "a;b", "a, \"b\"", "a,b:c", "é", "a,\u{b}b"] {
            assert_eq!(members(&[line]), Err(Unreadable), "{line}");
        }
    }

    #[test]
    fn a_token_can_be_printed() {
        assert_eq!(Token::name(b"X-WP-Nonce").unwrap().as_str(), "x-wp-nonce");
        assert!(Token::name(b"X-HTTP-Method-Override").is_some());
        assert!(Token::name(b"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9").is_none(), "it is not to be printed");
        assert_eq!(Token::read(b"PUT").unwrap().to_string(), "PUT");
        assert_eq!(Token::read(b"P\x1b[31m"), None);
        assert_eq!(Token::read(&[b'a'; 101]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_or_refused(value in any::<Vec<u8>>()) {
            let mut fields = Fields::new();
            fields.append(b"Access-Control-Allow-Headers", &value);
            if let Ok(list) = Tokens::of(&fields, Name::AccessControlAllowHeaders) {
                assert!(list.members().all(|member| member.iter().all(u8::is_ascii_graphic)));
            }
        }
    }
}
