//! The body of a reply: a text, or pieces that come when there is something to tell.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as Pulled, Frame, SizeHint};
use tokio::sync::mpsc;

/// See the module.
pub(super) enum Body {
    /// All of it; nothing once it was taken.
    Text(Option<Bytes>),
    /// It ends when nobody can send any more.
    Pieces(mpsc::Receiver<Bytes>),
}

impl Body {
    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        Self::Text((!text.is_empty()).then_some(text))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(None)
    }
}

impl Pulled for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.get_mut() {
            Self::Text(text) => Poll::Ready(text.take()),
            Self::Pieces(pieces) => pieces.poll_recv(context),
        };
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Text(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}
