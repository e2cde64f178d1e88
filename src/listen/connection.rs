//! One client's connection: its requests in order, each answered before the next is read (RFC 9112 §9.3).

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::accept::Worker;
use super::caught::{Panicked, caught};
use super::entrance::Entered;
use super::leaving::Beginning;
use super::{Answer, Client, Current, Interim, LAST_CALL, Refusal, Serving, http2, tunnel};
use crate::headers::hop_by_hop;
use crate::http1::{self, BadRequest, Framing, Persistence};
use crate::message::{
    Body, Broken, Fields, Fill, Method, Name, Reply, ReplyHead, Request, RequestHead, Source,
};
use crate::message::{Status, Version};
use crate::wire::{Framed, HeadError, Pace, ReadHalf, Reader, SendError, Stream, WriteHalf, Writer};

/// The slowest a request's body may come on average, once its timeout has passed.
pub(super) const BYTES_PER_SECOND: u64 = 500;

/// How long a client may go on sending after its request was answered and the connection half closed. Closing at
/// once would reset the connection, and the client might never read the reply (RFC 9112 §9.6).
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// How long a client that is turned away may take to ask: clients take a reply that nobody asked for as a defect.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Serves a connection to its end, unless it is one in clear that turns out to speak HTTP/2 from its first byte (RFC 9113
/// §3.3): that is given back, with what was read of it.
pub(super) async fn serve<A: Answer>(
    entered: Entered,
    current: &Current<A>,
    worker: &Worker,
) -> Option<(Reader<ReadHalf>, WriteHalf)> {
    let Entered { stream, client, early, .. } = entered;
    let mut connection = Connection::new(stream, client, current, worker);
    connection.reader.hold(&early);
    drop(early);
    connection.reader.set_timeout(connection.serving.settings.header_timeout);
    let last = loop {
        match connection.turn().await {
            Next::Again => connection.reader.set_timeout(connection.serving.settings.keep_alive_timeout),
            last => break last,
        }
    };
    match last {
        Next::Again | Next::End => {}
        Next::Abort => connection.writer.into_io().abort(),
        Next::Switch(reply) => {
            let (reader, writer) = connection.into_halves();
            tunnel::run(reader, writer, *reply).await;
        }
        Next::Http2 => {
            let (reader, writer) = connection.into_halves();
            return Some((reader, writer.into_io()));
        }
    }
    None
}

/// Ends a connection before its first request, and says why.
pub(super) async fn turn_back<A: Answer>(
    stream: Stream,
    client: Client,
    refusal: Refusal,
    current: &Current<A>,
    worker: &Worker,
) {
    let mut connection = Connection::new(stream, client, current, worker);
    let reply = connection.serving.answer.refuse(client, refusal);
    connection.refuse(reply).await;
}

/// Answers a connection that is one too many with its refusal, once it has asked for something.
pub(super) async fn turn_away<A: Answer>(
    stream: Stream,
    client: Client,
    current: &Current<A>,
    worker: &Worker,
    refusal: Refusal,
) {
    let mut connection = Connection::new(stream, client, current, worker);
    connection.reader.set_timeout(FIRST_WORD);
    // One that says nothing is told all the same.
    let _asked = connection.reader.wait().await;
    let reply = connection.serving.answer.refuse(client, refusal);
    connection.refuse(reply).await;
}

struct Connection<'s, A> {
    reader: Reader<ReadHalf>,
    writer: Writer<WriteHalf>,
    client: Client,
    current: &'s Current<A>,
    serving: Rc<Serving<A>>,
    worker: &'s Worker,
    may_be_http2: bool,
}

/// What follows a reply.
enum Next {
    Again,
    End,
    Abort,
    /// Another protocol, to which this is the reply.
    Switch(Box<Reply<'static>>),
    Http2,
}

/// Why there is no request to answer.
enum Nothing {
    Left,
    Preface,
    Refused(Refusal),
    /// The head is there; what it announces is refused.
    Announced(Box<RequestHead>, Refusal),
}

impl<T: Into<Refusal>> From<T> for Nothing {
    fn from(refusal: T) -> Self {
        Self::Refused(refusal.into())
    }
}

impl<'s, A: Answer> Connection<'s, A> {
    fn new(stream: Stream, client: Client, current: &'s Current<A>, worker: &'s Worker) -> Self {
        let (read, write) = stream.split();
        let serving = current.get();
        let writer = Writer::new(write, serving.settings.write_timeout);
        let may_be_http2 = !client.secure;
        Self { reader: Reader::of_heads(read), writer, client, current, serving, worker, may_be_http2 }
    }

    /// The connection without what requests were served with, which a reload may have replaced.
    fn into_halves(self) -> (Reader<ReadHalf>, Writer<WriteHalf>) {
        (self.reader, self.writer)
    }

    /// Reads one request and answers it.
    async fn turn(&mut self) -> Next {
        match self.read().await {
            Ok((head, framing)) => self.exchange(head, framing).await,
            Err(Nothing::Left) => self.part().await,
            Err(Nothing::Preface) => Next::Http2,
            Err(Nothing::Refused(refusal)) => {
                let reply = self.serving.answer.refuse(self.client, refusal);
                self.refuse(reply).await
            }
            Err(Nothing::Announced(head, refusal)) => {
                let reply = self.serving.answer.refuse_request(self.client, *head, refusal);
                self.refuse(reply).await
            }
        }
    }

    async fn read(&mut self) -> Result<(RequestHead, Framing), Nothing> {
        self.wait().await?;
        self.current.renew(&mut self.serving);
        http1::refuse_first_bytes(self.reader.data())?;
        self.reader.set_timeout(self.serving.settings.header_timeout);
        let length = self
            .reader
            .head(self.serving.settings.header_bytes)
            .await
            .map_err(|error| self.explain(error))?;
        let may_be_http2 = std::mem::take(&mut self.may_be_http2);
        let head = match http1::parse_request(self.reader.data().get(..length).unwrap_or_default()) {
            Err(BadRequest::Http2Preface) if may_be_http2 => return Err(self.read_preface().await),
            outcome => outcome?,
        };
        self.reader.consume(length);
        let framing = http1::of_request(&head)?;
        match (framing.length(), self.serving.settings.body_bytes) {
            (Some(length), Some(limit)) if length > limit => {
                Err(Nothing::Announced(Box::new(head), Refusal::BodyTooLarge(limit)))
            }
            _ => Ok((head, framing)),
        }
    }

    /// Waits for the rest of what began like the preface of HTTP/2.
    async fn read_preface(&mut self) -> Nothing {
        let reader = &mut self.reader;
        while reader.data().len() < http2::PREFACE.len() && http2::PREFACE.starts_with(reader.data()) {
            match poll_fn(|context| reader.poll_fill(context)).await {
                Ok(count) if count > 0 => {}
                _ => return Nothing::Left,
            }
        }
        if reader.data().starts_with(http2::PREFACE) {
            return Nothing::Preface;
        }
        BadRequest::Http2Preface.into()
    }

    /// Waits for the first byte of a request. A drain shortens the wait, but does not end it at once: a request
    /// that is on its way to us just now would be lost.
    async fn wait(&mut self) -> Result<(), Nothing> {
        let (reader, worker) = (&mut self.reader, self.worker);
        let (current, serving) = (self.current, &mut self.serving);
        let mut last_call = false;
        let come = poll_fn(|context| {
            // An idle connection must not keep alive what a reload has replaced.
            current.renew(serving);
            if !reader.data().is_empty() {
                return Poll::Ready(true);
            }
            if worker.is_draining() && !std::mem::replace(&mut last_call, true) {
                reader.set_timeout(LAST_CALL);
            }
            reader.poll_fill(context).map(|outcome| outcome.is_ok_and(|count| count > 0))
        });
        if come.await { Ok(()) } else { Err(Nothing::Left) }
    }

    fn explain(&self, error: HeadError) -> Nothing {
        match error {
            HeadError::Closed | HeadError::Truncated | HeadError::Connection(_) => Nothing::Left,
            HeadError::TimedOut => Refusal::HeaderTimeout(self.serving.settings.header_timeout).into(),
            HeadError::BareLineFeed => BadRequest::BareLineFeed.into(),
            HeadError::Foreign => BadRequest::RequestLine.into(),
            HeadError::TooLarge { in_first_line: true } => BadRequest::TargetTooLong.into(),
            HeadError::TooLarge { in_first_line: false } => BadRequest::HeadTooLarge.into(),
        }
    }

    async fn exchange(&mut self, head: RequestHead, framing: Framing) -> Next {
        let asked = Asked::of(&head);
        // The reply's body may still be reading the request's, so whether that is read to its end is told aside.
        let read = Cell::new(framing == Framing::Length(0));
        let left = Cell::new(false);
        let beginning = Beginning::default();
        beginning.waits.set(asked.may_switch);
        let mut interim = ToClient::new(&mut self.writer, &asked, &beginning);
        let reply = if read.get() {
            self.reader.set_deadline(None);
            let request = Request { head, body: Body::empty() };
            let answering = pin!(self.serving.answer.answer(self.client, request, &mut interim));
            let reply = tokio::select! {
                biased;
                reply = caught(answering) => reply,
                () = poll_fn(|context| beginning.poll_left(&mut self.reader, context)) => return Next::End,
            };
            match reply {
                Ok(reply) if reply.body.is_tunnel() => return Next::Switch(Box::new(reply)),
                reply => reply,
            }
        } else {
            let pace = Pace { idle: self.serving.settings.body_timeout, bytes_per_second: BYTES_PER_SECOND };
            let framed = Framed::new(framing, pace, self.serving.settings.body_bytes);
            let body = ClientBody {
                reader: &mut self.reader,
                framed,
                read: &read,
                beginning: &beginning,
                left: &left,
            };
            let request = Request { head, body: Body::from_source(framing.length(), body) };
            let answering = pin!(self.serving.answer.answer(self.client, request, &mut interim));
            tokio::select! {
                biased;
                reply = caught(answering) => reply,
                // Who answers looks after the client, so there is nothing to be woken by here.
                () = poll_fn(|_| if left.get() { Poll::Ready(()) } else { Poll::Pending }) => return Next::End,
            }
        };
        let reply = reply.unwrap_or_else(|Panicked| self.serving.answer.panicked());
        // What of a request is unread when its reply begins cannot be told from the next request later.
        let ends = reply.close || asked.ends || !read.get() || self.worker.is_draining();
        let sent = caught(pin!(send(&mut self.writer, &asked, reply, ends, &beginning))).await;
        match sent {
            Ok(Ok(Sent::Kept)) => Next::Again,
            Ok(Ok(Sent::Last)) => self.close(read.get() && asked.last).await,
            Ok(Err(SendError::Body(_))) | Err(Panicked) => Next::Abort,
            // What the system holds for a client that takes nothing, megabytes of it, is freed by a reset alone.
            Ok(Err(SendError::Receiver(io::ErrorKind::TimedOut))) => Next::Abort,
            Ok(Err(SendError::Receiver(_))) => Next::End,
        }
    }

    /// Ends a connection that owes no reply. Without the closing word of TLS the client could not tell its end from an
    /// attack (RFC 8446 §6.1).
    async fn part(&mut self) -> Next {
        if self.client.secure {
            // Most clients are gone already.
            let _said = self.writer.finish().await;
        }
        Next::End
    }

    async fn refuse(&mut self, reply: Reply<'static>) -> Next {
        let asked = Asked {
            method: Method::Get,
            version: Version::Http11,
            last: false,
            ends: true,
            expects: false,
            may_switch: false,
        };
        if send(&mut self.writer, &asked, reply, true, &Beginning::default()).await.is_err() {
            return Next::End;
        }
        self.close(false).await
    }

    /// Ends the connection so that the client can read the reply to its end: what it still sends would be answered by
    /// a reset, which may overtake the reply (RFC 9112 §9.6).
    async fn close(&mut self, nothing_follows: bool) -> Next {
        let finished = self.writer.finish().await;
        if finished.is_err() || (nothing_follows && self.reader.data().is_empty()) {
            return Next::End;
        }
        self.reader.set_timeout(LINGER);
        loop {
            self.reader.consume(self.reader.data().len());
            self.reader.expect_much();
            match poll_fn(|context| self.reader.poll_fill(context)).await {
                Ok(count) if count > 0 => {}
                _ => return Next::End,
            }
        }
    }
}

/// What of a request decides how its reply is sent.
struct Asked {
    method: Method,
    version: Version,
    /// The client said that it sends no other request.
    last: bool,
    ends: bool,
    expects: bool,
    /// Another protocol may follow.
    may_switch: bool,
}

impl Asked {
    fn of(head: &RequestHead) -> Self {
        let says = |option| hop_by_hop::has_option(&head.fields, option);
        let last = match head.version {
            Version::Http10 => !says("keep-alive"),
            Version::Http11 | Version::Http2 => says("close"),
        };
        // An upgrade that is not granted leaves open what the client sends next (CVE-2026-2833 and its like).
        let may_switch = head.version != Version::Http10 && head.fields.has(Name::Upgrade);
        let ends = last || may_switch;
        Self {
            method: head.method,
            version: head.version,
            last,
            ends,
            expects: head.fields.has(Name::Expect),
            may_switch,
        }
    }

    fn framing(&self, reply: &Reply<'_>) -> Framing {
        let has_body = self.method != Method::Head && !matches!(reply.head.status.code(), 204 | 304);
        match (reply.body.length(), self.version) {
            _ if !has_body => Framing::Length(0),
            (Some(length), _) => Framing::Length(length),
            (None, Version::Http11 | Version::Http2) => Framing::Chunked,
            (None, Version::Http10) => Framing::Close,
        }
    }
}

enum Sent {
    Kept,
    Last,
}

async fn send(
    writer: &mut Writer<WriteHalf>,
    asked: &Asked,
    reply: Reply<'_>,
    ends: bool,
    beginning: &Beginning,
) -> Result<Sent, SendError> {
    let framing = asked.framing(&reply);
    let persistence = match asked.version {
        _ if ends || framing == Framing::Close => Persistence::Close,
        Version::Http10 => Persistence::KeepAlive,
        Version::Http11 | Version::Http2 => Persistence::Unsaid,
    };
    let Reply { head, mut body, .. } = reply;
    let text = |out: &mut Vec<u8>| {
        http1::reply_head(out, &head, framing, persistence);
        beginning.leave_out(out);
    };
    writer.send(text, &mut body, framing).await?;
    Ok(if persistence == Persistence::Close { Sent::Last } else { Sent::Kept })
}

/// The body of a request, read from its connection as it is asked for.
struct ClientBody<'c> {
    reader: &'c mut Reader<ReadHalf>,
    framed: Framed,
    read: &'c Cell<bool>,
    beginning: &'c Beginning,
    /// Whether the client was seen to leave behind its body.
    left: &'c Cell<bool>,
}

impl Source for ClientBody<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        let fill = self.framed.poll_fill(self.reader, context);
        self.read.set(self.framed.is_done());
        fill
    }

    fn data(&self) -> &[u8] {
        self.framed.data(self.reader)
    }

    fn consume(&mut self, count: usize) {
        self.framed.consume(self.reader, count);
        self.read.set(self.framed.is_done());
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.framed.trailers()
    }

    fn watch(&mut self, context: &mut Context<'_>) {
        if !self.read.get() {
            return;
        }
        // The time was for the body.
        self.reader.set_deadline(None);
        if self.beginning.poll_left(self.reader, context).is_ready() {
            self.left.set(true);
        }
    }
}

/// Passes interim replies on: none to HTTP/1.0, and 100 once and only to a client that waits for it.
struct ToClient<'w> {
    writer: &'w mut Writer<WriteHalf>,
    version: Version,
    awaits_continue: bool,
    beginning: &'w Beginning,
}

impl<'w> ToClient<'w> {
    const fn new(writer: &'w mut Writer<WriteHalf>, asked: &Asked, beginning: &'w Beginning) -> Self {
        Self { writer, version: asked.version, awaits_continue: asked.expects, beginning }
    }
}

impl Interim for ToClient<'_> {
    async fn send(&mut self, head: &ReplyHead) {
        let is_continue = head.status == Status::CONTINUE;
        if self.version == Version::Http10 || (is_continue && !std::mem::take(&mut self.awaits_continue)) {
            return;
        }
        let text = |out: &mut Vec<u8>| {
            http1::reply_head(out, head, Framing::Length(0), Persistence::Unsaid);
            self.beginning.leave_out(out);
        };
        let waited = self.beginning.waits.replace(true);
        // A client that is gone is noticed when the reply proper is sent.
        let _gone = self.writer.send_text(text).await;
        self.beginning.waits.set(waited);
    }
}
