//! What a connection passes before its first request: the PROXY protocol, then TLS.
//!
//! Each listener has one [`Entrance`]. It is looked up when a connection is accepted, so a reload that swaps what is
//! served with gives new connections new certificates and leaves open ones alone.
//!
//! # Whose word about an address is believed
//!
//! A PROXY header counts only from a peer on the list of trusted proxies, whichever mode the listener is in; from
//! anybody else it is refused, since whoever may connect could otherwise be anybody. Once it counted, the address it names
//! *is* the client's for all that follows, as with nginx's `set_real_ip_from` and HAProxy's `accept-proxy`. So whether
//! `X-Forwarded-For` and its like are believed is asked of that address and no longer of the balancer's: a balancer of
//! bytes cannot write such fields, they came from whom it names. Where that is a trusted proxy, too (a CDN before a
//! network balancer), its word counts.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::accept::Worker;
use super::connection::LINGER;
use super::tls::Protocol;
use super::{Client, LAST_CALL, Refusal};
use crate::headers::Trusted;
use crate::http1::{BadRequest, refuse_first_bytes};
use crate::proxy_protocol::{self, Beginning, Header};
use crate::wire::{Stream, Timer, now};

/// The type of a record that begins a handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;

/// How much TLS takes at a time, in bytes: a reply of 64 KiB with its head, which then leaves in one write.
const AT_ONCE: usize = 80 * 1024;

/// Whether connections begin with a header of the PROXY protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// A header is not looked for.
    #[default]
    None,
    /// Those of trusted proxies may.
    Accept,
    /// Every one must.
    Require,
}

/// What the connections of one listener pass before their first request.
#[derive(Clone, Debug, Default)]
pub struct Entrance {
    /// How TLS is spoken; nothing for plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether the PROXY protocol is spoken.
    pub proxy_protocol: ProxyProtocol,
    /// Whose PROXY headers are believed.
    pub trusted: Arc<Trusted>,
}

impl Entrance {
    /// Whether connections begin with their first request.
    pub(super) const fn is_open(&self) -> bool {
        self.tls.is_none() && matches!(self.proxy_protocol, ProxyProtocol::None)
    }
}

/// A connection that may send requests.
pub(super) struct Entered {
    pub(super) stream: Stream,
    pub(super) client: Client,
    pub(super) protocol: Protocol,
    /// What was already read of its first request.
    pub(super) early: Vec<u8>,
}

impl Entered {
    /// A connection that begins with its first request.
    pub(super) const fn at_once(stream: TcpStream, address: SocketAddr) -> Self {
        Self::in_clear(stream, Client { address, secure: false }, Vec::new())
    }

    const fn in_clear(stream: TcpStream, client: Client, early: Vec<u8>) -> Self {
        Self { stream: Stream::Tcp(stream), client, protocol: Protocol::Http1, early }
    }
}

/// Why a connection never comes to its first request.
pub(super) enum Turned {
    /// It is told why, in clear.
    Back(TcpStream, Client, Refusal),
    /// Nobody is there to be told: it left, or was too slow.
    Away,
    /// The handshake failed. The client may not have read yet what TLS said to that.
    Failed(Client, io::Error, Option<TcpStream>),
}

/// Why the word before the first request is none.
enum Bad {
    Refused(Refusal),
    Gone,
}

impl From<io::Error> for Bad {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Lets a connection in, `within` this time.
pub(super) async fn enter(
    mut stream: TcpStream,
    address: SocketAddr,
    entrance: &Entrance,
    within: Duration,
    worker: &Worker,
) -> Result<Entered, Turned> {
    let patience = Patience::new(within);
    patience.arrival(&stream, worker).await.map_err(|_| Turned::Away)?;
    let mut client = Client { address, secure: false };
    let mut early = Vec::new();
    if entrance.proxy_protocol != ProxyProtocol::None {
        let announced = patience.of(announcement(&mut stream, &mut early)).await.unwrap_or(Err(Bad::Gone));
        let believed = announced.and_then(|header| believe(header, entrance, client));
        match believed {
            Ok(named) => client = named,
            Err(Bad::Gone) => return Err(Turned::Away),
            // Bytes that are no HTTP have no use for a reply in it.
            Err(Bad::Refused(Refusal::NoProxyHeader)) if !is_http(&stream, &early).await => {
                return Err(Turned::Away);
            }
            Err(Bad::Refused(refusal)) => return Err(Turned::Back(stream, client, refusal)),
        }
    }
    let Some(tls) = &entrance.tls else {
        return Ok(Entered::in_clear(stream, client, early));
    };
    secure(stream, client, &early, tls, &patience).await
}

/// The handshake. Whoever speaks plain HTTP is told so.
async fn secure(
    stream: TcpStream,
    client: Client,
    early: &[u8],
    tls: &Arc<ServerConfig>,
    patience: &Patience,
) -> Result<Entered, Turned> {
    let first = patience.of(first(&stream, early)).await.flatten().ok_or(Turned::Away)?;
    if first != HANDSHAKE && has_proxy_header(&stream).await {
        return Err(Turned::Back(stream, client, BadRequest::ProxyHeader.into()));
    }
    if first.is_ascii_alphabetic() {
        return Err(Turned::Back(stream, client, Refusal::PlainHttp));
    }
    if first != HANDSHAKE {
        return Err(Turned::Failed(client, io::ErrorKind::InvalidData.into(), None));
    }
    let client = Client { secure: true, ..client };
    let acceptor = TlsAcceptor::from(Arc::clone(tls));
    let handshake = acceptor.accept_with(stream, |connection| connection.set_buffer_limit(Some(AT_ONCE)));
    let stream = match patience.of(handshake.into_fallible()).await {
        Some(Ok(stream)) => stream,
        Some(Err((error, stream))) => return Err(Turned::Failed(client, error, Some(stream))),
        None => return Err(Turned::Failed(client, io::ErrorKind::TimedOut.into(), None)),
    };
    let protocol = Protocol::agreed(stream.get_ref().1.alpn_protocol());
    Ok(Entered { stream: Stream::Tls(Box::new(stream.into())), client, protocol, early: Vec::new() })
}

/// Lets a client read why its handshake failed. One of TLS 1.3 takes its own part for done and has sent a request, by
/// which a connection that is closed at once would be reset before the client reads.
pub(super) async fn linger(mut stream: TcpStream) {
    let drained = async {
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _given_up = Patience::new(LINGER).of(drained).await;
}

/// Whether what comes is a PROXY header, as far as it is there.
async fn has_proxy_header(stream: &TcpStream) -> bool {
    let mut start = [0; 16];
    let count = stream.peek(&mut start).await.unwrap_or_default();
    refuse_first_bytes(start.get(..count).unwrap_or_default()) == Err(BadRequest::ProxyHeader)
}

/// Whether what comes could be HTTP.
async fn is_http(stream: &TcpStream, early: &[u8]) -> bool {
    first(stream, early).await.is_some_and(|byte| byte.is_ascii_alphabetic())
}

/// The first byte of what comes, without taking it; nothing at the end.
async fn first(stream: &TcpStream, early: &[u8]) -> Option<u8> {
    if let Some(first) = early.first() {
        return Some(*first);
    }
    let mut first = [0];
    let count = stream.peek(&mut first).await.ok()?;
    first.first().copied().filter(|_| count > 0)
}

/// Reads a header, and no byte behind it. What was read of something else is left in `early`.
async fn announcement(stream: &mut TcpStream, early: &mut Vec<u8>) -> Result<Option<Header>, Bad> {
    loop {
        let had = early.len();
        early.resize(proxy_protocol::LONGEST, 0);
        let count = stream.peek(early.get_mut(had..).unwrap_or_default()).await?;
        early.truncate(had + count);
        let beginning =
            proxy_protocol::parse(early).map_err(|bad| Bad::Refused(Refusal::ProxyHeader(bad)))?;
        let own = match beginning {
            Beginning::Absent => had,
            Beginning::Partial if count == 0 => return Err(Bad::Gone),
            Beginning::Partial => early.len(),
            Beginning::Complete(header) => header.length,
        };
        // What was looked at is there, so that reading it again waits for nothing.
        early.truncate(own);
        stream.read_exact(early.get_mut(had..).unwrap_or_default()).await?;
        match beginning {
            Beginning::Absent => return Ok(None),
            Beginning::Partial => {}
            Beginning::Complete(header) => {
                *early = Vec::new();
                return Ok(Some(header));
            }
        }
    }
}

/// The client, as far as the header of its proxy counts.
fn believe(header: Option<Header>, entrance: &Entrance, client: Client) -> Result<Client, Bad> {
    let is_trusted = entrance.trusted.contains(client.address.ip());
    match header {
        Some(_) if !is_trusted => Err(Bad::Refused(Refusal::ProxyUntrusted)),
        Some(header) => Ok(Client { address: header.source.unwrap_or(client.address), ..client }),
        None if entrance.proxy_protocol == ProxyProtocol::Require => {
            Err(Bad::Refused(Refusal::NoProxyHeader))
        }
        None => Ok(client),
    }
}

/// How long a connection may take to come in.
struct Patience {
    timer: Timer,
    deadline: Option<Instant>,
}

impl Patience {
    fn new(within: Duration) -> Self {
        let (timer, deadline) = (Timer::new(), now().checked_add(within));
        timer.set(deadline);
        Self { timer, deadline }
    }

    /// Waits for the first byte, or the end. As long as nothing has come, a drain shortens the wait.
    async fn arrival(&self, stream: &TcpStream, worker: &Worker) -> io::Result<()> {
        let mut last_call = false;
        let arrived = poll_fn(|context| {
            if worker.is_draining() && !std::mem::replace(&mut last_call, true) {
                self.timer.set_after(LAST_CALL);
            }
            if let Poll::Ready(ready) = stream.poll_read_ready(context) {
                return Poll::Ready(ready);
            }
            self.timer.poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
        });
        arrived.await?;
        self.timer.set(self.deadline);
        Ok(())
    }

    /// Waits for a step; nothing when the time is over.
    async fn of<F: Future>(&self, step: F) -> Option<F::Output> {
        let mut step = pin!(step);
        poll_fn(|context| match step.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.timer.poll(context).map(|()| None),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::{mpsc, watch};
    use tokio::task::LocalSet;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    use super::{Entrance, ProxyProtocol};
    use crate::listen::{
        Answer, Client, ClientCertificates, Current, Door, Identity, Interim, Refusal, Serving, Sessions,
        Settings, bind, run, server_config,
    };
    use crate::message::{Body, Fields, Reply, ReplyHead, Request, Status};

    struct Content;

    impl Answer for Content {
        async fn answer<'c>(&self, _: Client, _: Request<'c>, _: &mut impl Interim) -> Reply<'c> {
            self.panicked()
        }

        fn refuse(&self, _: Client, _: Refusal) -> Reply<'static> {
            self.panicked()
        }

        fn panicked(&self) -> Reply<'static> {
            Reply {
                head: ReplyHead::build(Status::NO_CONTENT, Fields::new()),
                body: Body::empty(),
                close: false,
            }
        }
    }

    fn serving() -> Serving<Content> {
        const LONG: Duration = Duration::from_secs(60);
        let settings = Settings {
            connections: 10,
            connections_per_address: None,
            header_bytes: 16_384,
            body_bytes: None,
            header_timeout: LONG,
            body_timeout: LONG,
            keep_alive_timeout: LONG,
            write_timeout: LONG,
        };
        Serving { settings, answer: Content }
    }

    fn speaking(tls: Arc<ServerConfig>) -> Entrance {
        Entrance { tls: Some(tls), proxy_protocol: ProxyProtocol::None, trusted: Arc::default() }
    }

    /// A doctor whose only door has this entrance, and the entrance to swap.
    fn doctor(entrance: Entrance) -> (LocalSet, SocketAddr, watch::Sender<Entrance>, impl Sized) {
        let sockets = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let address = sockets[0].local_addr().unwrap();
        let (stop, stopped) = watch::channel(None);
        let entrance = watch::Sender::new(entrance);
        let (open, doors) = mpsc::unbounded_channel();
        let (socket, shut) = (sockets.into_iter().next().unwrap(), watch::Sender::new(false).subscribe());
        open.send(Door { socket, entrance: entrance.subscribe(), shut }).unwrap();
        let doctor = LocalSet::new();
        doctor.spawn_local(run(doors, Rc::new(Current::new(serving())), Arc::default(), stopped));
        (doctor, address, entrance, (stop, open))
    }

    /// A certificate of its own for a.test, and the text of it.
    fn certificate(sessions: &Sessions) -> (Arc<ServerConfig>, String) {
        let key = KeyPair::generate().unwrap();
        let text = CertificateParams::new(["a.test".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        let identity = Identity::from_pem(text.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        (server_config(vec![identity], None, sessions).unwrap(), text)
    }

    async fn connect(address: SocketAddr, client: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("a.test").unwrap();
        TlsConnector::from(Arc::clone(client)).connect(name, stream).await.unwrap()
    }

    async fn is_answered(stream: &mut TlsStream<TcpStream>) -> bool {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
        let mut reply = [0; 256];
        let count = stream.read(&mut reply).await.unwrap();
        reply[..count].starts_with(b"HTTP/1.1 204")
    }

    #[test]
    fn a_client_has_the_suite_that_it_prefers() {
        use rustls::crypto::aws_lc_rs::{cipher_suite as suites, default_provider};
        let (server, text) = certificate(&Sessions::new().unwrap());
        for preferred in [suites::TLS13_AES_128_GCM_SHA256, suites::TLS13_CHACHA20_POLY1305_SHA256] {
            let mut provider = default_provider();
            provider.cipher_suites.insert(0, preferred);
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(text.as_bytes()).unwrap()).unwrap();
            let client = ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::try_from("a.test").unwrap();
            let mut client = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
            let mut server = rustls::ServerConnection::new(Arc::clone(&server)).unwrap();
            let mut hello = Vec::new();
            client.write_tls(&mut hello).unwrap();
            server.read_tls(&mut hello.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            assert_eq!(server.negotiated_cipher_suite(), Some(preferred));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn new_handshakes_see_what_was_swapped_in_and_open_connections_live_on() {
        let sessions = Sessions::new().unwrap();
        let ((before, before_text), (after, after_text)) = (certificate(&sessions), certificate(&sessions));
        let mut roots = RootCertStore::empty();
        for text in [&before_text, &after_text] {
            roots.add(CertificateDer::from_pem_slice(text.as_bytes()).unwrap()).unwrap();
        }
        let client =
            || Arc::new(ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth());
        let (doctor, address, entrance, _running) = doctor(speaking(before));
        let clients = async {
            let shown =
                |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
            let known = client();
            let mut open = connect(address, &known).await;
            assert!(is_answered(&mut open).await);
            entrance.send_replace(speaking(after));
            let mut other = connect(address, &client()).await;
            assert!(is_answered(&mut other).await && is_answered(&mut open).await);
            assert_ne!(shown(&other), shown(&open));
            let mut again = connect(address, &known).await;
            assert!(is_answered(&mut again).await);
            assert_eq!(again.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
        };
        doctor.run_until(clients).await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_sends_its_request_with_no_certificate_can_read_that_it_needs_one() {
        let key = KeyPair::generate().unwrap();
        let text = CertificateParams::new(["a.test".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        let identity = Identity::from_pem(text.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        let required = ClientCertificates::from_pem(text.as_bytes(), true).unwrap();
        let tls = server_config(vec![identity], Some(required), &Sessions::new().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(text.as_bytes()).unwrap()).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let (doctor, address, _entrance, _running) = doctor(speaking(tls));
        let clients = async {
            let mut stream = connect(address, &Arc::new(client)).await;
            // The alert is there, so the doctor has said its last word.
            stream.get_ref().0.peek(&mut [0]).await.unwrap();
            for _ in 0..2 {
                stream.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
                stream.flush().await.unwrap();
            }
            let error = stream.read(&mut [0]).await.unwrap_err().to_string();
            assert!(error.contains("CertificateRequired"), "{error}");
        };
        doctor.run_until(clients).await;
    }
}
