//! A connection whose protocol is not ours: bytes in, bytes out, and an end for each.

use std::io;
use std::task::{Context, Poll, ready};

use super::reader::Reader;
use super::stream::{ReadHalf, WriteHalf};
use super::writer::Writer;
use crate::message::{Broken, Fill, Source, Tunnel};

/// One end of a tunnel. Silence is no fault, but a peer that takes nothing of what waits for it is given up, and so is
/// one that does not answer the system any more. Dropped before both directions have ended, it resets the connection:
/// an end that nobody said must not look like one that was.
pub struct Raw {
    reader: Reader<ReadHalf>,
    writer: Option<Writer<WriteHalf>>,
    finished: bool,
}

impl Raw {
    /// The end of a tunnel that begins with what was read and not yet used.
    #[must_use]
    pub fn new(reader: Reader<ReadHalf>, writer: Writer<WriteHalf>) -> Self {
        reader.set_deadline(None);
        writer.io().expect_silence();
        Self { reader, writer: Some(writer), finished: false }
    }

    fn writer(&mut self) -> Result<&mut Writer<WriteHalf>, Broken> {
        self.writer.as_mut().ok_or(Broken::Truncated)
    }
}

impl Source for Raw {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        if !self.reader.data().is_empty() {
            return Poll::Ready(Ok(Fill::Data));
        }
        self.reader.expect_much();
        let count = ready!(self.reader.poll_fill(context)).map_err(|error| broken(&error))?;
        Poll::Ready(Ok(if count == 0 { Fill::End } else { Fill::Data }))
    }

    fn data(&self) -> &[u8] {
        self.reader.data()
    }

    fn consume(&mut self, count: usize) {
        self.reader.consume(count);
    }
}

impl Tunnel for Raw {
    fn poll_put(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Broken>> {
        self.writer()?.poll_put(context, bytes).map_err(|error| broken(&error))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.writer()?.poll_flush(context).map_err(|error| broken(&error))
    }

    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        ready!(self.writer()?.poll_finish(context)).map_err(|error| broken(&error))?;
        self.finished = true;
        Poll::Ready(Ok(()))
    }
}

fn broken(error: &io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::TimedOut => Broken::TimedOut,
        kind => Broken::Connection(kind),
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let in_order = self.finished && self.reader.ended();
        if let Some(writer) = self.writer.take().filter(|_| !in_order) {
            writer.into_io().abort();
        }
    }
}
