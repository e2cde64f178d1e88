//! What kind of credential an `Authorization` value is. The value itself is never kept.
//!
//! The classes are WordPress's, not the standard's: RFC 9110 §11.1 makes the scheme case-insensitive, but the JWT
//! plugins compare `Bearer` letter by letter (`class-jwt-auth-public.php`, `determine_current_user`), so `bearer`
//! is a class of its own, the one WordPress ignores. What is shown to people is a word of our own lists: a raw
//! token without a scheme must not be taken for the name of a scheme and printed.

use std::fmt;

use super::claims::Claims;
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
    /// Two credentials in one field, as a hop writes that joins two lines: `Basic …, Bearer …`. The first one counts.
    Joined,
    /// Quotes around the whole of it, `"Bearer …"`: ignored on every route but `token/validate`.
    Quoted,
    /// A JWT behind another word, as in `JWT …` or `Token …`: ignored on every route but `token/validate`.
    TokenOfOtherScheme,
    /// Two words or more, the first none of the above: for somebody else, and ignored.
    OtherScheme,
    /// A JWT alone, its scheme forgotten. Ignored on every route but `token/validate`.
    BareToken,
    /// Another single word. Ignored.
    SchemeMissing,
}

/// What stands behind `Bearer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Three base64url parts (RFC 7519 §3, in the compact form of RFC 7515 §7.1).
    Jwt,
    /// Such a token with something around it or in front of it that spoils it.
    Wrapped(Wrapping),
    /// A word that a program wrote in place of a token.
    Placeholder(Placeholder),
    /// Nothing.
    Nothing,
    /// Anything else: another kind of token, or a damaged one.
    Other,
}

/// What was put around a token, or in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// `Bearer "…"` or `Bearer '…'`.
    Quotes,
    /// Typographic quotes, as word processors and chats make them.
    CurlyQuotes,
    /// `Bearer <…>`, copied from a manual. `sanitize_text_field` removes it as a tag.
    AngleBrackets,
    /// `Bearer {…}` or `Bearer […]`.
    Brackets,
    /// `Bearer Bearer …`.
    Doubled,
    /// `Bearer: …`.
    Colon,
    /// Percent-encoded where nobody decodes.
    Escapes(Escaped),
}

/// Where the percent-escapes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaped {
    /// `Bearer%20…`: the blank itself.
    Blank,
    /// `Bearer %22…`.
    Before,
    /// `Bearer %22…%22`.
    Around,
    /// `Bearer …%0A`.
    Behind,
}

impl Escaped {
    const fn form(self) -> &'static str {
        match self {
            Self::Blank => "Bearer%20…",
            Self::Before => "Bearer %22…",
            Self::Around => "Bearer %22…%22",
            Self::Behind => "Bearer …%0A",
        }
    }

    /// Of what stands behind `Bearer`.
    fn of(rest: &[u8]) -> Self {
        let text = first_word(rest);
        let ends = text.rchunks(3).next().is_some_and(|end| end.starts_with(b"%"));
        match (begins_word(rest), text.starts_with(b"%"), ends) {
            (false, true, _) => Self::Blank,
            (_, true, true) => Self::Around,
            (_, true, false) => Self::Before,
            (_, false, _) => Self::Behind,
        }
    }
}

impl Wrapping {
    /// The form, with `…` for the token.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::Quotes => "Bearer \"…\"",
            Self::CurlyQuotes => "Bearer “…”",
            Self::AngleBrackets => "Bearer <…>",
            Self::Brackets => "Bearer {…}",
            Self::Doubled => "Bearer Bearer …",
            Self::Colon => "Bearer: …",
            Self::Escapes(escaped) => escaped.form(),
        }
    }
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
        if is_joined(value) {
            return Self::Joined;
        }
        if unwrapped(value).is_some_and(|(inner, _)| scheme(inner) == Scheme::Bearer) {
            return Self::Quoted;
        }
        match scheme(value) {
            Scheme::Bearer => Self::Bearer(token(value.get(BEARER.len()..).unwrap_or_default())),
            Scheme::BearerOtherCase => Self::BearerOtherCase,
            Scheme::Basic => Self::Basic,
            Scheme::Other if second_word(value).is_some_and(is_jwt) => Self::TokenOfOtherScheme,
            Scheme::Other => Self::OtherScheme,
            Scheme::Missing if is_jwt(value) => Self::BareToken,
            Scheme::Missing => Self::SchemeMissing,
        }
    }
}

/// Whether a second credential begins behind a comma, as when two lines were joined (RFC 9110 §5.3).
fn is_joined(value: &[u8]) -> bool {
    let known = |scheme| matches!(scheme, Scheme::Bearer | Scheme::BearerOtherCase | Scheme::Basic);
    let begins = |part: &[u8]| part.contains(&b' ') && known(scheme(part.trim_ascii_start()));
    known(scheme(value)) && value.split(|byte| *byte == b',').skip(1).any(begins)
}

fn second_word(value: &[u8]) -> Option<&[u8]> {
    value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(1)
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

/// The token of a credential, for reading what it says: the first word behind `Bearer`, as the plugins take it, in any
/// spelling; or a token alone, or behind another word.
pub(super) fn jwt(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let is_bearer = value.get(..BEARER.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEARER));
    if is_bearer {
        return value.get(BEARER.len()..).map(first_word).filter(|word| is_jwt(word));
    }
    let alone = Some(value).filter(|value| is_jwt(value));
    alone.or_else(|| second_word(value).filter(|word| is_jwt(word)))
}

/// Whether a `Bearer` is the beginning of a JWT: its header is whole, and less than three parts follow.
pub(super) fn is_stump(value: &[u8]) -> bool {
    let Some(rest) = value.trim_ascii().strip_prefix(BEARER) else { return false };
    let word = first_word(rest);
    let parts = word.split(|byte| *byte == b'.').filter(|part| !part.is_empty()).count();
    let header = word.split(|byte| *byte == b'.').next().unwrap_or_default();
    parts < 3 && word.len() > header.len() && Claims::is_header(header)
}

fn token(rest: &[u8]) -> Token {
    let text = rest.trim_ascii();
    if text.is_empty() {
        return Token::Nothing;
    }
    if let Some(placeholder) = placeholder(text).filter(|_| begins_word(rest)) {
        return Token::Placeholder(placeholder);
    }
    if is_jwt(first_word(rest)) {
        return Token::Jwt;
    }
    wrapping(rest).map_or(Token::Other, Token::Wrapped)
}

fn begins_word(rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_whitespace)
}

/// What spoils a token that would be one without it.
fn wrapping(rest: &[u8]) -> Option<Wrapping> {
    let text = rest.trim_ascii();
    if let Some((_, around)) = unwrapped(text).filter(|(inner, _)| is_jwt(inner)) {
        return Some(around);
    }
    if text.strip_prefix(b":").is_some_and(|rest| is_jwt(rest.trim_ascii_start())) {
        return Some(Wrapping::Colon);
    }
    let is_again = |word: &[u8]| word.eq_ignore_ascii_case(BEARER);
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    if words.next().is_some_and(is_again) && words.next().is_some_and(is_jwt) {
        return Some(Wrapping::Doubled);
    }
    let is_escaped = unescaped(first_word(text)).is_some_and(|inner| is_jwt(&inner));
    is_escaped.then(|| Wrapping::Escapes(Escaped::of(rest)))
}

/// The text without its percent-escapes (`%20`, `%22`, `%0A`), when there were any.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'%', text)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            _ => {
                out.push(*first);
                after
            }
        };
    }
    Some(out)
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

/// What stands around a text, and the text inside.
fn unwrapped(text: &[u8]) -> Option<(&[u8], Wrapping)> {
    const AROUND: [(&[u8], &[u8], Wrapping); 9] = [
        (b"\"", b"\"", Wrapping::Quotes),
        (b"'", b"'", Wrapping::Quotes),
        (b"`", b"`", Wrapping::Quotes),
        ("“".as_bytes(), "”".as_bytes(), Wrapping::CurlyQuotes),
        ("‘".as_bytes(), "’".as_bytes(), Wrapping::CurlyQuotes),
        ("„".as_bytes(), "“".as_bytes(), Wrapping::CurlyQuotes),
        (b"<", b">", Wrapping::AngleBrackets),
        (b"{", b"}", Wrapping::Brackets),
        (b"[", b"]", Wrapping::Brackets),
    ];
    let inside = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    AROUND.iter().find_map(|(open, close, around)| inside(*open, *close).map(|inner: &[u8]| (inner, *around)))
}

fn unquoted(text: &[u8]) -> Option<&[u8]> {
    unwrapped(text).filter(|(_, around)| *around == Wrapping::Quotes).map(|(inner, _)| inner)
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

    use super::{Credential, Escaped, Placeholder, Token, Wrapping};

    const fn wrapped(around: Wrapping) -> Credential {
        Credential::Bearer(Token::Wrapped(around))
    }

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
            ("Bearer \"a.b.c\"", wrapped(Wrapping::Quotes)),
            ("Bearer 'a.b.c'", wrapped(Wrapping::Quotes)),
            ("Bearer “a.b.c”", wrapped(Wrapping::CurlyQuotes)),
            ("Bearer <a.b.c>", wrapped(Wrapping::AngleBrackets)),
            ("Bearer {a.b.c}", wrapped(Wrapping::Brackets)),
            ("Bearer Bearer a.b.c", wrapped(Wrapping::Doubled)),
            ("Bearer: a.b.c", wrapped(Wrapping::Colon)),
            ("Bearera.b.c", Credential::Bearer(Token::Jwt)),
            ("Bearer%20a.b.c", wrapped(Wrapping::Escapes(Escaped::Blank))),
            ("Bearer%20a.b.c%0A", wrapped(Wrapping::Escapes(Escaped::Blank))),
            ("Bearer %20a.b.c", wrapped(Wrapping::Escapes(Escaped::Before))),
            ("Bearer a.b.c%0A", wrapped(Wrapping::Escapes(Escaped::Behind))),
            ("Bearer %22a.b.c%22", wrapped(Wrapping::Escapes(Escaped::Around))),
            ("Bearer a.b.c, Basic dTpw", Credential::Joined),
            ("bearer a.b.c", Credential::BearerOtherCase),
            ("BEARER a.b.c", Credential::BearerOtherCase),
            ("\"Bearer a.b.c\"", Credential::Quoted),
            ("JWT a.b.c", Credential::TokenOfOtherScheme),
            ("OAuth a=\"b\", c=\"d\"", Credential::OtherScheme),
            ("a.b.c", Credential::BareToken),
            ("abc", Credential::SchemeMissing),
            ("basic dTpw", Credential::Basic),
            ("Basic dTpw, Bearer a.b.c", Credential::Joined),
        ];
        for (value, expected) in table {
            assert_eq!(Credential::of(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn the_beginning_of_a_token_is_known_by_its_header() {
        const HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";
        for (value, expected) in [
            (format!("Bearer {HEADER}.e30"), true),
            (format!("Bearer {HEADER}.e30."), true),
            (format!("Bearer {HEADER}."), true),
            (format!("Bearer {HEADER}.e30.c2ln"), false),
            (format!("Bearer {HEADER}"), false),
            (format!("bearer {HEADER}.e30"), false),
            ("Bearer abc.def".into(), false),
            ("Bearer e30.def".into(), false),
        ] {
            assert_eq!(super::is_stump(value.as_bytes()), expected, "{value}");
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
        for word in ["$2y$10$abcdefghijk", "9f86d081884c7d659a2feaa0c55ad015", "{9f86d081884c7d659a2f}"] {
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
