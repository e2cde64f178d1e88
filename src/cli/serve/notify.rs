//! What systemd is told of the life of the process (`Type=notify`, `Type=notify-reload`; sd_notify(3)). Where
//! `NOTIFY_SOCKET` is not set, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

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

/// How often systemd wants to hear that we are alive: twice in the time after which it would restart us.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|within| within / 2).filter(|every| !every.is_zero())
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
