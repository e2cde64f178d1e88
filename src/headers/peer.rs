//! Who speaks to us, as far as the policy of headers asks.

use std::fmt::{self, Write};
use std::net::IpAddr;

use super::Trusted;

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// Reads `http` or `https` in any spelling (RFC 3986 §3.1).
    #[must_use]
    pub fn of(text: &[u8]) -> Option<Self> {
        if text.eq_ignore_ascii_case(b"https") {
            return Some(Self::Https);
        }
        text.eq_ignore_ascii_case(b"http").then_some(Self::Http)
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of a URL that names none.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The other end of a connection. Made once per connection, so that no request has to write its address out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    address: IpAddr,
    text: Text,
    is_trusted: bool,
    scheme: Scheme,
}

impl Peer {
    /// A peer on a listener of this scheme.
    #[must_use]
    pub fn new(address: IpAddr, trusted: &Trusted, scheme: Scheme) -> Self {
        let address = address.to_canonical();
        Self { address, text: Text::of(address), is_trusted: trusted.contains(address), scheme }
    }

    /// Its address; one of IPv4 is never in the form of IPv6.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Its address in text, without brackets.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.bytes()
    }

    /// Whether it is one of the trusted proxies.
    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// The scheme it speaks to us.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }
}

/// An address written out, in place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Text {
    bytes: [u8; Self::LONGEST],
    length: usize,
}

impl Text {
    /// `2001:0db8:…` with eight groups of four digits.
    const LONGEST: usize = 39;

    fn of(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; Self::LONGEST], length: 0 };
        let written = write!(text, "{address}");
        debug_assert!(written.is_ok(), "every canonical address fits");
        text
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::{any, proptest};

    use super::{Peer, Scheme};
    use crate::headers::Trusted;

    proptest! {
        #[test]
        fn every_address_is_written_out_whole(v6 in any::<[u8; 16]>(), v4 in any::<[u8; 4]>()) {
            for address in [IpAddr::from(v6), IpAddr::from(v4), IpAddr::V6(std::net::Ipv4Addr::from(v4).to_ipv6_mapped())] {
                let peer = Peer::new(address, &Trusted::default(), Scheme::Http);
                assert_eq!(peer.text(), address.to_canonical().to_string().as_bytes());
                assert!(!peer.is_trusted());
            }
        }
    }
}
