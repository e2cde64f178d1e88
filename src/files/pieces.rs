//! The body of a file, piece by piece, as long as was announced: a file that shrinks meanwhile breaks it off, and what a
//! file gains is not sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::Body;
use tower_http::services::fs::ServeFileSystemResponseBody;

use crate::message::{Broken, Fill, Source};

pub(super) struct Pieces {
    body: ServeFileSystemResponseBody,
    /// What of the announced length was not read yet, in bytes.
    left: u64,
    piece: Bytes,
}

impl Pieces {
    pub(super) const fn new(body: ServeFileSystemResponseBody, length: u64) -> Self {
        Self { body, left: length, piece: Bytes::new() }
    }

    fn take(&mut self, mut piece: Bytes) {
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= piece.len() as u64;
        self.piece = piece;
    }
}

impl Source for Pieces {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        while self.piece.is_empty() {
            if self.left == 0 {
                return Poll::Ready(Ok(Fill::End));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => self.take(frame.into_data().unwrap_or_default()),
                Some(Err(_)) | None => return Poll::Ready(Err(Broken::Truncated)),
            }
        }
        Poll::Ready(Ok(Fill::Data))
    }

    fn data(&self) -> &[u8] {
        &self.piece
    }

    fn consume(&mut self, count: usize) {
        self.piece.advance(count.min(self.piece.len()));
    }
}
