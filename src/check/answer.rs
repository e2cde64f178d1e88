//! What came back, whole.

use std::time::Duration;

use crate::evidence::Company;
use crate::headers::Scheme;
use crate::message::{ReplyHead, RequestHead};
use crate::moment::Moment;

/// A reply, with the request that it answers.
#[derive(Clone)]
pub(super) struct Answer {
    /// The request as it was sent.
    pub(super) head: RequestHead,
    /// The head of the reply as it came.
    pub(super) reply: ReplyHead,
    /// The beginning of its body.
    pub(super) body: Vec<u8>,
    /// What the doctors on the way told of it, where the check shares a key with them.
    pub(super) company: Option<Company>,
    /// How it was asked.
    pub(super) scheme: Scheme,
    /// When it was there, by our clock.
    pub(super) received: Moment,
    /// How long it took.
    pub(super) took: Duration,
}

/// The body may hold a token.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.reply.status).finish_non_exhaustive()
    }
}
