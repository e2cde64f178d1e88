//! The listeners of the process: which sockets each has, who accepts from them, and how a reload adds and removes some.
//!
//! The sockets are kept here beside the workers that accept from them, so that another process can be given them. A
//! copy that is kept keeps a socket alive: it must go before the workers stop, or clients would wait in a queue that
//! nobody looks at.

use std::io;
use std::mem::replace;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use anyhow::Context;
use socket2::SockRef;
use tokio::sync::watch;

use super::passed::Passed;
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
        Ok(Self::of(wanted, address, sockets, entrance))
    }

    /// A door for each worker, and for each socket: more workers than sockets share them, and of more sockets than
    /// workers none stays without somebody who accepts.
    fn doors(&self, workers: usize) -> io::Result<Vec<(usize, Door)>> {
        let turns = self.sockets.len().max(workers);
        let sockets = self.sockets.iter().cycle().take(turns).enumerate();
        let door =
            |(turn, socket): (usize, &TcpListener)| Ok((turn % workers, self.door(socket.try_clone()?)));
        sockets.map(door).collect()
    }

    /// Takes what is there already, else binds.
    fn take_or_bind(
        wanted: SocketAddr,
        entrance: Entrance,
        passed: &mut Passed,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let sockets = passed.take(wanted)?;
        let Some(address) = sockets.first().map(TcpListener::local_addr).transpose()? else {
            return Ok(Self::bind(wanted, entrance, workers)?);
        };
        Ok(Self::of(wanted, address, sockets, entrance))
    }

    fn of(wanted: SocketAddr, address: SocketAddr, sockets: Vec<TcpListener>, entrance: Entrance) -> Self {
        let (entrance, shut) = (watch::Sender::new(entrance), watch::Sender::new(false));
        Self { wanted, address, sockets, entrance, shut }
    }

    /// A way in by this socket.
    fn door(&self, socket: TcpListener) -> Door {
        Door { socket, entrance: self.entrance.subscribe(), shut: self.shut.subscribe() }
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

    /// What the first plan needs, from what was passed or bound.
    pub(super) fn first(prepared: &Prepared, passed: &mut Passed) -> anyhow::Result<Change> {
        let workers = prepared.plan.workers.get();
        let next = |(wanted, entrance)| {
            let bound = Bound::take_or_bind(wanted, entrance, passed, workers)?;
            Ok(Next::New(bound.ready(workers)?))
        };
        Ok(Change { listeners: wanted(prepared).map(next).collect::<anyhow::Result<_>>()? })
    }

    /// Gives every worker a socket of its own where there were fewer sockets than workers and the port is shared, as
    /// after a hand-over by a process with fewer. Only once this process is sure to stay: clients in the queue of a
    /// socket go with it.
    pub(super) fn grow(&mut self, workers: &Workers) {
        for bound in &mut self.0 {
            let missing = bound.sockets.len()..workers.count();
            let shares = bound
                .sockets
                .first()
                .is_some_and(|socket| SockRef::from(socket).reuse_port().unwrap_or(false));
            if missing.is_empty() || !shares {
                continue;
            }
            // Without them the workers share the sockets they have.
            let more = listen::bind_more(bound.address, missing.len()).unwrap_or_default();
            for (worker, socket) in missing.zip(more) {
                let Ok(copy) = socket.try_clone() else { continue };
                workers.open(worker, bound.door(copy));
                bound.sockets.push(socket);
            }
        }
    }

    /// Copies of all sockets.
    pub(super) fn copies(&self) -> io::Result<Vec<OwnedFd>> {
        let sockets = self.0.iter().flat_map(|bound| &bound.sockets);
        sockets.map(|socket| socket.try_clone().map(OwnedFd::from)).collect()
    }

    /// What `systemctl status` says of them.
    pub(super) fn summary(&self) -> String {
        self.addresses().join(", ")
    }

    /// Where clients connect.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.0.iter().map(|bound| bound.address.to_string()).collect()
    }

    /// Finds out what another plan needs, and binds what is new.
    pub(super) fn change_to(&self, prepared: &Prepared, workers: usize) -> anyhow::Result<Change> {
        let mut taken = vec![false; self.0.len()];
        let mut listeners = Vec::with_capacity(prepared.plan.listeners.len());
        for (wanted, entrance) in wanted(prepared) {
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

/// Where a plan listens, and what connections pass there.
fn wanted(prepared: &Prepared) -> impl Iterator<Item = (SocketAddr, Entrance)> {
    let addresses = prepared.plan.listeners.iter().map(|listener| listener.address);
    addresses.zip(prepared.entrances.each.iter().cloned())
}
