//! The bytes of a connection of HTTP/2: first what was read before it was known to be one, then what comes.
//!
//! The library flushes after every large frame. Here frames gather until the library has nothing more to say, so that
//! the replies of many streams leave in one write.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::conduct::{Abuse, Conduct};
use crate::wire::{Out, ReadHalf, Reader, Timer, WriteHalf, now};

/// When this much waits, in bytes, it is written before more is taken.
const ENOUGH: usize = 24 * 1024;

/// When this much was read, in bytes, others have their turn: those whose requests it brought, most of all.
const TURN: usize = 32 * 1024;

/// A connection, shared by the library, which reads and writes, and the task that drives it, which flushes.
#[derive(Clone)]
pub(super) struct Io(Rc<RefCell<Line>>);

struct Line {
    left_over: Vec<u8>,
    read: ReadHalf,
    turn: usize,
    write: WriteHalf,
    out: Option<Out>,
    written: usize,
    stall: Duration,
    timer: Timer,
    /// Whether the peer has yet to take what was written before.
    waits: bool,
    last_sign: Instant,
    conduct: Conduct,
    abuse: Option<Abuse>,
    is_read: bool,
}

impl Io {
    /// What `reader` holds is read first. Gives up when the peer takes nothing for `stall`.
    pub(super) fn new(reader: Reader<ReadHalf>, write: WriteHalf, stall: Duration) -> Self {
        let (read, left_over) = reader.into_io();
        Self(Rc::new(RefCell::new(Line {
            left_over,
            read,
            turn: 0,
            write,
            out: None,
            written: 0,
            stall,
            timer: Timer::new(),
            waits: false,
            last_sign: now(),
            conduct: Conduct::new(now()),
            abuse: None,
            is_read: true,
        })))
    }

    /// Takes note that a request was answered whole.
    pub(super) fn answered(&self) {
        self.0.borrow_mut().conduct.answered();
    }

    /// Begins another turn of reading.
    pub(super) fn next_turn(&self) {
        self.0.borrow_mut().turn = 0;
    }

    /// When the peer last gave a sign of life: something was read, or it has taken what it had long not taken.
    /// Nothing while it is waited for with that, for then a limit of its own holds: it cannot answer what has not
    /// reached it.
    pub(super) fn last_sign(&self) -> Option<Instant> {
        let line = self.0.borrow();
        (!line.waits).then_some(line.last_sign)
    }

    /// What is wrong with how the peer behaves, said once; nothing more is read then.
    pub(super) fn take_abuse(&self) -> Option<Abuse> {
        self.0.borrow_mut().abuse.take()
    }

    /// Writes what waits and says that nothing follows.
    ///
    /// # Errors
    /// The connection failed, or the peer takes nothing.
    pub(super) fn poll_close(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_shutdown(context)
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// The connection failed, or the peer takes nothing.
    pub(super) fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_send(context)
    }
}

impl Line {
    fn poll_read(&mut self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.is_read {
            // The driving task looks into it as soon as the library waits.
            return Poll::Pending;
        }
        if self.turn >= TURN {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = room.filled().len();
        if self.left_over.is_empty() {
            ready!(Pin::new(&mut self.read).poll_read(context, room))?;
        } else {
            let count = self.left_over.len().min(room.remaining());
            room.put_slice(self.left_over.get(..count).unwrap_or_default());
            self.left_over.drain(..count);
        }
        self.last_sign = now();
        let come = room.filled().get(before..).unwrap_or_default();
        self.turn += come.len();
        self.abuse = self.conduct.read(come, self.last_sign).err();
        self.is_read = self.abuse.is_none();
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.out.as_ref().is_some_and(|out| out.0.len() >= ENOUGH) {
            ready!(self.poll_send(context))?;
        }
        self.out.get_or_insert_default().0.extend_from_slice(bytes);
        self.conduct.sent(bytes.len());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(out) = &self.out {
            let rest = out.0.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                self.out = None;
                self.written = 0;
                break;
            }
            match Pin::new(&mut self.write).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.poll_stall(context),
            }
            self.took();
        }
        match Pin::new(&mut self.write).poll_flush(context) {
            Poll::Ready(outcome) => {
                self.took();
                Poll::Ready(outcome)
            }
            Poll::Pending => self.poll_stall(context),
        }
    }

    /// Takes note that the peer takes again.
    fn took(&mut self) {
        if std::mem::replace(&mut self.waits, false) {
            self.last_sign = now();
        }
    }

    fn poll_stall(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.waits, true) {
            self.timer.set_after(self.stall);
        }
        self.timer.poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.write).poll_shutdown(context)
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_read(context, room)
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(context, bytes)
    }

    /// The driving task does it, once for all frames.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_shutdown(context)
    }
}
