//! The writing half of a connection: one write per message wherever the message is at hand.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;

use super::timer::Timer;
use crate::http1::{self, Framing, LAST_CHUNK};
use crate::message::{Body, Broken, Fill, Name, Source};

/// Pieces up to this length are copied behind what waits to be written; larger ones are written where they lie.
const COPIED: usize = 8 * 1024;

/// When this much waits, it is written.
const ENOUGH: usize = 16 * 1024;

/// How many output buffers a worker keeps for reuse.
const KEPT: usize = 128;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Why a message could not be sent whole. Which side broke is the difference that matters.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The body that was to be sent broke off.
    #[error(transparent)]
    Body(#[from] Broken),
    /// The peer that was to receive it is gone, or took nothing for too long.
    #[error("the receiver failed: {0}")]
    Receiver(io::ErrorKind),
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self::Receiver(error.kind())
    }
}

/// Text waiting to be written, in a buffer of the worker's pool.
pub struct Out(pub Vec<u8>);

impl Out {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self(POOL.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(ENOUGH + COPIED)))
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.0);
        text.clear();
        // A worker that ends drops its pool before its last buffers; those are simply freed.
        let _ended = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT && text.capacity() <= 2 * (ENOUGH + COPIED) {
                pool.push(text);
            }
        });
    }
}

/// The writing half of a connection.
pub struct Writer<W> {
    io: W,
    timer: Timer,
    stall: Duration,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// A writer that gives up when the peer takes nothing for `stall`.
    pub fn new(io: W, stall: Duration) -> Self {
        Self { io, timer: Timer::new(), stall }
    }

    /// The half itself, still in use.
    pub const fn io(&self) -> &W {
        &self.io
    }

    /// The half itself.
    pub fn into_io(self) -> W {
        self.io
    }

    /// Sends a message: the head that `head` writes, then the body as `framing` says.
    ///
    /// # Errors
    /// The body broke off or the receiver is gone. What was at hand before has been sent.
    pub async fn send(
        &mut self,
        head: impl FnOnce(&mut Vec<u8>),
        body: &mut Body<'_>,
        framing: Framing,
    ) -> Result<(), SendError> {
        let mut out = Out::new();
        head(&mut out.0);
        while self.fill(&mut out.0, body).await? == Fill::Data {
            self.piece(&mut out.0, body, framing).await?;
        }
        if framing == Framing::Chunked {
            end_chunks(&mut out.0, body);
        }
        Ok(self.flush(&mut out.0).await?)
    }

    /// Sends text that is at hand.
    ///
    /// # Errors
    /// The receiver is gone.
    pub async fn send_text(&mut self, text: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut out = Out::new();
        text(&mut out.0);
        self.flush(&mut out.0).await
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// The receiver is gone, or takes nothing.
    pub async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_finish(context)).await
    }

    /// Writes as much of `bytes` as the peer takes at once, at least one, and says how many.
    ///
    /// # Errors
    /// The receiver is gone, or took nothing for too long.
    pub fn poll_put(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(context, bytes) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            outcome => self.unless_stalled(context, outcome),
        }
    }

    /// Sends what TLS has taken and not yet handed on.
    ///
    /// # Errors
    /// The receiver is gone, or took nothing for too long.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(context);
        self.unless_stalled(context, outcome)
    }

    /// Says that nothing more comes; under TLS by a closing word, which the peer must take.
    ///
    /// # Errors
    /// The receiver is gone, or took nothing for too long.
    pub fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_shutdown(context);
        self.unless_stalled(context, outcome)
    }

    /// Gives up when the peer takes nothing for as long as it may: from the moment on when something waits for it.
    fn unless_stalled<T>(&self, context: &Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.timer.set(None);
            return outcome;
        }
        self.timer.start(self.stall);
        self.timer.poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Asks the body for its next piece; before waiting for it, what waits to be written is written.
    async fn fill(&mut self, out: &mut Vec<u8>, body: &mut Body<'_>) -> Result<Fill, SendError> {
        let at_once = poll_fn(|context| match body.poll_fill(context) {
            Poll::Ready(fill) => Poll::Ready(Some(fill)),
            Poll::Pending => Poll::Ready(None),
        });
        match at_once.await {
            Some(Ok(fill)) => Ok(fill),
            Some(Err(broken)) => {
                self.flush(out).await?;
                Err(broken.into())
            }
            None => {
                self.flush(out).await?;
                Ok(poll_fn(|context| body.poll_fill(context)).await?)
            }
        }
    }

    async fn piece(&mut self, out: &mut Vec<u8>, body: &mut Body<'_>, framing: Framing) -> io::Result<()> {
        let length = body.data().len();
        let line_end: &[u8] = if framing == Framing::Chunked { b"\r\n" } else { b"" };
        if framing == Framing::Chunked {
            http1::chunk_start(out, length);
        }
        if length <= COPIED {
            out.extend_from_slice(body.data());
            out.extend_from_slice(line_end);
            body.consume(length);
            return if out.len() < ENOUGH { Ok(()) } else { self.flush(out).await };
        }
        self.write_all([out, body.data(), line_end]).await?;
        out.clear();
        body.consume(length);
        Ok(())
    }

    async fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if !out.is_empty() {
            self.write_all([out, b"", b""]).await?;
            out.clear();
        }
        Ok(())
    }

    async fn write_all(&mut self, mut parts: [&[u8]; 3]) -> io::Result<()> {
        self.timer.set_after(self.stall);
        let written = poll_fn(|context| self.poll_write_all(context, &mut parts)).await;
        self.timer.set(None);
        written
    }

    fn poll_write_all(&mut self, context: &mut Context<'_>, parts: &mut [&[u8]; 3]) -> Poll<io::Result<()>> {
        while parts.iter().any(|part| !part.is_empty()) {
            let written = match self.poll_write(context, parts) {
                Poll::Ready(outcome) => outcome?,
                Poll::Pending => {
                    ready!(self.timer.poll(context));
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            advance(parts, written);
            self.timer.set_after(self.stall);
        }
        self.poll_flush(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, parts: &[&[u8]; 3]) -> Poll<io::Result<usize>> {
        match parts {
            [only, [], []] => Pin::new(&mut self.io).poll_write(context, only),
            _ => Pin::new(&mut self.io).poll_write_vectored(context, &parts.map(IoSlice::new)),
        }
    }
}

fn advance(parts: &mut [&[u8]; 3], mut written: usize) {
    for part in parts {
        let here = written.min(part.len());
        *part = part.get(here..).unwrap_or_default();
        written -= here;
    }
}

/// Writes the last chunk and those trailer fields that may stand in a trailer: none that frames, routes or
/// authenticates (RFC 9110 §6.5.1), which is every name the product knows.
fn end_chunks(out: &mut Vec<u8>, body: &mut Body<'_>) {
    let Some(mut trailers) = body.trailers() else {
        return out.extend_from_slice(LAST_CHUNK);
    };
    trailers.retain(|field| field.id == Name::Other);
    out.extend_from_slice(b"0\r\n");
    http1::fields(out, &trailers);
    out.extend_from_slice(b"\r\n");
}
