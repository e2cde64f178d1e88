//! Serves a file that is no script: whole or in part, if it changed, precompressed where it lies there so.
//!
//! What HTTP asks of such a reply is tower-http's part. It asks for one name, `f.css` here, and for its precompressed
//! variants; the store behind it opens the file that was found, and no other: a link that somebody put in its place
//! meanwhile leads nowhere. The request it is given holds what it needs to know and no more.

use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, VARY,
};
use http::{HeaderValue, Response, StatusCode};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tower_http::services::fs::{ServeDir, ServeFileSystemResponseBody};

use super::names::Rules;
use super::pieces::Pieces;
use super::store::Store;
use crate::message::{Body, Fields, Method, Reply, ReplyHead, RequestHead, Status, spell};

/// How much of a file is read at once, in bytes.
const PIECE: u64 = 64 * 1024;

/// What may be asked of a file.
const CONDITIONS: [HeaderName; 5] =
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, ACCEPT_ENCODING];

/// How a range begins.
const BYTES: &[u8] = b"bytes=";

/// The longest end of a name that can mean a media type.
const LONGEST_EXTENSION: usize = 16;

type Answer = Response<ServeFileSystemResponseBody>;

/// A file that is no script, found and allowed.
#[derive(Debug)]
pub struct StaticFile {
    store: Store,
    /// How much is read at once, in bytes.
    piece: usize,
}

impl StaticFile {
    /// The file with this real path, asked for by this name.
    pub(super) fn new(name: &[u8], real: Vec<u8>, length: u64, rules: Arc<Rules>) -> Self {
        let piece = usize::try_from(length.clamp(1, PIECE)).unwrap_or(1);
        Self { store: Store::new(stand_in(name), real, rules), piece }
    }

    /// The path of the file without a link in it.
    #[cfg(test)]
    pub(super) fn real(&self) -> &[u8] {
        self.store.real()
    }

    /// Answers with the file, or with what of it was asked for: GET and HEAD alone, else 405.
    pub async fn serve(self, head: &RequestHead) -> Reply<'static> {
        if !matches!(head.method, Method::Get | Method::Head) {
            let mut reply = empty(StatusCode::METHOD_NOT_ALLOWED);
            reply.head.fields.append(b"Allow", b"GET, HEAD");
            return reply;
        }
        match self.answer(head).await {
            Ok(answer) => reply(answer, head.method),
            Err(error) => empty(status_of(error.kind())),
        }
    }

    /// A range may be asked for on the condition that the file is still the same: that is told from the answer.
    async fn answer(&self, head: &RequestHead) -> io::Result<Answer> {
        let range = range(head);
        let answer = self.ask(head, range).await?;
        let is_void = range.is_some() && is_of_a_range(&answer) && !holds(head, answer.headers());
        if is_void { self.ask(head, None).await } else { Ok(answer) }
    }

    async fn ask(&self, head: &RequestHead, range: Option<&[u8]>) -> io::Result<Answer> {
        let mut request = http::Request::new(());
        *request.uri_mut() = format!("/{}", self.store.name()).parse().map_err(io::Error::other)?;
        for name in CONDITIONS {
            if let Some(value) = joined(head, &name) {
                request.headers_mut().insert(name, value);
            }
        }
        if let Some(range) = range.and_then(|range| HeaderValue::from_bytes(&[BYTES, range].concat()).ok()) {
            request.headers_mut().insert(RANGE, range);
        }
        let service = ServeDir::with_backend("", self.store.clone());
        let mut service = service
            .append_index_html_on_directories(false)
            .ignore_multi_range_requests(true)
            .with_buf_chunk_size(self.piece)
            .precompressed_br()
            .precompressed_gzip()
            .precompressed_zstd();
        service.try_call(request).await
    }
}

/// The name that tower-http asks for: it tells the media type, and needs no decoding.
fn stand_in(name: &[u8]) -> String {
    let extension = name.rsplit(|byte| *byte == b'.').next().filter(|extension| extension.len() < name.len());
    let plain = extension
        .filter(|text| text.len() <= LONGEST_EXTENSION && text.iter().all(u8::is_ascii_alphanumeric));
    match plain.map(String::from_utf8_lossy) {
        Some(extension) if !extension.is_empty() => format!("f.{extension}"),
        _ => "f".to_owned(),
    }
}

/// What is asked for in part, behind its unit, whose case does not matter (RFC 9110 §14.1). No other unit is known, and HEAD
/// knows no part (§14.2).
fn range(head: &RequestHead) -> Option<&[u8]> {
    let mut ranges = named(head, "Range");
    let (unit, range) = ranges.next()?.split_at_checked(BYTES.len())?;
    let is_known = unit.eq_ignore_ascii_case(BYTES);
    (is_known && ranges.next().is_none() && head.method == Method::Get).then_some(range)
}

fn named<'h>(head: &'h RequestHead, name: &str) -> impl Iterator<Item = &'h [u8]> {
    head.fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
        .map(|field| field.value)
}

/// The values of all fields of a name as one.
fn joined(head: &RequestHead, name: &HeaderName) -> Option<HeaderValue> {
    let mut values = named(head, name.as_str());
    let first = values.next()?;
    let Some(second) = values.next() else { return HeaderValue::from_bytes(first).ok() };
    let all: Vec<_> = [first, second].into_iter().chain(values).collect();
    HeaderValue::from_bytes(&all.join(&b", "[..])).ok()
}

fn is_of_a_range(answer: &Answer) -> bool {
    matches!(answer.status(), StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE)
}

/// Whether a range means what is here now: there is something in it, and `If-Range` names the very tag or the very date
/// (RFC 9110 §13.1.5).
fn holds(head: &RequestHead, answer: &HeaderMap) -> bool {
    if answer.get(CONTENT_LENGTH).is_some_and(|length| length == "0") {
        return false;
    }
    let Some(condition) = named(head, "If-Range").next() else { return true };
    [ETAG, LAST_MODIFIED]
        .iter()
        .filter_map(|name| answer.get(name))
        .any(|value| value.as_bytes() == condition)
}

fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn empty(status: StatusCode) -> Reply<'static> {
    let fields = Fields::from([("Content-Length", "0")]);
    Reply { head: ReplyHead::build(status_from(status), fields), body: Body::empty(), close: false }
}

fn status_from(status: StatusCode) -> Status {
    Status::new(status.as_u16()).unwrap_or(Status::INTERNAL_ERROR)
}

fn reply(answer: Answer, method: Method) -> Reply<'static> {
    let (mut parts, body) = answer.into_parts();
    complete(parts.status, &mut parts.headers);
    let mut fields = Fields::with_room(300, parts.headers.len());
    let mut name = Vec::new();
    for (lower, value) in &parts.headers {
        spell(&mut name, lower.as_str());
        fields.append(&name, value.as_bytes());
    }
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = match length {
        Some(length @ 1..) if method == Method::Get => {
            Body::from_source(Some(length), Pieces::new(body, length))
        }
        _ => Body::empty(),
    };
    Reply { head: ReplyHead::build(status_from(parts.status), fields), body, close: false }
}

/// What tower-http leaves out: the length of an empty reply, in which coding text is, and on what a 304 depended.
fn complete(status: StatusCode, headers: &mut HeaderMap) {
    if status == StatusCode::NOT_MODIFIED {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        return;
    }
    headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .filter(|media_type| is_text(media_type));
    if let Some(Ok(told)) = text.map(|text| HeaderValue::from_str(&format!("{text}; charset=utf-8"))) {
        headers.insert(CONTENT_TYPE, told);
    }
}

/// Whether a media type is text that does not say its coding itself.
fn is_text(media_type: &str) -> bool {
    let is_one = media_type.starts_with("text/") || media_type == "application/javascript";
    is_one && !media_type.contains(';')
}
