//! A connection as bytes: TCP or a Unix socket, in clear or under TLS, on either side of the doctor.
//!
//! One type for all of them costs a branch per system call and keeps everything above it from being compiled once
//! per kind.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::{SendFlags, send, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp};
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
                // Tokio's own halves say that nothing more comes before they close, a system call that tells
                // nobody anything: both ends of a Unix socket see the same close.
                let shared = Rc::new(RefCell::new(stream));
                (ReadHalf(Read::Unix(Rc::clone(&shared))), WriteHalf(Write::Unix { shared, is_new: true }))
            }
            Self::Tls(stream) => {
                let shared = Rc::new(RefCell::new(*stream));
                (ReadHalf(Read::Tls(Rc::clone(&shared))), WriteHalf(Write::Tls(shared)))
            }
        }
    }
}

type Shared<S> = Rc<RefCell<S>>;

/// The direction that comes in.
pub struct ReadHalf(Read);

enum Read {
    Tcp(tcp::OwnedReadHalf),
    Unix(Shared<UnixStream>),
    Tls(Shared<TlsStream<TcpStream>>),
}

impl ReadHalf {
    /// Writes what of `bytes` the system takes at once, and says how much: for words that come before whatever the other
    /// half writes next.
    ///
    /// # Errors
    /// The connection has failed. The system says so once.
    pub fn put_early(&self, context: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        let written = match &self.0 {
            Read::Tcp(half) => half.as_ref().try_write(bytes),
            Read::Unix(shared) => shared.borrow().try_write(bytes),
            Read::Tls(shared) => return put_early(&mut shared.borrow_mut(), context, bytes),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Whether the connection has failed, though its end was said in order before; told once.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let failure = match &self.0 {
            Read::Tcp(half) => half.as_ref().take_error(),
            Read::Unix(shared) => shared.borrow().take_error(),
            Read::Tls(shared) => shared.borrow().get_ref().0.take_error(),
        };
        !matches!(failure, Ok(None))
    }
}

fn put_early(
    stream: &mut TlsStream<TcpStream>,
    context: &mut Context<'_>,
    bytes: &[u8],
) -> io::Result<usize> {
    let Poll::Ready(count) = Pin::new(&mut *stream).poll_write(context, bytes)? else { return Ok(0) };
    // What the system does not take yet goes with what is written next.
    let _later = Pin::new(stream).poll_flush(context)?;
    Ok(count)
}

/// The direction that goes out.
pub struct WriteHalf(Write);

enum Write {
    Tcp(tcp::OwnedWriteHalf),
    Unix { shared: Shared<UnixStream>, is_new: bool },
    Tls(Shared<TlsStream<TcpStream>>),
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
            Write::Unix { .. } => {}
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
            Write::Unix { .. } => Ok(()),
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
            Read::Unix(shared) => Pin::new(&mut *shared.borrow_mut()).poll_read(cx, buf),
            Read::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Write::Tcp(half) => Pin::new(half).poll_write(cx, bytes),
            Write::Unix { shared, is_new } => {
                // What nobody has written to has room; the runtime would wait to be told so.
                if mem::take(is_new)
                    && let Ok(count) = send(&*shared.borrow(), bytes, SendFlags::NOSIGNAL)
                {
                    return Poll::Ready(Ok(count));
                }
                Pin::new(&mut *shared.borrow_mut()).poll_write(cx, bytes)
            }
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
            Write::Unix { shared, .. } => Pin::new(&mut *shared.borrow_mut()).poll_write_vectored(cx, parts),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Tcp(_) | Write::Unix { .. } => Poll::Ready(Ok(())),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Tcp(half) => Pin::new(half).poll_shutdown(cx),
            Write::Unix { shared, .. } => Pin::new(&mut *shared.borrow_mut()).poll_shutdown(cx),
            Write::Tls(shared) => Pin::new(&mut *shared.borrow_mut()).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::Stream;

    #[tokio::test]
    async fn a_new_unix_socket_is_written_at_once_and_closed_with_its_last_half() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (read, mut write) = Stream::Unix(ours).split();
        let mut context = Context::from_waker(Waker::noop());
        let at_once = Pin::new(&mut write).poll_write(&mut context, b"hello");
        assert!(matches!(at_once, Poll::Ready(Ok(5))), "{at_once:?}");
        drop(write);
        let mut heard = [0; 8];
        assert_eq!(theirs.read(&mut heard).await.unwrap(), 5);
        theirs.write_all(b"still there?").await.unwrap();
        drop(read);
        assert!(theirs.write_all(b"and now?").await.is_err());
    }

    #[tokio::test]
    async fn what_has_no_room_in_a_new_unix_socket_follows_when_it_has() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (_read, mut write) = Stream::Unix(ours).split();
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(3_000_000).collect();
        let send = async {
            let mut rest = &*sent;
            while !rest.is_empty() {
                let count = poll_fn(|context| Pin::new(&mut write).poll_write(context, rest)).await.unwrap();
                rest = &rest[count..];
            }
            poll_fn(|context| Pin::new(&mut write).poll_shutdown(context)).await.unwrap();
        };
        let mut heard = Vec::new();
        let (outcome, ()) = tokio::join!(theirs.read_to_end(&mut heard), send);
        assert_eq!(outcome.unwrap(), sent.len());
        assert!(heard == sent);
    }
}
