//! The doctor's own messages: that it listens, reloads, drains, has stopped.

use std::panic::{self, Location};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use crate::config::{Format, Level, Log};
use crate::report::Paint;

/// How often the doctor itself has failed: the hook that hears of it belongs to the process.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How often the doctor itself has failed.
pub(super) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// What is left to decide of a log that was started.
pub(super) struct OwnLog {
    level: Handle<Targets, Registry>,
}

impl OwnLog {
    /// Starts it. A log that was started before serves as well.
    pub(super) fn start(settings: Log, paint: Paint) -> Self {
        let (filter, level) = reload::Layer::new(filter(settings.level));
        let lines = fmt::layer().with_target(false).with_ansi(paint == Paint::Colour);
        let registry = tracing_subscriber::registry().with(filter);
        let _started = match settings.format {
            Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
            Format::Pretty => registry.with(lines).try_init(),
        };
        panic::set_hook(Box::new(|panic| tell_where(panic.location())));
        Self { level }
    }

    /// From now on lines of this level and graver ones are written.
    pub(super) fn set_level(&self, level: Level) {
        // Without a log there is nothing to set.
        let _set = self.level.modify(|current| *current = filter(level));
    }
}

/// What libraries say of a request is not ours to vouch for, since it may hold a target or a value: they are silent.
fn filter(level: Level) -> Targets {
    Targets::new().with_target(
        "header_doctor",
        match level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        },
    )
}

/// Tells of a panic, in constant words: what it says itself may hold text of a request, a token among it.
fn tell_where(location: Option<&Location<'_>>) {
    PANICS.fetch_add(1, Ordering::Relaxed);
    let at = location.map(ToString::to_string);
    tracing::error!(at, "The doctor failed: a defect to report");
}
