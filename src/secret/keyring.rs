//! The keys that doctors share to believe one another.
//!
//! A file holds one to three of them, a line each: the first signs, all verify. So a key is replaced without a moment in which
//! two doctors do not understand each other: add the new one below everywhere, move it to the top everywhere, then remove the
//! old one.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;

use super::key::{HmacSha256, Key, Purpose, derive, keyed};
use super::parts::Parts;
use super::php_key::{PhpKey, Written};

/// How long a seal is, in bytes: HMAC-SHA256 cut to half of it (RFC 2104 §5).
pub const SEAL: usize = 16;

/// How many keys a file may hold.
const MOST: usize = 3;

/// The name of a key, which travels with everything it signed: 1 to 16 of letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The name, when it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        ((1..=16).contains(&text.len()) && is_plain).then(|| Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One shared key.
#[derive(Clone)]
pub struct TrailKey {
    id: KeyId,
    fingerprints: Key,
    seals: HmacSha256,
    php: PhpKey,
}

impl TrailKey {
    /// A key from its name and its 32 bytes.
    #[must_use]
    pub fn new(id: KeyId, bytes: &[u8; 32]) -> Self {
        let seals = keyed(&derive(bytes, Purpose::Seal));
        Self { id, fingerprints: Key::from_bytes(bytes), seals, php: PhpKey::of(bytes) }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// What fingerprints are made with.
    #[must_use]
    pub const fn fingerprints(&self) -> &Key {
        &self.fingerprints
    }

    /// What is shared with PHP.
    #[must_use]
    pub const fn php(&self) -> &PhpKey {
        &self.php
    }

    /// The same, to be written into the plugin that answers there.
    #[must_use]
    pub fn written_for_php(&self) -> Written {
        self.php.written(&self.id)
    }

    /// Signs `parts`.
    #[must_use]
    pub fn seal(&self, parts: &Parts) -> [u8; SEAL] {
        let whole: [u8; 32] = self.over(parts).finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// Whether `seal` was made of `parts` with this key; in a time that says nothing.
    #[must_use]
    pub fn has_sealed(&self, parts: &Parts, seal: &[u8]) -> bool {
        seal.len() == SEAL && self.over(parts).verify_truncated_left(seal).is_ok()
    }

    fn over(&self, parts: &Parts) -> HmacSha256 {
        let mut mac = self.seals.clone();
        mac.update(parts.as_bytes());
        mac
    }
}

impl fmt::Debug for TrailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (secret)", self.id)
    }
}

/// The keys of a file.
#[derive(Clone, Debug)]
pub struct Keyring {
    signing: TrailKey,
    others: Vec<TrailKey>,
}

impl Keyring {
    /// A ring with one key.
    #[must_use]
    pub const fn of_one(key: TrailKey) -> Self {
        Self { signing: key, others: Vec::new() }
    }

    /// The key that signs.
    #[must_use]
    pub const fn signing(&self) -> &TrailKey {
        &self.signing
    }

    /// All of them, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &TrailKey> {
        std::iter::once(&self.signing).chain(&self.others)
    }

    /// The key with this name.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<&TrailKey> {
        self.all().find(|key| key.id.as_str() == id)
    }
}

/// What is wrong with the text of a key file. It never quotes any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// Nothing but blank lines and comments.
    #[error("it holds no key; write one with `printf 'k1:%s\\n' \"$(openssl rand -base64 32)\"`")]
    None,
    /// Too many lines.
    #[error("line {line} is one key too many; a file holds at most {MOST}, the first signs and all verify")]
    TooMany {
        /// Which line.
        line: usize,
    },
    /// A line without a colon, or with a name that is none.
    #[error(
        "line {line} does not begin with a name and a colon; a line is `NAME:KEY`, the name 1 to 16 letters, digits, \
         `.`, `_` or `-`"
    )]
    Name {
        /// Which line.
        line: usize,
    },
    /// What follows the colon is no key.
    #[error("the key of line {line} is not base64 of 32 bytes; `openssl rand -base64 32` makes one")]
    Key {
        /// Which line.
        line: usize,
    },
    /// A name or a key that stands there already.
    #[error("line {line} repeats the name or the key of an earlier line; each key has a name of its own")]
    Twice {
        /// Which line.
        line: usize,
    },
}

impl FromStr for Keyring {
    type Err = BadKeys;

    /// Reads the text of a key file. Blank lines and lines that begin with `#` count for nothing.
    fn from_str(text: &str) -> Result<Self, BadKeys> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let mut keys: Vec<(TrailKey, [u8; 32])> = Vec::with_capacity(MOST);
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let (name, key) = text.split_once(':').ok_or(BadKeys::Name { line })?;
            let id = KeyId::new(name.trim()).ok_or(BadKeys::Name { line })?;
            let bytes = STANDARD.decode(key.trim()).map_err(|_| BadKeys::Key { line })?;
            let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| BadKeys::Key { line })?;
            if keys.iter().any(|(known, used)| known.id == id || *used == bytes) {
                return Err(BadKeys::Twice { line });
            }
            if keys.len() == MOST {
                return Err(BadKeys::TooMany { line });
            }
            keys.push((TrailKey::new(id, &bytes), bytes));
        }
        let mut keys = keys.into_iter().map(|(key, _)| key);
        let signing = keys.next().ok_or(BadKeys::None)?;
        Ok(Self { signing, others: keys.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::{BadKeys, KeyId, Keyring, Parts, TrailKey};

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    const THREE: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

    fn key(byte: u8) -> TrailKey {
        TrailKey::new(KeyId::new("k").unwrap(), &[byte; 32])
    }

    #[test]
    fn the_first_key_signs_and_all_are_known() {
        let ring: Keyring = format!("# ours\n\n new : {ONE} \r\nold:{TWO}\n").parse().unwrap();
        assert_eq!(ring.signing().id().as_str(), "new");
        assert_eq!(ring.named("old").unwrap().id().as_str(), "old");
        assert!(ring.named("older").is_none());
        let a = Parts::of(&[b"a"]);
        let sealed = ring.signing().seal(&a);
        assert!(key(1).has_sealed(&a, &sealed) && !key(2).has_sealed(&a, &sealed));
    }

    #[test]
    fn a_bad_file_is_told_by_its_line_and_never_quoted() {
        let table = [
            (String::new(), BadKeys::None),
            ("# nothing\n".to_owned(), BadKeys::None),
            (format!("k1:{ONE}\n{TWO}"), BadKeys::Name { line: 2 }),
            (format!(":{ONE}"), BadKeys::Name { line: 1 }),
            (format!("{}:{ONE}", "k".repeat(17)), BadKeys::Name { line: 1 }),
            (format!("k 1:{ONE}"), BadKeys::Name { line: 1 }),
            ("k1:s3cret".to_owned(), BadKeys::Key { line: 1 }),
            (format!("k1:{}", &ONE[4..]), BadKeys::Key { line: 1 }),
            (format!("k1:{ONE}\n\nk1:{TWO}"), BadKeys::Twice { line: 3 }),
            (format!("k1:{ONE}\nk2:{ONE}"), BadKeys::Twice { line: 2 }),
            (
                format!("a:{ONE}\nb:{TWO}\nc:{THREE}\nd:{}", ONE.replace("AQ", "Bg")),
                BadKeys::TooMany { line: 4 },
            ),
        ];
        for (text, expected) in table {
            let error = text.parse::<Keyring>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("s3cret") && !error.to_string().contains("AQEB"));
        }
    }

    #[test]
    fn a_seal_is_of_all_parts_as_they_were_parted() {
        let sealed = key(1).seal(&Parts::of(&[b"ab", b"c"]));
        let has_sealed = |parts: &[&[u8]], seal: &[u8]| key(1).has_sealed(&Parts::of(parts), seal);
        assert!(has_sealed(&[b"ab", b"c"], &sealed));
        assert!(!has_sealed(&[b"a", b"bc"], &sealed));
        assert!(!has_sealed(&[b"abc"], &sealed));
        assert!(!has_sealed(&[b"ab", b"c"], &sealed[..15]));
        assert!(!has_sealed(&[b"ab", b"c"], &[]));
    }

    #[test]
    fn the_keys_are_those_of_rfc_5869() {
        // Computed with Python: HKDF-SHA256 of 32 bytes 01, no salt, the label; then SipHash-2-4 and HMAC.
        assert_eq!(key(1).fingerprints().fingerprint(b"Bearer a").bits(), 0x69a6_f081_2b96_fba5);
        assert_eq!(
            key(1)
                .seal(&Parts::of(&[b"a"]))
                .map(u32::from)
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")),
            "91610a138db892c31f8d96580e12eb2a"
        );
        assert_eq!(format!("{:?}", key(1)), "k (secret)");
    }
}
