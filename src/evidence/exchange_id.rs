//! The name by which an exchange is found again: in this doctor's log, and in those of the doctors before and behind it.

use std::fmt;

/// The identifier of an exchange: 64 bits, shown as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExchangeId(u64);

impl ExchangeId {
    /// The identifier with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Reads what [`ExchangeId::digits`] writes.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_plain = digits.len() == 16 && digits.bytes().all(is_hex);
        u64::from_str_radix(digits, 16).ok().filter(|_| is_plain).map(Self)
    }

    /// The digits, for a field of a request: this is written for every one of them.
    #[must_use]
    pub fn digits(self) -> [u8; 16] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        std::array::from_fn(|place| {
            let digit = self.0 >> (60 - 4 * place) & 0xf;
            usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or(b'0')
        })
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ExchangeId;

    #[test]
    fn exchange_ids_are_sixteen_digits() {
        assert_eq!(ExchangeId::new(255).to_string(), "00000000000000ff");
        let id = ExchangeId::new(0x0123_4567_89ab_cdef);
        assert_eq!(id.digits(), id.to_string().as_bytes());
        assert_eq!(ExchangeId::from_digits(&id.to_string()), Some(id));
        for text in ["", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", "+123456789abcdef"] {
            assert_eq!(ExchangeId::from_digits(text), None, "{text}");
        }
    }
}
