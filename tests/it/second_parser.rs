//! What the doctor writes, others must read as it is meant: httparse and hyper beside our own parser, whatever the
//! message holds and however its bytes arrive. A message that two parsers read differently is how requests are
//! smuggled.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use header_doctor::http1::{self, Framing, Persistence};
use header_doctor::message::{
    Body, Broken, Fields, Fill, ReplyHead, RequestHead, Source, Span, Status, Version,
};
use header_doctor::wire::Writer;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

type Field = (String, Vec<u8>);

/// What a message holds beside its start line, in terms that no parser has touched.
#[derive(Clone, Debug)]
struct Content {
    fields: Vec<Field>,
    pieces: Vec<Vec<u8>>,
    framing: Framing,
    trailers: Vec<Field>,
}

impl Content {
    fn fields(&self) -> Fields {
        let mut fields = fields(&self.fields);
        if let Framing::Length(length) = self.framing {
            fields.append(b"conTENT-length", length.to_string().as_bytes());
        }
        fields
    }

    fn body(&self) -> Body<'static> {
        let length = self.framing.length();
        let pieces = self.pieces.iter().rev().filter(|piece| !piece.is_empty()).cloned().collect();
        let trailers = (!self.trailers.is_empty()).then(|| fields(&self.trailers));
        Body::from_source(length, Pieces { pieces, trailers })
    }

    /// What a reader finds in the head: names in small letters, since hyper keeps no spelling.
    fn seen(&self) -> Vec<Field> {
        let mut seen: Vec<_> =
            self.fields().iter().map(|field| (small(field.name), field.value.to_vec())).collect();
        if self.framing == Framing::Chunked {
            seen.push(("transfer-encoding".into(), b"chunked".to_vec()));
        }
        seen.sort_by(|(a, _), (b, _)| a.cmp(b));
        seen
    }

    fn seen_trailers(&self) -> Vec<Field> {
        let mut seen: Vec<_> =
            self.trailers.iter().map(|(name, value)| (small(name.as_bytes()), value.clone())).collect();
        seen.sort_by(|(a, _), (b, _)| a.cmp(b));
        seen
    }
}

fn small(name: &[u8]) -> String {
    String::from_utf8(name.to_ascii_lowercase()).unwrap()
}

fn fields(pairs: &[Field]) -> Fields {
    let mut fields = Fields::new();
    pairs.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value));
    fields
}

/// A body that comes in pieces, the last one first in the list.
struct Pieces {
    pieces: Vec<Vec<u8>>,
    trailers: Option<Fields>,
}

impl Source for Pieces {
    fn poll_fill(&mut self, _: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        Poll::Ready(Ok(if self.pieces.is_empty() { Fill::End } else { Fill::Data }))
    }

    fn data(&self) -> &[u8] {
        self.pieces.last().unwrap()
    }

    fn consume(&mut self, count: usize) {
        let piece = self.pieces.last_mut().unwrap();
        piece.drain(..count);
        if piece.is_empty() {
            self.pieces.pop();
        }
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }
}

// === What may be in a message ===

/// Names that say nothing about framing or the connection, in any spelling; some are well known.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[xX]-[a-zA-Z0-9!#$%&'*+.^_`|~-]{0,12}", "[aA]uthorizatio[nN]", "[cC]OOKIe", "X-[wW]P-Nonce"]
}

/// Names of fields that may stand in a trailer.
fn odd_name() -> impl Strategy<Value = String> {
    "[xX]-[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}z"
}

/// Every byte that a value may hold, and no white space around it.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => 0x21..=0x7e_u8, 1 => Just(b' '), 1 => Just(b'\t'), 1 => 0x80..=0xff_u8];
    vec(byte, 0..20).prop_map(|value| value.trim_ascii().to_vec())
}

fn content(framings: &'static [Framing]) -> impl Strategy<Value = Content> {
    let field = || (name(), value());
    let parts = (vec(field(), 0..8), vec(vec(any::<u8>(), 0..40), 0..4), vec((odd_name(), value()), 0..3));
    (parts, proptest::sample::select(framings)).prop_map(
        |((fields, pieces, trailers), framing)| match framing {
            Framing::Length(_) => {
                let framing = Framing::Length(pieces.iter().map(|piece| piece.len() as u64).sum());
                Content { fields, pieces, framing, trailers: Vec::new() }
            }
            Framing::Chunked => Content { fields, pieces, framing, trailers },
            Framing::Close => Content { fields, pieces, framing, trailers: Vec::new() },
        },
    )
}

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"];
const REQUEST: &[Framing] = &[Framing::Length(0), Framing::Chunked];
const REPLY: &[Framing] = &[Framing::Length(0), Framing::Chunked, Framing::Close];

// === How it is written ===

/// Everything that our writer makes of it.
async fn written(head: impl FnOnce(&mut Vec<u8>), content: &Content) -> Vec<u8> {
    let (ours, mut theirs) = duplex(1 << 16);
    let mut writer = Writer::new(ours, Duration::from_secs(60));
    writer.send(head, &mut content.body(), content.framing).await.unwrap();
    drop(writer);
    let mut bytes = Vec::new();
    theirs.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// How a message arrives: byte by byte, or in two halves.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    Bytes,
    Halves(usize),
}

impl Arrival {
    /// Our end of a pipe and hyper's. A pipe for one byte gives one byte to every read.
    fn pipe(self) -> (DuplexStream, DuplexStream) {
        duplex(if matches!(self, Self::Bytes) { 1 } else { 1 << 16 })
    }

    async fn put(self, pipe: &mut DuplexStream, bytes: &[u8]) {
        let at = if let Self::Halves(at) = self { at.min(bytes.len()) } else { 0 };
        pipe.write_all(&bytes[..at]).await.unwrap();
        // The reader, on this same thread, takes the first half before it gets the second.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        pipe.write_all(&bytes[at..]).await.unwrap();
    }
}

// === What is read back ===

/// What hyper read of one message.
#[derive(Clone, Debug, Default, PartialEq)]
struct Read {
    start: (String, String),
    fields: Vec<Field>,
    body: Vec<u8>,
    trailers: Vec<Field>,
}

async fn read(start: (String, String), headers: HeaderMap, body: Incoming) -> Read {
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().map(by_name).unwrap_or_default();
    Read { start, fields: by_name(&headers), body: body.to_bytes().to_vec(), trailers }
}

/// The fields, those of one name in their order.
fn by_name(headers: &HeaderMap) -> Vec<Field> {
    let mut fields: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    fields
}

fn expected(start: (&str, &str), content: &Content) -> Read {
    Read {
        start: (start.0.to_owned(), start.1.to_owned()),
        fields: content.seen(),
        body: content.pieces.concat(),
        trailers: content.seen_trailers(),
    }
}

/// What a hyper server reads of a request that arrives so.
async fn hyper_request(bytes: &[u8], arrival: Arrival) -> Option<Read> {
    let (mut client, server) = arrival.pipe();
    let seen = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&seen);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let noted = Arc::clone(&noted);
        async move {
            let (head, body) = request.into_parts();
            let read = read((head.method.to_string(), head.uri.to_string()), head.headers, body).await;
            assert!(noted.lock().unwrap().replace(read).is_none(), "one request was read as two");
            Ok::<_, Infallible>(hyper::Response::new(Empty::<Bytes>::new()))
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    let serving = builder.half_close(true).serve_connection(TokioIo::new(server), service);
    let asking = async {
        arrival.put(&mut client, bytes).await;
        client.shutdown().await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
    };
    let (_served, ()) = tokio::join!(serving, asking);
    seen.lock().unwrap().take()
}

/// What a hyper client reads of a reply that arrives so.
async fn hyper_reply(bytes: &[u8], arrival: Arrival) -> Read {
    let (mut server, client) = arrival.pipe();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(client)).await.unwrap();
    let asking = async move {
        let reply = sender.send_request(hyper::Request::new(Empty::new())).await.unwrap();
        let (head, body) = reply.into_parts();
        let code = head.status.as_str().to_owned();
        read((code, String::new()), head.headers, body).await
    };
    let answering = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(server.read_u8().await.unwrap());
        }
        arrival.put(&mut server, bytes).await;
        drop(server);
    };
    let (_ended, (), read) = tokio::join!(connection, answering, asking);
    read
}

/// Where in `bytes` the pieces that httparse found lie, and with them spelling and order.
fn httparse_fields(headers: &[httparse::Header<'_>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    headers.iter().map(|header| (header.name.as_bytes().to_vec(), header.value.to_vec())).collect()
}

fn our_fields(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
}

fn head_of(bytes: &[u8]) -> Range<usize> {
    0..bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn check_request(method: &str, target: &str, content: &Content, arrivals: &[Arrival]) {
    let head = RequestHead::build(method, target, content.fields());
    let bytes = written(|out| http1::request_head(out, &head, content.framing), content).await;
    let mut slots = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut slots);
    assert_eq!(parsed.parse(&bytes), Ok(httparse::Status::Complete(head_of(&bytes).end)));
    assert_eq!((parsed.method, parsed.path, parsed.version), (Some(method), Some(target), Some(1)));
    let ours = http1::parse_request(&bytes[head_of(&bytes)]).unwrap();
    assert_eq!(our_fields(&ours.fields), httparse_fields(parsed.headers));
    assert_eq!(our_fields(&ours.fields)[..head.fields.len()], our_fields(&head.fields));
    for arrival in arrivals {
        let read = hyper_request(&bytes, *arrival).await;
        assert_eq!(read, Some(expected((method, target), content)), "{arrival:?}");
    }
}

async fn check_reply(code: u16, reason: &str, content: &Content, arrivals: &[Arrival]) {
    let status = Status::new(code).unwrap();
    let mut fields = content.fields();
    let reason_at: Span = fields.store(reason.as_bytes());
    let head = ReplyHead::new(status, reason_at, Version::Http11, fields);
    let write = |out: &mut Vec<u8>| http1::reply_head(out, &head, content.framing, Persistence::Unsaid);
    let bytes = written(write, content).await;
    let mut slots = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Response::new(&mut slots);
    assert_eq!(parsed.parse(&bytes), Ok(httparse::Status::Complete(head_of(&bytes).end)));
    assert_eq!((parsed.code, parsed.reason, parsed.version), (Some(code), Some(reason), Some(1)));
    let ours = http1::parse_reply(&bytes[head_of(&bytes)]).unwrap();
    assert_eq!(our_fields(&ours.fields), httparse_fields(parsed.headers));
    assert_eq!(our_fields(&ours.fields)[..head.fields.len()], our_fields(&head.fields));
    for arrival in arrivals {
        let read = hyper_reply(&bytes, *arrival).await;
        assert_eq!(read, expected((&code.to_string(), ""), content), "{arrival:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn others_read_a_request_as_we_mean_it(
        method in proptest::sample::select(METHODS),
        target in "/[a-zA-Z0-9._~%/-]{0,20}(\\?[a-zA-Z0-9=&%+/]{0,20})?",
        mut content in content(REQUEST),
        at in 0_usize..600,
    ) {
        content.fields.insert(0, ("hOST".into(), b"a.test:81".to_vec()));
        block_on(check_request(method, &target, &content, &[Arrival::Bytes, Arrival::Halves(at)]));
    }

    #[test]
    fn others_read_a_reply_as_we_mean_it(
        code in prop_oneof![200_u16..204, 205_u16..304, 305_u16..600],
        reason in "([!-~]([ -~]{0,20}[!-~])?)?",
        content in content(REPLY),
        at in 0_usize..600,
    ) {
        block_on(check_reply(code, &reason, &content, &[Arrival::Bytes, Arrival::Halves(at)]));
    }
}

#[test]
fn others_read_a_message_as_we_mean_it_wherever_it_is_split() {
    let content = Content {
        fields: vec![
            ("Host".into(), b"a".to_vec()),
            ("x-a".into(), vec![]),
            ("X-A".into(), b"\xe9 1".to_vec()),
        ],
        pieces: vec![b"0\r\n\r\n".to_vec(), b"GET / HTTP/1.1\r\n\r\n".to_vec()],
        framing: Framing::Chunked,
        trailers: vec![("X-Sum".into(), b"1".to_vec())],
    };
    let everywhere: Vec<_> = (0..200).map(Arrival::Halves).collect();
    block_on(check_request("POST", "/wp-json/?a=b", &content, &everywhere));
    block_on(check_reply(200, "OK", &content, &everywhere));
}
