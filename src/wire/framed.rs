//! A body being read from a connection, whatever says where it ends.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::Instant;

use super::reader::Reader;
use super::timer::now;
use crate::http1::{Decoder, Framing, Progress};
use crate::message::{Broken, Fields, Fill};

/// From this length on a body gets a large buffer.
const MUCH: u64 = 16 * 1024;

/// How slow a body may come.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The longest wait between two reads.
    pub idle: Duration,
    /// The fewest bytes a second on average, once `idle` has passed; 0 for any pace.
    pub bytes_per_second: u64,
}

impl Pace {
    /// Until when the next byte of a body must be there: soon after the last one, and not slower than the pace on
    /// average.
    #[must_use]
    pub fn deadline(self, started: Instant, received: u64) -> Option<Instant> {
        let idle = now().checked_add(self.idle)?;
        let Some(seconds) = received.checked_div(self.bytes_per_second) else {
            return Some(idle);
        };
        let earned = started.checked_add(self.idle)?.checked_add(Duration::from_secs(seconds));
        earned.map(|earned| earned.min(idle)).or(Some(idle))
    }
}

#[derive(Debug)]
enum State {
    Left(u64),
    Chunked(Decoder),
    Close,
}

/// Where a body stands: how much of it is still to come, and how fast it must.
#[derive(Debug)]
pub struct Framed {
    state: State,
    ready: usize,
    received: u64,
    limit: Option<u64>,
    pace: Pace,
    started: Instant,
    /// Whether more is waited for. The deadline is set when that begins: set again at every look, it would never come.
    waits: bool,
    trailers: Option<Fields>,
}

impl Framed {
    /// A body that begins with the next byte of the reader.
    #[must_use]
    pub fn new(framing: Framing, pace: Pace, limit: Option<u64>) -> Self {
        let state = match framing {
            Framing::Length(length) => State::Left(length),
            Framing::Chunked => State::Chunked(Decoder::default()),
            Framing::Close => State::Close,
        };
        Self { state, ready: 0, received: 0, limit, pace, started: now(), waits: false, trailers: None }
    }

    /// Whether the whole body was read and used.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Left(0))
    }

    /// Makes [`Framed::data`] non-empty, or finds the end.
    ///
    /// # Errors
    /// The body broke off.
    pub fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut Reader<R>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Fill, Broken>> {
        loop {
            if self.ready > 0 {
                return Poll::Ready(Ok(Fill::Data));
            }
            match self.look(reader)? {
                Look::Data => self.check_limit()?,
                Look::Done => return Poll::Ready(Ok(Fill::End)),
                Look::More => match ready!(self.poll_more(reader, context))? {
                    0 if matches!(self.state, State::Close) => self.state = State::Left(0),
                    0 => return Poll::Ready(Err(Broken::Truncated)),
                    _ => {}
                },
            }
        }
    }

    fn poll_more<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut Reader<R>,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize, Broken>> {
        if !matches!(self.state, State::Left(..MUCH)) {
            reader.expect_much();
        }
        if !std::mem::replace(&mut self.waits, true) {
            reader.set_deadline(self.pace.deadline(self.started, self.received));
        }
        let outcome = ready!(reader.poll_fill(context));
        self.waits = false;
        Poll::Ready(outcome.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Broken::TimedOut,
            // TLS without its closing word: what was sent may be longer (RFC 8446 §6.1).
            io::ErrorKind::UnexpectedEof => Broken::Truncated,
            kind => Broken::Connection(kind),
        }))
    }

    fn look<R: AsyncRead + Unpin>(&mut self, reader: &mut Reader<R>) -> Result<Look, Broken> {
        loop {
            let data = reader.data();
            self.ready = match &mut self.state {
                State::Left(0) => return Ok(Look::Done),
                State::Left(left) => usize::try_from(*left).unwrap_or(usize::MAX).min(data.len()),
                State::Close => data.len(),
                State::Chunked(decoder) => {
                    match decoder.advance(data).map_err(|bad| Broken::Malformed(bad.words()))? {
                        Progress::Data(count) => count,
                        Progress::More => 0,
                        Progress::Framing(count) => {
                            reader.consume(count);
                            continue;
                        }
                        Progress::End(count) => {
                            self.trailers = decoder.trailers();
                            self.state = State::Left(0);
                            reader.consume(count);
                            return Ok(Look::Done);
                        }
                    }
                }
            };
            return Ok(if self.ready > 0 { Look::Data } else { Look::More });
        }
    }

    fn check_limit(&mut self) -> Result<(), Broken> {
        self.received += self.ready as u64;
        match self.limit {
            Some(limit) if self.received > limit => Err(Broken::TooLarge(limit)),
            _ => Ok(()),
        }
    }

    /// The bytes at hand.
    #[must_use]
    pub fn data<'r, R: AsyncRead + Unpin>(&self, reader: &'r Reader<R>) -> &'r [u8] {
        reader.data().get(..self.ready).unwrap_or_default()
    }

    /// Drops the first `count` bytes at hand.
    pub fn consume<R: AsyncRead + Unpin>(&mut self, reader: &mut Reader<R>, count: usize) {
        let count = count.min(self.ready);
        self.ready -= count;
        match &mut self.state {
            State::Left(left) => *left -= count as u64,
            State::Chunked(decoder) => decoder.took(count),
            State::Close => {}
        }
        reader.consume(count);
    }

    /// The trailer fields, once the end was found.
    pub const fn trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }
}

enum Look {
    Data,
    Done,
    More,
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::io::{AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep};

    use super::{Framed, Pace};
    use crate::http1::Framing;
    use crate::message::{Broken, Fill};
    use crate::wire::{Reader, run_timers};

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_body_that_stops_is_given_up_however_often_it_is_looked_at() {
        for bytes_per_second in [0, 1] {
            let timers = tokio::spawn(run_timers());
            let (mut origin, doctor) = duplex(64);
            origin.write_all(b"part").await.unwrap();
            let mut reader = Reader::of_messages(doctor);
            let pace = Pace { idle: Duration::from_secs(10), bytes_per_second };
            let mut body = Framed::new(Framing::Length(100), pace, None);
            let first = poll_fn(|context| body.poll_fill(&mut reader, context)).await;
            assert_eq!(first, Ok(Fill::Data));
            body.consume(&mut reader, 4);
            let start = Instant::now();
            let ended = loop {
                tokio::select! {
                    ended = poll_fn(|context| body.poll_fill(&mut reader, context)) => break ended,
                    () = sleep(Duration::from_secs(1)) => {
                        assert!(start.elapsed() < Duration::from_secs(15), "it is waited for without end");
                    }
                }
            };
            assert_eq!(ended, Err(Broken::TimedOut));
            timers.abort();
        }
    }
}
