//! The one body type of requests and replies.
//!
//! A body is pulled: whoever sends it on asks for the next piece, so a slow reader slows the writer and nothing
//! piles up. Pieces are lent, not handed over: they lie in the buffer they were read into until consumed, which
//! keeps large transfers free of allocation.

use std::task::{Context, Poll};

use super::fields::Fields;
use super::tunnel::Tunnel;

/// What [`Source::poll_fill`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// [`Source::data`] is not empty.
    Data,
    /// The body is complete.
    End,
}

/// How a body broke off. Whose fault that is follows from whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The peer closed before the announced end.
    #[error("the body ended before its announced end")]
    Truncated,
    /// The framing is wrong; the text says how.
    #[error("the body's framing is malformed: {0}")]
    Malformed(&'static str),
    /// Nothing, or too little, came in the time allowed.
    #[error("the body came too slowly")]
    TimedOut,
    /// More came than the limit allows.
    #[error("the body is larger than the limit of {0} bytes")]
    TooLarge(u64),
    /// The connection failed.
    #[error("the connection failed while the body was read: {0}")]
    Connection(std::io::ErrorKind),
    /// A reply cannot go on, since the body of its request broke off meanwhile.
    #[error("the body of its request broke off meanwhile")]
    Request,
}

/// Where the bytes of a body come from.
pub trait Source {
    /// Makes [`Source::data`] non-empty, or finds the end.
    ///
    /// # Errors
    /// The body broke off; the next call must not be made.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>>;

    /// The bytes at hand.
    fn data(&self) -> &[u8];

    /// Drops the first `count` bytes at hand.
    fn consume(&mut self, count: usize);

    /// The trailer fields, once the end was found.
    fn trailers(&mut self) -> Option<Fields> {
        None
    }

    /// Whether all of it has come, so that reading it waits for nobody.
    fn is_whole(&self) -> bool {
        false
    }

    /// Looks after whoever sent the body, once its end was found, and has the task woken when he leaves. He who lent the
    /// body sees to what follows; nothing can be done where nobody could tell.
    fn watch(&mut self, _: &mut Context<'_>) {}
}

/// The body of a message, of a known length or not.
pub struct Body<'c> {
    length: Option<u64>,
    kind: Kind<'c>,
}

enum Kind<'c> {
    Full(Vec<u8>, usize),
    Source(Box<dyn Source + 'c>),
    Tunnel(Box<dyn Tunnel + 'c>),
}

impl<'c> Body<'c> {
    /// No body at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self { length: Some(0), kind: Kind::Full(Vec::new(), 0) }
    }

    /// A body that is at hand.
    #[must_use]
    pub const fn full(bytes: Vec<u8>) -> Self {
        Self { length: Some(bytes.len() as u64), kind: Kind::Full(bytes, 0) }
    }

    /// A body that comes from elsewhere; `length` in bytes when it was announced.
    #[must_use]
    pub fn from_source(length: Option<u64>, source: impl Source + 'c) -> Self {
        Self { length, kind: Kind::Source(Box::new(source)) }
    }

    /// No body: behind the head the connection speaks another protocol, whose far end this is.
    #[must_use]
    pub fn from_tunnel(tunnel: impl Tunnel + 'c) -> Self {
        Self { length: None, kind: Kind::Tunnel(Box::new(tunnel)) }
    }

    /// The far end of a connection that speaks another protocol now; nothing where this is a body.
    #[must_use]
    pub fn into_tunnel(self) -> Option<Box<dyn Tunnel + 'c>> {
        match self.kind {
            Kind::Tunnel(tunnel) => Some(tunnel),
            Kind::Full(..) | Kind::Source(_) => None,
        }
    }

    /// Whether the connection speaks another protocol now.
    #[must_use]
    pub const fn is_tunnel(&self) -> bool {
        matches!(self.kind, Kind::Tunnel(_))
    }

    /// The length in bytes when it is known beforehand.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the whole body is at hand, so that sending it cannot wait for anybody.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self.kind, Kind::Full(..))
    }

    /// Whether it is known to have no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.length, Some(0))
    }

    /// Puts `around` between this body and whoever reads it.
    #[must_use]
    pub fn map(self, around: impl FnOnce(Self) -> Box<dyn Source + 'c>) -> Self {
        Self { length: self.length, kind: Kind::Source(around(self)) }
    }
}

impl Source for Body<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        match &mut self.kind {
            Kind::Full(bytes, at) if *at < bytes.len() => Poll::Ready(Ok(Fill::Data)),
            Kind::Full(..) => Poll::Ready(Ok(Fill::End)),
            Kind::Source(source) => source.poll_fill(context),
            Kind::Tunnel(tunnel) => tunnel.poll_fill(context),
        }
    }

    fn data(&self) -> &[u8] {
        match &self.kind {
            Kind::Full(bytes, at) => bytes.get(*at..).unwrap_or_default(),
            Kind::Source(source) => source.data(),
            Kind::Tunnel(tunnel) => tunnel.data(),
        }
    }

    fn consume(&mut self, count: usize) {
        match &mut self.kind {
            Kind::Full(_, at) => *at += count,
            Kind::Source(source) => source.consume(count),
            Kind::Tunnel(tunnel) => tunnel.consume(count),
        }
    }

    fn trailers(&mut self) -> Option<Fields> {
        match &mut self.kind {
            Kind::Full(..) | Kind::Tunnel(_) => None,
            Kind::Source(source) => source.trailers(),
        }
    }

    fn is_whole(&self) -> bool {
        match &self.kind {
            Kind::Full(..) => true,
            Kind::Source(source) => source.is_whole(),
            Kind::Tunnel(_) => false,
        }
    }

    fn watch(&mut self, context: &mut Context<'_>) {
        if let Kind::Source(source) = &mut self.kind {
            source.watch(context);
        }
    }
}

impl std::fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("length", &self.length).finish_non_exhaustive()
    }
}
