//! The body of a request on its way over a stream.
//!
//! An upstream that says goodbye, or refuses a stream, may have let the first bytes of a body come already. What
//! it says it did not process can be sent again (RFC 9113 §8.7), so what was sent is kept for a while.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::SendStream;

use super::super::Settings;
use super::{armed, head};
use crate::message::{Body, Broken, Fields, Fill, Source};
use crate::wire::Timer;

/// The most that is handed on at once, in bytes.
const PIECE: usize = 64 * 1024;

/// The most that is kept, in bytes: more than an upstream lets come before it has looked at the request, which is
/// 65535 where it says nothing else.
const KEPT: usize = 128 * 1024;

/// A request's body on its way.
pub(super) struct Upload<'c> {
    stream: SendStream<Bytes>,
    body: Body<'c>,
    stalled: Option<Timer>,
    /// What was sent, as long as all of it is kept.
    kept: Option<Kept>,
    is_over: bool,
    settings: Rc<Settings>,
}

impl<'c> Upload<'c> {
    pub(super) fn new(stream: SendStream<Bytes>, body: Body<'c>, settings: &Rc<Settings>) -> Self {
        let kept = Some(Kept::default());
        Self { stream, body, stalled: None, kept, is_over: false, settings: Rc::clone(settings) }
    }

    /// Whether nothing more is sent.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Sends on, to the end. An upstream that takes no more is no error yet: it may have answered.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let outcome = self.poll_pieces(context);
        self.is_over = outcome.is_ready();
        outcome
    }

    fn poll_pieces(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            let Poll::Ready(fill) = self.body.poll_fill(context) else {
                // An upstream that resets meanwhile takes no more.
                return self.stream.poll_reset(context).map(|_| Ok(()));
            };
            if fill? == Fill::End {
                // A stream that was reset meanwhile tells its reply.
                let _reset = self.end();
                return Poll::Ready(Ok(()));
            }
            if !ready!(self.poll_piece(context)) {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Sends a piece and says whether there may be more.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let wanted = self.body.data().len().min(PIECE);
        self.stream.reserve_capacity(wanted);
        while self.stream.capacity() == 0 {
            match self.stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => {
                    return armed(&mut self.stalled, self.settings.idle_timeout)
                        .poll(context)
                        .map(|()| false);
                }
            }
        }
        self.stalled = None;
        let count = wanted.min(self.stream.capacity());
        let piece = Bytes::copy_from_slice(self.body.data().get(..count).unwrap_or_default());
        self.body.consume(count);
        self.kept = self.kept.take().and_then(|kept| kept.and(&piece));
        Poll::Ready(self.stream.send_data(piece, false).is_ok())
    }

    /// The body from its beginning, for another stream; nothing when too much was sent already.
    pub(super) fn again(self) -> Option<Body<'c>> {
        let Kept { pieces, .. } = self.kept?;
        let length = self.body.length();
        Some(Body::from_source(length, Again { pieces, rest: self.body }))
    }

    fn end(&mut self) -> Result<(), h2::Error> {
        let trailers = self.body.trailers().map(|trailers| head::trailers(&trailers));
        match trailers.filter(|trailers| !trailers.is_empty()) {
            Some(trailers) => self.stream.send_trailers(trailers),
            None => self.stream.send_data(Bytes::new(), true),
        }
    }
}

/// The beginning of a body, in the pieces in which it was sent.
#[derive(Default)]
struct Kept {
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Kept {
    /// The same and one more piece; nothing when that is too much.
    fn and(mut self, piece: &Bytes) -> Option<Self> {
        self.length += piece.len();
        self.pieces.push_back(piece.clone());
        (self.length <= KEPT).then_some(self)
    }
}

/// A body that begins with what was sent before.
struct Again<'c> {
    pieces: VecDeque<Bytes>,
    rest: Body<'c>,
}

impl Source for Again<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        if self.pieces.is_empty() { self.rest.poll_fill(context) } else { Poll::Ready(Ok(Fill::Data)) }
    }

    fn data(&self) -> &[u8] {
        match self.pieces.front() {
            Some(piece) => piece,
            None => self.rest.data(),
        }
    }

    fn consume(&mut self, count: usize) {
        let Some(piece) = self.pieces.front_mut() else {
            return self.rest.consume(count);
        };
        piece.advance(count.min(piece.len()));
        if piece.is_empty() {
            self.pieces.pop_front();
        }
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.rest.trailers()
    }
}
