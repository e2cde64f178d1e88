//! The keys that PHP gets: three of its own, derived from a shared key, which itself never leaves the doctors.
//!
//! PHP runs the code of many plugins, and each of them can read what the plugin of the doctor reads. So nothing that it holds
//! signs or opens a trail: whoever steals these keys can ask and answer in PHP's place, and no more. HMAC-SHA256 serves for all
//! three, since every PHP has it ready, which cannot be said of SipHash.

use std::fmt;

use hmac::Mac as _;

use super::key::{Fingerprint, HmacSha256, Purpose, derive, keyed};
use super::keyring::SEAL;
use super::{KeyId, Secret};

/// The three keys.
#[derive(Clone)]
pub struct PhpKey {
    seal: [u8; 32],
    fingerprint: [u8; 32],
    site_secret: [u8; 32],
}

/// The keys as PHP is told them.
#[derive(Clone, Debug)]
pub struct Written {
    /// The name of the key that they were derived from.
    pub id: KeyId,
    /// In hexadecimal: for questions and answers, for the values of headers, for the secret of tokens.
    pub keys: Secret<[String; 3]>,
}

impl PhpKey {
    pub(super) fn of(bytes: &[u8; 32]) -> Self {
        Self {
            seal: derive(bytes, Purpose::PhpSeal),
            fingerprint: derive(bytes, Purpose::PhpFingerprint),
            site_secret: derive(bytes, Purpose::PhpSecret),
        }
    }

    /// Seals a question, or as PHP would an answer.
    #[must_use]
    pub fn seal(&self, text: &[u8]) -> [u8; SEAL] {
        let whole: [u8; 32] = over(&self.seal, text).finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// Whether `seal` was made of `text` with this key; in a time that says nothing.
    #[must_use]
    pub fn has_sealed(&self, text: &[u8], seal: &[u8]) -> bool {
        seal.len() == SEAL && over(&self.seal, text).verify_truncated_left(seal).is_ok()
    }

    /// What stands for a value where PHP compares: 64 bits.
    #[must_use]
    pub fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        let whole: [u8; 32] = over(&self.fingerprint, value).finalize().into_bytes().into();
        Fingerprint::from_bits(u64::from_be_bytes(whole.first_chunk().copied().unwrap_or_default()))
    }

    pub(super) fn written(&self, id: &KeyId) -> Written {
        let keys = [self.seal, self.fingerprint, self.site_secret];
        Written { id: id.clone(), keys: Secret::new(keys.map(|key| hex(&key))) }
    }
}

impl fmt::Debug for PhpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

fn over(key: &[u8; 32], text: &[u8]) -> HmacSha256 {
    let mut mac = keyed(key);
    mac.update(text);
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{KeyId, TrailKey};

    fn key(byte: u8) -> TrailKey {
        TrailKey::new(KeyId::new("k1").unwrap(), &[byte; 32])
    }

    #[test]
    fn a_seal_is_of_one_text_and_one_key() {
        let (one, two) = (key(1), key(2));
        let seal = one.php().seal(b"a");
        assert!(one.php().has_sealed(b"a", &seal));
        assert!(!one.php().has_sealed(b"b", &seal) && !two.php().has_sealed(b"a", &seal));
        assert!(!one.php().has_sealed(b"a", &seal[..15]) && !one.php().has_sealed(b"a", b""));
    }

    #[test]
    fn php_gets_keys_of_its_own() {
        let written = key(1).written_for_php();
        let keys = written.keys.expose();
        assert!(keys.iter().all(|key| key.len() == 64 && !key.contains("0101")), "never the shared key");
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
        assert_ne!(key(1).fingerprints().fingerprint(b"a"), key(1).php().fingerprint(b"a"));
        assert!(!format!("{written:?}{:?}", key(1).php()).contains(&keys[0]));
    }
}
