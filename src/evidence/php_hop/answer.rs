//! Reads an answer: believed by its seal alone, then taken apart. Nothing in it is trusted to be short or well formed.

use std::str;

use super::saw::PhpSaw;
use super::{hex, sealed};
use crate::evidence::exchange_id::ExchangeId;
use crate::evidence::signed::Bound;
use crate::moment::Moment;
use crate::secret::{Keyring, SEAL};

/// How many bytes an answer may have.
pub const MOST_BYTES: usize = 1024;

/// What PHP saw of this exchange; nothing where none of the lines is its sealed answer.
#[must_use]
pub fn answered<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    keys: &Keyring,
    exchange: ExchangeId,
    bound: &Bound<'_>,
) -> Option<PhpSaw> {
    lines.into_iter().find_map(|line| read(line, keys, exchange, bound))
}

fn read(line: &[u8], keys: &Keyring, exchange: ExchangeId, bound: &Bound<'_>) -> Option<PhpSaw> {
    let line = str::from_utf8(line).ok().filter(|line| line.len() <= MOST_BYTES)?;
    let (text, seal) = line.rsplit_once(";m=")?;
    let mut parts = text.splitn(5, ';');
    let (version, key) = (parts.next()?, parts.next()?);
    let (named, at) = (ExchangeId::from_digits(parts.next()?)?, parts.next()?);
    if version != "1" || named != exchange {
        return None;
    }
    let key = keys.named(key)?.php();
    if !key.has_sealed(&sealed(bound, text.as_bytes()), &bytes(seal)?) {
        return None;
    }
    PhpSaw::understood(Moment::from_millis(at.parse().ok()?), parts.next().unwrap_or_default())
}

/// The bytes of a seal as [`hex`] writes it.
fn bytes(text: &str) -> Option<[u8; SEAL]> {
    let mut seal = [0; SEAL];
    let digits = text.as_bytes().chunks_exact(2);
    for (byte, pair) in seal.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&seal) == text).then_some(seal)
}
