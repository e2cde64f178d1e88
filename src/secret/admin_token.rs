//! The token that opens the admin listener.
//!
//! Only a hash of it is kept, under a key that nobody knows, and hashes are compared: how long that takes says nothing about
//! the token, and neither does a copy of the memory.

use std::fmt;

use hmac::Mac;

use super::key::keyed;

/// The shortest token, in characters.
const SHORTEST: usize = 16;

/// What stands for a token.
#[derive(Clone)]
pub struct AdminToken {
    key: [u8; 32],
    hash: [u8; 32],
}

/// Why a text is no token. It never quotes it, and ends a sentence that names the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// There is more than one line.
    #[error("has more than one line; it holds the token alone, in one")]
    Lines,
    /// It could be guessed.
    #[error("holds a token of {0} characters; write 16 or more, as `openssl rand -hex 32` prints them")]
    Short(usize),
    /// It cannot stand in a header.
    #[error("holds spaces or letters that cannot stand in a header; write letters and digits")]
    Odd,
    /// The system has no random numbers.
    #[error("cannot be used: the system has no random numbers")]
    NoRandomness,
}

impl AdminToken {
    /// The token in this text, a line end aside.
    ///
    /// # Errors
    /// It is not one line, too short, or nothing that a header can hold.
    pub fn read(text: &str) -> Result<Self, BadToken> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.contains(['\n', '\r']) {
            return Err(BadToken::Lines);
        }
        let length = line.chars().count();
        if length < SHORTEST {
            return Err(BadToken::Short(length));
        }
        if !line.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadToken::Odd);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| BadToken::NoRandomness)?;
        let hash = keyed(&key).chain_update(line).finalize().into_bytes().into();
        Ok(Self { key, hash })
    }

    /// Whether this is the token. The time it takes depends on the length of what is given alone.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        keyed(&self.key).chain_update(given).verify_slice(&self.hash).is_ok()
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::{AdminToken, BadToken};

    #[test]
    fn a_token_is_one_line_and_long_enough() {
        for text in ["0123456789abcdef", "0123456789abcdef\n", "0123456789abcdef\r\n"] {
            let token = AdminToken::read(text).unwrap();
            assert!(token.is(b"0123456789abcdef"), "{text:?}");
            assert!(!token.is(b"0123456789abcdeg") && !token.is(b"") && !token.is(b"0123456789abcdef\n"));
            assert_eq!(format!("{token:?}"), "(secret)");
        }
        for (text, wrong) in [
            ("", BadToken::Short(0)),
            ("0123456789abcde", BadToken::Short(15)),
            ("0123456789abcdef\n0123456789abcdef\n", BadToken::Lines),
            ("0123456789abcdef\n\n", BadToken::Lines),
            ("0123456789 abcdef", BadToken::Odd),
            ("0123456789äbcdef", BadToken::Odd),
        ] {
            assert_eq!(AdminToken::read(text).unwrap_err(), wrong, "{text:?}");
        }
    }
}
