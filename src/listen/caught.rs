//! A panic while one request is answered ends no other: it is caught where the request is, at no cost to those
//! that do not panic.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// What was waited for panicked, and everything it held was dropped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// Waits for `risky`. What it borrows must be good at every step. It is lent and not moved, since it is large.
pub(super) fn caught<F: Future>(mut risky: Pin<&mut F>) -> impl Future<Output = Result<F::Output, Panicked>> {
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| risky.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::{mpsc, watch};
    use tokio::task::LocalSet;

    use crate::listen::{Answer, Client, Current, Drain, Interim, Refusal, Serving, Settings, bind, run};
    use crate::message::{Body, Broken, Fields, Fill, Reply, ReplyHead, Request, Source, Status};

    /// Panics before a reply or in the midst of one, as the target asks.
    struct Defective;

    impl Answer for Defective {
        async fn answer<'c>(&self, _: Client, request: Request<'c>, _: &mut impl Interim) -> Reply<'c> {
            tokio::task::yield_now().await;
            match request.head.target() {
                b"/before" => panic!("on purpose"),
                b"/within" => reply(Status::new(200).unwrap(), Body::from_source(None, Half(false))),
                _ => reply(Status::NO_CONTENT, Body::empty()),
            }
        }

        fn refuse(&self, _: Client, _: Refusal) -> Reply<'static> {
            self.panicked()
        }

        fn panicked(&self) -> Reply<'static> {
            reply(Status::INTERNAL_ERROR, Body::full(b"sorry".to_vec()))
        }
    }

    fn reply(status: Status, body: Body<'_>) -> Reply<'_> {
        Reply { head: ReplyHead::build(status, Fields::new()), body, close: false }
    }

    /// A body that panics once its first half was taken.
    struct Half(bool);

    impl Source for Half {
        fn poll_fill(&mut self, _: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
            assert!(!self.0, "on purpose");
            Poll::Ready(Ok(Fill::Data))
        }

        fn data(&self) -> &[u8] {
            b"half"
        }

        fn consume(&mut self, _: usize) {
            self.0 = true;
        }
    }

    async fn ask(stream: &mut TcpStream, target: &str) -> Vec<u8> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = vec![0; 4096];
        let length = stream.read(&mut reply).await.unwrap_or_default();
        reply.truncate(length);
        reply
    }

    /// A defective doctor, where it listens, and what stops it.
    fn defective() -> (LocalSet, SocketAddr, watch::Sender<Option<Drain>>) {
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
        let sockets = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let address = sockets[0].local_addr().unwrap();
        let (stop, stopped) = watch::channel(None);
        let (open, doors) = mpsc::unbounded_channel();
        sockets.into_iter().for_each(|socket| open.send(socket.into()).unwrap());
        let doctor = LocalSet::new();
        let current = Rc::new(Current::new(Serving { settings, answer: Defective }));
        doctor.spawn_local(run(doors, current, Arc::default(), stopped));
        (doctor, address, stop)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_panic_costs_its_own_request_alone() {
        let (doctor, address, _stop) = defective();
        let clients = async {
            let mut other = TcpStream::connect(address).await.unwrap();
            assert!(ask(&mut other, "/").await.starts_with(b"HTTP/1.1 204"));
            let mut client = TcpStream::connect(address).await.unwrap();
            let reply = ask(&mut client, "/before").await;
            assert!(reply.starts_with(b"HTTP/1.1 500") && reply.ends_with(b"sorry"));
            // A reply that ends with its connection must be cut off by a reset, else it would look whole.
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET /within HTTP/1.0\r\nHost: a\r\n\r\n").await.unwrap();
            assert!(client.read_to_end(&mut Vec::new()).await.is_err());
            assert!(ask(&mut other, "/").await.starts_with(b"HTTP/1.1 204"));
        };
        doctor.run_until(clients).await;
    }

    /// Asks for a target over HTTP/2, and gives the status of a reply that came whole.
    async fn ask_http2(
        client: &mut h2::client::SendRequest<Bytes>,
        target: &str,
    ) -> Result<u16, Option<h2::Reason>> {
        let request = http::Request::get(format!("http://a{target}")).body(()).unwrap();
        let reply = client.send_request(request, true).unwrap().0.await.map_err(|error| error.reason())?;
        let (status, mut body) = (reply.status().as_u16(), reply.into_body());
        while let Some(piece) = body.data().await {
            piece.map_err(|error| error.reason())?;
        }
        Ok(status)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_panic_costs_its_own_stream_alone() {
        let (doctor, address, _stop) = defective();
        let clients = async {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::task::spawn_local(connection);
            for _ in 0..2 {
                assert_eq!(ask_http2(&mut client, "/").await, Ok(204));
                assert_eq!(ask_http2(&mut client, "/before").await, Ok(500));
                let broken = Err(Some(h2::Reason::INTERNAL_ERROR));
                assert_eq!(ask_http2(&mut client, "/within").await, broken);
            }
        };
        doctor.run_until(clients).await;
    }
}
