//! From a plan to running workers, and from a signal to their end.

use std::io::{self, stdout};
use std::net::TcpListener;
use std::panic::{self, Location};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::runtime::{Builder, LocalOptions, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::config::{self, ClientAddress, Exchanges, Format, Hosts, Level, Log, Plan};
use crate::diagnosis::{RULES, Severity};
use crate::event::{Bus, ExchangeIds, Tally, bus, now};
use crate::exchange::{Acceptances, Keeps, Mode, Policy, Promises, QUEUE, Recorder, Shows, Site, Sites};
use crate::headers::Trusted;
use crate::listen::{self, Current, Serving};
use crate::report::{Page, Paint, Repeats, log};
use crate::secret::Key;
use crate::upstream;

/// What all workers share, beside the plan.
struct Shared {
    key: Key,
    hop: Arc<str>,
    bus: Bus,
    tally: Arc<Tally>,
    trusted: Arc<Trusted>,
    promises: Arc<Promises>,
    /// One for each site of the plan.
    acceptances: Vec<Arc<Acceptances>>,
}

/// Serves until a signal asks to stop, then drains. Gives the number of connections that were cut off.
pub(super) fn serve(plan: &Plan, page: Page) -> anyhow::Result<()> {
    start_own_log(plan.log, page.paint);
    panic::set_hook(Box::new(|panic| tell_where(panic.location())));
    let signals = Signals::catch()?;
    let sockets = bind(plan)?;
    let (bus, events) = bus(QUEUE);
    let format = match plan.log.format {
        Format::Json => log::Format::Json,
        Format::Pretty => log::Format::Pretty(page),
    };
    let repeats = repeats(plan.log);
    let writer = thread::Builder::new().name("log".to_owned());
    let writer =
        writer.spawn(move || log::run(events, stdout(), format, repeats)).context("cannot start the log")?;
    let key = Key::random().context("the system has no random numbers")?;
    let began = Instant::now();
    let shared = Shared {
        key,
        hop: "doctor".into(),
        bus,
        tally: Arc::new(Tally::new(now())),
        trusted: Arc::new(plan.trusted_proxies.clone()),
        promises: Arc::default(),
        acceptances: plan.sites.iter().map(|_| Arc::new(Acceptances::since(began))).collect(),
    };
    let cut_off = work_until(signals, plan, sockets, &shared)?;
    // The log ends when nobody can write to it any more.
    drop(shared);
    writer.join().map_err(|_| anyhow!("the log panicked"))?;
    tracing::info!(cut_off, "Stopped");
    Ok(())
}

/// The doctor's own messages: that it listens, drains, has stopped.
fn start_own_log(settings: Log, paint: Paint) {
    let level = match settings.level {
        Level::Error => tracing::Level::ERROR,
        Level::Warn => tracing::Level::WARN,
        Level::Info => tracing::Level::INFO,
        Level::Debug => tracing::Level::DEBUG,
        Level::Trace => tracing::Level::TRACE,
    };
    let log =
        tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(paint == Paint::Colour);
    // A log that was started before serves as well.
    let _started = match settings.format {
        Format::Json => log.json().flatten_event(true).try_init(),
        Format::Pretty => log.try_init(),
    };
}

/// Tells of a panic, in constant words: what it says itself may hold text of a request, a token among it.
fn tell_where(location: Option<&Location<'_>>) {
    let at = location.map(ToString::to_string);
    tracing::error!(at, "The doctor failed: a defect to report");
}

/// Whoever asked for all exchanges gets the sick ones, too.
fn repeats(settings: Log) -> Repeats {
    Repeats::new(match settings.exchanges {
        Exchanges::All => Duration::ZERO,
        Exchanges::Sick | Exchanges::None => settings.repeats,
    })
}

/// For every worker one socket of every listener.
fn bind(plan: &Plan) -> anyhow::Result<Vec<Vec<TcpListener>>> {
    let workers = plan.workers.get();
    let mut sockets: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for listener in &plan.listeners {
        let bound = listen::bind(listener.address, workers)?;
        let address = bound.first().map(TcpListener::local_addr).transpose()?.unwrap_or(listener.address);
        tracing::info!(%address, workers, "Listening");
        for (worker, socket) in sockets.iter_mut().zip(bound) {
            worker.push(socket);
        }
    }
    Ok(sockets)
}

fn work_until(
    signals: Signals,
    plan: &Plan,
    sockets: Vec<Vec<TcpListener>>,
    shared: &Shared,
) -> anyhow::Result<usize> {
    let (stop, stopped) = watch::channel(false);
    thread::scope(|scope| {
        let mut workers = Vec::with_capacity(sockets.len());
        for (number, sockets) in sockets.into_iter().enumerate() {
            let stopped = stopped.clone();
            let worker = thread::Builder::new().name(format!("worker-{number}"));
            let worker = worker.spawn_scoped(scope, move || work(plan, sockets, stopped, shared));
            workers.push(worker.context("cannot start a worker")?);
        }
        signals.wait();
        tracing::info!("Draining");
        stop.send_replace(true);
        let mut cut_off = 0;
        for worker in workers {
            cut_off += worker.join().map_err(|_| anyhow!("a worker panicked"))??;
        }
        Ok(cut_off)
    })
}

/// One worker: a runtime of its own, its sockets, its connections to the upstreams.
fn work(
    plan: &Plan,
    sockets: Vec<TcpListener>,
    stop: watch::Receiver<bool>,
    shared: &Shared,
) -> anyhow::Result<usize> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let drain = listen::Drain { delay: plan.drain.delay, timeout: plan.drain.timeout };
    let recorder = recorder(plan.log, shared)?;
    runtime.block_on(async {
        let sites = plan.sites.iter().zip(&shared.acceptances);
        let sites = sites.map(|(settings, accepted)| site(plan, settings, Arc::clone(accepted))).collect();
        let answer = Sites::new(sites, recorder, Arc::clone(&shared.trusted), Arc::clone(&shared.promises));
        let current = Current::new(Serving { settings: limits(&plan.limits), answer });
        Ok(listen::run(sockets, Rc::new(current), stop, drain).await?)
    })
}

fn recorder(log: Log, shared: &Shared) -> anyhow::Result<Recorder> {
    Ok(Recorder {
        key: shared.key.clone(),
        ids: ExchangeIds::random().context("the system has no random numbers")?,
        hop: Arc::clone(&shared.hop),
        rules: RULES,
        bus: shared.bus.clone(),
        tally: Arc::clone(&shared.tally),
        keeps: match log.exchanges {
            Exchanges::All => Keeps::All,
            Exchanges::Sick => Keeps::Sick,
            Exchanges::None => Keeps::Nothing,
        },
        least: match log.level {
            Level::Error => Some(Severity::Error),
            Level::Warn => Some(Severity::Warning),
            Level::Info | Level::Debug | Level::Trace => None,
        },
        shows: match log.client_address {
            ClientAddress::Full => Shows::Address,
            ClientAddress::Network => Shows::Network,
            ClientAddress::None => Shows::Nothing,
        },
    })
}

fn site(plan: &Plan, site: &config::Site, acceptances: Arc<Acceptances>) -> Site {
    let hosts = match &site.hosts {
        Hosts::Any => Vec::new(),
        Hosts::Named(names) => names.clone(),
    };
    let mode = match site.mode {
        config::Mode::Treat => Mode::Treat,
        config::Mode::Observe => Mode::Observe,
    };
    let settings = upstream::Settings {
        address: site.upstream.address.clone(),
        connect_timeout: site.upstream.connect_timeout,
        response_timeout: site.upstream.response_timeout,
        idle_timeout: site.upstream.idle_timeout,
        header_bytes: plan.limits.header_bytes,
    };
    let policy = Policy {
        mode,
        authorization: site.authorization.clone(),
        cors: site.cors.clone(),
        redirects: site.redirects,
        via: site.via,
    };
    Site::new(hosts, policy, settings, acceptances)
}

const fn limits(limits: &config::Limits) -> listen::Settings {
    listen::Settings {
        header_bytes: limits.header_bytes,
        body_bytes: limits.body_bytes,
        header_timeout: limits.header_timeout,
        body_timeout: limits.body_timeout,
        keep_alive_timeout: limits.keep_alive_timeout,
        write_timeout: limits.write_timeout,
    }
}

/// SIGTERM and SIGINT, caught from its making on: whoever sees that we listen may already ask us to stop.
pub(super) struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn catch() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (terminate, interrupt) = runtime
            .block_on(async {
                Ok::<_, io::Error>((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
            })
            .context("cannot catch signals")?;
        Ok(Self { runtime, terminate, interrupt })
    }

    pub(super) fn wait(self) {
        let Self { runtime, mut terminate, mut interrupt } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
    }
}
