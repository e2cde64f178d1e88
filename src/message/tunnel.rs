//! What follows a switch of protocols (101, RFC 9110 §7.8): bytes both ways that are no message any more.
//!
//! It is the one thing of an upstream that is written to as well as read from, so that whoever serves the client can
//! join the two without knowing what the other is.

use std::task::{Context, Poll};

use super::body::{Broken, Source};

/// The far end of a tunnel. What it sends is pulled, like a body; what it is to receive is put.
pub trait Tunnel: Source {
    /// Puts as much of `bytes` as is taken at once, at least one, and says how many.
    ///
    /// # Errors
    /// The far end is gone, or took nothing for too long.
    fn poll_put(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Broken>>;

    /// Sends what was put and is held back.
    ///
    /// # Errors
    /// As [`Tunnel::poll_put`].
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>>;

    /// Says that nothing more is put. The far end may go on sending.
    ///
    /// # Errors
    /// As [`Tunnel::poll_put`].
    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>>;
}
