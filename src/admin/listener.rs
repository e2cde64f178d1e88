//! The connections of the admin listener. The thread that leads serves them: they are few, and no request of a client waits
//! for them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::api::Desk;
use super::guard::Way;
use super::rim;
use super::stream::Line;

/// How long a handshake, or the head of a request, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long replies may go on after the end of it all.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many connections there are at a time. One more ends the oldest on which nobody follows along.
const MOST: usize = 64;

/// The largest head of a request.
const HEAD: usize = 16 << 10;

/// How much of what a slow reader is told the system holds for them, in bytes: what is not sent yet may be old by then.
const HELD: usize = 64 << 10;

/// A socket to listen on.
#[derive(Debug)]
pub enum Socket {
    /// Reached by address.
    Tcp(std::net::TcpListener),
    /// Reached by path.
    Unix(std::os::unix::net::UnixListener),
}

/// Answers as long as it is kept.
pub struct Listener {
    accepting: JoinHandle<()>,
    connections: Rc<RefCell<VecDeque<Connection>>>,
    end: watch::Sender<bool>,
}

struct Connection {
    task: JoinHandle<()>,
    line: Rc<Line>,
}

impl Listener {
    /// Answers on this socket. Must be called inside a local task set.
    ///
    /// # Errors
    /// The socket cannot be registered with the runtime.
    pub fn open(socket: Socket, desk: Rc<Desk>) -> io::Result<Self> {
        let (end, _) = watch::channel(false);
        let connections = Rc::new(RefCell::new(VecDeque::new()));
        let door = Door { desk, connections: Rc::clone(&connections), end: end.clone() };
        let accepting = match socket {
            Socket::Tcp(socket) => spawn_local(door.over_tcp(TcpListener::from_std(socket)?)),
            Socket::Unix(socket) => spawn_local(door.over_unix(UnixListener::from_std(socket)?)),
        };
        Ok(Self { accepting, connections, end })
    }

    /// Lets nobody in any more. Replies under way go on, and whoever follows along does so to the end.
    pub fn shut(&self) {
        self.accepting.abort();
        self.end.send_replace(true);
    }

    /// Lets nobody in any more, and waits a moment for replies under way.
    pub async fn close(self) {
        self.shut();
        let connections: Vec<_> = self.connections.borrow_mut().drain(..).collect();
        let ended = async {
            for connection in connections {
                // One that was ended before its time is over as well.
                let _ended = connection.task.await;
            }
        };
        let _in_time = timeout(FAREWELL, ended).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shut();
    }
}

/// What every connection is given.
struct Door {
    desk: Rc<Desk>,
    connections: Rc<RefCell<VecDeque<Connection>>>,
    end: watch::Sender<bool>,
}

impl Door {
    async fn over_tcp(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.welcome(|desk, line, end| speak(stream, desk, line, end)),
                Err(_) => breathe().await,
            }
        }
    }

    async fn over_unix(self, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    self.welcome(|desk, line, end| converse(stream, desk, Way::Unix, line, end));
                }
                Err(_) => breathe().await,
            }
        }
    }

    /// Serves one more connection.
    fn welcome<F: Future<Output = ()> + 'static>(
        &self,
        serve: impl FnOnce(Rc<Desk>, Rc<Line>, watch::Receiver<bool>) -> F,
    ) {
        let line = Rc::<Line>::default();
        let task = spawn_local(serve(Rc::clone(&self.desk), Rc::clone(&line), self.end.subscribe()));
        let mut connections = self.connections.borrow_mut();
        connections.retain(|one| !one.task.is_finished());
        if connections.len() >= MOST
            && let Some(oldest) = connections.iter().position(|one| !one.line.is_followed())
            && let Some(oldest) = connections.remove(oldest)
        {
            oldest.task.abort();
        }
        connections.push_back(Connection { task, line });
    }
}

/// Out of file descriptors, most often.
async fn breathe() {
    sleep(Duration::from_millis(100)).await;
}

/// A connection over TCP, under TLS where that is spoken.
async fn speak(stream: TcpStream, desk: Rc<Desk>, line: Rc<Line>, end: watch::Receiver<bool>) {
    // With more it is answered as well.
    let _held = SockRef::from(&stream).set_send_buffer_size(HELD);
    let Some(config) = desk.access().tls else {
        return converse(stream, desk, Way::Tcp, line, end).await;
    };
    if let Ok(Ok(stream)) = timeout(PATIENCE, TlsAcceptor::from(config).accept(stream)).await {
        converse(stream, desk, Way::Tls, line, end).await;
    }
}

/// Answers one request after the other.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    desk: Rc<Desk>,
    way: Way,
    line: Rc<Line>,
    mut end: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(rim::service(desk, way, Rc::clone(&line)));
    let mut settings = http1::Builder::new();
    settings.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD);
    let mut connection = pin!(settings.serve_connection(TokioIo::new(stream), service));
    // Whoever was let in has a question, which may be on its way: another process would have answered it by now.
    let last_asked = async {
        let _end = end.wait_for(|end| *end).await;
        line.until_asked().await;
    };
    tokio::select! {
        // Whoever asks nonsense, or leaves, is not waited for.
        _ended = connection.as_mut() => return,
        () = line.until_given_up() => return,
        () = last_asked => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ended = connection => {}
        () = line.until_given_up() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::thread;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::sync::watch;
    use tokio::task::LocalSet;
    use tokio::time::{sleep, timeout};

    use super::{Way, converse};
    use crate::admin::Metrics;
    use crate::admin::rim::tests::desk_of;
    use crate::admin::ring::Bounds;
    use crate::admin::ring::tests::{BEGAN, event, kept};

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_takes_nothing_does_not_keep_the_connection() {
        let (bus, keeper, exchanges) = kept(512, Bounds { exchanges: 1, memory: 1 << 24 });
        let keeper = thread::spawn(move || keeper.run());
        (0..200).for_each(|number| bus.show(event(number, true)));
        exchanges.last().wait_for(|last| *last == BEGAN + 200).await.unwrap();
        let desk = desk_of(Metrics::default(), exchanges);
        let (mut client, stream) = duplex(1024);
        let (_end, ends) = watch::channel(false);
        let talk = async {
            let ask =
                format!("GET /api/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {BEGAN}\r\n\r\n");
            client.write_all(ask.as_bytes()).await.unwrap();
            let talk = converse(stream, desk, Way::Tcp, Rc::default(), ends);
            timeout(Duration::from_secs(120), talk).await
        };
        assert!(LocalSet::new().run_until(talk).await.is_ok(), "it waits for the reader still");
        drop(bus);
        keeper.join().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_was_on_its_way_at_the_end_is_answered_and_no_other() {
        let (_bus, _keeper, exchanges) = kept(1, Bounds { exchanges: 1, memory: 1 << 20 });
        let desk = desk_of(Metrics::default(), exchanges);
        let (mut client, stream) = duplex(4096);
        let (_end, ends) = watch::channel(true);
        let ask = async {
            // The clock moves on once nobody has anything to do.
            sleep(Duration::from_millis(1)).await;
            client.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            let mut reply = String::new();
            client.read_to_string(&mut reply).await.unwrap();
            reply
        };
        let talk = async { tokio::join!(converse(stream, desk, Way::Tcp, Rc::default(), ends), ask) };
        let ((), reply) = LocalSet::new().run_until(talk).await;
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("ok\n"), "{reply}");
    }
}
