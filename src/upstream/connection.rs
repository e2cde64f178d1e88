//! One connection to an upstream.

use std::task::{Context, Waker};

use tokio::time::{Instant, timeout_at};

use super::endpoint::Endpoint;
use super::tls::{Offer, Tls};
use super::{Error, Settings};
use crate::wire::{ReadHalf, Reader, Stream, WriteHalf, Writer};

/// A connection that speaks HTTP/1.1 and over which no exchange is under way.
pub(super) struct Connection {
    pub(super) reader: Reader<ReadHalf>,
    pub(super) writer: Writer<WriteHalf>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(endpoint: &Endpoint, settings: &Settings) -> Result<Self, Error> {
        Ok(Self::over(connect(endpoint, settings, Offer::Http1).await?, settings))
    }

    /// A connection that was just made.
    pub(super) fn over(stream: Stream, settings: &Settings) -> Self {
        let (read, write) = stream.split();
        Self { reader: Reader::of_messages(read), writer: Writer::new(write, settings.idle_timeout) }
    }

    /// Whether the upstream has said nothing since the last reply: neither closed nor sent bytes nobody asked for.
    /// What TLS says for itself (tickets, new keys) is not the upstream's.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.reader.data().is_empty() && self.reader.poll_fill(&mut context).is_pending()
    }
}

/// Connects, with the handshake where there is TLS: all of it in the time that connecting may take.
pub(super) async fn connect(endpoint: &Endpoint, settings: &Settings, offer: Offer) -> Result<Stream, Error> {
    let after = settings.connect_timeout;
    let deadline = Instant::now() + after;
    match (&settings.tls, endpoint.connect(after).await?) {
        (Some(tls), Stream::Tcp(stream)) => {
            let securing = timeout_at(deadline, tls.over(stream, offer));
            let stream = securing.await.map_err(|_| Tls::stalled(after))??;
            Ok(Stream::Tls(Box::new(stream.into())))
        }
        (_, stream) => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::ServerConfig;
    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::server::TlsStream;

    use super::Connection;
    use crate::upstream::endpoint::Endpoint;
    use crate::upstream::{Address, Offer, Resolve, Settings, Terms, Tls, Trust};

    /// A connection under TLS, and its other end.
    async fn connected() -> (Connection, TlsStream<TcpStream>) {
        let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let name = ServerName::try_from("a.test").unwrap();
        let terms = Terms { name, trust: Trust::Anybody, offer: Offer::Http1 };
        let settings = Settings {
            resolve: Resolve::First,
            address: Address::Tcp { host: "127.0.0.1".to_owned(), port },
            tls: Some(Tls::new(terms).unwrap()),
            php: None,
            host: None,
            connect_timeout: Duration::from_secs(20),
            response_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(20),
            header_bytes: 1 << 16,
        };
        let accept = async {
            let (stream, _) = listener.accept().await.unwrap();
            TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap()
        };
        let endpoint = Endpoint::of(&settings.address).unwrap();
        let (ours, theirs) = tokio::join!(Connection::open(&endpoint, &settings), accept);
        (ours.unwrap(), theirs)
    }

    /// Lets come what the other end has sent, and looks.
    async fn is_quiet_after(ours: &mut Connection, theirs: &mut TlsStream<TcpStream>) -> bool {
        theirs.flush().await.unwrap();
        let coming = poll_fn(|context| ours.reader.poll_fill(context));
        let has_come = timeout(Duration::from_millis(100), coming).await.is_ok();
        assert_eq!(ours.is_quiet(), !has_come);
        !has_come
    }

    #[tokio::test]
    async fn what_tls_says_for_itself_leaves_a_connection_quiet() {
        let (mut ours, mut theirs) = connected().await;
        assert!(is_quiet_after(&mut ours, &mut theirs).await, "tickets");
        theirs.get_mut().1.refresh_traffic_keys().unwrap();
        assert!(is_quiet_after(&mut ours, &mut theirs).await, "new keys");
        ours.writer.send_text(|out| out.extend_from_slice(b"hello")).await.unwrap();
        let mut heard = [0; 5];
        theirs.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
    }

    #[tokio::test]
    async fn bytes_nobody_asked_for_and_a_goodbye_end_the_quiet() {
        let (mut ours, mut theirs) = connected().await;
        theirs.write_all(b"HTTP/1.1 200 OK").await.unwrap();
        assert!(!is_quiet_after(&mut ours, &mut theirs).await);
        let (mut ours, mut theirs) = connected().await;
        theirs.get_mut().1.send_close_notify();
        assert!(!is_quiet_after(&mut ours, &mut theirs).await);
    }
}
