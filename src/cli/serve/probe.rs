//! The listener on which probes ask whether the doctor is ready. The thread that leads answers them: it is the one that
//! knows, and no request waits for it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use anyhow::{Context, bail};
use tokio::task::{JoinHandle, spawn_local};

use super::passed::Passed;
use crate::admin::{self, Health, Metrics};
use crate::listen::{self, BindError};

/// It answers as long as it is kept.
pub(super) struct Probe {
    socket: TcpListener,
    answering: JoinHandle<()>,
}

impl Probe {
    /// Takes the socket that is there already, else binds.
    pub(super) fn open(
        address: SocketAddr,
        passed: &mut Passed,
        health: &Health,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let socket = passed.take(address)?.pop().map_or_else(|| bind(address), Ok)?;
        let (address, copy) = (socket.local_addr()?, socket.try_clone()?);
        let (health, metrics) = (health.clone(), metrics.clone());
        let answering = spawn_local(async move {
            let Err(error) = admin::serve(copy, health, metrics).await;
            tracing::error!(%error, "Cannot answer probes");
        });
        tracing::info!(%address, "Answering probes");
        Ok(Self { socket, answering })
    }

    /// A copy for another process.
    pub(super) fn copy(&self) -> io::Result<OwnedFd> {
        self.socket.try_clone().map(OwnedFd::from)
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match listen::bind(address, 1) {
        Err(BindError::Taken { address, free: Some(free) }) => {
            bail!("{address} is taken by another process; {free} is free: --health-address {free}")
        }
        bound => bound?.pop().context("no socket for probes"),
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.answering.abort();
    }
}
