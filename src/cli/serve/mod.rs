//! From a plan to running workers, through reloads, and from a signal to their end.
//!
//! One thread leads: it waits for signals, looks at the files and makes new plans. The others work.

mod files;
mod making;
mod own_log;
mod reload;
mod signals;
mod sockets;
mod workers;

use std::io::stdout;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{MissedTickBehavior, interval};

use super::descriptors;
pub(super) use reload::Source;
pub(super) use signals::Signals;

use crate::config::{Entrances, Exchanges, Format, Log, Plan};
use crate::event::{Bus, Tally, bus, now};
use crate::exchange::QUEUE;
use crate::listen::Drain;
use crate::report::{Every, Page, Repeats, log};
use crate::secret::Key;
use files::Files;
use making::{InForce, Lasting, Share};
use own_log::OwnLog;
use reload::Failed;
use signals::{Caught, Told};
use sockets::Listeners;
use workers::Workers;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As it was told to.
    InOrder,
    /// Whoever told it to end by this signal did not want to wait for the drain.
    CutShort(u8),
}

/// A doctor that serves.
struct Doctor<S> {
    source: S,
    files: Files,
    failed: Failed,
    started_with: Plan,
    in_force: Arc<InForce>,
    lasting: Lasting,
    listeners: Listeners,
    workers: Workers,
    own_log: OwnLog,
    repeats: Every,
}

/// Serves until a signal asks to stop, then drains.
pub(super) fn serve(source: impl Source, page: Page) -> anyhow::Result<End> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(live(source, page))
}

async fn live(source: impl Source, page: Page) -> anyhow::Result<End> {
    let mut files = Files::new(source.file().into_iter().collect());
    let prepared = source.prepared()?;
    let plan = prepared.plan.clone();
    files.watch(reload::files(&source, &plan));
    let own_log = OwnLog::start(plan.log, page.paint);
    let mut signals = Caught::from_now_on().context("cannot catch signals")?;
    let mut listeners = Listeners::none();
    let bound = listeners.change_to(&prepared, plan.workers.get())?;
    let repeats = Every::new(repeats(plan.log));
    let (bus, writer) = start_log(&plan, page, &repeats)?;
    let lasting = lasting(bus)?;
    let in_force = Arc::new(InForce::new(plan.clone(), None, &lasting)?);
    let shares = (0..plan.workers.get()).map(|_| Share::new(&in_force, &lasting));
    let workers = Workers::start(shares.collect::<anyhow::Result<_>>()?).await?;
    listeners.put_in_force(bound, &workers);
    warn_of(&prepared.entrances);
    warn_of_unverified(&plan);
    let tally = Arc::clone(&lasting.tally);
    descriptors::provide(plan.limits.connections);
    let doctor = Doctor {
        source,
        files,
        failed: None,
        started_with: plan,
        in_force,
        lasting,
        listeners,
        workers,
        own_log,
        repeats,
    };
    let (end, cut_off) = doctor.serve(&mut signals).await?;
    writer.join().map_err(|_| anyhow!("the log panicked"))?;
    tracing::info!(cut_off, failed_handshakes = tally.failed_handshakes(), "Stopped");
    Ok(end)
}

impl<S: Source> Doctor<S> {
    /// Serves to the end. Gives the number of connections that were cut off.
    async fn serve(mut self, signals: &mut Caught) -> anyhow::Result<(End, usize)> {
        self.until_told(signals).await?;
        self.drain(signals).await
    }

    async fn until_told(&mut self, signals: &mut Caught) -> anyhow::Result<()> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                told = signals.next() => match told {
                    Told::Stop(_) => return Ok(()),
                    Told::Reload => self.reload().await,
                },
                error = self.workers.ended() => return Err(error),
                _ = looks.tick() => self.reload_if_changed().await,
            }
        }
    }

    async fn drain(self, signals: &mut Caught) -> anyhow::Result<(End, usize)> {
        let Self { in_force, listeners, mut workers, .. } = self;
        tracing::info!("Draining");
        // A copy of a socket that is kept would keep its queue open.
        drop(listeners);
        let drain = in_force.plan.drain;
        workers.stop(Drain { delay: drain.delay, timeout: drain.timeout });
        let mut end = End::InOrder;
        loop {
            tokio::select! {
                biased;
                cut_off = workers.all_ended() => return Ok((end, cut_off?)),
                told = signals.next() => if let Told::Stop(signal) = told {
                    tracing::warn!("Told to stop again: what is under way is cut off");
                    end = End::CutShort(signal);
                    workers.stop(Drain::AT_ONCE);
                },
            }
        }
    }
}

/// Certificates that are not valid now serve all the same: whoever knows of it may be about to replace them.
fn warn_of(entrances: &Entrances) {
    entrances.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}

/// Nobody is to forget that a debugging aid is in force.
fn warn_of_unverified(plan: &Plan) {
    for upstream in plan.sites.iter().flat_map(|site| &site.upstreams) {
        if upstream.tls.as_ref().is_some_and(|tls| !tls.verify) {
            tracing::warn!(
                upstream = %upstream.target(),
                "The certificate of this upstream is not verified (tls.verify: false): whoever answers in its place reads every credential"
            );
        }
    }
}

/// Starts the thread that writes what happens. It ends when nobody can write to the bus any more.
fn start_log(plan: &Plan, page: Page, repeats: &Every) -> anyhow::Result<(Bus, JoinHandle<()>)> {
    let (bus, events) = bus(QUEUE);
    let format = match plan.log.format {
        Format::Json => log::Format::Json,
        Format::Pretty => log::Format::Pretty(page),
    };
    let repeats = Repeats::following(repeats.clone());
    let writer = thread::Builder::new().name("log".to_owned());
    let writer = writer.spawn(move || log::run(events, stdout(), format, repeats));
    Ok((bus, writer.context("cannot start the log")?))
}

fn lasting(bus: Bus) -> anyhow::Result<Lasting> {
    Ok(Lasting {
        key: Key::random().context("the system has no random numbers")?,
        hop: "doctor".into(),
        bus,
        tally: Arc::new(Tally::new(now())),
        promises: Arc::default(),
        capacity: Arc::default(),
        registry: Arc::default(),
        began: Instant::now(),
    })
}

/// Whoever asked for all exchanges gets the sick ones, too.
const fn repeats(settings: Log) -> Duration {
    match settings.exchanges {
        Exchanges::All => Duration::ZERO,
        Exchanges::Sick | Exchanges::None => settings.repeats,
    }
}
