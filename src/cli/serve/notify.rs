//! What systemd is told of the life of the process (`Type=notify`, `Type=notify-reload`; sd_notify(3)). Where
//! `NOTIFY_SOCKET` is not set, nothing happens.
//!
//! The thread that leads tells it, so nothing here may wait for long: where nobody reads what is told, the rest of it is lost.

use std::env;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;

use super::Start;

/// How often a successor says that it is alive.
const UNTOLD: Duration = Duration::from_millis(500);

/// How long systemd may take to make room for what it must not miss: what the service has become.
const ROOM: Duration = Duration::from_millis(500);

/// Whether it was said that nobody reads.
static IS_UNREAD: AtomicBool = AtomicBool::new(false);

/// It serves, and this is what `systemctl status` shows.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload begins; [`ready`] ends it, whatever came of it.
pub(super) fn reloading() {
    // Since systemd 253 the time is required in the same message.
    if let Ok(time) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, time, NotifyState::Status("Reloading")]);
    }
}

/// The drain begins.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Draining")]);
}

/// Another process is the service from now on.
pub(super) fn replaced_by(process: u32) {
    tell(&[NotifyState::MainPid(process), NotifyState::Status("Handed over, draining")]);
}

/// How often systemd wants to hear that we are alive: twice in the time after which it would restart us. It tells that time to
/// the process that it starts as the service and to no other, so a successor, whom it watches all the same, does not wait long.
pub(super) fn watchdog(start: Start) -> Option<Duration> {
    let told = sd_notify::watchdog_enabled().map(|within| within / 2).filter(|every| !every.is_zero());
    let is_untold = start == Start::TakingOver && env::var_os("NOTIFY_SOCKET").is_some();
    told.or_else(|| is_untold.then_some(UNTOLD))
}

/// We are alive.
pub(super) fn alive() {
    tell_within(None, &[NotifyState::Watchdog]);
}

/// Waits once and no more where nobody reads.
fn tell(states: &[NotifyState<'_>]) {
    let is_unread = IS_UNREAD.load(Ordering::Relaxed);
    tell_within(Some(ROOM).filter(|_| !is_unread), states);
}

/// Waits for room so long; nothing for not at all.
fn tell_within(room: Option<Duration>, states: &[NotifyState<'_>]) {
    let Some(place) = env::var_os("NOTIFY_SOCKET") else { return };
    match send(&place, &message(states), room) {
        Ok(()) => IS_UNREAD.store(false, Ordering::Relaxed),
        // Once, for it goes on with each sign of life.
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            if !IS_UNREAD.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    socket = %place.display(),
                    "Nobody reads at NOTIFY_SOCKET: what systemd is told is lost until somebody does"
                );
            }
        }
        Err(error) => tracing::debug!(%error, "Cannot tell systemd"),
    }
}

/// A line for each (sd_notify(3)).
fn message(states: &[NotifyState<'_>]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

/// Waits for room so long; nothing for not at all. A name that begins with `@` is one of Linux's abstract ones, which are no files (unix(7)).
fn send(place: &OsStr, message: &str, room: Option<Duration>) -> io::Result<()> {
    let address = match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(place)?,
    };
    let socket = UnixDatagram::unbound()?;
    match room {
        Some(_) => socket.set_write_timeout(room)?,
        None => socket.set_nonblocking(true)?,
    }
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::send;
    use std::ffi::OsStr;
    use std::io::ErrorKind;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    #[test]
    fn a_queue_that_nobody_empties_is_told_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _unread = UnixDatagram::bind(&path).unwrap();
        // The kernel keeps some messages; `net.unix.max_dgram_qlen` is far below this.
        let full = (0..100_000).find_map(|_| send(path.as_os_str(), "WATCHDOG=1\n", None).err());
        assert_eq!(full.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        let waited = send(path.as_os_str(), "READY=1\n", Some(Duration::from_millis(5)));
        assert_eq!(waited.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    }

    #[test]
    fn an_abstract_name_is_no_file() {
        let name = format!("header-doctor-test-{}", std::process::id());
        let systemd = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::new(&format!("@{name}")), "READY=1\n", None).unwrap();
        let mut told = [0; 32];
        let length = systemd.recv(&mut told).unwrap();
        assert_eq!(&told[..length], b"READY=1\n");
    }
}
