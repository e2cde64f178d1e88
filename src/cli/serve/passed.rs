//! Listening sockets that are there already: passed by systemd (socket activation, sd_listen_fds(3)), or handed over by the
//! process before.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use anyhow::{Context, bail};
use listenfd::ListenFd;
use socket2::SockRef;

use super::unix_socket::beside;

/// Sockets nobody has asked for yet.
#[derive(Default)]
pub(super) struct Passed {
    by_systemd: Vec<TcpListener>,
    by_predecessor: Vec<TcpListener>,
    /// Those that are reached by path, likewise.
    unix_by_systemd: Vec<UnixListener>,
    unix_by_predecessor: Vec<UnixListener>,
}

impl Passed {
    /// What systemd passed. Must be called before there are other threads: it clears the variables that say so, so that
    /// no child believes them.
    pub(super) fn by_systemd() -> anyhow::Result<Self> {
        let mut sockets = ListenFd::from_env();
        let mut passed = Self::default();
        for position in 0..sockets.len() {
            if let Ok(socket) = sockets.take_tcp_listener(position) {
                passed.by_systemd.extend(socket);
                continue;
            }
            let socket = sockets.take_unix_listener(position);
            passed.unix_by_systemd.extend(socket.context(
                "systemd passed a socket that is neither of TCP nor a Unix socket of streams; use ListenStream=ADDRESS:PORT, or \
                 ListenStream=/PATH for the admin listener",
            )?);
        }
        Ok(passed)
    }

    /// Adds what the process before handed over.
    pub(super) fn and_by_predecessor(&mut self, sockets: Vec<OwnedFd>) {
        for socket in sockets {
            let is_unix = SockRef::from(&socket).domain().is_ok_and(|domain| domain == socket2::Domain::UNIX);
            if is_unix {
                self.unix_by_predecessor.push(socket.into());
            } else {
                self.by_predecessor.push(socket.into());
            }
        }
    }

    /// The Unix socket at this path, if it was passed.
    pub(super) fn take_unix(&mut self, path: &Path) -> anyhow::Result<Option<UnixListener>> {
        let taken = take_unix(&mut self.unix_by_systemd, path);
        let taken = taken.or_else(|| take_unix(&mut self.unix_by_predecessor, path));
        taken
            .as_ref()
            .map_or(Ok(()), |socket| socket.set_nonblocking(true))
            .context("cannot use a passed socket")?;
        Ok(taken)
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
        if let Some(left) = self.unix_by_systemd.first() {
            let path = left.local_addr().ok().and_then(|address| Some(address.as_pathname()?.to_owned()));
            let path = path.unwrap_or_default();
            bail!(
                "systemd passed a Unix socket that nobody names; write `--admin unix:{}`, or take it out of the .socket unit",
                path.display()
            );
        }
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

/// One that was made here has the name that it was made under.
fn take_unix(sockets: &mut Vec<UnixListener>, path: &Path) -> Option<UnixListener> {
    let is_it = |socket: &UnixListener| {
        let address = socket.local_addr().ok();
        let at = address.as_ref().and_then(|address| address.as_pathname());
        at.is_some_and(|at| at == path || at == beside(path))
    };
    let position = sockets.iter().position(is_it)?;
    Some(sockets.swap_remove(position))
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
        let mut passed = Passed { by_systemd: vec![two], by_predecessor: one, ..Passed::default() };
        assert!(passed.take("127.0.0.2:0".parse().unwrap()).unwrap().is_empty());
        let words = passed.expect_none_of_systemd().unwrap_err().to_string();
        assert!(words.contains(&format!("--listen {second}")), "{words}");
        assert_eq!(passed.take(any).unwrap().len(), 3, "a port was left to the system before");
        assert_eq!(passed.take(second).unwrap().len(), 1);
        assert!(passed.take(any).unwrap().is_empty() && passed.expect_none_of_systemd().is_ok());
    }
}
