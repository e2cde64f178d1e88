//! Listening sockets: one per worker and address, all on the same port, and never beside another process.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("{address} is taken by another process; {}", proposal(*.free))]
    Taken {
        /// The address wanted.
        address: SocketAddr,
        /// One that is free now.
        free: Option<SocketAddr>,
    },
    /// The system keeps it from this user.
    #[error(
        "{address} is not for every user, as no port below 1024 is; take a higher one, let systemd pass the socket, or give the \
         process CAP_NET_BIND_SERVICE"
    )]
    Forbidden {
        /// The address wanted.
        address: SocketAddr,
    },
    /// It is another machine's.
    #[error("{address} is no address of this machine; `ip address` lists them, and :{} is all of IPv4", address.port())]
    Elsewhere {
        /// The address wanted.
        address: SocketAddr,
    },
    /// Something else is wrong with it.
    #[error("cannot listen on {address}")]
    Other {
        /// The address wanted.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl BindError {
    fn of(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken { address, free: free_beside(address) },
            io::ErrorKind::PermissionDenied => Self::Forbidden { address },
            io::ErrorKind::AddrNotAvailable => Self::Elsewhere { address },
            _ => Self::Other { address, source },
        }
    }
}

fn proposal(free: Option<SocketAddr>) -> String {
    free.map_or_else(|| "choose another".to_owned(), |free| format!("{free} is free: --listen {free}"))
}

/// Binds one socket for each of `workers`. The kernel spreads connections over them.
///
/// The first is bound before it may share its port, so that a second start fails instead of taking half of the
/// connections; then it and its siblings share.
///
/// # Errors
/// The address is taken or cannot be used.
pub fn bind(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, BindError> {
    let other = |source| BindError::Other { address, source };
    let first = bind_first(address).map_err(|error| BindError::of(address, error))?;
    let bound = first.local_addr().map_err(other)?.as_socket().unwrap_or(address);
    first.set_reuse_port(true).map_err(other)?;
    let siblings = (1..workers).map(|_| bind_sibling(bound));
    let sockets: Vec<Socket> =
        std::iter::once(Ok(first)).chain(siblings).collect::<io::Result<_>>().map_err(other)?;
    for socket in &sockets {
        socket.listen(BACKLOG).map_err(other)?;
    }
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

/// Binds `count` more sockets on an address that sockets of ours share already.
///
/// # Errors
/// They cannot be had.
pub fn bind_more(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let sockets: Vec<Socket> = (0..count).map(|_| bind_sibling(address)).collect::<io::Result<_>>()?;
    sockets.iter().try_for_each(|socket| socket.listen(BACKLOG))?;
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Connections of an earlier process that linger in TIME_WAIT must not keep the port from us.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` can then be listened on side by side, whatever the system's default.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn bind_first(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_sibling(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A free port near the one wanted.
fn free_beside(address: SocketAddr) -> Option<SocketAddr> {
    let candidates = (1..=20).filter_map(|step| address.port().checked_add(step));
    candidates
        .map(|port| SocketAddr::new(address.ip(), port))
        .find(|address| TcpListener::bind(address).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{BindError, bind};

    #[test]
    fn every_address_of_both_families_can_be_listened_on() {
        // Somebody else may have the same port of the other family.
        let both = || {
            let four = bind("0.0.0.0:0".parse().unwrap(), 2).unwrap();
            let port = four[0].local_addr().unwrap().port();
            bind(format!("[::]:{port}").parse().unwrap(), 2).map(|six| six.len())
        };
        assert!((0..5).any(|_| both().is_ok_and(|count| count == 2)), "{:?}", both());
    }

    /// What the system says to who may not, or is elsewhere, is no help.
    #[test]
    fn an_address_that_cannot_be_had_says_what_would_be_right() {
        let elsewhere = bind("192.0.2.1:80".parse().unwrap(), 1).unwrap_err();
        assert!(
            elsewhere.to_string().starts_with("192.0.2.1:80 is no address of this machine; "),
            "{elsewhere}"
        );
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let denied = BindError::of("0.0.0.0:80".parse().unwrap(), denied).to_string();
        assert!(
            denied.starts_with("0.0.0.0:80 is not for every user") && denied.contains("1024"),
            "{denied}"
        );
    }

    #[test]
    fn workers_share_a_port_and_a_second_start_fails() {
        let sockets = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        let second = bind(address, 2);
        assert!(matches!(second, Err(BindError::Taken { free: Some(_), .. })), "{second:?}");
    }
}
