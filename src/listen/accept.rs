//! A worker's listeners and the connections they gave, from the first to the last.

use std::cell::Cell;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::capacity::Capacity;
use super::entrance::{self, Entered, Turned, enter};
use super::seldom::Seldom;
use super::tls::Protocol;
use super::{Answer, Client, Current, Entrance, Refusal, connection, http2};
use crate::wire::{self, Reader, Stream};

/// How a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// For how long connections are still accepted, so that whoever balances can look elsewhere first.
    pub delay: Duration,
    /// How long requests under way may take.
    pub timeout: Duration,
}

impl Drain {
    /// Whatever is under way is cut off.
    pub const AT_ONCE: Self = Self { delay: Duration::ZERO, timeout: Duration::ZERO };
}

/// What the connections of one listener share within a worker.
pub(super) struct Worker {
    draining: Cell<bool>,
    open: Cell<usize>,
    closed: Notify,
    capacity: Arc<Capacity>,
    cannot_accept: Seldom,
}

impl Worker {
    pub(super) fn new(capacity: Arc<Capacity>) -> Self {
        let (draining, open, closed) = Default::default();
        Self { draining, open, closed, capacity, cannot_accept: Seldom::default() }
    }

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

/// A listening socket of one worker.
#[derive(Debug)]
pub struct Door {
    /// Connections come in here.
    pub socket: std::net::TcpListener,
    /// What they pass before their first request. A reload may change it: connections that come later pass the new one.
    pub entrance: watch::Receiver<Entrance>,
    /// Turns true when the configuration no longer knows this listener: its connections then end with their next
    /// reply. Whoever drops the other end leaves the door open.
    pub shut: watch::Receiver<bool>,
}

impl From<std::net::TcpListener> for Door {
    /// A door that stays open, and behind which plain HTTP is spoken.
    fn from(socket: std::net::TcpListener) -> Self {
        let entrance = watch::Sender::new(Entrance::default()).subscribe();
        Self { socket, entrance, shut: watch::Sender::new(false).subscribe() }
    }
}

/// A door and the connections it gave.
struct Room {
    worker: Rc<Worker>,
    accepting: JoinHandle<()>,
}

impl Room {
    fn open<A: Answer + 'static>(
        door: Door,
        current: &Rc<Current<A>>,
        capacity: &Arc<Capacity>,
        stop: &watch::Receiver<Option<Drain>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::from_std(door.socket)?;
        let worker = Rc::new(Worker::new(Arc::clone(capacity)));
        let until = until_shut(stop.clone(), door.shut);
        let accepting = accept(listener, door.entrance, Rc::clone(current), Rc::clone(&worker), until);
        Ok(Self { worker, accepting: tokio::task::spawn_local(accepting) })
    }

    fn is_empty(&self) -> bool {
        self.accepting.is_finished() && self.worker.open.get() == 0
    }

    async fn emptied(&mut self) {
        // A listener that panicked has nothing left to drain.
        let _ended = (&mut self.accepting).await;
        self.worker.all_closed().await;
    }
}

/// Accepts from every door that comes and serves until `stop` says how to end, then drains. Gives the number of
/// connections cut off because they took longer than the drain allows. A drain under way can be shortened.
/// Connections are counted in `capacity`, which all workers share.
///
/// # Errors
/// A socket cannot be registered with the runtime.
pub async fn run<A: Answer + 'static>(
    mut doors: mpsc::UnboundedReceiver<Door>,
    current: Rc<Current<A>>,
    capacity: Arc<Capacity>,
    stop: watch::Receiver<Option<Drain>>,
) -> io::Result<usize> {
    let timers = tokio::task::spawn_local(wire::run_timers());
    let mut rooms: Vec<Room> = Vec::new();
    let mut stopped = stop.clone();
    loop {
        tokio::select! {
            biased;
            Some(door) = doors.recv() => {
                rooms.retain(|room| !room.is_empty());
                rooms.push(Room::open(door, &current, &capacity, &stop)?);
            }
            // An error means that whoever could say stop is gone, which says the same.
            _stopped = stopped.wait_for(Option::is_some) => break,
        }
    }
    drain(&mut rooms, stop).await;
    timers.abort();
    Ok(rooms.iter().map(|room| room.worker.open.get()).sum())
}

/// Waits until all rooms are empty, or for as long as the drain allows.
async fn drain(rooms: &mut [Room], mut stop: watch::Receiver<Option<Drain>>) {
    let began = Instant::now();
    let emptied = async {
        for room in rooms {
            room.emptied().await;
        }
    };
    tokio::pin!(emptied);
    loop {
        let drain = stop.borrow_and_update().unwrap_or(Drain::AT_ONCE);
        tokio::select! {
            biased;
            () = &mut emptied => return,
            () = sleep_until(began + drain.delay + drain.timeout) => return,
            Ok(()) = stop.changed() => {}
        }
    }
}

/// Until connections are no longer accepted: at once when the listener goes, after the delay when the worker does.
async fn until_shut(stop: watch::Receiver<Option<Drain>>, mut shut: watch::Receiver<bool>) {
    let shut = async {
        if shut.wait_for(|shut| *shut).await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::select! {
        () = shut => {}
        () = stopped(stop) => {}
    }
}

async fn stopped(mut stop: watch::Receiver<Option<Drain>>) {
    drop(stop.wait_for(Option::is_some).await);
    loop {
        let drain = stop.borrow_and_update().unwrap_or(Drain::AT_ONCE);
        tokio::select! {
            () = sleep(drain.delay) => return,
            Ok(()) = stop.changed() => {}
        }
    }
}

async fn accept<A: Answer + 'static>(
    listener: TcpListener,
    entrance: watch::Receiver<Entrance>,
    current: Rc<Current<A>>,
    worker: Rc<Worker>,
    until: impl Future<Output = ()>,
) {
    tokio::pin!(until);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut until => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => serve(stream, address, &entrance, &current, &worker),
            // Out of file descriptors, most often: waiting lets some of them close.
            Err(error) if !is_clients(&error) => {
                if let Some(times) = worker.cannot_accept.news(Instant::now()) {
                    tracing::warn!(%error, times, "Cannot accept a connection");
                }
                sleep(Duration::from_millis(100)).await;
            }
            Err(_) => {}
        }
    }
    // Clients in the queue hold a connection already: closing the socket would reset it.
    for (stream, address) in queue(listener) {
        serve(stream, address, &entrance, &current, &worker);
    }
    worker.draining.set(true);
    wire::wake_all();
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
    address: SocketAddr,
    entrance: &watch::Receiver<Entrance>,
    current: &Rc<Current<A>>,
    worker: &Rc<Worker>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let entrance = Some(entrance.borrow()).filter(|entrance| !entrance.is_open()).as_deref().cloned();
    let serving = current.get();
    let is_trusted = || serving.answer.is_trusted(address.ip());
    let admitted = match worker.capacity.admit(address.ip(), &serving.settings, is_trusted) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let client = Client { address, secure: false };
            return turn_away(stream, client, entrance.as_ref(), current, worker, refusal);
        }
    };
    let (current, open) = (Rc::clone(current), worker.opened());
    tokio::task::spawn_local(async move {
        let entered = match entrance {
            None => Entered::at_once(stream, address),
            Some(entrance) => {
                // In a box of its own, so that no connection carries the room for a handshake through its life.
                match Box::pin(pass(stream, address, entrance, &current, &open.0)).await {
                    Some(entered) => entered,
                    None => return,
                }
            }
        };
        let client = entered.client;
        let http2 = match entered.protocol {
            Protocol::Http1 => connection::serve(entered, &current, &open.0).await,
            Protocol::Http2 => {
                let (read, write) = entered.stream.split();
                Some((Reader::of_heads(read), write))
            }
        };
        let Some((reader, write)) = http2 else { return drop(admitted) };
        // A task of its own: each version of HTTP would carry the room that the other needs.
        tokio::task::spawn_local(async move {
            http2::serve(reader, write, client, current, Rc::clone(&open.0)).await;
            drop((open, admitted));
        });
    });
}

/// Says that there are too many connections, and closes. Where TLS is spoken nothing can be said before a handshake,
/// which is what costs most: a connection there is closed without a word, as one too many to be told is here.
fn turn_away<A: Answer + 'static>(
    stream: TcpStream,
    client: Client,
    entrance: Option<&Entrance>,
    current: &Rc<Current<A>>,
    worker: &Rc<Worker>,
    refusal: Refusal,
) {
    let speaks = entrance.is_none_or(|entrance| entrance.tls.is_none());
    let Some(told) = Some(&worker.capacity).filter(|_| speaks).and_then(Capacity::tell) else {
        return current.get().answer.leave_unanswered(client, refusal);
    };
    let (current, open) = (Rc::clone(current), worker.opened());
    tokio::task::spawn_local(async move {
        connection::turn_away(Stream::Tcp(stream), client, &current, &open.0, refusal).await;
        drop(told);
    });
}

/// Lets a connection in, or ends it as it deserves.
async fn pass<A: Answer>(
    stream: TcpStream,
    address: SocketAddr,
    entrance: Entrance,
    current: &Current<A>,
    worker: &Worker,
) -> Option<Entered> {
    let within = current.get().settings.header_timeout;
    match enter(stream, address, &entrance, within, worker).await {
        Ok(entered) => return Some(entered),
        Err(Turned::Back(stream, client, refusal)) => {
            connection::turn_back(Stream::Tcp(stream), client, refusal, current, worker).await;
        }
        Err(Turned::Failed(client, error, stream)) => {
            current.get().answer.handshake_failed(client, &error);
            if let Some(stream) = stream {
                entrance::linger(stream).await;
            }
        }
        Err(Turned::Away) => {}
    }
    None
}
