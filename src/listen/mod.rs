//! How a client gets in: sockets, connections, requests one after the other, and the end of it all.
//!
//! Nothing here knows the product. What is read is handed to whoever implements [`Answer`]; what comes back is
//! written.

mod accept;
mod capacity;
mod caught;
mod connection;
mod entrance;
mod http2;
mod leaving;
mod seldom;
mod serving;
mod socket;
mod tls;
mod tunnel;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use accept::{Door, Drain, run};
pub use capacity::Capacity;
pub use entrance::{Entrance, ProxyProtocol};
pub use serving::{Current, Serving};
pub use socket::{BindError, bind, bind_more};
pub use tls::{BadPem, ClientCertificates, Identity, Sessions, Validity, server_config};

use crate::http1::BadRequest;
use crate::message::{Reply, ReplyHead, Request, RequestHead, Status};
use crate::proxy_protocol::BadHeader;

/// How long an idle connection stays open once a drain has begun, for what may be on its way.
const LAST_CALL: Duration = Duration::from_millis(500);

/// What a listener allows its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most connections of all workers together.
    pub connections: usize,
    /// The most connections from one address, or from 64 bits of IPv6; nothing for any number.
    pub connections_per_address: Option<usize>,
    /// The largest head of a request, in bytes.
    pub header_bytes: usize,
    /// The largest body of a request, in bytes; nothing for any size.
    pub body_bytes: Option<u64>,
    /// For a head to come whole, from its first byte (from the connection on for the first); before that, for a PROXY
    /// header and a handshake of TLS together.
    pub header_timeout: Duration,
    /// Between two reads of a body; after that the body must also come at 500 bytes a second on average.
    pub body_timeout: Duration,
    /// For the next request to begin.
    pub keep_alive_timeout: Duration,
    /// For the client to take more of a reply.
    pub write_timeout: Duration,
}

/// Whom a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The other end of the connection, or whom a trusted proxy named as such in the PROXY protocol.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub secure: bool,
}

/// Why a request is refused before anybody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is malformed.
    #[error(transparent)]
    Bad(#[from] BadRequest),
    /// Its head did not come in time.
    #[error("the head of the request did not come within {0:?}")]
    HeaderTimeout(Duration),
    /// Its announced body is too large.
    #[error("the request's body is larger than the limit of {0} bytes")]
    BodyTooLarge(u64),
    /// Its connection is one too many.
    #[error("all {0} connections that limits.connections allows are in use")]
    TooManyConnections(usize),
    /// Its connection is one too many from its address.
    #[error("all {0} connections that limits.connections_per_address allows this address are in use")]
    TooManyOfAddress(usize),
    /// It came without TLS where TLS is spoken.
    #[error(
        "this port speaks HTTPS and was asked in plain HTTP; write https:// instead of http:// in the URL"
    )]
    PlainHttp,
    /// What began as a PROXY header is none.
    #[error(transparent)]
    ProxyHeader(#[from] BadHeader),
    /// There is a PROXY header from somebody who is not believed.
    #[error(
        "a PROXY header came from a peer that is no trusted proxy; add its address to trusted_proxies, or let it \
         send none"
    )]
    ProxyUntrusted,
    /// There is no PROXY header where every connection must have one.
    #[error(
        "the connection does not begin with a PROXY header, which this listener requires; let the balancer send it \
         (HAProxy: send-proxy-v2), or connect to another port"
    )]
    NoProxyHeader,
}

impl Refusal {
    /// The status of the reply.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Bad(bad) => bad.status(),
            Self::HeaderTimeout(_) => Status::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) => Status::CONTENT_TOO_LARGE,
            Self::TooManyConnections(_) | Self::TooManyOfAddress(_) => Status::SERVICE_UNAVAILABLE,
            Self::PlainHttp | Self::ProxyHeader(_) | Self::ProxyUntrusted | Self::NoProxyHeader => {
                Status::BAD_REQUEST
            }
        }
    }

    /// The stable code of the reply's JSON body and of the event.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bad(bad) => bad.code(),
            Self::HeaderTimeout(_) => "header_doctor_header_timeout",
            Self::BodyTooLarge(_) => "header_doctor_body_too_large",
            Self::TooManyConnections(_) => "header_doctor_too_many_connections",
            Self::TooManyOfAddress(_) => "header_doctor_too_many_connections_from_address",
            Self::PlainHttp => "header_doctor_plain_http_on_tls_port",
            Self::ProxyHeader(_) => "header_doctor_proxy_protocol_malformed",
            Self::ProxyUntrusted => "header_doctor_proxy_protocol_untrusted",
            Self::NoProxyHeader => "header_doctor_proxy_protocol_missing",
        }
    }
}

/// Takes the interim replies (RFC 9110 §15.2) that come before the reply proper.
pub trait Interim {
    /// Sends one on. A client that is gone is noticed elsewhere.
    fn send(&mut self, head: &ReplyHead) -> impl Future<Output = ()>;
}

/// Who answers what comes in.
pub trait Answer {
    /// Answers a request. Dropping the future means that the client is gone.
    fn answer<'c>(
        &self,
        client: Client,
        request: Request<'c>,
        interim: &mut impl Interim,
    ) -> impl Future<Output = Reply<'c>>;

    /// Words the reply to what is no request.
    fn refuse(&self, client: Client, refusal: Refusal) -> Reply<'static>;

    /// Words the reply to a request that was read, and is not answered.
    fn refuse_request(&self, client: Client, head: RequestHead, refusal: Refusal) -> Reply<'static> {
        drop(head);
        self.refuse(client, refusal)
    }

    /// Notes that a connection is closed without a reply.
    fn leave_unanswered(&self, client: Client, refusal: Refusal) {
        let _ = (client, refusal);
    }

    /// Whether this peer is a proxy that many clients come by, so that no limit for one of them holds for it.
    fn is_trusted(&self, peer: IpAddr) -> bool {
        let _ = peer;
        false
    }

    /// Takes note of a TLS handshake that failed.
    fn handshake_failed(&self, _client: Client, _error: &io::Error) {}

    /// Words the reply to a request whose answering panicked.
    fn panicked(&self) -> Reply<'static>;
}
