//! One exchange with PHP-FPM.
//!
//! The body is whole before anything is sent, and sent while the reply is awaited and read: a script may answer before
//! it has read all. A reply is whole when the application says that the request has ended, and not when the connection
//! does: a worker that dies closes it just so.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::gate::Place;
use super::kept::{Kept, Line};
use super::record::{self, Decoder, End, LARGEST, Progress};
use super::{Call, Complaint, Fault, Php, head, params};
use crate::headers::hop_by_hop;
use crate::http1::{self, BadReply, Framing, Scan, head_end};
use crate::message::{Body, Broken, Fill, Method, Name, ReplyHead, RequestHead, Source};
use crate::upstream::connection::Connection;
use crate::upstream::health::Attempt;
use crate::upstream::meter::UnderWay;
use crate::upstream::{Error, Settings};
use crate::wire::{Out, Pace, ReadHalf, Reader, SendError, WriteHalf, Writer, now};

/// The longest body, in bytes, that goes out in one write with what stands before it.
const WITH_HEAD: usize = 16 * 1024;

/// The longest body, in bytes, that is copied when all of it came with its head.
const COPIED: usize = 32 * 1024;

/// How much of a reply is looked at in one piece for the end of its head, in bytes: what is copied of its body is less.
const LOOKED_AT: usize = 2 * 1024;

/// The status line that CGI leaves out: with it, the head of a reply is read as every other one.
const STATUS_LINE: &[u8] = b"HTTP/1.1 200 OK\r\n";

/// The length of what a record says that ends a request, in bytes.
const END: usize = 8;

/// What goes out first: the beginning, the pairs, and the body where it is short.
pub(super) struct Opening(Out);

impl Opening {
    /// Takes `body` where all of it goes out at once.
    ///
    /// # Errors
    /// The request cannot be told to PHP.
    pub(super) fn of(php: &Php, call: &Call, head: &RequestHead, body: &mut Body<'_>) -> Result<Self, Fault> {
        let mut out = Out::new();
        record::begin(&mut out.0);
        params::encode(&mut out.0, php, call, head, body.length().unwrap_or_default())?;
        if is_short(body) {
            record::stdin(&mut out.0, body.data());
            if !body.data().is_empty() {
                record::stdin(&mut out.0, b"");
            }
        }
        Ok(Self(out))
    }

    /// Has PHP keep the connection, or close it.
    pub(super) fn keep(&mut self, is_kept: bool) {
        record::keep(&mut self.0.0, is_kept);
    }
}

fn is_short(body: &Body<'_>) -> bool {
    body.is_full() && body.data().len() <= WITH_HEAD
}

/// Gives the writer back: the connection ends where its half is dropped.
type Sending<'c> = Pin<Box<dyn Future<Output = (Writer<WriteHalf>, Result<(), SendError>)> + 'c>>;

/// A request on its way to PHP.
enum Upload<'c> {
    /// The half is kept, for PHP takes a closed one for a client that is gone.
    Done {
        writer: Writer<WriteHalf>,
        is_whole: bool,
    },
    Sending(Sending<'c>),
}

/// The body of a request as records.
struct Stdin<'b> {
    body: Body<'b>,
    record: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Source for Stdin<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        if self.at < self.record.len() {
            return Poll::Ready(Ok(Fill::Data));
        }
        if self.ended {
            return Poll::Ready(Ok(Fill::End));
        }
        self.record.clear();
        self.at = 0;
        match ready!(self.body.poll_fill(context))? {
            Fill::Data => {
                let count = record::stdin(&mut self.record, self.body.data());
                self.body.consume(count);
            }
            Fill::End => {
                record::stdin(&mut self.record, b"");
                self.ended = true;
            }
        }
        Poll::Ready(Ok(Fill::Data))
    }

    fn data(&self) -> &[u8] {
        self.record.get(self.at..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

/// What lies at hand of a reply.
enum Step {
    More,
    Stdout(usize),
    Ended(End),
}

/// An exchange under way: the request is being sent, the reply awaited.
pub(in super::super) struct Exchange<'c> {
    reader: Reader<ReadHalf>,
    decoder: Decoder,
    upload: Upload<'c>,
    asked: Method,
    settings: Rc<Settings>,
    complaint: Rc<Complaint>,
    /// Counts the exchange as under way.
    held: Option<Attempt>,
    under_way: Option<UnderWay>,
    kept: Rc<Kept>,
    /// Given back when all else is closed.
    place: Place,
}

/// What an exchange needs beside its connection.
pub(super) struct Asking<'a> {
    pub(super) opening: &'a mut Opening,
    pub(super) asked: Method,
    pub(super) settings: &'a Rc<Settings>,
    pub(super) complaint: &'a Rc<Complaint>,
    pub(super) kept: &'a Rc<Kept>,
}

/// There is no reply; the connection is closed, and its place is left.
pub(super) struct Failed {
    pub(super) error: Error,
    pub(super) place: Place,
}

impl Asking<'_> {
    /// Sends the request over this connection and waits for the head of the reply. Where `body` is left after a failure,
    /// nothing was sent.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub(super) async fn over<'c>(
        &mut self,
        line: Line,
        body: &mut Option<Body<'c>>,
    ) -> Result<(Exchange<'c>, ReplyHead), Failed> {
        self.opening.keep(line.place.is_for_keeping());
        let whole = body.take().unwrap_or_else(Body::empty);
        let mut exchange = match Exchange::start(line, whole, self).await {
            Ok(exchange) => exchange,
            Err((whole, place)) => {
                *body = Some(whole);
                return Err(Failed { error: Fault::Closed.into(), place });
            }
        };
        match exchange.first().await {
            Ok(first) => Ok((exchange, first)),
            Err(error) => Err(Failed { error, place: exchange.place }),
        }
    }
}

impl<'c> Exchange<'c> {
    /// Sends what goes out first, and begins to send the rest.
    ///
    /// # Errors
    /// PHP takes nothing.
    async fn start(line: Line, body: Body<'c>, asking: &Asking<'_>) -> Result<Self, (Body<'c>, Place)> {
        let Line { connection: Connection { reader, mut writer }, place } = line;
        let text = &asking.opening.0.0;
        let Ok(count) = poll_fn(|context| writer.poll_put(context, text)).await else {
            return Err((body, place));
        };
        let rest = text.get(count..).unwrap_or_default();
        let upload = if is_short(&body) {
            // A failed write says little; what PHP said before it closed says more.
            let sent = if rest.is_empty() {
                Ok(())
            } else {
                writer.send_text(|out| out.extend_from_slice(rest)).await
            };
            reader.set_timeout(asking.settings.response_timeout);
            Upload::Done { writer, is_whole: sent.is_ok() }
        } else {
            Upload::Sending(Box::pin(upload(writer, rest.to_vec(), body)))
        };
        Ok(Self {
            reader,
            decoder: Decoder::default(),
            upload,
            asked: asking.asked,
            settings: Rc::clone(asking.settings),
            complaint: Rc::clone(asking.complaint),
            held: None,
            under_way: None,
            kept: Rc::clone(asking.kept),
            place,
        })
    }

    /// Counts the exchange as under way until its reply has ended.
    pub(in super::super) fn hold(&mut self, attempt: Attempt) {
        self.held = Some(attempt);
    }

    /// Counts it, whether or not there is another upstream.
    pub(in super::super) fn count(&mut self, under_way: UnderWay) {
        self.under_way = Some(under_way);
    }

    /// The head of the reply.
    ///
    /// # Errors
    /// There is no reply.
    async fn first(&mut self) -> Result<ReplyHead, Error> {
        let mut text = Out::new();
        text.0.extend_from_slice(STATUS_LINE);
        let mut scanned = 0;
        loop {
            let count = match self.step().map_err(Fault::Malformed)? {
                Step::Stdout(count) => count.min(LOOKED_AT),
                Step::Ended(end) => return Err(ended_early(end, text.0.len() > STATUS_LINE.len())),
                Step::More => {
                    self.more(text.0.len() > STATUS_LINE.len()).await?;
                    continue;
                }
            };
            let before = text.0.len();
            text.0.extend_from_slice(self.reader.data().get(..count).unwrap_or_default());
            match head_end(&text.0, scanned) {
                Scan::Complete(end) if end <= self.settings.header_bytes => {
                    self.take(end.saturating_sub(before));
                    return head::reply(text.0.get(..end).unwrap_or_default());
                }
                Scan::BareLineFeed => return Err(BadReply::BareLineFeed.into()),
                Scan::Partial(next) if text.0.len() <= self.settings.header_bytes => scanned = next,
                Scan::Complete(_) | Scan::Partial(_) => return Err(BadReply::HeadTooLarge.into()),
            }
            self.take(count);
        }
    }

    /// Waits for more of a reply of which something `has_begun`.
    async fn more(&mut self, has_begun: bool) -> Result<(), Error> {
        match poll_fn(|context| self.poll_more(context)).await {
            Ok(0) if has_begun => Err(Error::HeadTruncated),
            Ok(0) => Err(Fault::Closed.into()),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                Err(Error::ResponseTimeout(self.settings.response_timeout))
            }
            Err(_) if has_begun => Err(Error::HeadTruncated),
            // What was sent and not read by a worker that died resets the connection.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Fault::Closed.into()),
            Err(error) => Err(Error::Connection(error.kind())),
        }
    }

    /// Sends on, and reads more. The time for a reply begins anew when the request is out.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Upload::Sending(sending) = &mut self.upload
            && let Poll::Ready((writer, sent)) = sending.as_mut().poll(context)
        {
            self.upload = Upload::Done { writer, is_whole: sent.is_ok() };
            self.reader.set_timeout(self.settings.response_timeout);
            if let Err(SendError::Body(_)) = sent {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
        }
        self.reader.poll_fill(context)
    }

    /// What lies at hand of the reply; complaints are heard on the way.
    fn step(&mut self) -> Result<Step, record::BadRecord> {
        loop {
            let data = self.reader.data();
            match self.decoder.advance(data)? {
                Progress::More => return Ok(Step::More),
                Progress::Framing(count) => self.reader.consume(count),
                Progress::Stdout(count) => return Ok(Step::Stdout(count)),
                Progress::Stderr(count) => {
                    self.complaint.hear(data.get(..count).unwrap_or_default());
                    self.take(count);
                }
                Progress::End(_, end) => return Ok(Step::Ended(end)),
            }
        }
    }

    fn take(&mut self, count: usize) {
        self.decoder.took(count);
        self.reader.consume(count);
    }

    /// The body that follows the head. Removes the fields that end here.
    ///
    /// # Errors
    /// The reply is ambiguous.
    pub(in super::super) fn body(mut self, head: &mut ReplyHead) -> Result<Body<'c>, Error> {
        head.fields.remove(Name::TransferEncoding);
        let framing = http1::of_reply(self.asked, head)?;
        hop_by_hop::remove(&mut head.fields);
        if framing == Framing::Length(0) && self.at_hand(Framing::Close).is_some() {
            self.finish();
            return Ok(Body::empty());
        }
        if let Some(bytes) = self.at_hand(framing) {
            self.finish();
            if framing == Framing::Close {
                head.fields.append(b"Content-Length", bytes.len().to_string().as_bytes());
            }
            return Ok(Body::full(bytes));
        }
        let left = framing.length();
        Ok(Body::from_source(left, ReplyBody { exchange: Some(self), ready: 0, left, waits: false }))
    }

    /// The body, where all of it came with the head, and its end, which is next then.
    fn at_hand(&mut self, framing: Framing) -> Option<Vec<u8>> {
        let data = self.reader.data();
        if data.len() > COPIED || matches!(self.upload, Upload::Sending(_)) {
            return None;
        }
        let (mut decoder, mut at, mut bytes) = (self.decoder, 0, Vec::with_capacity(data.len()));
        loop {
            let rest = data.get(at..)?;
            match decoder.advance(rest).ok()? {
                Progress::Framing(count) => at += count,
                Progress::Stdout(count) => {
                    bytes.extend_from_slice(rest.get(..count)?);
                    decoder.took(count);
                    at += count;
                }
                Progress::End(_, End { protocol: 0, .. }) => break,
                Progress::More | Progress::Stderr(_) | Progress::End(..) => return None,
            }
        }
        if framing.length().is_some_and(|length| length != bytes.len() as u64) {
            return None;
        }
        self.decoder = decoder;
        self.reader.consume(at);
        Some(bytes)
    }

    /// Takes the end of the request and keeps the connection, unless something speaks against it: what was sent is not
    /// whole, or something follows that nobody asked for.
    fn finish(mut self) {
        self.take(END);
        while !self.decoder.is_between() {
            let Ok(Progress::Framing(count)) = self.decoder.advance(self.reader.data()) else { return };
            self.reader.consume(count);
        }
        let Upload::Done { writer, is_whole: true } = self.upload else { return };
        if self.reader.data().is_empty() && !self.reader.ended() {
            self.kept.put(Line { connection: Connection { reader: self.reader, writer }, place: self.place });
        }
    }
}

async fn upload(
    mut writer: Writer<WriteHalf>,
    opening: Vec<u8>,
    body: Body<'_>,
) -> (Writer<WriteHalf>, Result<(), SendError>) {
    let record = Vec::with_capacity(LARGEST + 8);
    let mut body = Body::from_source(None, Stdin { body, record, at: 0, ended: false });
    let sent = writer.send(|out| out.extend_from_slice(&opening), &mut body, Framing::Close).await;
    (writer, sent)
}

/// A request that the application ended before the head of a reply was whole.
const fn ended_early(end: End, has_begun: bool) -> Error {
    match end.protocol {
        0 if has_begun => Error::HeadTruncated,
        0 => Error::Php(Fault::NoReply),
        2 => Error::Php(Fault::Overloaded),
        status => Error::Php(Fault::Unwilling(status)),
    }
}

/// The body of a reply, read from the connection as it is asked for.
struct ReplyBody<'c> {
    /// Nothing once it has ended.
    exchange: Option<Exchange<'c>>,
    ready: usize,
    /// How much of what was announced is still to come.
    left: Option<u64>,
    waits: bool,
}

impl ReplyBody<'_> {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        loop {
            let Some(exchange) = &mut self.exchange else { return Poll::Ready(Ok(Fill::End)) };
            if self.ready > 0 {
                return Poll::Ready(Ok(Fill::Data));
            }
            let step = exchange.step().map_err(|_| Broken::Malformed("a FastCGI record"))?;
            match (step, self.left) {
                // More than was announced is nobody's.
                (Step::Stdout(count), Some(0)) => exchange.take(count),
                (Step::Stdout(count), left) => {
                    self.ready = left.map_or(count, |left| count.min(usize::try_from(left).unwrap_or(count)));
                }
                (Step::Ended(End { protocol: 0, .. }), None | Some(0)) => {
                    self.exchange.take().into_iter().for_each(Exchange::finish);
                }
                (Step::Ended(_), _) => return Poll::Ready(Err(Broken::Truncated)),
                (Step::More, _) => ready!(self.poll_more(context))?,
            }
        }
    }
}

impl Source for ReplyBody<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        let fill = self.poll_next(context);
        let under_way = self.exchange.as_ref().and_then(|exchange| exchange.under_way.as_ref());
        UnderWay::count_broken(under_way, &fill);
        fill
    }

    fn data(&self) -> &[u8] {
        let data = self.exchange.as_ref().map(|exchange| exchange.reader.data()).unwrap_or_default();
        data.get(..self.ready).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.ready);
        self.ready -= count;
        self.left = self.left.map(|left| left - count as u64);
        if let Some(exchange) = &mut self.exchange {
            exchange.take(count);
        }
    }
}

impl ReplyBody<'_> {
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let Some(exchange) = &mut self.exchange else { return Poll::Ready(Ok(())) };
        if !std::mem::replace(&mut self.waits, true) {
            let pace = Pace { idle: exchange.settings.idle_timeout, bytes_per_second: 0 };
            exchange.reader.set_deadline(pace.deadline(now(), 0));
        }
        let outcome = ready!(exchange.poll_more(context));
        self.waits = false;
        Poll::Ready(match outcome {
            Ok(0) => Err(Broken::Truncated),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(Broken::TimedOut),
            Err(error) => Err(Broken::Connection(error.kind())),
        })
    }
}
