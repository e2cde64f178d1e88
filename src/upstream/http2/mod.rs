//! HTTP/2 towards an upstream: the connections of one worker, shared by its exchanges.
//!
//! h2 is used as it is, without hyper's client above it: that wants bodies which outlive the exchange, ours are lent by
//! the client's connection, and it passes no interim replies on.

mod exchange;
mod head;
mod upload;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsStream;

use super::{Error, Settings, fault};
use crate::wire::{Timer, now};
pub(super) use exchange::{Exchange, Failed};
pub(super) use head::request;

/// How much of one reply may be under way to a client that reads slowly.
const STREAM_WINDOW: u32 = 256 * 1024;

/// How much of all replies of a connection together: so much that slow clients do not stop the others.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// How many exchanges share a connection before another one is made; fewer where the upstream says so.
const SHARED_BY: usize = 100;

/// How long a connection may idle. Apache says goodbye after 5 s, nginx after 75 s; both say it in a way that loses no
/// request.
const IDLE: Duration = Duration::from_secs(30);

/// Whether the upstream chose HTTP/2.
pub(super) fn is_chosen(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// The connections of a worker to one upstream.
#[derive(Default)]
pub(super) struct Connections {
    open: RefCell<Vec<Rc<Connection>>>,
    declined: Cell<bool>,
    /// Held by who makes a connection.
    pub(super) opening: Mutex<()>,
}

struct Connection {
    sender: SendRequest<Bytes>,
    active: Cell<usize>,
    retired: Cell<bool>,
    used: Cell<Instant>,
}

impl Connections {
    /// A connection with room for one more exchange.
    fn take(&self) -> Option<Lease> {
        let mut open = self.open.borrow_mut();
        open.retain(|connection| !connection.retired.get());
        open.iter().find(|connection| connection.has_room()).map(|connection| Lease::new(connection, false))
    }

    /// The same, of those that still take requests.
    pub(super) async fn take_ready(&self) -> Option<Lease> {
        loop {
            let lease = self.take()?;
            if lease.is_ready().await {
                return Some(lease);
            }
        }
    }

    /// Whether the upstream has chosen HTTP/1.1 before. That holds until the next plan: what it is configured to
    /// speak changes seldom, and to ask each time would cost a connection.
    pub(super) const fn is_declined(&self) -> bool {
        self.declined.get()
    }

    /// Notes that the upstream has chosen HTTP/1.1.
    pub(super) fn decline(&self) {
        self.declined.set(true);
    }

    /// Begins HTTP/2 on a connection over which nothing was sent.
    pub(super) async fn open(
        &self,
        stream: Box<TlsStream<TcpStream>>,
        settings: &Settings,
    ) -> Result<Lease, Error> {
        let head = u32::try_from(settings.header_bytes).unwrap_or(u32::MAX);
        let handshake = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(head)
            .enable_push(false)
            .handshake(stream);
        let (sender, driver) = handshake.await.map_err(|error| failure(&error))?;
        let connection = Rc::new(Connection {
            sender,
            active: Cell::new(0),
            retired: Cell::new(false),
            used: Cell::new(now()),
        });
        let driven = Rc::downgrade(&connection);
        tokio::task::spawn_local(async move {
            // The exchanges under way are told themselves.
            let _ended = driver.await;
            if let Some(connection) = driven.upgrade() {
                connection.retired.set(true);
            }
        });
        self.open.borrow_mut().push(Rc::clone(&connection));
        Ok(Lease::new(&connection, true))
    }

    fn sweep(&self) {
        let is_idle =
            |connection: &Connection| connection.active.get() == 0 && connection.used.get() + IDLE <= now();
        // The last handle closes the connection in order.
        self.open.borrow_mut().retain(|connection| !connection.retired.get() && !is_idle(connection));
    }
}

/// Closes what has idled too long, once a second, as long as there is somebody to use it.
pub(super) async fn sweep(connections: Weak<Connections>) {
    loop {
        sleep(Duration::from_secs(1)).await;
        let Some(connections) = connections.upgrade() else {
            return;
        };
        connections.sweep();
    }
}

impl Connection {
    fn has_room(&self) -> bool {
        self.active.get() < SHARED_BY.min(self.sender.current_max_send_streams())
    }
}

/// The place of one exchange on a connection.
pub(super) struct Lease {
    connection: Rc<Connection>,
    /// Whether the connection was made for this exchange.
    is_first: bool,
}

impl Lease {
    fn new(connection: &Rc<Connection>, is_first: bool) -> Self {
        connection.active.update(|active| active + 1);
        Self { connection: Rc::clone(connection), is_first }
    }

    /// Whether a request can be sent: the upstream has neither closed nor said goodbye. Otherwise the connection is
    /// used for no other.
    async fn is_ready(&self) -> bool {
        let is_ready = self.connection.sender.clone().ready().await.is_ok();
        if !is_ready {
            self.retire();
        }
        is_ready
    }

    /// Takes the connection out of use; the exchanges under way go on.
    fn retire(&self) {
        self.connection.retired.set(true);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.active.update(|active| active.saturating_sub(1));
        self.connection.used.set(now());
    }
}

/// A timer that runs since it was first asked for.
fn armed(timer: &mut Option<Timer>, after: Duration) -> &Timer {
    timer.get_or_insert_with(|| {
        let timer = Timer::new();
        timer.set_after(after);
        timer
    })
}

/// What a failure means for an exchange that has no reply yet.
fn failure(error: &h2::Error) -> Error {
    if let Some(io) = error.get_io() {
        return match io.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Error::Closed,
            kind => fault::of_broken(kind),
        };
    }
    if is_unprocessed(error) {
        return Error::Closed;
    }
    Error::Connection(if error.is_remote() {
        io::ErrorKind::ConnectionReset
    } else {
        io::ErrorKind::InvalidData
    })
}

/// Whether the upstream says that it did nothing with the request: it said goodbye before, or refused the stream (RFC 9113
/// §8.7). What it had begun when it said goodbye is told by other errors.
fn is_unprocessed(error: &h2::Error) -> bool {
    let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (error.is_go_away() || is_refused)
}
