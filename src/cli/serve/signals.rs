//! What the process is told from outside, caught from the start: whoever sees that we listen may already ask us to
//! stop.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// To end, by the signal of this number.
    Stop(u8),
    /// To read the configuration again.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP.
pub(super) struct Caught {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Caught {
    /// Must be called inside the runtime that waits for them.
    pub(super) fn from_now_on() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop(15),
            _ = self.interrupt.recv() => Told::Stop(2),
            _ = self.hang_up.recv() => Told::Reload,
        }
    }
}

/// SIGTERM and SIGINT for whoever only waits for the end.
pub(in crate::cli) struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(in crate::cli) fn catch() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (terminate, interrupt) = runtime.block_on(async {
            Ok::<_, io::Error>((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
        })?;
        Ok(Self { runtime, terminate, interrupt })
    }

    pub(in crate::cli) fn wait(self) {
        let Self { runtime, mut terminate, mut interrupt } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
    }
}
