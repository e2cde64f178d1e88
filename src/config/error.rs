//! What a wrong configuration is told: where it is wrong, what is wrong, and what would be right.
//!
//! Three types, from the inside out. A [`Refused`] comes from a value's own parser, which knows neither file nor
//! flag; a [`Problem`] adds the path; an [`Error`] adds file, line and column. Whoever quotes a value quotes it
//! through [`quoted`], because an address may carry a password and no secret is ever printed.

use super::contents::Unread;
use super::reading::{Path, Step};
use crate::secret::{looks_chosen, looks_secret};
use std::fmt;

/// Why a text is not the value it should be, as the end of a sentence that begins with the text.
///
/// Reads "is not an upstream; write http://HOST:PORT": first what is wrong, then what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}; {right}")]
pub struct Refused {
    wrong: String,
    right: String,
}

impl Refused {
    pub(super) fn new(wrong: impl Into<String>, right: impl Into<String>) -> Self {
        Self { wrong: wrong.into(), right: right.into() }
    }

    /// The whole sentence about `text`, which is quoted without anything that could be a password.
    #[must_use]
    pub fn about(&self, text: &str) -> String {
        format!("{} {self}", quoted(text))
    }
}

/// A mistake at a path, before the line is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) path: Path,
    pub(super) message: String,
}

impl Problem {
    /// A mistake in the value being checked; whoever holds it says where that value stands, with `under`.
    pub(super) fn here(message: impl Into<String>) -> Self {
        Self { path: Path::default(), message: message.into() }
    }

    /// The same mistake seen from one level further up.
    #[must_use]
    pub(super) fn under(self, step: impl Into<Step>) -> Self {
        Self { path: self.path.under(step.into()), ..self }
    }
}

/// Why there is no plan. `Display` is the line an operator reads.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read at all.
    #[error("{file}: {wrong}")]
    Unread {
        /// The file as it was named.
        file: String,
        /// Why not.
        wrong: Unread,
    },
    /// The file is not UTF-8.
    #[error("{file}: is not text; a configuration is YAML in UTF-8, is it the right file?")]
    NoText {
        /// The file as it was named.
        file: String,
    },
    /// The file was read and is wrong somewhere.
    #[error("{0}")]
    Wrong(Mistake),
    /// Neither file nor flag names an upstream.
    #[error(
        "no upstream: nothing says where requests go; type `header-doctor run --upstream http://HOST:PORT`, \
         or name a file with `--config FILE`"
    )]
    NoUpstream,
}

/// A mistake in a file, with everything needed to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file as it was named.
    pub file: String,
    /// Line and column, both counted from one; absent only when the whole file is meant.
    pub position: Option<(usize, usize)>,
    /// The path within the file, empty for the file as a whole.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The longest text that a message repeats in full.
const LONGEST_QUOTE: usize = 80;

/// A text in quotation marks, cut to one readable line.
///
/// What stands before an `@` could be a password and what follows a `?` a token; both are left out, and so is
/// what follows the scheme of a credential or looks like a token by itself: a variable may hold the wrong thing. A key
/// in place of the name of its file is not shown at all.
pub(super) fn quoted(text: &str) -> String {
    if holds_key(text) {
        return "\"…\"".to_owned();
    }
    if text.contains("-----BEGIN") {
        return "\"-----BEGIN …\"".to_owned();
    }
    let shown = text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"));
    let shown = shown.split_once('?').map_or(shown.clone(), |(before, _)| format!("{before}?…"));
    let shown = without_tokens(&shown);
    if shown.chars().count() <= LONGEST_QUOTE {
        return format!("\"{}\"", shown.escape_debug());
    }
    let start: String = shown.chars().take(LONGEST_QUOTE).collect();
    format!("\"{}…\"", start.escape_debug())
}

/// Whether a text could be what a file of shared keys holds, and not its name: base64 of about 32 bytes, with a name and a
/// colon before it or padded.
pub(super) fn holds_key(text: &str) -> bool {
    text.split_ascii_whitespace().any(|word| {
        let (name, key) = word.rsplit_once(':').map_or((None, word), |(name, key)| (Some(name), key));
        let body = key.trim_end_matches('=');
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
        let is_marked = body != key || name.is_some() && !body.starts_with('/');
        is_marked && (40..=64).contains(&body.len()) && body.bytes().all(is_base64)
    })
}

/// The name of a file that is not there, as it was typed. A mere word that could be a token or a password was meant for
/// another place, and is not repeated.
#[must_use]
pub fn name_of_missing(path: &std::path::Path) -> String {
    let name = path.display().to_string();
    if !name.contains('/') && may_be_secret(&name) { "…".to_owned() } else { name }
}

/// Whether a text could be a token, or a password.
pub(super) fn may_be_secret(text: &str) -> bool {
    looks_secret(text.as_bytes()) || looks_chosen(text)
}

fn without_tokens(text: &str) -> String {
    let mut after_scheme = false;
    let word = |word: &str| {
        let is_path = word.contains('/');
        let hides = after_scheme
            || word.split('/').any(|piece| looks_secret(piece.as_bytes()))
            || !is_path && looks_chosen(word);
        after_scheme |= ["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
        if hides { "…".to_owned() } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Refused, name_of_missing, quoted};

    #[test]
    fn a_word_in_the_place_of_a_file_is_not_repeated_where_it_may_be_secret() {
        for name in ["tulip4Garden", "sKq7RvT2mXw9ZbL4nYh6", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln"] {
            assert_eq!(name_of_missing(Path::new(name)), "…", "{name}");
        }
        for name in ["header-doctor.yaml", "edge.jsonl", "releases/3f2a9c1b2d4e4f5a8b6c/doctor.yaml"] {
            assert_eq!(name_of_missing(Path::new(name)), name);
        }
    }

    #[test]
    fn a_quoted_text_never_shows_what_could_be_a_credential() {
        assert_eq!(quoted("http://user:pa@ss@10.0.0.7:80"), r#""…@10.0.0.7:80""#);
        assert_eq!(quoted("http://h:80/?token=x?y"), r#""http://h:80/?…""#);
        assert_eq!(quoted("authorization: Bearer a b"), r#""authorization: Bearer … …""#);
        assert_eq!(quoted("https://a/eyJhbGciOiJIUzI1NiJ9.e30.c2ln"), r#""…""#);
        assert_eq!(quoted("tulip4Garden"), r#""…""#);
    }

    #[test]
    fn a_slip_is_shown_as_it_was_written() {
        for text in [
            "localhost8080",
            "64KiBytes",
            "10.0.0.7:80x",
            "web-1.a2b.test",
            "/tmp/tmpAb1Cd2Ef/a.yaml",
            "fastcgi+unix:/run/php8fpm",
            "2001:db8::7",
        ] {
            assert_eq!(quoted(text), format!("\"{text}\""));
        }
    }

    #[test]
    fn a_quoted_key_is_not_shown() {
        let key = format!("-----BEGIN PRIVATE {}-----\nMIGHAgEAMBMGByqGSM49AgEG", "KEY");
        assert_eq!(quoted(&key), "\"-----BEGIN …\"");
    }

    #[test]
    fn a_key_that_doctors_share_is_not_shown_and_the_name_of_its_file_is() {
        let key = "AQ/BAQEBAQEB/QEBAQEBAQEB/QEBAQEBAQEB+QEBAQE";
        for text in
            [format!("{key}="), format!("k1:{key}="), format!("k1:{key}"), format!("# a\nk1: {key}=\n")]
        {
            assert_eq!(quoted(&text), "\"…\"");
        }
        for name in [
            "/etc/header-doctor/trail.keys",
            "unix:/run/secrets/header-doctor/production/trail/keys",
            "/run/secrets/header-doctor/production/trailkeys",
        ] {
            assert_eq!(quoted(name), format!("\"{name}\""));
        }
    }

    #[test]
    fn a_quoted_text_stays_on_one_line() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted(&"x ".repeat(250)).chars().count(), 83);
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_what_would_be_right() {
        let refused = Refused::new("is not a colour", "write red");
        assert_eq!(refused.about("rde"), r#""rde" is not a colour; write red"#);
    }
}
