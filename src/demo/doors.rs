//! The doors of the stage as somebody outside meets them: addresses, hosts, and what curl must be told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::stage::Stage;
use super::stories::Door;

impl Stage {
    /// Where a door is.
    pub(super) fn address(&self, door: Door) -> SocketAddr {
        match door {
            Door::Edge => self.edge,
            Door::Pair => self.pair,
            Door::Nginx | Door::Apache | Door::Gate => self.doctor,
        }
    }

    /// Host and port of a door. Names below `localhost` are the loopback's (RFC 6761 §6.3), and curl knows that.
    pub(super) fn host(&self, door: Door) -> String {
        let name = match door {
            Door::Nginx | Door::Edge | Door::Pair => "localhost",
            Door::Apache => "apache.localhost",
            Door::Gate => "staging.localhost",
        };
        format!("{name}:{}", self.address(door).port())
    }

    /// The beginning of a command that asks at a door.
    pub(super) fn curl(&self, door: Door) -> String {
        format!("curl{}", detour(self.address(door)))
    }
}

/// What curl must be told to find what listens elsewhere than where `localhost` leads.
fn detour(address: SocketAddr) -> String {
    let ip = address.ip();
    let is_localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&ip);
    match ip {
        ip if is_localhost || ip.is_unspecified() => String::new(),
        IpAddr::V4(ip) => format!(" --connect-to ::{ip}:"),
        IpAddr::V6(ip) => format!(" --connect-to '::[{ip}]:'"),
    }
}

#[cfg(test)]
mod tests {
    use super::detour;

    #[test]
    fn curl_is_told_of_addresses_that_are_not_localhost() {
        let table = [
            ("127.0.0.1:80", ""),
            ("[::1]:80", ""),
            ("0.0.0.0:80", ""),
            ("10.0.0.5:80", " --connect-to ::10.0.0.5:"),
            ("[fd00::1]:80", " --connect-to '::[fd00::1]:'"),
        ];
        for (address, told) in table {
            assert_eq!(detour(address.parse().unwrap()), told, "{address}");
        }
    }
}
