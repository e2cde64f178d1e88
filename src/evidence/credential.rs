//! What kind of credential an `Authorization` value is. The value itself is never kept.
//!
//! The classes are WordPress's, not the standard's: RFC 9110 §11.1 makes the scheme case-insensitive, but the JWT
//! plugins compare `Bearer` letter by letter (`class-jwt-auth-public.php`, `determine_current_user`), so `bearer`
//! is a class of its own, the one WordPress ignores. What is shown to people is a word of our own lists: a raw
//! token without a scheme must not be taken for the name of a scheme and printed.

use std::fmt;

use crate::secret::looks_secret;

/// The kind of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// No `Authorization` at all.
    Absent,
    /// `Authorization` without a value.
    Empty,
    /// More than one `Authorization`; nobody can say which one counts.
    Several,
    /// `Bearer`, spelled as WordPress demands.
    Bearer(Token),
    /// `bearer`, `BEARER`: ignored on every route but `token/validate`.
    BearerOtherCase,
    /// `Basic` in any spelling; WordPress and PHP accept all.
    Basic,
    /// Two words or more, the first none of the above: ignored.
    OtherScheme,
    /// One word: most often a token whose scheme was forgotten. Ignored.
    SchemeMissing,
}

/// What stands behind `Bearer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Three base64url parts (RFC 7519 §3, in the compact form of RFC 7515 §7.1).
    Jwt,
    /// Such a token in quotes, which spoil its signature.
    Quoted,
    /// A word that a program wrote in place of a token.
    Placeholder(Placeholder),
    /// Nothing.
    Nothing,
    /// Anything else: another kind of token, or a damaged one.
    Other,
}

/// A word or template that stands where a token should; always one of our own list, never the text received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder(&'static str);

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The scheme of a credential, as a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer`, exactly.
    Bearer,
    /// `Bearer` in another spelling.
    BearerOtherCase,
    /// `Basic` in any spelling.
    Basic,
    /// Another one.
    Other,
    /// A single word.
    Missing,
}

impl Scheme {
    /// A word for the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::BearerOtherCase => "bearer in other case",
            Self::Basic => "Basic",
            Self::Other => "other scheme",
            Self::Missing => "no scheme",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Credential {
    /// The kind of the only value of `Authorization`.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        if value.is_empty() {
            return Self::Empty;
        }
        match scheme(value) {
            Scheme::Bearer => Self::Bearer(token(value.get(BEARER.len()..).unwrap_or_default())),
            Scheme::BearerOtherCase => Self::BearerOtherCase,
            Scheme::Basic => Self::Basic,
            Scheme::Other => Self::OtherScheme,
            Scheme::Missing => Self::SchemeMissing,
        }
    }
}

const BEARER: &[u8] = b"Bearer";

/// The scheme of a value that is not empty.
pub(super) fn scheme(value: &[u8]) -> Scheme {
    // `sscanf( $header, 'Bearer %s' )` needs no blank: `Bearer` in front is enough for the plugins.
    if value.starts_with(BEARER) {
        return Scheme::Bearer;
    }
    let mut words = value.split(u8::is_ascii_whitespace);
    let first = words.next().unwrap_or_default();
    if first.eq_ignore_ascii_case(BEARER) {
        return Scheme::BearerOtherCase;
    }
    if first.eq_ignore_ascii_case(b"Basic") {
        return Scheme::Basic;
    }
    if words.next().is_some() { Scheme::Other } else { Scheme::Missing }
}

/// The token of a bearer credential, for reading its times: the first word, as the plugins take it.
pub(super) fn jwt(value: &[u8]) -> Option<&[u8]> {
    let word = first_word(value.trim_ascii().strip_prefix(BEARER)?);
    is_jwt(word).then_some(word)
}

fn token(rest: &[u8]) -> Token {
    let text = rest.trim_ascii();
    if text.is_empty() {
        return Token::Nothing;
    }
    if !rest.first().is_some_and(u8::is_ascii_whitespace) {
        return Token::Other;
    }
    if let Some(placeholder) = placeholder(text) {
        return Token::Placeholder(placeholder);
    }
    if is_jwt(first_word(rest)) {
        return Token::Jwt;
    }
    match unquoted(text) {
        Some(inner) if is_jwt(inner) => Token::Quoted,
        _ => Token::Other,
    }
}

/// The plugins read `Bearer %s`: one word, and php-jwt's base64 forgives a comma behind it.
fn first_word(rest: &[u8]) -> &[u8] {
    let word = rest.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    word.strip_suffix(b",").unwrap_or(word)
}

fn is_jwt(word: &[u8]) -> bool {
    let part = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='))
    };
    word.split(|byte| *byte == b'.').count() == 3 && word.split(|byte| *byte == b'.').all(part)
}

fn unquoted(text: &[u8]) -> Option<&[u8]> {
    let quote = *text.first().filter(|quote| matches!(quote, b'"' | b'\''))?;
    text.strip_prefix(&[quote])?.strip_suffix(&[quote])
}

/// What programs and people write where a token should be. Compared without regard to case.
const WORDS: [&str; 24] = [
    "undefined",
    "null",
    "nil",
    "none",
    "NaN",
    "true",
    "false",
    "(null)",
    "[object Object]",
    "[object Promise]",
    "token",
    "jwt",
    "access_token",
    "accessToken",
    "YOUR_TOKEN",
    "YOUR-TOKEN",
    "YOUR_TOKEN_HERE",
    "YOUR_JWT",
    "YOUR_JWT_TOKEN",
    "YOUR_ACCESS_TOKEN",
    "your token",
    "%s",
    "***",
    "...",
];

/// Templates that were never filled in, by what stands around the name.
const TEMPLATES: [(&str, &str, &str); 6] = [
    ("{{", "}}", "{{…}}"),
    ("${", "}", "${…}"),
    ("<", ">", "<…>"),
    ("{", "}", "{…}"),
    ("%", "%", "%…%"),
    ("$", "", "$…"),
];

fn placeholder(text: &[u8]) -> Option<Placeholder> {
    if matches!(text, b"\"\"" | b"''") {
        return Some(Placeholder("\"\""));
    }
    let text = unquoted(text).unwrap_or(text);
    let word = WORDS.iter().find(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    word.or_else(|| template(text)).map(|shown| Placeholder(shown))
}

fn template(text: &[u8]) -> Option<&'static &'static str> {
    let around = |(open, close, _): &&(&str, &str, &str)| {
        let inner = text.strip_prefix(open.as_bytes()).and_then(|rest| rest.strip_suffix(close.as_bytes()));
        inner.is_some_and(|name| is_template_name(name, open.len() == 2))
    };
    TEMPLATES.iter().find(around).map(|(_, _, shown)| shown)
}

/// A name and not a token: `<x.y.z>` is a token in brackets, `${process.env.TOKEN}` is a name.
fn is_template_name(name: &[u8], dots: bool) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ') || (dots && *b == b'.');
    (1..=64).contains(&name.len()) && name.iter().all(plain) && !looks_secret(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Credential, Placeholder, Token};

    /// The rows of "Bad and odd credentials" in the measurements, and what we call them.
    #[test]
    fn credentials_are_classed_as_wordpress_takes_them() {
        let table = [
            ("", Credential::Empty),
            ("Bearer", Credential::Bearer(Token::Nothing)),
            ("Bearer  a.b.c", Credential::Bearer(Token::Jwt)),
            ("Bearer\ta.b.c", Credential::Bearer(Token::Jwt)),
            ("Bearer a.b.c junk", Credential::Bearer(Token::Jwt)),
            ("Bearer a.b.c,", Credential::Bearer(Token::Jwt)),
            ("Bearer a.b", Credential::Bearer(Token::Other)),
            ("Bearer \"a.b.c\"", Credential::Bearer(Token::Quoted)),
            ("Bearer <a.b.c>", Credential::Bearer(Token::Other)),
            ("Bearer {a.b.c}", Credential::Bearer(Token::Other)),
            ("Bearer Bearer a.b.c", Credential::Bearer(Token::Other)),
            ("Bearer: a.b.c", Credential::Bearer(Token::Other)),
            ("Bearera.b.c", Credential::Bearer(Token::Other)),
            ("Bearer%20a.b.c", Credential::Bearer(Token::Other)),
            ("bearer a.b.c", Credential::BearerOtherCase),
            ("BEARER a.b.c", Credential::BearerOtherCase),
            ("\"Bearer a.b.c\"", Credential::OtherScheme),
            ("JWT a.b.c", Credential::OtherScheme),
            ("a.b.c", Credential::SchemeMissing),
            ("basic dTpw", Credential::Basic),
            ("Basic dTpw, Bearer a.b.c", Credential::Basic),
        ];
        for (value, expected) in table {
            assert_eq!(Credential::of(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn placeholders_are_shown_in_our_words() {
        let table = [
            ("undefined", "undefined"),
            ("UNDEFINED", "undefined"),
            ("\"null\"", "null"),
            ("[object Object]", "[object Object]"),
            ("\"\"", "\"\""),
            ("{{ jwt }}", "{{…}}"),
            ("${process.env.TOKEN}", "${…}"),
            ("<your token>", "<…>"),
            ("$TOKEN", "$…"),
            ("%s", "%s"),
        ];
        for (word, shown) in table {
            let value = format!("Bearer {word}");
            let expected = Credential::Bearer(Token::Placeholder(Placeholder(shown)));
            assert_eq!(Credential::of(value.as_bytes()), expected, "{word}");
        }
    }

    #[test]
    fn an_opaque_token_is_no_placeholder() {
        for word in
            ["$2y$10$abcdefghijk", "9f86d081884c7d659a2feaa0c55ad015", "<a.b.c>", "{9f86d081884c7d659a2f}"]
        {
            let value = format!("Bearer {word}");
            assert_eq!(Credential::of(value.as_bytes()), Credential::Bearer(Token::Other), "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_kind_that_does_not_quote_them(value in any::<Vec<u8>>()) {
            let kind = format!("{:?}", Credential::of(&value));
            assert!(kind.len() < 64);
        }
    }
}
