//! One exchange over a shared connection: a stream of HTTP/2.
//!
//! As over HTTP/1.1 the request's body is sent while the reply is awaited and read. Dropping an exchange resets its
//! stream and disturbs no other.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::RecvStream;
use h2::client::ResponseFuture;

use super::super::{Error, Settings, TlsFault};
use super::upload::Upload;
use super::{Lease, armed, failure, head, is_unprocessed};
use crate::headers::hop_by_hop;
use crate::http1::{self, BadReply, Framing};
use crate::message::{Body, Broken, Fields, Fill, Method, Name, ReplyHead, RequestHead, Source, Status};
use crate::upstream::health::Attempt;
use crate::upstream::meter::UnderWay;
use crate::wire::Timer;

/// How many interim replies are passed on before the upstream is called broken.
const MAX_INTERIM: u32 = 64;

/// An exchange under way.
pub(in crate::upstream) struct Exchange<'c> {
    reply: ResponseFuture,
    received: Option<RecvStream>,
    upload: Option<Upload<'c>>,
    /// Whether the request has no body.
    is_whole: bool,
    /// Whether the upstream said that it did nothing with the request.
    is_unprocessed: bool,
    waiting: Option<Timer>,
    asked: Method,
    interim: u32,
    settings: Rc<Settings>,
    lease: Lease,
    /// Counts the exchange as under way.
    held: Option<Attempt>,
    under_way: Option<UnderWay>,
}

/// An exchange without a reply.
pub(in crate::upstream) struct Failed<'c> {
    pub(in crate::upstream) error: Error,
    /// The body for another try, where one can do no harm.
    pub(in crate::upstream) unsent: Option<Body<'c>>,
}

impl<'c> Exchange<'c> {
    /// Begins to send a request.
    pub(in crate::upstream) fn start(
        lease: Lease,
        head: &RequestHead,
        body: Body<'c>,
        settings: &Rc<Settings>,
    ) -> Result<Self, Failed<'c>> {
        let Some(request) = head::request(head) else {
            return Err(Failed { error: Error::Connection(io::ErrorKind::InvalidInput), unsent: None });
        };
        let is_whole = body.is_empty();
        let sent = lease.connection.sender.clone().send_request(request, is_whole);
        let (reply, stream) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                lease.retire();
                return Err(Failed { error: failure(&error), unsent: Some(body) });
            }
        };
        let upload = (!is_whole).then(|| Upload::new(stream, body, settings));
        Ok(Self {
            reply,
            received: None,
            upload,
            is_whole,
            is_unprocessed: false,
            waiting: None,
            asked: head.method,
            interim: 0,
            settings: Rc::clone(settings),
            lease,
            held: None,
            under_way: None,
        })
    }

    /// Counts it, whether or not there is another upstream.
    pub(in crate::upstream) fn count(&mut self, under_way: UnderWay) {
        self.under_way = Some(under_way);
    }

    /// Counts the exchange as under way until its reply has ended.
    pub(in crate::upstream) fn hold(&mut self, attempt: Attempt) {
        self.held = Some(attempt);
    }

    /// The first head of the reply; consumes the exchange where there is none.
    pub(in crate::upstream) async fn first(mut self) -> Result<(Self, ReplyHead), Failed<'c>> {
        match self.head().await {
            Ok(head) => Ok((self, head)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(self, error: Error) -> Failed<'c> {
        let broke = matches!(error, Error::Closed | Error::Connection(_) | Error::Tls(TlsFault::Ended));
        let is_harmless = self.is_whole && self.asked.is_idempotent() && !self.lease.is_first;
        let may_repeat = self.is_unprocessed || (broke && is_harmless);
        let unsent = match self.upload {
            _ if !may_repeat => None,
            _ if self.is_whole => Some(Body::empty()),
            upload => upload.and_then(Upload::again),
        };
        Failed { error, unsent }
    }

    /// The next head of the reply.
    pub(in crate::upstream) async fn head(&mut self) -> Result<ReplyHead, Error> {
        let head = poll_fn(|context| self.poll_head(context)).await?;
        if head.status == Status::SWITCHING_PROTOCOLS {
            return Err(BadReply::UnaskedSwitch.into());
        }
        self.interim += u32::from(head.status.is_interim());
        if self.interim > MAX_INTERIM {
            return Err(BadReply::TooManyInterim.into());
        }
        Ok(head)
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Result<ReplyHead, Error>> {
        if let Poll::Ready(outcome) = self.poll_reply(context) {
            // After an interim reply the wait begins anew.
            self.waiting = None;
            return Poll::Ready(outcome.map_err(|error| self.explain(&error)));
        }
        if let Some(upload) = self.upload.as_mut().filter(|upload| !upload.is_over()) {
            ready!(upload.poll(context)).map_err(Error::RequestBody)?;
        }
        let after = self.settings.response_timeout;
        ready!(armed(&mut self.waiting, after).poll(context));
        // It may be the connection that is dead.
        self.lease.retire();
        Poll::Ready(Err(Error::ResponseTimeout(after)))
    }

    fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<Result<ReplyHead, h2::Error>> {
        if let Poll::Ready(Some(interim)) = self.reply.poll_informational(context) {
            let interim = interim?;
            return Poll::Ready(Ok(head::reply(interim.status(), interim.headers())));
        }
        let (reply, received) = ready!(Pin::new(&mut self.reply).poll(context))?.into_parts();
        self.received = Some(received);
        Poll::Ready(Ok(head::reply(reply.status, &reply.headers)))
    }

    fn explain(&mut self, error: &h2::Error) -> Error {
        self.is_unprocessed = is_unprocessed(error);
        if !error.is_reset() {
            self.lease.retire();
        }
        failure(error)
    }

    /// The body that follows the final head. Removes the fields that end here.
    pub(in crate::upstream) fn body(self, head: &mut ReplyHead) -> Result<Body<'c>, Error> {
        let framing = http1::of_reply(self.asked, head)?;
        hop_by_hop::remove(&mut head.fields);
        let Some(stream) = self.received else {
            return Err(Error::Closed);
        };
        if stream.is_end_stream() && framing == Framing::Close {
            // What ends here without a word about its length has none; HTTP/1.1 must say so.
            head.fields.set(Name::ContentLength, b"0");
            return Ok(Body::empty());
        }
        if framing == Framing::Length(0) && stream.is_end_stream() {
            return Ok(Body::empty());
        }
        Ok(Body::from_source(
            framing.length(),
            ReplyBody {
                stream,
                piece: Bytes::new(),
                left: framing.length(),
                upload: self.upload.filter(|upload| !upload.is_over()),
                waiting: None,
                trailers: None,
                settings: self.settings,
                lease: Some(self.lease),
                _held: self.held,
                under_way: self.under_way,
            },
        ))
    }
}

/// The body of a reply, received as it is asked for.
struct ReplyBody<'c> {
    stream: RecvStream,
    piece: Bytes,
    /// How much may still come, where the head said it.
    left: Option<u64>,
    upload: Option<Upload<'c>>,
    waiting: Option<Timer>,
    trailers: Option<Fields>,
    settings: Rc<Settings>,
    /// Given back at the end.
    lease: Option<Lease>,
    /// Counted as under way as long as it is here.
    _held: Option<Attempt>,
    under_way: Option<UnderWay>,
}

impl ReplyBody<'_> {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        if self.lease.is_none() {
            return Poll::Ready(Ok(Fill::End));
        }
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(outcome) = upload.poll(context)
        {
            self.upload = None;
            outcome.map_err(|_| Broken::Request)?;
        }
        if let Poll::Ready(outcome) = self.poll_piece(context) {
            self.waiting = None;
            return Poll::Ready(outcome.map_err(|error| broken(&error)).and_then(|fill| self.check(fill)));
        }
        armed(&mut self.waiting, self.settings.idle_timeout).poll(context).map(|()| Err(Broken::TimedOut))
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, h2::Error>> {
        while self.piece.is_empty() {
            let Some(piece) = ready!(self.stream.poll_data(context)) else {
                let trailers = ready!(self.stream.poll_trailers(context))?;
                self.trailers = trailers.map(|trailers| head::fields(&trailers));
                self.lease = None;
                return Poll::Ready(Ok(Fill::End));
            };
            self.piece = piece?;
        }
        Poll::Ready(Ok(Fill::Data))
    }
}

impl ReplyBody<'_> {
    /// A body longer than its head said would be taken for the next reply.
    fn check(&self, fill: Fill) -> Result<Fill, Broken> {
        match self.left {
            Some(left) if self.piece.len() as u64 > left => {
                Err(Broken::Malformed("it is longer than announced"))
            }
            _ => Ok(fill),
        }
    }
}

impl Source for ReplyBody<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        let fill = self.poll_next(context);
        UnderWay::count_broken(self.under_way.as_ref(), &fill);
        fill
    }

    fn data(&self) -> &[u8] {
        &self.piece
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.piece.len());
        self.piece.advance(count);
        self.left = self.left.map(|left| left.saturating_sub(count as u64));
        // Fails for a stream that is over, whose window nobody needs.
        let _over = self.stream.flow_control().release_capacity(count);
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }
}

fn broken(error: &h2::Error) -> Broken {
    match failure(error) {
        Error::Connection(kind) => Broken::Connection(kind),
        _ => Broken::Truncated,
    }
}
