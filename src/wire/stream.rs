//! A connection as bytes: TCP or a Unix socket, in clear or under TLS, on either side of the doctor.
//!
//! One type for all of them costs a branch per system call and keeps everything above it from being compiled once
//! per kind.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio_rustls::TlsStream;

/// A connection that nobody reads or writes yet.
#[derive(Debug)]
pub enum Stream {
    /// TCP in clear.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
    /// TLS over TCP, its handshake done.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The two directions of the connection. Both must be used by the same task: under TLS, reading may have to
    /// write.
    #[must_use]
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf(Read::Tcp(read)), WriteHalf(Write::Tcp(write)))
            }
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf(Read::Unix(read)), WriteHalf(Write::Unix(write)))
            }
            Self::Tls(stream) => {
                let shared = Rc::new(RefCell::new(*stream));
                (ReadHalf(Read::Tls(Rc::clone(&shared))), WriteHalf(Write::Tls(shared)))
            }
        }
    }
}

type Shared = Rc<RefCell<TlsStream<TcpStream>>>;

/// The direction that comes in.
pub struct ReadHalf(Read);

enum Read {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
    Tls(Shared),
}

/// The direction that goes out.
pub struct WriteHalf(Write);

enum Write {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
    Tls(Shared),
}

impl WriteHalf {
    /// Resets the connection, so that a message cut off cannot be taken for one that ends with its connection.
    pub fn abort(self) {
        // Where the system refuses, nothing else is left to try.
        match self.0 {
            Write::Tcp(half) => {
                let _reset = half.as_ref().set_zero_linger();
                // Dropped, the half would first say in order that nothing more comes.
                half.forget();
            }
            // Without the closing word of TLS, which only `poll_shutdown` says, the end is no orderly one.
            Write::Tls(shared) => {
                let _reset = shared.borrow().get_ref().0.set_zero_linger();
            }
            Write::Unix(half) => half.forget(),
        }
    }
}

/// For how long a peer that is to say something may say nothing at all before its connection is given up.
const SILENCE: Duration = Duration::from_secs(120);

/// After which silence a peer is first asked whether it is still there, and how often then.
const ASKED: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

impl WriteHalf {
    /// Has the system find out in about two minutes when the other end is gone without a word, for connections on
    /// which silence is no fault. A Unix socket cannot lose its other end that way.
    pub fn expect_silence(&self) {
        // Where the system refuses, the connection is as good as before.
        let _refused = match &self.0 {
            Write::Tcp(half) => ask_when_silent(half.as_ref()),
            Write::Tls(shared) => ask_when_silent(shared.borrow().get_ref().0),
            Write::Unix(_) => Ok(()),
        };
    }
}

fn ask_when_silent(stream: &TcpStream) -> rustix::io::Result<()> {
    let (after, every, times) = ASKED;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, after)?;
    sockopt::set_tcp_keepintvl(stream, every)?;
    sockopt::set_tcp_keepcnt(stream, times)?;
    // While something is not acknowledged nobody is asked; else the system would try for a quarter of an hour.
    sockopt::set_tcp_user_timeout(stream, u32::try_from(SILENCE.as_millis()).unwrap_or(u32::MAX))
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Read::Tcp(half) => Pin::new(half).poll_read(cx, buf),
            Read::Unix(half) => Pin::new(half).poll_read(cx, buf),
            Read::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Write::Tcp(half) => Pin::new(half).poll_write(cx, bytes),
            Write::Unix(half) => Pin::new(half).poll_write(cx, bytes),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Write::Tcp(half) => Pin::new(half).poll_write_vectored(cx, parts),
            Write::Unix(half) => Pin::new(half).poll_write_vectored(cx, parts),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Tcp(_) | Write::Unix(_) => Poll::Ready(Ok(())),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Tcp(half) => Pin::new(half).poll_shutdown(cx),
            Write::Unix(half) => Pin::new(half).poll_shutdown(cx),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_shutdown(cx),
        }
    }
}
