//! The reading half of a connection: heads first, then bodies, from one buffer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::buffer::Buffer;
use super::timer::Timer;
use crate::http1::{Scan, head_end};

/// Why no head could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The peer closed before the first byte: the usual end of a connection.
    #[error("the connection was closed")]
    Closed,
    /// The peer closed within the head.
    #[error("the connection was closed within a head")]
    Truncated,
    /// The deadline passed.
    #[error("no complete head came in the time allowed")]
    TimedOut,
    /// A line ends in LF without CR.
    #[error("a line of the head ends in a bare line feed")]
    BareLineFeed,
    /// The head is larger than the limit; `in_first_line` when not even its first line came to an end.
    #[error("the head is larger than the limit")]
    TooLarge {
        /// Whether the limit was reached within the first line.
        in_first_line: bool,
    },
    /// What came does not begin as heads do here.
    #[error("what came begins with something else")]
    Foreign,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(io::ErrorKind),
}

/// The reading half of a connection, with what was read and not yet used.
pub struct Reader<R> {
    io: R,
    first: fn() -> Buffer,
    buffer: Option<Buffer>,
    scanned: usize,
    ended: bool,
    timer: Timer,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// A reader of mostly heads: it begins with a small buffer.
    pub fn of_heads(io: R) -> Self {
        Self::new(io, Buffer::small)
    }

    /// A reader of heads with bodies behind them: it begins with a large buffer, which saves a system call.
    pub fn of_messages(io: R) -> Self {
        Self::new(io, Buffer::large)
    }

    fn new(io: R, first: fn() -> Buffer) -> Self {
        Self { io, first, buffer: None, scanned: 0, ended: false, timer: Timer::new() }
    }

    /// The half itself, still in use.
    pub const fn io(&self) -> &R {
        &self.io
    }

    /// The half itself, with what was read and not yet used.
    pub fn into_io(self) -> (R, Vec<u8>) {
        let left_over = self.data().to_vec();
        (self.io, left_over)
    }

    /// What was read and not yet used.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.buffer.as_ref().map(Buffer::data).unwrap_or_default()
    }

    /// Begins with bytes that somebody else has read before.
    pub fn hold(&mut self, early: &[u8]) {
        if early.is_empty() {
            return;
        }
        let buffer = self.buffer.get_or_insert_with(self.first);
        if let Some(room) = buffer.room().get_mut(..early.len()) {
            room.copy_from_slice(early);
            buffer.filled(early.len());
        }
    }

    /// Whether the peer has said that it sends no more.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Drops the first `count` bytes; an empty buffer goes back to the pool.
    pub fn consume(&mut self, count: usize) {
        if let Some(buffer) = &mut self.buffer {
            buffer.consume(count);
            self.scanned = 0;
        }
        if self.data().is_empty() {
            self.buffer = None;
        }
    }

    /// Sets or lifts the deadline of whatever is read next.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.timer.set(deadline);
    }

    /// Sets the deadline of whatever is read next to `after` from now.
    pub fn set_timeout(&self, after: Duration) {
        self.timer.set_after(after);
    }

    /// Takes a buffer for a transfer of many bytes, when none is held.
    pub fn expect_much(&mut self) {
        if self.buffer.as_ref().is_none_or(Buffer::is_empty) {
            self.buffer = Some(Buffer::large());
        }
    }

    /// Reads more behind what is held; 0 is the end. While nothing comes, no empty buffer is held.
    ///
    /// # Errors
    /// The connection failed, the deadline passed ([`io::ErrorKind::TimedOut`]), or the buffer is full
    /// ([`io::ErrorKind::StorageFull`]).
    pub fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        let buffer = self.buffer.get_or_insert_with(self.first);
        let room = buffer.room();
        if room.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::StorageFull.into()));
        }
        let mut read = ReadBuf::new(room);
        let outcome = Pin::new(&mut self.io).poll_read(context, &mut read);
        let count = read.filled().len();
        match outcome {
            Poll::Ready(Ok(())) => {
                buffer.filled(count);
                self.ended = count == 0;
                self.release_if_empty();
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.release_if_empty();
                self.timer.poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    fn release_if_empty(&mut self) {
        if self.buffer.as_ref().is_some_and(Buffer::is_empty) {
            self.buffer = None;
        }
    }

    /// Waits until a head is at hand whole and gives its length in bytes. May be dropped and called again.
    ///
    /// # Errors
    /// There is no head to be had; see [`HeadError`].
    pub async fn head(&mut self, limit: usize) -> Result<usize, HeadError> {
        self.head_of(b"", limit).await
    }

    /// The same for heads that begin with these bytes: what begins otherwise is not waited for. May be preceded by empty lines.
    ///
    /// # Errors
    /// There is no head to be had; see [`HeadError`].
    pub async fn head_of(&mut self, opening: &[u8], limit: usize) -> Result<usize, HeadError> {
        poll_fn(|context| self.poll_head(context, opening, limit)).await
    }

    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        opening: &[u8],
        limit: usize,
    ) -> Poll<Result<usize, HeadError>> {
        loop {
            if is_foreign(self.data(), opening) {
                return Poll::Ready(Err(HeadError::Foreign));
            }
            if let Some(outcome) = self.look_for_head(limit) {
                return Poll::Ready(outcome);
            }
            self.make_room(limit);
            let outcome = match ready!(self.poll_fill(context)) {
                Ok(0) if self.data().is_empty() => Err(HeadError::Closed),
                Ok(0) => Err(HeadError::Truncated),
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(HeadError::TimedOut),
                Err(error) => Err(HeadError::Connection(error.kind())),
            };
            return Poll::Ready(outcome);
        }
    }

    /// Looks at what has come since the last look.
    fn look_for_head(&mut self, limit: usize) -> Option<Result<usize, HeadError>> {
        let data = self.buffer.as_ref().map(Buffer::data).unwrap_or_default();
        match head_end(data, self.scanned) {
            Scan::Complete(end) if end <= limit => return Some(Ok(end)),
            Scan::BareLineFeed => return Some(Err(HeadError::BareLineFeed)),
            Scan::Complete(_) => {}
            Scan::Partial(scanned) => self.scanned = scanned,
        }
        let within = data.get(..limit)?;
        Some(Err(HeadError::TooLarge { in_first_line: memchr::memchr(b'\n', within).is_none() }))
    }

    fn make_room(&mut self, limit: usize) {
        if let Some(buffer) = self.buffer.as_mut().filter(|buffer| buffer.is_full()) {
            buffer.grow((buffer.size() * 4).min(limit.max(buffer.size() + 1)));
        }
    }

    /// Waits until something is at hand, without using it.
    ///
    /// # Errors
    /// The connection failed or the deadline passed.
    pub async fn wait(&mut self) -> io::Result<()> {
        if self.data().is_empty() {
            poll_fn(|context| self.poll_fill(context)).await?;
        }
        Ok(())
    }

    /// Reads ahead while somebody else is waited for, and returns when the connection fails. An end that is said
    /// in order is no failure: a client may close its sending half and still read.
    pub async fn watch(&mut self) -> io::Error {
        poll_fn(|context| self.poll_watch(context)).await
    }

    /// The same, looked at once.
    pub fn poll_watch(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            match ready!(self.poll_fill(context)) {
                Ok(0) => return Poll::Pending,
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Poll::Pending,
                Ok(_) => {}
                Err(error) => return Poll::Ready(error),
            }
        }
    }
}

/// Whether what came can no longer begin with these bytes.
fn is_foreign(data: &[u8], opening: &[u8]) -> bool {
    let is_blank = data.first().is_some_and(|byte| matches!(byte, b'\r' | b'\n'));
    !is_blank && data.iter().zip(opening).any(|(came, wanted)| came != wanted)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::{HeadError, Reader};

    #[tokio::test]
    async fn what_begins_otherwise_is_not_waited_for() {
        for (came, expected) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", Err(HeadError::Foreign)),
            ("HTTq", Err(HeadError::Foreign)),
            ("HTTP/1.1 200 OK\r\n\r\n", Ok(19)),
        ] {
            let (mut upstream, doctor) = duplex(64);
            upstream.write_all(came.as_bytes()).await.unwrap();
            let mut reader = Reader::of_messages(doctor);
            assert_eq!(reader.head_of(b"HTTP/", 1 << 14).await, expected, "{came}");
        }
    }

    /// Also where the whole head is there at the first look.
    #[tokio::test]
    async fn a_head_that_is_too_large_is_so_in_its_first_line_or_behind_it() {
        let long = "x".repeat(3000);
        for (head, in_first_line) in [
            (format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"), false),
            (format!("GET / HTTP/1.1\r\nX: {long}"), false),
            (format!("GET /{long} HTTP/1.1\r\nX: y\r\n\r\n"), true),
            (format!("GET /{long}"), true),
        ] {
            let (mut client, doctor) = duplex(1 << 16);
            client.write_all(head.as_bytes()).await.unwrap();
            let mut reader = Reader::of_messages(doctor);
            assert_eq!(reader.head(2048).await, Err(HeadError::TooLarge { in_first_line }), "{head}");
        }
    }

    #[tokio::test]
    async fn a_reply_of_64_kib_comes_with_its_head_in_one_read() {
        let (mut upstream, doctor) = duplex(1 << 20);
        let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(4096));
        let reply = [head.as_bytes(), &[b'x'; 1 << 16]].concat();
        upstream.write_all(&reply).await.unwrap();
        let mut reader = Reader::of_messages(doctor);
        assert_eq!(reader.head(1 << 14).await, Ok(head.len()));
        assert_eq!(reader.data().len(), reply.len());
    }
}
