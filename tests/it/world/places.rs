//! Addresses that stay what they are while a test needs them. A port that was only looked up is anybody's: another test, or a
//! client's own end of a connection, may have it before whoever it was meant for.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};

use socket2::{Domain, Socket, Type};

/// An address where nobody listens, and nobody can as long as this is kept.
pub(crate) struct Nobody {
    address: SocketAddr,
    _held: Socket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        held.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = held.local_addr().unwrap().as_socket().unwrap();
        Self { address, _held: held }
    }
}

impl fmt::Display for Nobody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// An address to listen on, now or again later. It is one of the loopback network that nobody else uses: not this machine's
/// clients, who come from 127.0.0.1, and not other tests.
pub(crate) fn own_address() -> SocketAddr {
    static GIVEN: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let ip = Ipv4Addr::new(127, high | 128, low, GIVEN.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}
