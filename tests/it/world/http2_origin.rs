//! An origin that speaks HTTP/2 under TLS. What it does is decided by the path it is asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::PATIENCE;

/// How many requests for `/together` are answered at once, none before the last has come.
pub(crate) const TOGETHER: usize = 3;

/// The length of the body of `/large`.
pub(crate) const LARGE: usize = 3_000_000;

/// An origin and what it was asked.
pub(crate) struct Http2Origin {
    address: SocketAddr,
    told: Receiver<String>,
    connections: Arc<AtomicUsize>,
}

impl Http2Origin {
    pub(crate) fn new(mut config: ServerConfig) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let (tell, told) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let listener = {
                let _entered = runtime.enter();
                TcpListener::from_std(socket).unwrap()
            };
            let accepting = accept(listener, TlsAcceptor::from(Arc::new(config)), tell, counted);
            LocalSet::new().block_on(&runtime, accepting);
        });
        Self { address, told, connections }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next request: method, target, authority, and its fields.
    pub(crate) fn told(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("the origin is asked")
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, tell: Sender<String>, counted: Arc<AtomicUsize>) {
    let together = Arc::new(Barrier::new(TOGETHER));
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let (tls, tell, together) = (tls.clone(), tell.clone(), Arc::clone(&together));
        spawn_local(async move {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, number, tell, together).await;
            }
        });
    }
}

async fn serve(stream: TlsStream<TcpStream>, number: usize, tell: Sender<String>, together: Arc<Barrier>) {
    let mut refused = false;
    let mut connection = Builder::new().handshake::<_, Bytes>(stream).await.unwrap();
    while let Some(Ok((request, reply))) = connection.accept().await {
        let path = request.uri().path().to_owned();
        drop(tell.send(format!("{} {} {:?}", request.method(), request.uri(), request.headers())));
        if path == "/busy" && !std::mem::replace(&mut refused, true) {
            let mut reply = reply;
            reply.send_reset(Reason::REFUSED_STREAM);
            continue;
        }
        match &*path {
            "/goodbye" => connection.graceful_shutdown(),
            // Only the first connection is that rude.
            "/rude" if number == 1 => connection.abrupt_shutdown(Reason::NO_ERROR),
            _ => {}
        }
        if path == "/silent" {
            spawn_local(keep_silent(reply, tell.clone()));
            continue;
        }
        spawn_local(answer(request, reply, Arc::clone(&together)));
    }
}

/// Says nothing, and tells when the client no longer wants an answer.
async fn keep_silent(mut reply: SendResponse<Bytes>, tell: Sender<String>) {
    let reset = std::future::poll_fn(|context| reply.poll_reset(context)).await;
    drop(tell.send(format!("{reset:?}")));
}

async fn answer(request: Request<RecvStream>, mut reply: SendResponse<Bytes>, together: Arc<Barrier>) {
    let path = request.uri().path().to_owned();
    let is_head = request.method() == http::Method::HEAD;
    let mut body = request.into_body();
    match &*path {
        "/together" => {
            together.wait().await;
        }
        "/refuse" => return reply.send_reset(Reason::INTERNAL_ERROR),
        "/hint" => {
            let hint = Response::builder().status(103).header("link", "</a.css>").body(()).unwrap();
            reply.send_informational(hint).unwrap();
        }
        "/early" => {
            let refusal = Response::builder().status(413).header("content-length", 0).body(()).unwrap();
            // Dropping the unread body then asks for no more of it.
            reply.send_response(refusal, true).unwrap();
            return;
        }
        _ if is_head => {
            reply.send_response(Response::new(()), true).unwrap();
            return;
        }
        "/surplus" => {
            let nothing = Response::builder().status(204).body(()).unwrap();
            let mut stream = reply.send_response(nothing, false).unwrap();
            send(&mut stream, Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\n")).await;
            drop(stream.send_data(Bytes::new(), true));
            return;
        }
        "/empty" => {
            reply.send_response(Response::new(()), true).unwrap();
            return;
        }
        _ => {}
    }
    let head = Response::builder().header("x-wp-nonce", "1").header("etag", "2").header("set-cookie", "a=1");
    let mut stream = reply.send_response(head.header("set-cookie", "b=2").body(()).unwrap(), false).unwrap();
    match &*path {
        "/echo" | "/busy" => echo(&mut body, &mut stream).await,
        "/large" => send(&mut stream, Bytes::from(vec![b'x'; LARGE])).await,
        // No buffers on the way hold so much.
        "/endless" => send(&mut stream, Bytes::from(vec![b'x'; 64 << 20])).await,
        "/reset" => {
            send(&mut stream, Bytes::from_static(b"part")).await;
            tokio::task::yield_now().await;
            return stream.send_reset(Reason::INTERNAL_ERROR);
        }
        "/stall" => {
            send(&mut stream, Bytes::from_static(b"part")).await;
            return std::future::pending().await;
        }
        "/trailers" => {
            send(&mut stream, Bytes::from_static(b"hello")).await;
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", "3".parse().unwrap());
            return stream.send_trailers(trailers).unwrap();
        }
        _ => send(&mut stream, Bytes::from_static(b"hello")).await,
    }
    drop(stream.send_data(Bytes::new(), true));
}

async fn echo(body: &mut RecvStream, stream: &mut SendStream<Bytes>) {
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).unwrap();
        send(stream, piece).await;
    }
    if let Ok(Some(trailers)) = body.trailers().await {
        send(stream, format!("{trailers:?}").into()).await;
    }
}

async fn send(stream: &mut SendStream<Bytes>, mut piece: Bytes) {
    while !piece.is_empty() {
        stream.reserve_capacity(piece.len());
        while stream.capacity() == 0 {
            if std::future::poll_fn(|context| stream.poll_capacity(context))
                .await
                .is_none_or(|more| more.is_err())
            {
                return;
            }
        }
        let count = stream.capacity().min(piece.len());
        if stream.send_data(piece.split_to(count), false).is_err() {
            return;
        }
    }
}
