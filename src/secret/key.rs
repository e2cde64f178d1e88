//! The key behind fingerprints.
//!
//! A fingerprint is SipHash-2-4 under a key of 128 bits: a pseudorandom function made for short input, which costs a
//! healthy exchange between two doctors a tenth of what an HMAC per header would. The keys are derived with HKDF, one for
//! each purpose, so that what one use shows says nothing about another.

use std::fmt;
use std::hash::Hasher as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use siphasher::sip::SipHasher24;

pub(super) type HmacSha256 = Hmac<Sha256>;

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Fingerprint,
    Seal,
    PhpSeal,
    PhpFingerprint,
    PhpSecret,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Fingerprint => b"header-doctor fingerprint v1",
            Self::Seal => b"header-doctor seal v1",
            Self::PhpSeal => b"header-doctor php seal v1",
            Self::PhpFingerprint => b"header-doctor php fingerprint v1",
            Self::PhpSecret => b"header-doctor php secret v1",
        }
    }
}

/// The key behind fingerprints.
#[derive(Clone)]
pub struct Key {
    fingerprints: SipHasher24,
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
        let derived = derive(bytes, Purpose::Fingerprint);
        let half = derived.first_chunk().unwrap_or(&[0; 16]);
        Self { fingerprints: SipHasher24::new_with_key(half) }
    }

    /// The fingerprint of `value`. Equal values have equal fingerprints whatever header they stand in, so that a
    /// value that moved to another name is recognised.
    #[must_use]
    pub fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        Fingerprint(self.fingerprints.hash(value))
    }

    /// What stands for the beginnings of `value`.
    #[must_use]
    pub fn starts(&self, value: &[u8]) -> Starts {
        self.fingerprint_and_starts(value).1
    }

    /// The fingerprint of `value` and what stands for its beginnings, in one pass.
    #[must_use]
    pub fn fingerprint_and_starts(&self, value: &[u8]) -> (Fingerprint, Starts) {
        let (mut hasher, mut starts, mut done) = (self.fingerprints, Starts::default(), 0);
        for (step, mark) in Starts::steps().zip(&mut starts.marks) {
            let Some(more) = value.get(done..step).filter(|_| step < value.len()) else { break };
            hasher.write(more);
            *mark = short(hasher.finish());
            (done, starts.count) = (step, starts.count + 1);
        }
        hasher.write(value.get(done..).unwrap_or_default());
        (Fingerprint(hasher.finish()), starts)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// HKDF-SHA256 (RFC 5869) without salt and with one block of output.
pub(super) fn derive(bytes: &[u8; 32], purpose: Purpose) -> [u8; 32] {
    let extracted = keyed(&[0; 32]).chain_update(bytes).finalize().into_bytes();
    keyed(&extracted.into()).chain_update(purpose.label()).chain_update([1]).finalize().into_bytes().into()
}

/// HMAC keyed with 32 bytes, which fit its block of 64 as they are.
pub(super) fn keyed(bytes: &[u8; 32]) -> HmacSha256 {
    let mut block = [0; 64];
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    HmacSha256::new(&block.into())
}

/// 64 bits that stand for a value: all of them are compared, 32 are shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint with these bits, from another doctor.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All of its bits, for another doctor.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

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

/// What stands for the beginnings of a value: 16 bits each for its first 16, 32, 64 … bytes, as long as these are not all.
/// With it a value that was cut is told from one that was replaced by a shorter one, and nobody gets a byte back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    count: usize,
    marks: [u16; Self::MOST],
}

impl Starts {
    /// How many there are at most; the last is of 8192 bytes.
    pub const MOST: usize = 10;

    /// The beginnings with these marks, from another doctor. More than there can be are left out.
    #[must_use]
    pub fn from_marks(given: &[u16]) -> Self {
        let mut starts = Self::default();
        for (mark, given) in starts.marks.iter_mut().zip(given) {
            *mark = *given;
            starts.count += 1;
        }
        starts
    }

    /// The marks, for another doctor.
    #[must_use]
    pub fn marks(&self) -> &[u16] {
        self.marks.get(..self.count).unwrap_or_default()
    }

    /// Whether the value that these stand for begins with `part`; at least half of `part` is compared. Nothing shorter than
    /// 16 bytes can be.
    #[must_use]
    pub fn begin_with(&self, part: &[u8], key: &Key) -> bool {
        let last = Self::steps().zip(self.marks()).take_while(|(step, _)| *step <= part.len()).last();
        last.is_some_and(|(step, mark)| {
            let compared = part.get(..step).unwrap_or_default();
            compared.len() * 2 >= part.len() && short(key.fingerprints.hash(compared)) == *mark
        })
    }

    fn steps() -> impl Iterator<Item = usize> {
        (0..Self::MOST).map(|step| 16 << step)
    }
}

/// The upper quarter.
fn short(bits: u64) -> u16 {
    u16::try_from(bits >> 48).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Key, Starts};

    #[test]
    fn equal_values_have_equal_fingerprints_under_one_key_only() {
        let (key, other) = (Key::from_bytes(&[1; 32]), Key::from_bytes(&[2; 32]));
        assert_eq!(key.fingerprint(b"Bearer a"), key.fingerprint(b"Bearer a"));
        assert_ne!(key.fingerprint(b"Bearer a"), key.fingerprint(b"Bearer b"));
        assert_ne!(key.fingerprint(b"Bearer a"), other.fingerprint(b"Bearer a"));
    }

    #[test]
    fn random_keys_differ() {
        let (one, two) = (Key::random().unwrap(), Key::random().unwrap());
        assert_ne!(one.fingerprint(b""), two.fingerprint(b""));
    }

    #[test]
    fn a_cut_value_is_told_from_another_one() {
        let key = Key::from_bytes(&[1; 32]);
        let whole: Vec<u8> = (0..=255).chain(0..=60).collect();
        let starts = key.starts(&whole);
        assert_eq!(starts.marks().len(), 5, "16, 32, 64, 128 and 256 of 317");
        assert_eq!(Starts::from_marks(starts.marks()), starts);
        for length in 0..whole.len() {
            let part = &whole[..length];
            assert_eq!(key.fingerprint_and_starts(part), (key.fingerprint(part), key.starts(part)));
        }
        for length in [16, 17, 31, 32, 300, 316] {
            assert!(starts.begin_with(&whole[..length], &key), "{length}");
        }
        let mut other = whole.clone();
        other[3] ^= 1;
        assert!(!starts.begin_with(&other[..300], &key));
        assert!(!starts.begin_with(&whole[..15], &key), "too short to tell");
        assert!(!starts.begin_with(&whole[..300], &Key::from_bytes(&[2; 32])));
        assert!(key.starts(&whole[..16]).marks().is_empty(), "it has no beginning but itself");
    }
}
