//! Serves a file that is no script.

use std::path::PathBuf;

use crate::message::{Body, Fields, Reply, ReplyHead, RequestHead, Status};

/// A file that is no script, found and allowed.
#[derive(Debug)]
pub struct StaticFile {
    #[expect(dead_code, reason = "not served yet")]
    pub(super) path: PathBuf,
}

impl StaticFile {
    /// Answers with the file, or what of it was asked for: GET and HEAD alone, else 405.
    #[expect(clippy::unused_async, reason = "not served yet")]
    pub async fn serve(self, _head: &RequestHead) -> Reply<'static> {
        not_found()
    }
}

/// The reply where nothing may answer.
#[must_use]
pub fn not_found() -> Reply<'static> {
    let fields = Fields::from([("Content-Length", "0")]);
    let status = Status::new(404).unwrap_or(Status::OK);
    Reply { head: ReplyHead::build(status, fields), body: Body::empty(), close: false }
}
