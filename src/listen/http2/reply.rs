//! A reply on its way to a client of HTTP/2: lower-case names, pieces as large as the client grants, and an end that
//! cannot be taken for another (RFC 9113 §8.1).

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::message::{Body, Broken, Fields, Fill, Method, Name, Reply, ReplyHead, Source};
use crate::wire::Timer;

/// The most bytes handed to the library at once. What it holds for a client that stopped reading is bounded by it.
const PIECE: usize = 32 * 1024;

/// Why a reply was not sent whole.
#[derive(Debug)]
pub(super) enum Cut {
    /// Its body broke off: the client must see that.
    Body,
    /// The client reset the stream or left.
    Gone,
    /// The client granted nothing more for too long.
    Stalled,
}

impl From<Broken> for Cut {
    fn from(_: Broken) -> Self {
        Self::Body
    }
}

impl From<h2::Error> for Cut {
    fn from(_: h2::Error) -> Self {
        Self::Gone
    }
}

/// The head of a reply, without what HTTP/2 has no fields for.
pub(super) fn head(reply: &ReplyHead) -> Response<()> {
    let mut response = Response::new(());
    // Every status from 100 to 999 is one.
    *response.status_mut() = StatusCode::from_u16(reply.status.code()).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = map(&reply.fields, |_| true);
    response
}

/// The fields that `keep` keeps. Those that end at the next hop are not among them (RFC 9113 §8.2.2), and our own
/// reader of replies lets nothing pass that cannot stand in a field.
fn map(fields: &Fields, keep: impl Fn(Name) -> bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields.iter().filter(|field| !ends_here(field.id) && keep(field.id)) {
        let name = common(field.id).or_else(|| HeaderName::from_bytes(field.name).ok());
        if let (Some(name), Ok(mut value)) = (name, HeaderValue::from_bytes(field.value)) {
            // Kept out of the compression's memory, where its length could tell of it (RFC 7541 §7.1.3).
            value.set_sensitive(field.id == Name::SetCookie);
            headers.append(name, value);
        }
    }
    headers
}

/// The names that most replies have, which the library need not look up.
const fn common(id: Name) -> Option<HeaderName> {
    Some(match id {
        Name::Age => header::AGE,
        Name::CacheControl => header::CACHE_CONTROL,
        Name::ContentEncoding => header::CONTENT_ENCODING,
        Name::ContentLength => header::CONTENT_LENGTH,
        Name::ContentType => header::CONTENT_TYPE,
        Name::Date => header::DATE,
        Name::Link => header::LINK,
        Name::Location => header::LOCATION,
        Name::Server => header::SERVER,
        Name::SetCookie => header::SET_COOKIE,
        Name::Vary => header::VARY,
        Name::WwwAuthenticate => header::WWW_AUTHENTICATE,
        Name::AccessControlAllowHeaders => header::ACCESS_CONTROL_ALLOW_HEADERS,
        Name::AccessControlAllowOrigin => header::ACCESS_CONTROL_ALLOW_ORIGIN,
        Name::AccessControlExposeHeaders => header::ACCESS_CONTROL_EXPOSE_HEADERS,
        _ => return None,
    })
}

const fn ends_here(id: Name) -> bool {
    matches!(
        id,
        Name::Connection
            | Name::KeepAlive
            | Name::ProxyConnection
            | Name::Te
            | Name::TransferEncoding
            | Name::Upgrade
    )
}

/// Sends a reply whole.
///
/// # Errors
/// It could not be sent to its end; the stream is to be reset.
pub(super) async fn send(
    respond: &RefCell<SendResponse<Bytes>>,
    asked: Method,
    reply: Reply<'_>,
    stall: Duration,
) -> Result<(), Cut> {
    let Reply { head: fields, mut body, .. } = reply;
    let response = head(&fields);
    if asked == Method::Head || matches!(fields.status.code(), 204 | 304) {
        // Whoever watches the body learns that it ended.
        while poll_fn(|context| body.poll_fill(context)).await? == Fill::Data {
            body.consume(body.data().len());
        }
        respond.borrow_mut().send_response(response, true)?;
        return Ok(());
    }
    let first = at_once(&mut body).await;
    let is_empty = first == Some(Ok(Fill::End));
    let trailers = if is_empty { body.trailers() } else { None };
    let ends = is_empty && trailers.is_none();
    let stream = respond.borrow_mut().send_response(response, ends)?;
    if ends {
        return Ok(());
    }
    let mut sender = Sender { stream, stall, timer: None };
    if let Some(trailers) = trailers {
        return sender.end(&trailers);
    }
    sender.send(&mut body, first).await
}

type Next = Option<Result<Fill, Broken>>;

/// The body's next step, when it need not be waited for.
async fn at_once(body: &mut Body<'_>) -> Next {
    poll_fn(|context| match body.poll_fill(context) {
        Poll::Ready(fill) => Poll::Ready(Some(fill)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

struct Sender {
    stream: SendStream<Bytes>,
    stall: Duration,
    timer: Option<Timer>,
}

impl Sender {
    /// Sends the body, whose first step may be known. The last piece says that it is the last.
    async fn send(&mut self, body: &mut Body<'_>, mut next: Next) -> Result<(), Cut> {
        loop {
            let fill = match next.take() {
                Some(fill) => fill?,
                None => self.wait(body).await?,
            };
            let piece = match fill {
                Fill::Data => self.piece(body).await?,
                Fill::End => Bytes::new(),
            };
            next = if fill == Fill::End { Some(Ok(Fill::End)) } else { at_once(body).await };
            let is_last = next == Some(Ok(Fill::End));
            let trailers = if is_last { body.trailers() } else { None };
            self.stream.send_data(piece, is_last && trailers.is_none())?;
            match trailers {
                Some(trailers) => return self.end(&trailers),
                None if is_last => return Ok(()),
                None => {}
            }
        }
    }

    /// Sends the trailer fields that may stand in a trailer: as in HTTP/1.1, none that the product knows.
    fn end(&mut self, trailers: &Fields) -> Result<(), Cut> {
        Ok(self.stream.send_trailers(map(trailers, |id| id == Name::Other))?)
    }

    async fn wait(&mut self, body: &mut Body<'_>) -> Result<Fill, Cut> {
        poll_fn(|context| {
            if let Poll::Ready(fill) = body.poll_fill(context) {
                return Poll::Ready(fill.map_err(Cut::from));
            }
            let _reason = ready!(self.stream.poll_reset(context));
            Poll::Ready(Err(Cut::Gone))
        })
        .await
    }

    /// As much of what is at hand as the client grants now.
    async fn piece(&mut self, body: &mut Body<'_>) -> Result<Bytes, Cut> {
        let wanted = body.data().len().min(PIECE);
        self.stream.reserve_capacity(wanted);
        if let Some(timer) = &self.timer {
            timer.set_after(self.stall);
        }
        let granted = poll_fn(|context| self.poll_granted(context)).await?;
        let piece = Bytes::copy_from_slice(body.data().get(..granted.min(wanted)).unwrap_or_default());
        body.consume(piece.len());
        Ok(piece)
    }

    fn poll_granted(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        loop {
            if self.stream.capacity() > 0 {
                return Poll::Ready(Ok(self.stream.capacity()));
            }
            match self.stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(Cut::Gone)),
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(_reason) = self.stream.poll_reset(context) {
            return Poll::Ready(Err(Cut::Gone));
        }
        let timer = self.timer.get_or_insert_with(|| {
            let timer = Timer::new();
            timer.set_after(self.stall);
            timer
        });
        timer.poll(context).map(|()| Err(Cut::Stalled))
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, common, head};
    use crate::message::{Fields, ReplyHead, Status};

    #[test]
    fn a_head_keeps_what_is_for_the_client_in_order() {
        let fields = Fields::from([
            ("Content-Type", "text/html"),
            ("Connection", "close"),
            ("Set-Cookie", "a=1"),
            ("X-WP-Total", "7"),
            ("set-cookie", "b=2"),
            ("Transfer-Encoding", "chunked"),
            ("Keep-Alive", "timeout=5"),
            ("X-Odd", ""),
        ]);
        let head = head(&ReplyHead::build(Status::OK, fields));
        let fields: Vec<_> = head.headers().iter().map(|(name, value)| (name.as_str(), value)).collect();
        let text: Vec<_> = fields.iter().map(|(name, value)| (*name, value.to_str().unwrap())).collect();
        assert_eq!(
            text,
            [
                ("content-type", "text/html"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("x-wp-total", "7"),
                ("x-odd", "")
            ]
        );
        assert!(fields.iter().all(|(name, value)| value.is_sensitive() == (*name == "set-cookie")));
    }

    #[test]
    fn a_name_that_is_not_looked_up_is_the_same() {
        for name in [Name::Age, Name::WwwAuthenticate, Name::AccessControlAllowOrigin, Name::Link, Name::Vary]
        {
            assert!(common(name).unwrap().as_str().eq_ignore_ascii_case(name.canonical()), "{name:?}");
        }
    }
}
