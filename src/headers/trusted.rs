//! Whose word is believed: the networks of `trusted_proxies`.
//!
//! Addresses are compared in their canonical form: a listener on `[::]` sees an IPv4 peer as `::ffff:10.0.0.1`, and
//! that peer is 10.0.0.1 wherever it is named.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Wrong;

/// One entry of `trusted_proxies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The networks that are private by standard: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918) and fc00::/7
    /// (RFC 4193). Link-local addresses (169.254.0.0/16, fe80::/10) are not among them, since anything on the
    /// link may take one, nor is 100.64.0.0/10 (RFC 6598), where a provider's customers are.
    Private,
    /// This machine: 127.0.0.0/8 and ::1.
    Loopback,
    /// One network; its address has no bit beyond the prefix.
    Network(IpNet),
}

const PRIVATE: [IpNet; 4] =
    [v4([10, 0, 0, 0], 8), v4([172, 16, 0, 0], 12), v4([192, 168, 0, 0], 16), v6(0xfc00, 0, 7)];
const LOOPBACK: [IpNet; 2] = [v4([127, 0, 0, 0], 8), v6(0, 1, 128)];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: u16, last: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last), prefix))
}

impl Range {
    fn networks(&self) -> &[IpNet] {
        match self {
            Self::Private => &PRIVATE,
            Self::Loopback => &LOOPBACK,
            Self::Network(network) => std::slice::from_ref(network),
        }
    }
}

impl FromStr for Range {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        match text {
            "private" => return Ok(Self::Private),
            "loopback" => return Ok(Self::Loopback),
            _ => {}
        }
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| unreadable())?;
        let prefix = prefix.map(length).transpose()?;
        network(address, prefix).map(Self::Network)
    }
}

fn length(text: &str) -> Result<u8, Wrong> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(unreadable)
}

fn network(address: IpAddr, prefix: Option<u8>) -> Result<IpNet, Wrong> {
    let (address, prefix) = canonical(address, prefix);
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let network = IpNet::new(address, prefix.unwrap_or(longest)).map_err(|_| too_long(longest))?;
    let trimmed = network.trunc();
    if trimmed == network { Ok(network) } else { Err(host_bits(trimmed)) }
}

fn unreadable() -> Wrong {
    let right = "write one such as 10.0.0.0/8 or fd00::/8, an address alone, private or loopback";
    Wrong { wrong: "is not a network", right: right.to_owned() }
}

fn too_long(longest: u8) -> Wrong {
    Wrong { wrong: "has a prefix longer than an address", right: format!("write at most /{longest}") }
}

/// The address lies within the network and does not name it.
fn host_bits(network: IpNet) -> Wrong {
    let right = format!("write {network} for the network, or the address alone");
    Wrong { wrong: "has bits set beyond its prefix", right }
}

/// `::ffff:10.0.0.0/104` is 10.0.0.0/8.
fn canonical(address: IpAddr, prefix: Option<u8>) -> (IpAddr, Option<u8>) {
    let canonical = address.to_canonical();
    if canonical.is_ipv6() || address.is_ipv4() {
        return (address, prefix);
    }
    match prefix {
        None => (canonical, None),
        Some(prefix @ 96..=128) => (canonical, Some(prefix - 96)),
        prefix => (address, prefix),
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private => f.write_str("private"),
            Self::Loopback => f.write_str("loopback"),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().fmt(f)
            }
            Self::Network(network) => network.fmt(f),
        }
    }
}

/// The proxies whose word about a client is believed. By default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted(Vec<Range>);

impl Trusted {
    /// These networks together.
    #[must_use]
    pub const fn new(ranges: Vec<Range>) -> Self {
        Self(ranges)
    }

    /// The networks as configured.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        &self.0
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a peer with this address is trusted.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().flat_map(Range::networks).any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::{any, proptest};

    use super::{Range, Trusted};

    fn trusted(ranges: &[&str]) -> Trusted {
        Trusted::new(ranges.iter().map(|text| text.parse().expect(text)).collect())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn an_address_is_trusted_within_its_range_only() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "::10.1.2.3", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.7", "10.0.0.7", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "10.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("private", "10.0.0.1", true),
            ("private", "172.31.255.255", true),
            ("private", "172.32.0.0", false),
            ("private", "192.168.1.1", true),
            ("private", "fd00::1", true),
            ("private", "fc00::1", true),
            ("private", "169.254.169.254", false),
            ("private", "fe80::1", false),
            ("private", "100.64.0.1", false),
            ("private", "127.0.0.1", false),
            ("loopback", "127.8.0.1", true),
            ("loopback", "::1", true),
            ("loopback", "::ffff:127.0.0.1", true),
            ("loopback", "::2", false),
        ];
        for (range, peer, expected) in table {
            assert_eq!(trusted(&[range]).contains(address(peer)), expected, "{range} {peer}");
        }
    }

    #[test]
    fn several_ranges_are_trusted_together_and_none_trusts_nobody() {
        let both = trusted(&["loopback", "192.0.2.0/24"]);
        assert!(both.contains(address("127.0.0.1")) && both.contains(address("192.0.2.1")));
        assert!(!Trusted::default().contains(address("127.0.0.1")));
    }

    #[test]
    fn what_is_no_network_is_told_what_would_be() {
        let table = [
            (
                "10.0.0.5/8",
                "has bits set beyond its prefix; write 10.0.0.0/8 for the network, or the address alone",
            ),
            (
                "fd00::1/8",
                "has bits set beyond its prefix; write fd00::/8 for the network, or the address alone",
            ),
            ("10.0.0.0/33", "has a prefix longer than an address; write at most /32"),
            ("fd00::/129", "has a prefix longer than an address; write at most /128"),
        ];
        for (text, message) in table {
            assert_eq!(text.parse::<Range>().unwrap_err().to_string(), message, "{text}");
        }
        for text in [
            "",
            "localhost",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "Private",
            "10.0.0.0/255.0.0.0",
        ] {
            let message = text.parse::<Range>().unwrap_err().to_string();
            assert!(message.starts_with("is not a network; write one such as"), "{text}: {message}");
        }
    }

    #[test]
    fn a_range_is_shown_as_it_may_be_written() {
        for text in ["private", "loopback", "10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Range>().unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read_as_it_is_shown(text in any::<String>()) {
            if let Ok(range) = text.parse::<Range>() {
                assert_eq!(range.to_string().parse(), Ok(range));
            }
        }

        #[test]
        fn any_network_holds_its_own_address(address in any::<u128>(), v4 in any::<u32>(), prefix in 0_u8..=32) {
            for (address, prefix) in [(IpAddr::from(v4.to_be_bytes()), prefix), (IpAddr::from(address.to_be_bytes()), prefix * 4)] {
                let network = ipnet::IpNet::new(address, prefix).unwrap().trunc();
                let range: Range = network.to_string().parse().unwrap();
                assert!(Trusted::new(vec![range]).contains(network.addr()));
            }
        }
    }
}
