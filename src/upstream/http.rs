//! One exchange with an upstream that speaks HTTP/1.1.
//!
//! The request's body is sent while the reply is awaited and read, because an upstream may answer before it has
//! read everything (an early 413), or answer piece by piece as it reads.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::connection::Connection;
use super::fault;
use super::health::Attempt;
use super::meter::UnderWay;
use super::pool::{FRESH, IDLE, Pool};
use super::{Error, Settings, Upstream};
use crate::headers::hop_by_hop;
use crate::headers::upgrade::Protocols;
use crate::http1::{self, BadReply, Framing};
use crate::message::{
    Body, Broken, Fields, Fill, Method, Name, ReplyHead, RequestHead, Source, Status, Version,
};
use crate::wire::{Framed, HeadError, Pace, Raw, ReadHalf, Reader, SendError, WriteHalf, Writer};

/// What every reply of HTTP/1 begins with. A server of another protocol is known by its first bytes: many greet and then wait.
const OPENING: &[u8] = b"HTTP/";

/// How many interim replies (RFC 9110 §15.2) are passed on before the upstream is called broken.
const MAX_INTERIM: u32 = 64;

/// The longest body, in bytes, that is copied when it came with its head: the connection is then free before the
/// reply is sent. Longer ones are sent from where they lie.
const COPIED: usize = 8 * 1024;

impl Upstream {
    /// Sends a request and waits for the first head of the reply, which may be an interim one. `body` is taken when
    /// the request begins to go out: where it is left after a failure, nothing has reached the upstream.
    ///
    /// A pooled connection that turns out dead is replaced once, when sending again can do no harm: the method is
    /// idempotent, there is no body, and not a byte of a reply has come.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub(super) async fn send_by_http1<'c>(
        &self,
        head: &RequestHead,
        body: &mut Option<Body<'c>>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let may_repeat = body.as_ref().is_none_or(Body::is_empty) && head.method.is_idempotent();
        if let Some(connection) = self.pool.take(if may_repeat { IDLE } else { FRESH }) {
            match self.send_over(connection, head, body.take().unwrap_or_else(Body::empty)).await {
                Err(error) if !error.came_before_reply() => return Err(error),
                Err(_) if may_repeat => *body = Some(Body::empty()),
                Err(_) => return Err(Error::KeptClosed),
                outcome => return outcome,
            }
        }
        // In a box of its own, so that no exchange carries the room for it.
        let connection = Box::pin(Connection::open(&self.endpoint, &self.settings)).await?;
        self.metered.0.opened();
        self.send_over(connection, head, body.take().unwrap_or_else(Body::empty)).await
    }

    /// Sends a request over this connection.
    pub(super) async fn send_over<'c>(
        &self,
        connection: Connection,
        head: &RequestHead,
        body: Body<'c>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let Connection { reader, writer } = connection;
        let upload = Upload::start(writer, head, body).await;
        let mut pending = Pending {
            reader,
            upload,
            asked: head.method,
            upgrades: Protocols::named(&head.fields),
            is_last: head.fields.all(Name::Connection).any(|said| said.eq_ignore_ascii_case(b"close")),
            interim: 0,
            settings: Rc::clone(&self.settings),
            pool: Rc::clone(&self.pool),
            held: None,
            under_way: None,
        };
        let first = pending.head().await?;
        Ok((pending, first))
    }
}

/// Gives the writer back with what became of the request's body.
type Sending<'c> = Pin<Box<dyn Future<Output = (Writer<WriteHalf>, Result<(), SendError>)> + 'c>>;

/// A request on its way to the upstream.
enum Upload<'c> {
    Sent(Writer<WriteHalf>),
    Sending(Sending<'c>),
    Failed,
}

impl<'c> Upload<'c> {
    async fn start(mut writer: Writer<WriteHalf>, head: &RequestHead, mut body: Body<'c>) -> Self {
        if body.is_empty() {
            let sent = writer.send_text(|out| http1::request_head(out, head, Framing::Length(0))).await;
            // A failed write says little; what the upstream answered before it closed says more.
            return if sent.is_ok() { Self::Sent(writer) } else { Self::Failed };
        }
        let framing = body.length().map_or(Framing::Chunked, Framing::Length);
        let mut text = Vec::new();
        http1::request_head(&mut text, head, framing);
        Self::Sending(Box::pin(async move {
            let sent = writer.send(|out| out.extend_from_slice(&text), &mut body, framing).await;
            (writer, sent)
        }))
    }

    const fn is_sending(&self) -> bool {
        matches!(self, Self::Sending(_))
    }

    /// Sends on. A receiver that takes no more is no error yet: it may have answered.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let Self::Sending(sending) = self else {
            return Poll::Ready(Ok(()));
        };
        let Poll::Ready((writer, outcome)) = sending.as_mut().poll(context) else {
            return Poll::Pending;
        };
        *self = if outcome.is_ok() { Self::Sent(writer) } else { Self::Failed };
        match outcome {
            Err(SendError::Body(broken)) => Poll::Ready(Err(broken)),
            Ok(()) | Err(SendError::Receiver(_)) => Poll::Ready(Ok(())),
        }
    }
}

/// An exchange under way: the request is being sent, the reply awaited.
pub(super) struct Pending<'c> {
    reader: Reader<ReadHalf>,
    upload: Upload<'c>,
    asked: Method,
    /// What the request asked to switch to.
    upgrades: Option<Protocols>,
    /// Whether the request said that no other one follows (RFC 9112 §9.6): the other end may close once it has replied.
    is_last: bool,
    interim: u32,
    settings: Rc<Settings>,
    pool: Rc<Pool>,
    /// Counts the exchange as under way.
    held: Option<Attempt>,
    under_way: Option<UnderWay>,
}

impl<'c> Pending<'c> {
    /// Counts it, whether or not there is another upstream.
    pub(super) fn count(&mut self, under_way: UnderWay) {
        self.under_way = Some(under_way);
    }

    /// Counts the exchange as under way until its reply has ended.
    pub(super) fn hold(&mut self, attempt: Attempt) {
        self.held = Some(attempt);
    }

    /// The next head of the reply: interim ones first, then the final one.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub(super) async fn head(&mut self) -> Result<ReplyHead, Error> {
        let length = match self.await_head().await? {
            Ok(length) => length,
            Err(failure) => return Err(self.explain(failure)),
        };
        let head = http1::parse_reply(self.reader.data().get(..length).unwrap_or_default())?;
        self.reader.consume(length);
        if head.status == Status::SWITCHING_PROTOCOLS && !self.asked_for(&head) {
            return Err(BadReply::UnaskedSwitch.into());
        }
        self.interim += u32::from(head.status.is_interim());
        if self.interim > MAX_INTERIM {
            return Err(BadReply::TooManyInterim.into());
        }
        Ok(head)
    }

    /// Whether a 101 names nothing but what the request asked for (RFC 9110 §7.8).
    fn asked_for(&self, head: &ReplyHead) -> bool {
        let named = Protocols::named(&head.fields);
        self.upgrades.as_ref().zip(named).is_some_and(|(asked, named)| asked.include(&named))
    }

    async fn await_head(&mut self) -> Result<Result<usize, HeadError>, Error> {
        while self.upload.is_sending() {
            tokio::select! {
                biased;
                outcome = self.reader.head_of(OPENING, self.settings.header_bytes) => return Ok(outcome),
                sent = poll_fn(|context| self.upload.poll(context)) => sent.map_err(Error::RequestBody)?,
            }
        }
        self.reader.set_timeout(self.settings.response_timeout);
        Ok(self.reader.head_of(OPENING, self.settings.header_bytes).await)
    }

    fn explain(&self, failure: HeadError) -> Error {
        match failure {
            HeadError::Closed => Error::Closed,
            HeadError::Truncated => Error::HeadTruncated,
            HeadError::TimedOut => Error::ResponseTimeout(self.settings.response_timeout),
            HeadError::Foreign => Error::Malformed(BadReply::StatusLine),
            HeadError::BareLineFeed => Error::Malformed(BadReply::BareLineFeed),
            HeadError::TooLarge { .. } => Error::Malformed(BadReply::HeadTooLarge),
            // TLS without its closing word.
            HeadError::Connection(ErrorKind::UnexpectedEof) if self.reader.data().is_empty() => Error::Closed,
            HeadError::Connection(kind) if self.reader.data().is_empty() => fault::of_broken(kind),
            HeadError::Connection(_) => Error::HeadTruncated,
        }
    }

    /// The body that follows the final head, or the tunnel behind a 101. Removes the fields that end here, and a Content-Length that a
    /// Transfer-Encoding overrides.
    ///
    /// # Errors
    /// The reply is ambiguous.
    pub(super) fn body(mut self, head: &mut ReplyHead) -> Result<Body<'c>, Error> {
        let framing = http1::of_reply(self.asked, head)?;
        if head.status == Status::SWITCHING_PROTOCOLS {
            return self.switched(head);
        }
        let stays_open = head.version == Version::Http11
            && self.upgrades.is_none()
            && !hop_by_hop::has_option(&head.fields, "close");
        if head.fields.has(Name::TransferEncoding) {
            head.fields.remove(Name::ContentLength);
        }
        hop_by_hop::remove(&mut head.fields);
        if let Some(body) = self.at_hand(framing) {
            self.finish(stays_open);
            return Ok(body);
        }
        let pace = Pace { idle: self.settings.idle_timeout, bytes_per_second: 0 };
        let framed = Framed::new(framing, pace, None);
        let keep = stays_open && framing != Framing::Close;
        Ok(Body::from_source(
            framing.length(),
            ReplyBody { framed, keep, pending: Some(self), trailers: None },
        ))
    }

    /// The far end of the connection, which speaks another protocol behind this head.
    fn switched(self, head: &mut ReplyHead) -> Result<Body<'c>, Error> {
        let Upload::Sent(writer) = self.upload else {
            return Err(Error::Closed);
        };
        let named = Protocols::named(&head.fields);
        hop_by_hop::remove(&mut head.fields);
        head.fields.remove(Name::ContentLength);
        if let Some(named) = named {
            named.say(&mut head.fields);
        }
        Ok(Body::from_tunnel(Raw::new(self.reader, writer)))
    }

    /// The body, when all of it came with the head.
    fn at_hand(&mut self, framing: Framing) -> Option<Body<'c>> {
        let length = usize::try_from(framing.length()?).ok().filter(|length| *length <= COPIED)?;
        if self.upload.is_sending() {
            return None;
        }
        let bytes = self.reader.data().get(..length)?.to_vec();
        self.reader.consume(length);
        Some(Body::full(bytes))
    }

    /// Gives the connection back, unless something speaks against using it again: an unfinished request, or bytes
    /// behind the reply, which are a smuggled reply to the next one's request.
    fn finish(self, stays_open: bool) {
        let Upload::Sent(writer) = self.upload else {
            return;
        };
        if stays_open && !self.is_last && self.reader.data().is_empty() && !self.reader.ended() {
            self.pool.put(Connection { reader: self.reader, writer });
        }
    }
}

/// The body of a reply, read from the connection as it is asked for.
struct ReplyBody<'c> {
    framed: Framed,
    keep: bool,
    pending: Option<Pending<'c>>,
    trailers: Option<Fields>,
}

impl Source for ReplyBody<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        let Some(pending) = &mut self.pending else {
            return Poll::Ready(Ok(Fill::End));
        };
        if pending.upload.is_sending()
            && let Poll::Ready(Err(_)) = pending.upload.poll(context)
        {
            return Poll::Ready(Err(Broken::Request));
        }
        let fill = self.framed.poll_fill(&mut pending.reader, context);
        UnderWay::count_broken(pending.under_way.as_ref(), &fill);
        if fill == Poll::Ready(Ok(Fill::End))
            && let Some(pending) = self.pending.take()
        {
            self.trailers = self.framed.trailers();
            pending.finish(self.keep);
        }
        fill
    }

    fn data(&self) -> &[u8] {
        self.pending.as_ref().map(|pending| self.framed.data(&pending.reader)).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        if let Some(pending) = &mut self.pending {
            self.framed.consume(&mut pending.reader, count);
        }
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }
}
