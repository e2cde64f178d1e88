//! What systemd is told of the life of the process (`Type=notify`, `Type=notify-reload`; sd_notify(3)). Where
//! `NOTIFY_SOCKET` is not set, nothing happens.

use std::env;
use std::time::Duration;

use sd_notify::NotifyState;

use super::Start;

/// How often a successor says that it is alive.
const UNTOLD: Duration = Duration::from_millis(500);

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
    tell(&[NotifyState::Watchdog]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "Cannot tell systemd");
    }
}
