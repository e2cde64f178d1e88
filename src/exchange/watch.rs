//! Watches the body of a reply as it passes, without delaying or changing it.

use std::task::{Context, Poll};

use super::mishap;
use crate::message::{Body, Broken, Fields, Fill, Source};

/// How much of an error's body is copied to be read, in bytes.
pub(super) const COPIED: usize = 64 * 1024;

/// How a reply's body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Whole.
    Complete,
    /// The upstream broke it off.
    Broken(Broken),
    /// Nobody wanted the rest: the client is gone.
    Unwanted,
}

/// What is done when the body has ended, with the first bytes of it.
type Conclude<'c> = Box<dyn FnOnce(&[u8], Ending) + 'c>;

/// Lets `body` pass and calls `conclude` once when it has ended, however it ends. The first `room` bytes are
/// copied.
pub(super) fn watch<'c>(body: Body<'c>, room: usize, conclude: impl FnOnce(&[u8], Ending) + 'c) -> Body<'c> {
    body.map(|inner| Box::new(Watched { inner, copy: Vec::new(), room, conclude: Some(Box::new(conclude)) }))
}

struct Watched<'c> {
    inner: Body<'c>,
    copy: Vec<u8>,
    room: usize,
    conclude: Option<Conclude<'c>>,
}

impl Watched<'_> {
    fn end(&mut self, ending: Ending) {
        if let Some(conclude) = self.conclude.take() {
            // The reply is the client's whatever becomes of its diagnosis.
            let _concluded = mishap::isolate(|| conclude(&self.copy, ending));
        }
    }
}

impl Source for Watched<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        let fill = self.inner.poll_fill(context);
        match fill {
            Poll::Ready(Ok(Fill::End)) => self.end(Ending::Complete),
            Poll::Ready(Err(broken)) => self.end(Ending::Broken(broken)),
            Poll::Ready(Ok(Fill::Data)) | Poll::Pending => {}
        }
        fill
    }

    fn data(&self) -> &[u8] {
        self.inner.data()
    }

    fn consume(&mut self, count: usize) {
        let copied = count.min(self.room);
        self.copy.extend_from_slice(self.inner.data().get(..copied).unwrap_or_default());
        self.room -= copied;
        self.inner.consume(count);
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.inner.trailers()
    }

    fn is_whole(&self) -> bool {
        self.inner.is_whole()
    }

    fn watch(&mut self, context: &mut Context<'_>) {
        self.inner.watch(context);
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.end(Ending::Unwanted);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::task::{Context, Waker};

    use super::{COPIED, Ending, watch};
    use crate::message::{Body, Fill, Source};

    fn pass(body: &mut Body<'_>, step: usize) -> Vec<u8> {
        let mut context = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        while body.poll_fill(&mut context).map(Result::unwrap) == std::task::Poll::Ready(Fill::Data) {
            let count = step.min(body.data().len());
            all.extend_from_slice(&body.data()[..count]);
            body.consume(count);
        }
        all
    }

    #[test]
    fn a_body_passes_unchanged_and_ends_once() {
        let seen = RefCell::new(Vec::new());
        let conclude = |copy: &[u8], ending| seen.borrow_mut().push((copy.to_vec(), ending));
        let mut body = watch(Body::full(vec![b'a'; 100_000]), COPIED, conclude);
        assert_eq!(pass(&mut body, 70_000).len(), 100_000);
        drop(body);
        assert_eq!(*seen.borrow(), [(vec![b'a'; 65_536], Ending::Complete)]);
    }

    #[test]
    fn a_body_passes_whole_though_its_end_makes_the_doctor_panic() {
        let mut body = watch(Body::full(vec![b'a'; 9]), COPIED, |_: &[u8], _| panic!("on purpose"));
        assert_eq!(pass(&mut body, 4), vec![b'a'; 9]);
    }

    #[test]
    fn a_body_nobody_wants_ends_as_such() {
        let seen = RefCell::new(Vec::new());
        drop(watch(Body::full(vec![b'a'; 9]), COPIED, |copy: &[u8], ending| {
            seen.borrow_mut().push((copy.len(), ending));
        }));
        assert_eq!(*seen.borrow(), [(0, Ending::Unwanted)]);
    }
}
