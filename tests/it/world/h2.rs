//! A client of HTTP/2: the library's own, driven by a thread, so that a test may wait for others meanwhile.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{Request, Response};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::PATIENCE;

/// A connection.
pub(crate) struct H2 {
    ask: SendRequest<Bytes>,
    ended: Receiver<Result<(), h2::Error>>,
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Waits for what a connection's thread brings about.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    runtime().block_on(async { timeout(PATIENCE, future).await.expect("it happens in time") })
}

/// The rest of a body, and its trailers.
pub(crate) fn read(mut body: RecvStream) -> Result<(Vec<u8>, Option<http::HeaderMap>), h2::Error> {
    wait(async {
        let mut bytes = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece?;
            bytes.extend_from_slice(&piece);
            body.flow_control().release_capacity(piece.len())?;
        }
        Ok((bytes, body.trailers().await?))
    })
}

impl H2 {
    /// A connection that begins with HTTP/2, without asking whether it is spoken.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::with(address, &Builder::new())
    }

    /// The same, of a client that is set up by `settings`.
    pub(crate) fn with(address: SocketAddr, settings: &Builder) -> Self {
        Self::over(async move { TcpStream::connect(address).await.unwrap() }, settings)
    }

    /// A connection under TLS to a server of this name.
    pub(crate) fn secured(address: SocketAddr, name: &str, config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connect = async move {
            let stream = TcpStream::connect(address).await.unwrap();
            TlsConnector::from(config).connect(name, stream).await.unwrap()
        };
        Self::over(connect, &Builder::new())
    }

    fn over<S>(connect: impl Future<Output = S> + Send + 'static, settings: &Builder) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let settings = settings.clone();
        let (tell, connected) = channel();
        let (tell_end, ended) = channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let (ask, connection) = settings.handshake::<_, Bytes>(connect.await).await.unwrap();
                tell.send(ask).unwrap();
                drop(tell_end.send(connection.await));
            });
        });
        Self { ask: connected.recv_timeout(PATIENCE).expect("the client connects"), ended }
    }

    /// Sends a head; `ends` says that no body follows.
    pub(crate) fn send(&mut self, request: Request<()>, ends: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let ask = &mut self.ask;
        wait(poll_fn(|context| ask.poll_ready(context))).unwrap();
        self.ask.send_request(request, ends).unwrap()
    }

    /// Sends a request without a body and waits for the head of its reply.
    pub(crate) fn ask(&mut self, request: Request<()>) -> Result<Response<RecvStream>, h2::Error> {
        let (reply, _) = self.send(request, true);
        wait(reply)
    }

    /// Waits for the doctor to end the connection, while the client would go on asking.
    pub(crate) fn end_by_doctor(&self) -> Result<(), h2::Error> {
        self.ended.recv_timeout(PATIENCE).expect("the connection ends")
    }
}
