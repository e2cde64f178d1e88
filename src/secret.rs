//! Credentials that cannot be printed, and the fingerprints that stand for them.
//!
//! A finding must be able to say that two hops saw the *same* token without anybody getting the token back. So a
//! value is shown as a [`Fingerprint`]: a keyed, truncated hash. The [`Key`] is random per process, which makes
//! guessing from a log useless; keys from a file, for two doctors that compare notes, come with the trail.
//!
//! What a fingerprint cannot guard is text that is written out because it looks harmless: a path, a code.
//! [`looks_secret`] is the one judgement of that, and it errs towards hiding.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

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

/// What a derived key is for. Each purpose has a key of its own, so that what one use shows says nothing about
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Fingerprint,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Fingerprint => b"header-doctor fingerprint v1",
        }
    }
}

/// The key behind the fingerprints of one process.
#[derive(Clone)]
pub struct Key {
    fingerprints: HmacSha256,
}

impl Key {
    /// A key nobody knows, good for the life of the process.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// A key from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self { fingerprints: derive(bytes, Purpose::Fingerprint) }
    }

    /// The fingerprint of `value`. Equal values have equal fingerprints whatever header they stand in, so that a
    /// value that moved to another name is recognised.
    #[must_use]
    pub fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        let digest = self.fingerprints.clone().chain_update(value).finalize().into_bytes();
        let (first, _) = digest.split_at(8);
        Fingerprint(first.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// HKDF-SHA256 (RFC 5869) without salt and with one block of output.
fn derive(bytes: &[u8; 32], purpose: Purpose) -> HmacSha256 {
    let extracted = keyed(&[0; 32]).chain_update(bytes).finalize().into_bytes();
    let expanded =
        keyed(&extracted.into()).chain_update(purpose.label()).chain_update([1]).finalize().into_bytes();
    keyed(&expanded.into())
}

/// HMAC keyed with 32 bytes, which fit its block of 64 as they are.
fn keyed(bytes: &[u8; 32]) -> HmacSha256 {
    let mut block = [0; 64];
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    HmacSha256::new(&block.into())
}

/// 64 bits that stand for a value: all of them are compared, 32 are shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
    use super::{Key, Secret, looks_secret};

    #[test]
    fn equal_values_have_equal_fingerprints_under_one_key_only() {
        let (key, other) = (Key::from_bytes(&[1; 32]), Key::from_bytes(&[2; 32]));
        assert_eq!(key.fingerprint(b"Bearer a"), key.fingerprint(b"Bearer a"));
        assert_ne!(key.fingerprint(b"Bearer a"), key.fingerprint(b"Bearer b"));
        assert_ne!(key.fingerprint(b"Bearer a"), other.fingerprint(b"Bearer a"));
    }

    #[test]
    fn the_key_is_the_one_of_rfc_5869() {
        // Computed with Python: HKDF-SHA256 of 32 bytes 01, no salt, the label; then HMAC of "Bearer a".
        assert_eq!(Key::from_bytes(&[1; 32]).fingerprint(b"Bearer a").to_string(), "68cca9a9");
    }

    #[test]
    fn random_keys_differ() {
        let (one, two) = (Key::random().unwrap(), Key::random().unwrap());
        assert_ne!(one.fingerprint(b""), two.fingerprint(b""));
    }

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
}
