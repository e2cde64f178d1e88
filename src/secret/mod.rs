//! Credentials that cannot be printed, and the fingerprints that stand for them.
//!
//! A finding must be able to say that two hops saw the *same* token without anybody getting the token back. So a
//! value is shown as a [`Fingerprint`]: a keyed, truncated hash. The [`Key`] is random per process, which makes
//! guessing from a log useless; two doctors that compare notes have theirs from a file, see [`Keyring`].
//!
//! What a fingerprint cannot guard is text that is written out because it looks harmless: a path, a code.
//! [`looks_secret`] is the one judgement of that, and it errs towards hiding.

mod admin_token;
mod key;
mod keyring;
mod parts;
mod php_key;

use std::fmt;

pub use admin_token::{AdminToken, BadToken};
pub use key::{Fingerprint, Key, Starts};
pub use keyring::{BadKeys, KeyId, Keyring, SEAL, TrailKey};
pub use parts::Parts;
pub use php_key::{PhpKey, Written};

/// Something that must not be shown. It has no `Display`, and its `Debug` says only that it is there.
#[derive(Clone)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Takes a value out of sight.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Whether a piece of text could be a credential, so that it must not be written out.
///
/// Slugs are words: long perhaps, but in one case and with few digits. Tokens, keys and hashes are long and change
/// between upper case, lower case and digits again and again. White space and percent signs count as neither.
#[must_use]
pub fn looks_secret(text: &[u8]) -> bool {
    const LONG: usize = 16;
    const RUN: usize = 40;
    const CHANGES: usize = 4;
    if text.len() < LONG {
        return false;
    }
    let is_jwt = text.windows(3).any(|window| window == b"eyJ");
    let longest_run =
        text.split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::len).max().unwrap_or_default();
    let classes = || text.iter().filter_map(|byte| Class::of(*byte));
    let changes = classes().zip(classes().skip(1)).filter(|(one, next)| one != next).count();
    is_jwt || longest_run >= RUN || changes >= CHANGES
}

/// Whether a text could be a password as people choose them: eight letters and digits or more that go on behind a digit, as in
/// `tulip4Garden`. `localhost8080` is a slip of the pen, and so is `64KiBytes`. To be asked of what was typed in the wrong place.
#[must_use]
pub fn looks_chosen(text: &str) -> bool {
    const SHORTEST: usize = 8;
    let goes_on = |word: &str| {
        let behind = word.trim_start_matches(|sign: char| sign.is_ascii_alphabetic());
        behind.len() < word.len() && behind.contains(|sign: char| sign.is_ascii_alphabetic())
    };
    let mut words = text.split(|sign: char| !sign.is_ascii_alphanumeric());
    words.any(|word| word.len() >= SHORTEST && goes_on(word))
}

#[derive(PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Digit,
}

impl Class {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            b'A'..=b'Z' => Some(Self::Upper),
            b'a'..=b'z' => Some(Self::Lower),
            b'0'..=b'9' => Some(Self::Digit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Secret, looks_chosen, looks_secret};

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "(secret)");
        assert_eq!(format!("{:?}", Key::from_bytes(&[7; 32])), "(secret)");
        assert_eq!(Key::from_bytes(&[7; 32]).fingerprint(b"x").to_string().len(), 8);
    }

    #[test]
    fn tokens_look_secret_and_slugs_do_not() {
        let secret = [
            "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "3f2a9c1b-2d4e-4f5a-8b6c-7d8e9f0a1b2c",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "abcd1EFGH2ijkl3MNOP4qrst",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ];
        for text in secret {
            assert!(looks_secret(text.as_bytes()), "{text}");
        }
        let harmless = [
            "authorization-header",
            "a-rather-long-title-of-a-post-of-2024",
            "users",
            "rest_cannot_introspect_app_password_for_non_authenticated_user",
            "wp-site-health",
            "",
        ];
        for text in harmless {
            assert!(!looks_secret(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn passwords_look_chosen_and_slips_of_the_pen_do_not() {
        for text in ["tulip4Garden", "xy tulip4Garden", "jo:pa55word", "c0rrecthorse"] {
            assert!(looks_chosen(text), "{text}");
        }
        for text in [
            "localhost8080",
            "64KiBytes",
            "10.0.0.7:80x",
            "2001:db8::7",
            "a2b.test",
            "api.example.com",
            "web1",
            "",
        ] {
            assert!(!looks_chosen(text), "{text}");
        }
    }
}
