//! Sends a client that asked for a folder without the slash at its end to the folder.
//!
//! Its pages name what belongs to them relative to it, so `/wp-admin` cannot be answered as `/wp-admin/` is.

use crate::message::{Body, Fields, Method, Reply, ReplyHead, RequestHead, Status};

/// A folder that was asked for without the slash at its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where it is: a path that begins with one slash, encoded, with the query as sent.
    pub(super) location: Vec<u8>,
}

impl Moved {
    /// Tells where the folder is: permanently, and with the same method unless that means nothing.
    #[must_use]
    pub fn reply(self, head: &RequestHead) -> Reply<'static> {
        let is_plain = matches!(head.method, Method::Get | Method::Head);
        let status = Status::new(if is_plain { 301 } else { 308 }).unwrap_or(Status::OK);
        let mut fields = Fields::new();
        fields.append(b"Location", &self.location);
        fields.append(b"Content-Length", b"0");
        Reply { head: ReplyHead::build(status, fields), body: Body::empty(), close: false }
    }
}
