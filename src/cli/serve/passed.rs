//! Listening sockets that are there already: passed by systemd (socket activation, sd_listen_fds(3)), or handed over by the
//! process before.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, bail};
use listenfd::ListenFd;

/// Sockets nobody has asked for yet.
#[derive(Default)]
pub(super) struct Passed {
    by_systemd: Vec<TcpListener>,
    by_predecessor: Vec<TcpListener>,
}

impl Passed {
    /// What systemd passed. Must be called before there are other threads: it clears the variables that say so, so that
    /// no child believes them.
    pub(super) fn by_systemd() -> anyhow::Result<Self> {
        let mut passed = ListenFd::from_env();
        let mut by_systemd = Vec::with_capacity(passed.len());
        for position in 0..passed.len() {
            let socket = passed.take_tcp_listener(position);
            let socket = socket
                .context("systemd passed a socket that is not of TCP; use ListenStream=ADDRESS:PORT")?;
            by_systemd.extend(socket);
        }
        Ok(Self { by_systemd, by_predecessor: Vec::new() })
    }

    /// Adds what the process before handed over.
    pub(super) fn and_by_predecessor(&mut self, sockets: Vec<TcpListener>) {
        self.by_predecessor = sockets;
    }

    /// The sockets that listen where a listener wants to. One that left the port to the system had one from the process
    /// before; of several that fit, it is given the first.
    pub(super) fn take(&mut self, wanted: SocketAddr) -> anyhow::Result<Vec<TcpListener>> {
        let mut taken = take(&mut self.by_systemd, |address| address == wanted);
        if taken.is_empty() {
            let fits = |address: SocketAddr| wanted.port() == 0 && address.ip() == wanted.ip();
            taken = take(&mut self.by_predecessor, |address| address == wanted || fits(address));
        }
        for socket in &taken {
            // Our runtime never waits in a call, and systemd's sockets may.
            socket.set_nonblocking(true).context("cannot use a passed socket")?;
        }
        Ok(taken)
    }

    /// Once every listener has taken what it wants. What systemd has and we do not serve would fill up with clients in
    /// vain; what the process before has, it goes on to serve until it ends.
    pub(super) fn expect_none_of_systemd(&self) -> anyhow::Result<()> {
        let Some(left) = self.by_systemd.first() else {
            return Ok(());
        };
        let address = left.local_addr().context("systemd passed a socket without an address")?;
        bail!(
            "systemd passed a socket on {address}, which no listener names; write `--listen {address}` or the same address \
             under `listeners`, or take it out of the .socket unit"
        )
    }
}

fn take(sockets: &mut Vec<TcpListener>, fits: impl Fn(SocketAddr) -> bool) -> Vec<TcpListener> {
    let address = |socket: &TcpListener| socket.local_addr().ok();
    let Some(found) = sockets.iter().filter_map(address).find(|address| fits(*address)) else {
        return Vec::new();
    };
    sockets.extract_if(.., |socket| address(socket) == Some(found)).collect()
}

#[cfg(test)]
mod tests {
    use super::Passed;
    use crate::listen;
    use std::net::TcpListener;

    #[test]
    fn a_listener_takes_the_sockets_of_its_address_and_no_others() {
        let any = "127.0.0.1:0".parse().unwrap();
        let (one, two) = (listen::bind(any, 3).unwrap(), TcpListener::bind(any).unwrap());
        let second = two.local_addr().unwrap();
        let mut passed = Passed { by_systemd: vec![two], by_predecessor: one };
        assert!(passed.take("127.0.0.2:0".parse().unwrap()).unwrap().is_empty());
        let words = passed.expect_none_of_systemd().unwrap_err().to_string();
        assert!(words.contains(&format!("--listen {second}")), "{words}");
        assert_eq!(passed.take(any).unwrap().len(), 3, "a port was left to the system before");
        assert_eq!(passed.take(second).unwrap().len(), 1);
        assert!(passed.take(any).unwrap().is_empty() && passed.expect_none_of_systemd().is_ok());
    }
}
