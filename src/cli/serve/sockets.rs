//! The listeners of the process: which sockets each has, who accepts from them, and how a reload adds and removes some.
//!
//! The sockets are kept here beside the workers that accept from them, so that another process can be given them. A
//! copy that is kept keeps a socket alive: it must go before the workers stop, or clients would wait in a queue that
//! nobody looks at.

use std::io;
use std::mem::replace;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use tokio::sync::watch;

use super::workers::Workers;
use crate::cli::flags::Prepared;
use crate::listen::{self, BindError, Door, Entrance};

/// A listener with its sockets.
pub(super) struct Bound {
    /// As the configuration names it; port zero is any.
    wanted: SocketAddr,
    /// What it came to.
    pub(super) address: SocketAddr,
    /// All different; several share the port.
    sockets: Vec<TcpListener>,
    entrance: watch::Sender<Entrance>,
    shut: watch::Sender<bool>,
}

impl Bound {
    /// Binds an address that is free, with a socket for each of `workers`.
    fn bind(wanted: SocketAddr, entrance: Entrance, workers: usize) -> Result<Self, BindError> {
        let sockets = listen::bind(wanted, workers)?;
        let first = sockets.first().map(TcpListener::local_addr);
        let address = first.and_then(Result::ok).unwrap_or(wanted);
        let (entrance, shut) = (watch::Sender::new(entrance), watch::Sender::new(false));
        Ok(Self { wanted, address, sockets, entrance, shut })
    }

    /// A door for each worker, and for each socket: more workers than sockets share them, and of more sockets than
    /// workers none stays without somebody who accepts.
    fn doors(&self, workers: usize) -> io::Result<Vec<(usize, Door)>> {
        let turns = self.sockets.len().max(workers);
        let sockets = self.sockets.iter().cycle().take(turns).enumerate();
        let door = |(turn, socket): (usize, &TcpListener)| {
            let (entrance, shut) = (self.entrance.subscribe(), self.shut.subscribe());
            Ok((turn % workers, Door { socket: socket.try_clone()?, entrance, shut }))
        };
        sockets.map(door).collect()
    }

    fn ready(self, workers: usize) -> anyhow::Result<Ready> {
        let doors = self.doors(workers).context("cannot share a listening socket")?;
        Ok(Ready { bound: self, doors })
    }

    /// Lets nobody in any more. Connections end with their next reply, those under way are served to their end.
    fn close(self) {
        let Self { address, sockets, shut, .. } = self;
        drop(sockets);
        shut.send_replace(true);
        tracing::info!(%address, "No longer listening");
    }
}

/// All listeners.
pub(super) struct Listeners(Vec<Bound>);

/// What a reload makes of the listeners, decided and bound before it is put in force.
pub(super) struct Change {
    listeners: Vec<Next>,
}

/// A listener of the new plan.
enum Next {
    /// It is the one at this position; connections pass this from now on.
    Known(usize, Entrance),
    New(Ready),
}

/// A listener whose every step that can fail is done.
struct Ready {
    bound: Bound,
    doors: Vec<(usize, Door)>,
}

impl Ready {
    /// Lets the workers accept.
    fn open(self, workers: &Workers) -> Bound {
        for (worker, door) in self.doors {
            workers.open(worker, door);
        }
        let (address, workers) = (self.bound.address, workers.count());
        tracing::info!(%address, workers, "Listening");
        self.bound
    }
}

impl Listeners {
    /// None yet.
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Finds out what another plan needs, and binds what is new.
    pub(super) fn change_to(&self, prepared: &Prepared, workers: usize) -> anyhow::Result<Change> {
        let mut taken = vec![false; self.0.len()];
        let wanted = prepared.plan.listeners.iter().map(|listener| listener.address);
        let mut listeners = Vec::with_capacity(wanted.len());
        for (wanted, entrance) in wanted.zip(prepared.entrances.each.iter().cloned()) {
            let is_it = |(bound, taken): (&Bound, &mut bool)| bound.wanted == wanted && !replace(taken, true);
            listeners.push(match self.0.iter().zip(&mut taken).position(is_it) {
                Some(position) => Next::Known(position, entrance),
                None => Next::New(self.bind_beside(wanted, entrance, workers)?.ready(workers)?),
            });
        }
        Ok(Change { listeners })
    }

    /// Binds one more. An address that overlaps one of ours, as 0.0.0.0:80 does 127.0.0.1:80, cannot be had as long as we
    /// have that.
    fn bind_beside(&self, wanted: SocketAddr, entrance: Entrance, workers: usize) -> anyhow::Result<Bound> {
        let bound = Bound::bind(wanted, entrance, workers);
        let Err(BindError::Taken { .. }) = bound else {
            return Ok(bound?);
        };
        let overlaps = |ours: &&Bound| {
            ours.address.port() == wanted.port()
                && (ours.address.ip().is_unspecified() || wanted.ip().is_unspecified())
        };
        let Some(ours) = self.0.iter().find(overlaps) else {
            return Ok(bound?);
        };
        anyhow::bail!(
            "{wanted} overlaps {}, which this process listens on; restart it for that",
            ours.address
        )
    }

    /// Puts the change in force: opens what is new, closes what is gone, and leaves the rest alone.
    pub(super) fn put_in_force(&mut self, change: Change, workers: &Workers) {
        let mut before: Vec<_> = self.0.drain(..).map(Some).collect();
        for listener in change.listeners {
            self.0.extend(match listener {
                Next::Known(position, entrance) => {
                    let known = before.get_mut(position).and_then(Option::take);
                    known.inspect(|known| drop(known.entrance.send_replace(entrance)))
                }
                Next::New(ready) => Some(ready.open(workers)),
            });
        }
        before.into_iter().flatten().for_each(Bound::close);
    }
}
