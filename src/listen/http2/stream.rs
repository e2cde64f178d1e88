//! One request of a connection, which is one stream: read, answered, and ended so that the client knows how.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::request::Parts;

use super::io::Io;
use super::reply::{self, Cut};
use super::request::{self, Incoming};
use crate::listen::caught::{Panicked, caught};
use crate::listen::connection::BYTES_PER_SECOND;
use crate::listen::{Answer, Client, Interim, Refusal, Serving, Settings};
use crate::message::{Method, Name, Reply, ReplyHead, Request, RequestHead, Status};
use crate::wire::Pace;

/// Answers one request.
pub(super) async fn serve<A: Answer>(
    serving: Rc<Serving<A>>,
    client: Client,
    request: http::Request<RecvStream>,
    respond: SendResponse<Bytes>,
    io: &Io,
) {
    let respond = RefCell::new(respond);
    let asked = Method::of(request.method().as_str().as_bytes());
    let (parts, stream) = request.into_parts();
    let incoming = (!stream.is_end_stream()).then(|| Rc::new(RefCell::new(stream)));
    let Some(reply) = answer(&serving, client, parts, incoming.clone(), &respond).await else {
        return;
    };
    let stall = serving.settings.write_timeout;
    let reason = match caught(pin!(reply::send(&respond, asked, reply, stall))).await {
        Ok(Ok(())) => {
            io.answered();
            if let Some(incoming) = incoming {
                request::linger(&incoming).await;
            }
            return;
        }
        Ok(Err(Cut::Gone)) => return,
        Ok(Err(Cut::Stalled)) => Reason::CANCEL,
        Ok(Err(Cut::Body)) | Err(Panicked) => Reason::INTERNAL_ERROR,
    };
    respond.borrow_mut().send_reset(reason);
}

/// The reply to a request; nothing when the client has reset its stream before.
async fn answer<A: Answer>(
    serving: &Serving<A>,
    client: Client,
    parts: Parts,
    incoming: Option<Incoming>,
    respond: &RefCell<SendResponse<Bytes>>,
) -> Option<Reply<'static>> {
    let request = match read(&serving.settings, &parts, incoming) {
        Ok(request) => request,
        Err(Refused(None, refusal)) => return Some(serving.answer.refuse(client, refusal)),
        Err(Refused(Some(head), refusal)) => {
            return Some(serving.answer.refuse_request(client, *head, refusal));
        }
    };
    let mut interim = ToClient { respond, awaits_continue: request.head.fields.has(Name::Expect) };
    let answering = pin!(serving.answer.answer(client, request, &mut interim));
    tokio::select! {
        biased;
        reply = caught(answering) => Some(reply.unwrap_or_else(|Panicked| serving.answer.panicked())),
        _reason = poll_fn(|context| respond.borrow_mut().poll_reset(context)) => None,
    }
}

/// Why a request is not answered, with its head where that is sound.
struct Refused(Option<Box<RequestHead>>, Refusal);

fn read(settings: &Settings, parts: &Parts, incoming: Option<Incoming>) -> Result<Request<'static>, Refused> {
    let mut head =
        request::head(parts, settings.header_bytes).map_err(|bad| Refused(None, Refusal::Bad(bad)))?;
    let pace = Pace { idle: settings.body_timeout, bytes_per_second: BYTES_PER_SECOND };
    match request::body(&mut head, incoming, pace, settings.body_bytes) {
        Ok(body) => Ok(Request { head, body }),
        Err(refusal @ Refusal::BodyTooLarge(_)) => Err(Refused(Some(Box::new(head)), refusal)),
        Err(refusal) => Err(Refused(None, refusal)),
    }
}

/// Passes interim replies on: 100 once, and only to a client that waits for it.
struct ToClient<'r> {
    respond: &'r RefCell<SendResponse<Bytes>>,
    awaits_continue: bool,
}

impl Interim for ToClient<'_> {
    async fn send(&mut self, head: &ReplyHead) {
        if head.status == Status::CONTINUE && !std::mem::take(&mut self.awaits_continue) {
            return;
        }
        // A client that is gone is noticed when the reply proper is sent.
        let _gone = self.respond.borrow_mut().send_informational(reply::head(head));
    }
}
