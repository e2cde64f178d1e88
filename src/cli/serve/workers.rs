//! The workers as the thread that leads them sees them: it sends them what to serve with and where to listen, and
//! hears when one ends. No lock is shared with them, and no request waits for an order.

use std::mem::replace;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_local;

use super::making::Share;
use crate::exchange::Sites;
use crate::listen::{self, Current, Door, Drain};

/// What a worker is told.
enum Order {
    /// Serve with this from now on, and say when it is in force.
    Serve(Box<Share>, oneshot::Sender<()>),
    /// Accept from this, too.
    Open(Door),
}

/// What a worker reports when it has ended: how many connections it cut off.
type Ended = anyhow::Result<usize>;

/// All workers of the process.
pub(super) struct Workers {
    orders: Vec<mpsc::UnboundedSender<Order>>,
    stop: watch::Sender<Option<Drain>>,
    endings: mpsc::UnboundedReceiver<Ended>,
    threads: Vec<JoinHandle<()>>,
    /// By those that have ended; or the first failure.
    cut_off: Ended,
}

impl Workers {
    /// Starts a worker for each share, and waits until each is there.
    pub(super) async fn start(shares: Vec<Share>) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(None);
        let (tell_end, endings) = mpsc::unbounded_channel();
        let mut workers = Self { orders: Vec::new(), stop, endings, threads: Vec::new(), cut_off: Ok(0) };
        for (number, share) in shares.into_iter().enumerate() {
            let (order, orders) = mpsc::unbounded_channel();
            let ending = Ending { tell: tell_end.clone(), ended: Some(Err(anyhow!("a worker panicked"))) };
            let stopped = stopped.clone();
            let (tell_begun, begun) = oneshot::channel();
            let thread = thread::Builder::new().name(format!("worker-{number}"));
            let thread = thread.spawn(move || ending.of(|| work(share, orders, stopped, tell_begun)));
            workers.threads.push(thread.context("cannot start a worker")?);
            workers.orders.push(order);
            if begun.await.is_err() {
                return Err(workers.ended().await);
            }
        }
        Ok(workers)
    }

    pub(super) fn count(&self) -> usize {
        self.orders.len()
    }

    /// Puts a share in force in every worker, and comes back when all serve with it.
    pub(super) async fn serve(&self, shares: Vec<Share>) -> anyhow::Result<()> {
        let mut pending = Vec::with_capacity(shares.len());
        for (order, share) in self.orders.iter().zip(shares) {
            let (done, in_force) = oneshot::channel();
            // A worker that is gone is reported by its end.
            let _sent = order.send(Order::Serve(Box::new(share), done));
            pending.push(in_force);
        }
        for in_force in pending {
            in_force.await.context("a worker did not take the configuration")?;
        }
        Ok(())
    }

    /// Lets a worker accept from one more socket.
    pub(super) fn open(&self, worker: usize, door: Door) {
        // A worker that is gone is reported by its end.
        let _sent = self.orders.get(worker).map(|order| order.send(Order::Open(door)));
    }

    /// Tells all workers how to end; said again, it holds for what is left.
    pub(super) fn stop(&self, drain: Drain) {
        self.stop.send_replace(Some(drain));
    }

    /// Comes back when a worker ends that was not told to, with the reason.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.endings.recv().await {
            Some(Err(error)) => error,
            Some(Ok(_)) | None => anyhow!("a worker ended unasked"),
        }
    }

    /// Waits until all have ended (again, when a wait was given up), and gives the number of connections that were cut off.
    pub(super) async fn all_ended(&mut self) -> anyhow::Result<usize> {
        while let Some(ended) = self.endings.recv().await {
            let before = replace(&mut self.cut_off, Ok(0));
            self.cut_off = before.and_then(|sum| Ok(sum + ended?));
        }
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow!("a worker panicked"))?;
        }
        replace(&mut self.cut_off, Ok(0))
    }
}

/// Reports the end of a worker, that by a panic as well.
struct Ending {
    tell: mpsc::UnboundedSender<Ended>,
    ended: Option<Ended>,
}

impl Ending {
    fn of(mut self, work: impl FnOnce() -> Ended) {
        self.ended = Some(work());
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Whoever no longer listens has given up on us.
        let _told = self.ended.take().map(|ended| self.tell.send(ended));
    }
}

/// One worker: a runtime of its own, its sockets, its connections to the upstreams.
fn work(
    share: Share,
    orders: mpsc::UnboundedReceiver<Order>,
    stop: watch::Receiver<Option<Drain>>,
    begun: oneshot::Sender<()>,
) -> Ended {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let capacity = Arc::clone(&share.capacity);
        let current = Rc::new(Current::new(share.serving()));
        let (open, doors) = mpsc::unbounded_channel();
        spawn_local(obey(orders, Rc::clone(&current), open));
        // Whoever started us waits for it, or is gone.
        let _told = begun.send(());
        Ok(listen::run(doors, current, capacity, stop).await?)
    })
}

async fn obey(
    mut orders: mpsc::UnboundedReceiver<Order>,
    current: Rc<Current<Sites>>,
    open: mpsc::UnboundedSender<Door>,
) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Serve(share, done) => {
                current.swap(share.serving());
                let _told = done.send(());
            }
            Order::Open(door) => {
                // During a drain nobody accepts any more.
                let _opened = open.send(door);
            }
        }
    }
}
