//! A worker's listeners and the connections they gave, from the first to the last.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Answer, Client, Current, connection};
use crate::wire::{self, Stream};

/// How a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// For how long connections are still accepted, so that whoever balances can look elsewhere first.
    pub delay: Duration,
    /// How long requests under way may take.
    pub timeout: Duration,
}

/// What a worker's connections share.
#[derive(Default)]
pub(super) struct Worker {
    draining: Cell<bool>,
    open: Cell<usize>,
    closed: Notify,
}

impl Worker {
    /// Whether connections end with their next reply.
    pub(super) const fn is_draining(&self) -> bool {
        self.draining.get()
    }

    fn opened(self: &Rc<Self>) -> Open {
        self.open.set(self.open.get() + 1);
        Open(Rc::clone(self))
    }

    async fn all_closed(&self) {
        while self.open.get() > 0 {
            self.closed.notified().await;
        }
    }
}

/// One open connection, counted as long as it lives.
struct Open(Rc<Worker>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.closed.notify_one();
    }
}

/// Accepts and serves until `stop` turns true, then drains. Gives the number of connections cut off because they
/// took longer than the drain allows.
///
/// # Errors
/// A socket cannot be registered with the runtime.
pub async fn run<A: Answer + 'static>(
    sockets: Vec<std::net::TcpListener>,
    current: Rc<Current<A>>,
    mut stop: watch::Receiver<bool>,
    drain: Drain,
) -> io::Result<usize> {
    let timers = tokio::task::spawn_local(wire::run_timers());
    let worker = Rc::new(Worker::default());
    let mut accepting = Vec::new();
    for socket in sockets {
        let listener = TcpListener::from_std(socket)?;
        let (worker, current, stop) = (Rc::clone(&worker), Rc::clone(&current), stop.clone());
        accepting.push(tokio::task::spawn_local(accept(listener, current, worker, stop, drain.delay)));
    }
    // An error means that whoever could say stop is gone, which says the same.
    let _stopped = stop.wait_for(|stop| *stop).await;
    let deadline = Instant::now() + drain.delay + drain.timeout;
    for listener in accepting {
        // A listener that panicked has nothing left to drain.
        let _ended = listener.await;
    }
    worker.draining.set(true);
    wire::wake_all();
    let _in_time = timeout_at(deadline, worker.all_closed()).await;
    timers.abort();
    Ok(worker.open.get())
}

async fn accept<A: Answer + 'static>(
    listener: TcpListener,
    current: Rc<Current<A>>,
    worker: Rc<Worker>,
    mut stop: watch::Receiver<bool>,
    delay: Duration,
) {
    let stopped = async {
        let _stopped = stop.wait_for(|stop| *stop).await;
        sleep(delay).await;
    };
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => serve(stream, Client { address }, &current, &worker),
            // Out of file descriptors, most often: waiting lets some of them close.
            Err(error) if !is_clients(&error) => {
                tracing::warn!(%error, "Cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
            Err(_) => {}
        }
    }
    // Clients in the queue hold a connection already: closing the socket would reset it.
    for (stream, address) in queue(listener) {
        serve(stream, Client { address }, &current, &worker);
    }
}

/// What waits to be accepted now. The system is asked itself, since the runtime may not have heard of it yet.
fn queue(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, address) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, address))
    })
}

fn is_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

fn serve<A: Answer + 'static>(
    stream: TcpStream,
    client: Client,
    current: &Rc<Current<A>>,
    worker: &Rc<Worker>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (current, open) = (Rc::clone(current), worker.opened());
    tokio::task::spawn_local(async move {
        connection::serve(Stream::Tcp(stream), client, &current, &open.0).await;
    });
}
