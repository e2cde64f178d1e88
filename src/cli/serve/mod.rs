//! From a plan to running workers, through reloads, and from a signal to their end.
//!
//! One thread leads: it waits for signals, looks at the files and makes new plans. The others work.

mod desk;
mod files;
mod making;
mod notify;
mod own_log;
mod passed;
mod probe;
mod reload;
mod signals;
mod sockets;
mod standing;
mod unix_socket;
mod upgrade;
mod workers;

use std::future::pending;
use std::io::stdout;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::descriptors;
pub(super) use reload::Source;
pub(super) use signals::Signals;

use crate::admin::{Health, Metrics, State};
use crate::config::{Exchanges, Format, Log, Mistake, Plan};
use crate::event::{Bus, Tally, bus, now};
use crate::exchange::QUEUE;
use crate::listen::Drain;
use crate::report::{Every, Page, Repeats, log};
use crate::secret::Key;
use desk::{Asked, Door, Watch};
use files::Files;
use making::{InForce, Lasting, Share};
use own_log::OwnLog;
use passed::Passed;
use probe::Probe;
use reload::Failed;
use signals::{Caught, Told};
use sockets::{Change, Listeners};
use upgrade::{Offer, Predecessor, Wish};
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

/// How to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// On addresses that nobody has.
    Afresh,
    /// In place of the running process, if there is one.
    TakingOver,
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
    health: Health,
    probe: Option<Probe>,
    admin: Option<Asked>,
    offer: Option<Offer>,
    /// How often it tells systemd that it lives.
    watchdog: Option<Duration>,
}

/// Serves until a signal asks to stop or another process takes over, then drains.
pub(super) fn serve(source: impl Source, page: Page, start: Start) -> anyhow::Result<End> {
    // Before there is any other thread.
    let passed = Passed::by_systemd()?;
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(live(source, page, start, passed))
}

async fn live(source: impl Source, page: Page, start: Start, mut passed: Passed) -> anyhow::Result<End> {
    let mut files = Files::new(source.file().into_iter().collect());
    let prepared = reload::prepared(&source, &mut files)?;
    let plan = prepared.plan.clone();
    let warnings = prepared.warnings();
    let own_log = OwnLog::start(plan.log, page.paint);
    descriptors::provide(plan.limits.connections);
    let mut signals = Caught::from_now_on().context("cannot catch signals")?;
    let predecessor = predecessor(&plan, start, &mut passed).await?;
    let listeners = Listeners::first(&prepared, &mut passed)?;
    let health = health(predecessor.as_ref());
    let metrics = Metrics::default();
    let probe = plan.admin.health_address.map(|address| Probe::open(address, &mut passed, &health, &metrics));
    let probe = probe.transpose()?;
    let door = Door::open(&plan.admin, &mut passed)?;
    passed.expect_none_of_systemd()?;
    let offer = offer_afresh(&plan, predecessor.as_ref()).await?;
    let repeats = Every::new(repeats(plan.log));
    let (bus, writer) = start_log(&plan, page, &repeats)?;
    let (bus, watch) = watched(bus, door, &plan)?;
    let lasting = lasting(bus)?;
    lasting.standing.starts(plan.limits.connections);
    metrics.set(lasting.metrics(&health, &repeats));
    let in_force = Arc::new(InForce::new(plan.clone(), prepared.keys.ring, None, &lasting)?);
    let shares = (0..plan.workers.get()).map(|_| Share::new(&in_force, &lasting));
    let workers = Workers::start(shares.collect::<anyhow::Result<_>>()?).await?;
    if let Some(predecessor) = &predecessor {
        predecessor.expect_patience()?;
    }
    let access = desk::access(&plan, &prepared.token, prepared.entrances.admin.as_deref());
    let admin = watch.map(|watch| watch.answer(&lasting, &health, &metrics, access)).transpose()?;
    let tally = Arc::clone(&lasting.tally);
    let mut doctor = Doctor {
        source,
        files,
        failed: None,
        started_with: plan,
        in_force,
        lasting,
        listeners: Listeners::none(),
        workers,
        own_log,
        repeats,
        health,
        probe,
        admin,
        offer,
        watchdog: notify::watchdog(start),
    };
    doctor.begin(listeners, predecessor).await;
    warn_of(&warnings);
    warn_of_aids(&doctor.in_force.plan);
    drop(passed);
    let ended = doctor.serve(&mut signals).await;
    writer.join().map_err(|_| anyhow!("the log panicked"))?;
    let (end, cut_off) = ended?;
    tracing::info!(cut_off, failed_handshakes = tally.failed_handshakes(), "Stopped");
    Ok(end)
}

/// The process to take over from, if there is one; its sockets are then passed.
async fn predecessor(plan: &Plan, start: Start, passed: &mut Passed) -> anyhow::Result<Option<Predecessor>> {
    if start == Start::Afresh {
        return Ok(None);
    }
    let path = plan.upgrade.socket.as_ref().context(
        "--upgrade: nowhere to take over from; add `--upgrade-socket PATH` (or `upgrade: { socket: PATH }`), both to the \
         running process and to this one",
    )?;
    let Some((predecessor, sockets)) = Predecessor::ask(path.as_ref()).await? else {
        tracing::info!(path = %path, "Nobody to take over from: starting afresh");
        return Ok(None);
    };
    tracing::info!(path = %path, sockets = sockets.len(), "Taking over");
    passed.and_by_predecessor(sockets);
    Ok(Some(predecessor))
}

/// The process that we take over from serves until this one does, and whoever probes the socket that both have must not see
/// a gap.
fn health(predecessor: Option<&Predecessor>) -> Health {
    let health = Health::default();
    health.set(if predecessor.is_some() { State::Ready } else { State::Starting });
    health
}

/// The place where a successor asks, unless the process that we take over from still has it.
async fn offer_afresh(plan: &Plan, predecessor: Option<&Predecessor>) -> anyhow::Result<Option<Offer>> {
    match (&plan.upgrade.socket, predecessor) {
        (Some(path), None) => Offer::make(path.as_ref()).await.map(Some),
        _ => Ok(None),
    }
}

impl<S: Source> Doctor<S> {
    /// Accepts from here on. Everything that can fail has been done.
    async fn begin(&mut self, listeners: Change, predecessor: Option<Predecessor>) {
        self.listeners.put_in_force(listeners, &self.workers);
        if let Some(predecessor) = predecessor {
            // First the place where the next one asks, so that there is always somebody who answers it.
            self.offer_in_its_place();
            predecessor.relieve().await;
            if let Some(admin) = &mut self.admin {
                admin.inherit();
            }
            self.listeners.grow(&self.workers);
        }
        self.health.set(State::Ready);
        self.describe();
        notify::ready(&self.status());
    }

    /// Tells whoever asks what is in force.
    fn describe(&self) {
        if let Some(admin) = &self.admin {
            admin.describe(&self.in_force.plan, self.listeners.addresses(), self.source.file());
        }
    }

    fn offer_in_its_place(&mut self) {
        let Some(path) = &self.in_force.plan.upgrade.socket else {
            return;
        };
        match Offer::replace(path.as_ref()) {
            Ok(offer) => self.offer = Some(offer),
            Err(error) => tracing::warn!(%path, %error, "Nobody will be able to take over from this process"),
        }
    }

    /// Serves to the end. Gives the number of connections that were cut off.
    async fn serve(mut self, signals: &mut Caught) -> anyhow::Result<(End, usize)> {
        match self.until_told(signals).await {
            Ok(drain) => self.drain(drain, signals).await,
            Err(error) => {
                tracing::error!("A worker has ended: the others drain");
                let drain = self.told_to_stop();
                self.drain(drain, signals).await.and(Err(error))
            }
        }
    }

    /// Serves until it is told to end, and says how. A worker that ends unasked is a defect, and what is left of the
    /// process is not worth keeping: whoever supervises it starts it anew.
    async fn until_told(&mut self, signals: &mut Caught) -> anyhow::Result<Drain> {
        let mut looks = every(LOOK);
        let mut watchdog = self.watchdog.map(every);
        loop {
            tokio::select! {
                biased;
                told = signals.next() => match told {
                    Told::Stop(_) => return Ok(self.told_to_stop()),
                    Told::Reload => self.reload().await,
                },
                error = self.workers.ended() => return Err(error),
                asked = asked(&mut self.offer) => match asked {
                    Wish::Sockets(tell) => self.tell_sockets(tell),
                    Wish::Taken(by) => return Ok(self.taken_over(by)),
                },
                _ = looks.tick() => self.reload_if_changed().await,
                () = tick(&mut watchdog) => notify::alive(),
            }
        }
    }

    fn told_to_stop(&self) -> Drain {
        tracing::info!("Draining");
        self.health.set(State::Draining);
        notify::stopping();
        let drain = self.in_force.plan.drain;
        Drain { delay: drain.delay, timeout: drain.timeout }
    }

    /// Another process accepts: there is nothing to wait for before this one stops to, and probes are its business.
    fn taken_over(&mut self, by: Option<u32>) -> Drain {
        tracing::info!(by, "Handed over: draining");
        self.probe = None;
        if let Some(admin) = &mut self.admin {
            admin.hand_over();
        }
        if let Some(process) = by {
            notify::replaced_by(process);
        }
        Drain { delay: Duration::ZERO, timeout: self.in_force.plan.drain.timeout }
    }

    fn tell_sockets(&self, tell: oneshot::Sender<Vec<OwnedFd>>) {
        let copies = self.listeners.copies().and_then(|mut copies| {
            copies.extend(self.probe.as_ref().map(Probe::copy).transpose()?);
            copies.extend(self.admin.as_ref().map(Asked::copy).transpose()?.flatten());
            Ok(copies)
        });
        match copies {
            // Whoever asked may be gone.
            Ok(copies) => drop(tell.send(copies)),
            Err(error) => tracing::warn!(%error, "Cannot copy the listening sockets"),
        }
    }

    /// What `systemctl status` shows.
    fn status(&self) -> String {
        let sites = self.in_force.plan.sites.len();
        let wrong =
            if self.failed.is_some() { "; the changed configuration is wrong, see the log" } else { "" };
        format!("Serving {sites} site(s) on {}{wrong}", self.listeners.summary())
    }

    async fn drain(self, drain: Drain, signals: &mut Caught) -> anyhow::Result<(End, usize)> {
        let Self { listeners, mut workers, probe, admin, offer, lasting, watchdog, .. } = self;
        drop(offer);
        // A copy of a socket that is kept would keep its queue open.
        drop(listeners);
        workers.stop(drain);
        // A drain may take longer than a supervisor waits for a sign of life.
        let mut watchdog = watchdog.map(every);
        let mut end = End::InOrder;
        loop {
            tokio::select! {
                biased;
                cut_off = workers.all_ended() => {
                    drop(probe);
                    // With it ends the bus, and with that what is told of exchanges.
                    drop(lasting);
                    if let Some(admin) = admin {
                        admin.close().await?;
                    }
                    return Ok((end, cut_off?));
                }
                told = signals.next() => if let Told::Stop(signal) = told {
                    tracing::warn!("Told to stop again: what is under way is cut off");
                    end = End::CutShort(signal);
                    workers.stop(Drain::AT_ONCE);
                },
                () = tick(&mut watchdog) => notify::alive(),
            }
        }
    }
}

fn every(time: Duration) -> Interval {
    let mut interval = interval(time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => pending().await,
    }
}

async fn asked(offer: &mut Option<Offer>) -> Wish {
    match offer {
        Some(offer) => offer.next().await,
        None => pending().await,
    }
}

/// Certificates that are not valid now serve all the same: whoever knows of it may be about to replace them. So do keys that
/// others may read, and folders that are still to be filled.
fn warn_of(warnings: &[Mistake]) {
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}

/// Nobody is to forget that a debugging aid is in force.
fn warn_of_aids(plan: &Plan) {
    if let Some(caution) = plan.unsafe_log() {
        tracing::warn!("{caution}");
    }
    for upstream in plan.unverified() {
        tracing::warn!(
            %upstream,
            "The certificate of this upstream is not verified (tls.verify: false): whoever answers in its place reads every credential"
        );
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

/// Where somebody may ask, exchanges are kept; nowhere else.
fn watched(bus: Bus, door: Option<Door>, plan: &Plan) -> anyhow::Result<(Bus, Option<Watch>)> {
    let Some(door) = door else { return Ok((bus, None)) };
    let (bus, watch) = door.watch(bus, &plan.admin)?;
    Ok((bus, Some(watch)))
}

fn lasting(bus: Bus) -> anyhow::Result<Lasting> {
    Ok(Lasting {
        key: Key::random().context("the system has no random numbers")?,
        bus,
        tally: Arc::new(Tally::new(now())),
        promises: Arc::default(),
        history: Arc::default(),
        capacity: Arc::default(),
        registry: Arc::default(),
        began: Instant::now(),
        standing: Arc::default(),
    })
}

/// Whoever asked for all exchanges gets the sick ones, too.
const fn repeats(settings: Log) -> Duration {
    match settings.exchanges {
        Exchanges::All => Duration::ZERO,
        Exchanges::Sick | Exchanges::None => settings.repeats,
    }
}
