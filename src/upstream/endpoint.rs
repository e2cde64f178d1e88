//! Where connections to an upstream go: a Unix socket, or addresses in the order in which they are tried.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use super::{Address, Error};
use crate::wire::Stream;

/// The least time an address gets before the next one is tried (RFC 8305 §5, the connection attempt delay).
const LEAST: Duration = Duration::from_millis(250);

/// A place that needs no lookup any more.
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp(Addresses),
}

/// The addresses of one upstream. The one that was connected to last is tried first.
pub(super) struct Addresses {
    list: Vec<SocketAddr>,
    preferred: Cell<usize>,
}

impl Endpoint {
    /// The place of an address that names no host to be looked up: a Unix socket, an IP address, or this machine.
    pub(super) fn of(address: &Address) -> Option<Self> {
        match address {
            Address::Unix(path) => Some(Self::Unix(path.clone())),
            Address::Tcp { host, port } => known(host).map(|found| Self::tcp(&found, *port)),
        }
    }

    /// These addresses, IPv6 and IPv4 by turns (RFC 8305 §4).
    pub(super) fn tcp(found: &[IpAddr], port: u16) -> Self {
        let list = by_turns(found).into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        Self::Tcp(Addresses { list, preferred: Cell::new(0) })
    }

    /// Whether this is a place with just these addresses, whatever their order.
    pub(super) fn is_at(&self, found: &[IpAddr]) -> bool {
        let Self::Tcp(Addresses { list, .. }) = self else { return false };
        let has = |address: &SocketAddr| found.contains(&address.ip());
        list.iter().all(has) && found.iter().all(|ip| list.iter().any(|address| address.ip() == *ip))
    }

    /// `http://wordpress:80 at 10.0.0.7, 10.0.0.8`; one that is named by its only address is that alone.
    pub(super) fn in_full(&self, name: &str) -> String {
        let Self::Tcp(Addresses { list, .. }) = self else { return name.to_owned() };
        let addresses: Vec<_> = list.iter().map(|address| address.ip().to_string()).collect();
        let addresses = addresses.join(", ");
        if name.contains(&addresses) { name.to_owned() } else { format!("{name} at {addresses}") }
    }

    /// Connects to the first address that lets it, all within `limit`.
    pub(super) async fn connect(&self, limit: Duration) -> Result<Stream, Error> {
        match self {
            Self::Unix(path) => {
                connect_unix(path).map(Stream::Unix).map_err(|error| Error::of_connect(&error))
            }
            Self::Tcp(addresses) => {
                let stream = addresses.connect(limit).await?;
                // A small write must not wait for the acknowledgement of the one before.
                stream.set_nodelay(true).map_err(|error| Error::of_connect(&error))?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

/// Connects to a Unix socket. There is no handshake that could be waited for: it is connected at once or not at all.
fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    UnixStream::from_std(socket.into())
}

impl Addresses {
    /// An address that swallows what it is sent gets its share of the time, not all of it.
    async fn connect(&self, limit: Duration) -> Result<TcpStream, Error> {
        let deadline = Instant::now() + limit;
        let mut failure = Error::Resolve;
        for (place, left) in self.order() {
            let Some(address) = self.list.get(place) else { continue };
            let rest = deadline.saturating_duration_since(Instant::now());
            let share = (rest / left).max(LEAST).min(rest);
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    self.preferred.set(place);
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = Error::of_connect(&error),
                Err(_) => failure = Error::ConnectTimeout(limit),
            }
        }
        Err(failure)
    }

    /// The places in the order in which they are tried, each with how many are left, itself counted.
    fn order(&self) -> impl Iterator<Item = (usize, u32)> + use<> {
        let (count, first) = (self.list.len(), self.preferred.get());
        (0..count)
            .map(move |tried| ((first + tried) % count, u32::try_from(count - tried).unwrap_or(u32::MAX)))
    }
}

/// The addresses of a host that is one, or of this machine (RFC 6761 §6.3).
pub(super) fn known(host: &str) -> Option<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Some(vec![address]);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_local = name.eq_ignore_ascii_case("localhost");
    is_local.then(|| vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()])
}

fn by_turns(found: &[IpAddr]) -> Vec<IpAddr> {
    let (new, old): (Vec<_>, Vec<_>) = found.iter().copied().partition(IpAddr::is_ipv6);
    let mut ordered = Vec::with_capacity(found.len());
    for turn in 0..new.len().max(old.len()) {
        ordered.extend(new.get(turn).into_iter().chain(old.get(turn)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, TcpListener};
    use std::time::Duration;

    use super::{Address, Addresses, Endpoint, by_turns, known};
    use crate::upstream::Error;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_and_the_newer_begins() {
        let found = ips(&["10.0.0.1", "10.0.0.2", "fd00::1", "10.0.0.3"]);
        assert_eq!(by_turns(&found), ips(&["fd00::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"]));
    }

    #[test]
    fn addresses_and_this_machine_need_no_lookup() {
        assert_eq!(known("10.0.0.7"), Some(ips(&["10.0.0.7"])));
        assert_eq!(known("::1"), Some(ips(&["::1"])));
        assert_eq!(known("LocalHost."), Some(ips(&["::1", "127.0.0.1"])));
        assert_eq!(known("wordpress"), None);
        assert!(Endpoint::of(&Address::Tcp { host: "wordpress".to_owned(), port: 80 }).is_none());
    }

    #[test]
    fn the_same_addresses_in_another_order_are_the_same_place() {
        let endpoint = Endpoint::tcp(&ips(&["10.0.0.1", "10.0.0.2"]), 80);
        assert!(endpoint.is_at(&ips(&["10.0.0.2", "10.0.0.1"])));
        assert!(!endpoint.is_at(&ips(&["10.0.0.1"])));
        assert!(!endpoint.is_at(&ips(&["10.0.0.1", "10.0.0.2", "10.0.0.3"])));
    }

    #[tokio::test]
    async fn the_next_address_is_tried_and_remembered_where_one_refuses() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = open.local_addr().unwrap().port();
        // Nobody listens on this port of another loopback address.
        let endpoint = Endpoint::tcp(&ips(&["127.0.0.2", "127.0.0.1"]), port);
        endpoint.connect(Duration::from_secs(5)).await.unwrap();
        let Endpoint::Tcp(Addresses { preferred, .. }) = &endpoint else { panic!("it is TCP") };
        assert_eq!(preferred.get(), 1);
        endpoint.connect(Duration::from_secs(5)).await.unwrap();
    }

    #[test]
    fn a_name_is_told_with_its_addresses() {
        let endpoint = Endpoint::tcp(&ips(&["10.0.0.7", "fd00::1"]), 80);
        assert_eq!(endpoint.in_full("http://wordpress:80"), "http://wordpress:80 at fd00::1, 10.0.0.7");
        let one = Endpoint::tcp(&ips(&["10.0.0.7"]), 80);
        assert_eq!(one.in_full("http://10.0.0.7:80"), "http://10.0.0.7:80");
    }

    #[tokio::test]
    async fn no_address_at_all_is_a_name_without_one() {
        let outcome = Endpoint::tcp(&[], 80).connect(Duration::from_secs(1)).await;
        assert_eq!(outcome.err(), Some(Error::Resolve));
    }
}
