//! A reply of the imitations, before it is one on the wire.

use crate::message::{Body, Fields, Reply, ReplyHead, Status};

/// Status, fields and body.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
}

impl Page {
    pub(super) fn html(status: u16, body: &str) -> Self {
        let fields = Fields::from([("Content-Type", "text/html; charset=UTF-8")]);
        Self { status, fields, body: format!("<!DOCTYPE html>\n{body}\n").into_bytes() }
    }

    /// The reply, by a server that calls itself so.
    pub(super) fn served_by(self, server: &str) -> Reply<'static> {
        let Self { status, mut fields, body } = self;
        fields.append(b"Server", server.as_bytes());
        fields.append(b"Content-Length", body.len().to_string().as_bytes());
        let status = Status::new(status).unwrap_or(Status::BAD_GATEWAY);
        Reply { head: ReplyHead::build(status, fields), body: Body::full(body), close: false }
    }
}
