//! The secret that somebody says the site has, and what is often wrong with it.
//!
//! A secret travels from wp-config.php into files and variables, and gathers line ends, quotes and names on the way. So
//! what was given is freed of what surely is no part of it, and where a signature does not fit, the likely mistakes are
//! tried: to know which of them was made is worth more than to know that one was.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::php_jwt::Parts;
use crate::secret::Secret;

/// What WordPress, the plugin's manual and others write where a secret should be. Compared without regard to case.
const PLACEHOLDERS: [&str; 12] = [
    "your-top-secret-key",
    "your-top-secrect-key",
    "your-secret-key",
    "your_secret_key",
    "your-256-bit-secret",
    "put your unique phrase here",
    "put-your-secret-key-here",
    "jwt_auth_secret_key",
    "changeme",
    "change-me",
    "secret",
    "secret-key",
];

/// The constant that holds it.
const CONSTANT: &str = "JWT_AUTH_SECRET_KEY";

/// The secret that the site is supposed to have.
#[derive(Clone, Debug)]
pub struct Supposed {
    value: Secret<Vec<u8>>,
    mistakes: Vec<Mistake>,
}

/// What is wrong with a secret, or was with what it was given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// It was read from the line that defines `JWT_AUTH_SECRET_KEY`; not a mistake, but to be known.
    Defined,
    /// A line end behind it was left out.
    LineEnd,
    /// Blanks stand around it, and belong to it.
    Blanks,
    /// Quotes stand around it, and belong to it.
    Quotes,
    /// There is nothing in it, or `0`, which PHP takes for nothing.
    Empty,
    /// A word that stands in manuals.
    Placeholder,
    /// Shorter than php-jwt 7 takes for HS256: 32 bytes (`validateHmacKeyLength` in `JWT.php`).
    Short,
}

/// A file of PHP or of variables from which no secret can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no line in it that defines JWT_AUTH_SECRET_KEY as a text, such as define( 'JWT_AUTH_SECRET_KEY', '…' ); where \
     it is taken from a variable, use --secret-env"
)]
pub struct Undefined;

impl Mistake {
    /// A word for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::LineEnd => "line-end",
            Self::Blanks => "blanks",
            Self::Quotes => "quotes",
            Self::Empty => "empty",
            Self::Placeholder => "placeholder",
            Self::Short => "short",
        }
    }

    /// A sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Defined => "read from the line that defines JWT_AUTH_SECRET_KEY",
            Self::LineEnd => {
                "a line end behind it was left out; where a program reads the file whole, it signs with the line end"
            }
            Self::Blanks => "blanks stand around it and were taken for a part of it",
            Self::Quotes => {
                "quotes stand around it and were taken for a part of it; in wp-config.php they are PHP's and are not"
            }
            Self::Empty => "it is empty, or 0: PHP takes that for no secret at all",
            Self::Placeholder => "it stands in manuals as an example: anybody can make tokens for this site",
            Self::Short => {
                "it is shorter than 32 bytes: a plugin with php-jwt 7 or later says \"Provided key is too short\""
            }
        }
    }
}

/// How a signature fits a secret that it should fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is by this secret.
    Fits,
    /// By this secret with a line end behind it.
    WithLineEnd,
    /// By this secret without the blanks around it.
    WithoutBlanks,
    /// By this secret without the quotes around it.
    WithoutQuotes,
    /// By what this secret is the base64 of.
    Decoded,
    /// By this secret, but its algorithm is not the site's.
    OtherAlgorithm,
    /// By another one.
    Differs,
    /// It needs a public key, or the token cannot be read.
    Untried,
}

impl Fit {
    /// A word for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::WithLineEnd => "fits-with-line-end",
            Self::WithoutBlanks => "fits-without-blanks",
            Self::WithoutQuotes => "fits-without-quotes",
            Self::Decoded => "fits-decoded",
            Self::OtherAlgorithm => "fits-by-other-algorithm",
            Self::Differs => "differs",
            Self::Untried => "untried",
        }
    }

    /// A sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fits => "by this secret",
            Self::WithLineEnd => {
                "not by this secret, but by this secret and a line end: whoever issued the token read it from a file, line end \
                 included"
            }
            Self::WithoutBlanks => "not by this secret, but by it without the blanks around it",
            Self::WithoutQuotes => "not by this secret, but by it without the quotes around it",
            Self::Decoded => "not by this secret, but by what it is the base64 of",
            Self::OtherAlgorithm => "by this secret, but by another algorithm than the plugin's",
            Self::Differs => "not by this secret: another secret, another site, or a damaged token",
            Self::Untried => "not examined: it cannot be examined by a shared secret",
        }
    }
}

impl Supposed {
    /// A secret from a variable: every byte belongs to it.
    #[must_use]
    pub fn of_variable(value: Vec<u8>) -> Self {
        Self::of(value, Vec::new())
    }

    /// A secret from a file: its text without the line end, or what it defines `JWT_AUTH_SECRET_KEY` to be.
    ///
    /// # Errors
    /// It is PHP, or names the constant, and does not say in so many words what that is.
    pub fn of_file(mut text: Vec<u8>) -> Result<Self, Undefined> {
        if let Some(value) = defined(&text) {
            return Ok(Self::of(value, vec![Mistake::Defined]));
        }
        if [CONSTANT, "<?php"].iter().any(|mark| memchr::memmem::find(&text, mark.as_bytes()).is_some()) {
            return Err(Undefined);
        }
        let has_line_end = text.pop_if(|last| *last == b'\n').is_some();
        if has_line_end {
            text.pop_if(|last| *last == b'\r');
        }
        Ok(Self::of(text, if has_line_end { vec![Mistake::LineEnd] } else { Vec::new() }))
    }

    fn of(value: Vec<u8>, mut mistakes: Vec<Mistake>) -> Self {
        let is_placeholder = PLACEHOLDERS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
        let is_empty = matches!(&*value, b"" | b"0");
        let found = [
            (Mistake::Blanks, value.trim_ascii().len() < value.len()),
            (Mistake::Quotes, unquoted(&value).is_some()),
            (Mistake::Empty, is_empty),
            (Mistake::Placeholder, is_placeholder),
            (Mistake::Short, !is_empty && value.len() < 32),
        ];
        mistakes.extend(found.into_iter().filter(|(_, is)| *is).map(|(mistake, _)| mistake));
        Self { value: Secret::new(value), mistakes }
    }

    /// What is wrong with it.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.value.expose()
    }

    /// How the signature of a token fits.
    pub(super) fn fit(&self, parts: &Parts<'_>) -> Fit {
        let value = self.bytes();
        match parts.is_signed_with(value) {
            None => return Fit::Untried,
            Some(true) if parts.algorithm() == Some(super::php_jwt::ALGORITHM) => return Fit::Fits,
            Some(true) => return Fit::OtherAlgorithm,
            Some(false) => {}
        }
        let ended = |end: &[u8]| [value, end].concat();
        let tried = [
            (Fit::WithLineEnd, Some(ended(b"\n"))),
            (Fit::WithLineEnd, Some(ended(b"\r\n"))),
            (Fit::WithoutBlanks, Some(value.trim_ascii().to_vec())),
            (Fit::WithoutQuotes, unquoted(value.trim_ascii()).map(<[u8]>::to_vec)),
            (Fit::Decoded, STANDARD.decode(value).ok()),
        ];
        let fits = |value: &Vec<u8>| parts.is_signed_with(value) == Some(true);
        let found = tried.into_iter().find(|(_, value)| value.as_ref().is_some_and(fits));
        found.map_or(Fit::Differs, |(fit, _)| fit)
    }
}

fn unquoted(text: &[u8]) -> Option<&[u8]> {
    let inside = |quote: &[u8]| text.strip_prefix(quote)?.strip_suffix(quote);
    inside(b"'").or_else(|| inside(b"\"")).or_else(|| inside(b"`"))
}

/// What a file says the constant to be, in so many words and not by a variable or a function: `define( '…', '…' )`, or
/// `…=…` as in a .env.
fn defined(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let is_comment = |line: &&str| ["//", "#", "*", "/*"].iter().any(|mark| line.starts_with(mark));
    let mut lines = text.lines().map(str::trim).filter(|line| !is_comment(line));
    lines.find_map(|line| by_php(line).or_else(|| by_variable(line))).map(String::into_bytes)
}

fn by_php(line: &str) -> Option<String> {
    let (_, behind) = line.split_once("define")?.1.split_once(CONSTANT)?;
    let behind = behind.trim_start_matches(['\'', '"']).trim_start().strip_prefix(',')?.trim_start();
    let quote = behind.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    literal(behind.get(1..)?, quote)
}

fn by_variable(line: &str) -> Option<String> {
    let (name, value) = line.split_once('=')?;
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let value = value.trim();
    let inner = unquoted(value.as_bytes()).and_then(|inner| std::str::from_utf8(inner).ok());
    (name == CONSTANT).then(|| inner.unwrap_or(value).to_owned())
}

/// A text of PHP up to its closing quote. Only what both kinds of quotes escape alike is taken back.
fn literal(text: &str, quote: char) -> Option<String> {
    let (mut out, mut escaped) = (String::new(), false);
    for sign in text.chars() {
        match sign {
            '\\' if !escaped => escaped = true,
            _ if sign == quote && !escaped => return Some(out),
            _ => {
                if escaped && sign != '\\' && sign != quote {
                    out.push('\\');
                }
                out.push(sign);
                escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Mistake, Supposed, Undefined};

    #[test]
    fn what_is_no_part_of_a_secret_is_left_out_and_said() {
        const LONG: &str = "0123456789abcdef0123456789abcdef";
        let table = [
            (LONG.to_owned(), LONG, vec![]),
            (format!("{LONG}\n"), LONG, vec![Mistake::LineEnd]),
            (format!("{LONG}\r\n"), LONG, vec![Mistake::LineEnd]),
            (
                format!(
                    "<?php\n// define('JWT_AUTH_SECRET_KEY', 'old');\ndefine( 'JWT_AUTH_SECRET_KEY', '{LONG}' );\n"
                ),
                LONG,
                vec![Mistake::Defined],
            ),
            (format!("define(\"JWT_AUTH_SECRET_KEY\",\"{LONG}\");"), LONG, vec![Mistake::Defined]),
            (
                "define('JWT_AUTH_SECRET_KEY', 'a\\'b\\\\c\\d');".into(),
                "a'b\\c\\d",
                vec![Mistake::Defined, Mistake::Short],
            ),
            ("your-top-secret-key".into(), "your-top-secret-key", vec![Mistake::Placeholder, Mistake::Short]),
            (format!("A=1\nJWT_AUTH_SECRET_KEY=\"{LONG}\"\n"), LONG, vec![Mistake::Defined]),
            (String::new(), "", vec![Mistake::Empty]),
            ("0".into(), "0", vec![Mistake::Empty]),
            ("'x' ".into(), "'x' ", vec![Mistake::Blanks, Mistake::Short]),
            ("\"x\"".into(), "\"x\"", vec![Mistake::Quotes, Mistake::Short]),
        ];
        for (text, value, mistakes) in table {
            let supposed = Supposed::of_file(text.clone().into_bytes()).unwrap();
            assert_eq!(supposed.bytes(), value.as_bytes(), "{text}");
            assert_eq!(supposed.mistakes(), mistakes, "{text}");
        }
    }

    #[test]
    fn a_file_of_php_without_the_constant_is_no_secret() {
        for text in [
            "<?php\necho 1;",
            "define('JWT_AUTH_SECRET_KEY', getenv('X'));",
            "// define('JWT_AUTH_SECRET_KEY', 'old');",
        ] {
            assert_eq!(Supposed::of_file(text.into()).unwrap_err(), Undefined, "{text}");
        }
    }

    #[test]
    fn a_variable_is_taken_as_it_is() {
        assert_eq!(Supposed::of_variable(b"x\n".to_vec()).bytes(), b"x\n");
    }
}
