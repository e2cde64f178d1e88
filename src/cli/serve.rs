//! From a plan to running workers, and from a signal to their end.

use std::net::TcpListener;
use std::rc::Rc;
use std::thread;

use anyhow::Context;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{self, Hosts, Plan};
use crate::exchange::{Mode, Recorder, Site, Sites};
use crate::secret::Key;
use crate::{listen, upstream};

/// Serves until a signal asks to stop, then drains. A second signal ends the process at once.
pub(super) fn serve(plan: &Plan) -> anyhow::Result<()> {
    tracing_subscriber::fmt().json().flatten_event(true).init();
    let key = Key::random().context("no random numbers to be had")?;
    let (stop, stopped) = watch::channel(false);
    let sockets = bind(plan)?;
    let cut_off = thread::scope(|scope| {
        let workers: Vec<_> = sockets
            .into_iter()
            .enumerate()
            .map(|(number, sockets)| {
                let (stopped, key) = (stopped.clone(), key.clone());
                let worker = thread::Builder::new().name(format!("worker-{number}"));
                worker.spawn_scoped(scope, move || work(plan, sockets, stopped, key))
            })
            .collect::<Result<_, _>>()
            .context("cannot start a worker")?;
        wait_for_signals(&stop)?;
        let mut cut_off = 0;
        for worker in workers {
            cut_off += worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok::<_, anyhow::Error>(cut_off)
    })?;
    tracing::info!(cut_off, "Stopped");
    Ok(())
}

/// For every worker one socket of every listener.
fn bind(plan: &Plan) -> anyhow::Result<Vec<Vec<TcpListener>>> {
    let workers = plan.workers.get();
    let mut sockets: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for listener in &plan.listeners {
        let bound = listen::bind(listener.address, workers)?;
        if let Some(address) = bound.first().and_then(|socket| socket.local_addr().ok()) {
            tracing::info!(%address, workers, "Listening");
        }
        for (worker, socket) in sockets.iter_mut().zip(bound) {
            worker.push(socket);
        }
    }
    Ok(sockets)
}

/// One worker: a runtime of its own, its sockets, its connections to the upstreams.
fn work(
    plan: &Plan,
    sockets: Vec<TcpListener>,
    stop: watch::Receiver<bool>,
    key: Key,
) -> anyhow::Result<usize> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let drain = listen::Drain { delay: plan.drain.delay, timeout: plan.drain.timeout };
    runtime.block_on(async {
        let sites = plan.sites.iter().map(|settings| site(plan, settings)).collect();
        let answer = Rc::new(Sites::new(sites, Recorder { key }));
        Ok(listen::run(sockets, limits(&plan.limits), answer, stop, drain).await?)
    })
}

fn site(plan: &Plan, site: &config::Site) -> Site {
    let hosts = match &site.hosts {
        Hosts::Any => Vec::new(),
        Hosts::Named(names) => names.clone(),
    };
    let mode = match site.mode {
        config::Mode::Treat => Mode::Treat,
        config::Mode::Observe => Mode::Observe,
    };
    let settings = upstream::Settings {
        address: site.upstream.address.to_string().parse().unwrap_or_else(|_| todo!()),
        connect_timeout: site.upstream.connect_timeout,
        response_timeout: site.upstream.response_timeout,
        idle_timeout: site.upstream.idle_timeout,
        header_bytes: plan.limits.header_bytes,
    };
    Site::new(hosts, mode, settings)
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

/// Waits for SIGTERM or SIGINT and passes it on; the next one ends the process.
fn wait_for_signals(stop: &watch::Sender<bool>) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("Draining");
        stop.send_replace(true);
        Ok(())
    })
}
