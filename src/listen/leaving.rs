//! Whether a client of HTTP/1.1 is still there while its reply is awaited.
//!
//! One that closes its connection sends the same as one that only sends no more and goes on reading: FIN. They differ in what
//! becomes of the next bytes sent to them, for whoever has closed resets the connection. So a client that sends no more is
//! sent the beginning of its reply early, which is always the same; nobody can tell it from a reply that comes slowly. It is sent
//! byte by byte and ever more slowly: whoever goes on reading for a while and then leaves resets the connection at the next one.

use std::cell::{Cell, OnceCell};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::wire::{ReadHalf, Reader, Timer};

/// How every reply begins.
const BEGINNING: &[u8] = b"HTTP/1.1 ";

/// How often it is looked whether the connection was reset: the end of what is read hides it.
const LOOK: Duration = Duration::from_millis(200);

/// The beginning of one reply.
#[derive(Default)]
pub(super) struct Beginning {
    /// How much of it was sent early, in bytes.
    sent: Cell<usize>,
    /// How often it was looked.
    looked: Cell<u32>,
    /// At which look the next byte of it is due.
    due: Cell<u32>,
    /// Whether nothing may be sent early now: another reply is being sent, or this may be none of HTTP.
    pub(super) waits: Cell<bool>,
    looks: OnceCell<Timer>,
}

impl Beginning {
    /// Whether the client has left. What it asks for next is read ahead, and no leaving.
    pub(super) fn poll_left(&self, reader: &mut Reader<ReadHalf>, context: &mut Context<'_>) -> Poll<()> {
        if reader.poll_watch(context).is_ready() {
            return Poll::Ready(());
        }
        if !reader.ended() {
            return Poll::Pending;
        }
        let timer = self.looks.get_or_init(Timer::new);
        loop {
            if let Some(next) = self.next() {
                let Ok(sent) = reader.io().put_early(context, next) else { return Poll::Ready(()) };
                self.sent.set(self.sent.get() + sent);
                self.due.set(self.looked.get().saturating_mul(2).saturating_add(1));
            }
            if reader.io().has_failed() {
                return Poll::Ready(());
            }
            timer.start(LOOK);
            if timer.poll(context).is_pending() {
                return Poll::Pending;
            }
            timer.set(None);
            self.looked.set(self.looked.get().saturating_add(1));
        }
    }

    /// The next byte of it, where one may be sent now.
    fn next(&self) -> Option<&'static [u8]> {
        let sent = self.sent.get();
        let is_due = self.looked.get() >= self.due.get() && !self.waits.get();
        BEGINNING.get(sent..=sent).filter(|_| is_due)
    }

    /// Leaves out of a reply's head what was sent early.
    pub(super) fn leave_out(&self, head: &mut Vec<u8>) {
        let sent = self.sent.take();
        if sent > 0 {
            head.drain(..sent.min(head.len()));
        }
    }
}
