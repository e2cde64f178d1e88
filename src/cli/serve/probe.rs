//! The listener on which probes ask whether the doctor is ready. The thread that leads answers them: it is the one that
//! knows, and no request waits for it.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use tokio::task::{JoinHandle, spawn_local};

use super::passed::Passed;
use crate::admin::{self, Health};
use crate::listen;

/// It answers as long as it is kept.
pub(super) struct Probe {
    socket: TcpListener,
    answering: JoinHandle<()>,
}

impl Probe {
    /// Takes the socket that is there already, else binds.
    pub(super) fn open(address: SocketAddr, passed: &mut Passed, health: &Health) -> anyhow::Result<Self> {
        let taken = passed.take(address)?.pop();
        let bound = || listen::bind(address, 1).map(|mut sockets| sockets.pop());
        let socket = taken.map_or_else(bound, |taken| Ok(Some(taken)));
        let socket = socket.context("admin.health_address")?.context("no socket")?;
        let (address, copy) = (socket.local_addr()?, socket.try_clone()?);
        let health = health.clone();
        let answering = spawn_local(async move {
            let Err(error) = admin::serve(copy, health).await;
            tracing::error!(%error, "Cannot answer probes");
        });
        tracing::info!(%address, "Answering probes");
        Ok(Self { socket, answering })
    }

    pub(super) const fn socket(&self) -> &TcpListener {
        &self.socket
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.answering.abort();
    }
}
