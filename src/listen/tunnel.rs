//! A client's connection after a switch of protocols: bytes are copied both ways until both have ended.
//!
//! One task drives both directions, since under TLS reading may have to write. A side that takes nothing makes the
//! other wait; an end is passed on as it is said, a failure ends both. Silence is no fault, whether of a minute or of a
//! day: the system finds out which peers are gone ([`Raw`]). A drain lets tunnels live until its own timeout, since
//! nothing tells when one would end, and counts them among the cut off.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::http1::{self, Framing, Persistence};
use crate::message::{Broken, Fill, Reply, Tunnel};
use crate::wire::{Raw, ReadHalf, Reader, Timer, WriteHalf, Writer};

/// How long one direction may be silent when the other has ended: a peer that has closed altogether looks like one
/// that still listens, and nobody may ever tell the difference.
const LAST_WORDS: Duration = Duration::from_secs(300);

/// Grants the switch and joins the client to the far end. What the client has sent meanwhile goes first.
pub(super) async fn run(reader: Reader<ReadHalf>, mut writer: Writer<WriteHalf>, reply: Reply<'static>) {
    let Reply { head, body, .. } = reply;
    let Some(mut upstream) = body.into_tunnel() else { return };
    let granted =
        writer.send_text(|out| http1::reply_head(out, &head, Framing::Length(0), Persistence::Unsaid)).await;
    if granted.is_err() {
        return;
    }
    let mut client = Raw::new(reader, writer);
    // Whichever end has not ended in order by then is reset when it is dropped.
    let _failed = join(&mut client, &mut *upstream, LAST_WORDS).await;
}

/// Copies both ways until both have ended.
///
/// # Errors
/// Either end failed.
async fn join(
    client: &mut dyn Tunnel,
    upstream: &mut dyn Tunnel,
    last_words: Duration,
) -> Result<(), Broken> {
    let (mut up, mut down) = (Flow::default(), Flow::default());
    let timer = Timer::new();
    let mut moved = 0;
    poll_fn(|context| {
        let ends = (up.poll(context, client, upstream)?, down.poll(context, upstream, client)?);
        match ends {
            (Poll::Ready(()), Poll::Ready(())) => return Poll::Ready(Ok(())),
            (Poll::Pending, Poll::Pending) => return Poll::Pending,
            _ => {}
        }
        let now_moved = 1 + up.moved + down.moved;
        if std::mem::replace(&mut moved, now_moved) != now_moved {
            timer.set_after(last_words);
        }
        ready!(timer.poll(context));
        Poll::Ready(Err(Broken::TimedOut))
    })
    .await
}

/// One direction.
#[derive(Default)]
struct Flow {
    state: State,
    /// Bytes so far.
    moved: u64,
    unflushed: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Open,
    Ending,
    Ended,
}

impl Flow {
    /// Moves what can be moved now; ready when there is nothing more to come.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        from: &mut dyn Tunnel,
        to: &mut dyn Tunnel,
    ) -> Poll<Result<(), Broken>> {
        loop {
            match self.state {
                State::Open => ready!(self.step(context, from, to))?,
                State::Ending => {
                    ready!(to.poll_finish(context))?;
                    self.state = State::Ended;
                }
                State::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    fn step(
        &mut self,
        context: &mut Context<'_>,
        from: &mut dyn Tunnel,
        to: &mut dyn Tunnel,
    ) -> Poll<Result<(), Broken>> {
        match from.poll_fill(context)? {
            Poll::Ready(Fill::End) => self.state = State::Ending,
            Poll::Ready(Fill::Data) => {
                let count = ready!(to.poll_put(context, from.data()))?;
                from.consume(count);
                self.moved += count as u64;
                self.unflushed = true;
            }
            Poll::Pending => {
                if self.unflushed {
                    ready!(to.poll_flush(context))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::join;
    use crate::message::{Broken, Fill, Source, Tunnel};
    use crate::wire::{self, Raw, Reader, Stream, Writer};

    const LONG: Duration = Duration::from_secs(60);

    /// An end that takes a few bytes at a time, up to `room`.
    struct End {
        says: &'static [u8],
        then: Poll<Result<Fill, Broken>>,
        room: usize,
        heard: Vec<u8>,
        flushed: usize,
        finished: bool,
    }

    fn end(says: &'static [u8], then: Poll<Result<Fill, Broken>>) -> End {
        End { says, then, room: usize::MAX, heard: Vec::new(), flushed: 0, finished: false }
    }

    impl Source for End {
        fn poll_fill(&mut self, _: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
            if self.says.is_empty() { self.then } else { Poll::Ready(Ok(Fill::Data)) }
        }

        fn data(&self) -> &[u8] {
            self.says
        }

        fn consume(&mut self, count: usize) {
            self.says = &self.says[count..];
        }
    }

    impl Tunnel for End {
        fn poll_put(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Broken>> {
            assert!(!self.finished);
            let count = bytes.len().min(3).min(self.room);
            if count == 0 {
                return Poll::Pending;
            }
            self.room -= count;
            self.heard.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
            self.flushed = self.heard.len();
            Poll::Ready(Ok(()))
        }

        fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
            self.finished = true;
            Poll::Ready(Ok(()))
        }
    }

    const ENDED: Poll<Result<Fill, Broken>> = Poll::Ready(Ok(Fill::End));
    const FAILED: Broken = Broken::Connection(std::io::ErrorKind::ConnectionReset);

    fn step(client: &mut End, upstream: &mut End) -> Poll<Result<(), Broken>> {
        pin!(join(client, upstream, LONG)).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn both_directions_are_copied_to_their_ends() {
        let (mut client, mut upstream) = (end(b"question", ENDED), end(b"answer", ENDED));
        assert_eq!(step(&mut client, &mut upstream), Poll::Ready(Ok(())));
        assert_eq!((&*client.heard, &*upstream.heard), (&b"answer"[..], &b"question"[..]));
        assert!(client.finished && upstream.finished);
    }

    #[test]
    fn one_end_alone_ends_nothing_and_what_was_put_is_flushed_before_a_wait() {
        let (mut client, mut upstream) = (end(b"question", ENDED), end(b"ans", Poll::Pending));
        assert_eq!(step(&mut client, &mut upstream), Poll::Pending);
        assert!(upstream.finished && !client.finished);
        assert_eq!((client.heard.len(), client.flushed), (3, 3));
    }

    #[test]
    fn a_full_end_makes_the_other_wait_and_not_its_own() {
        let (mut client, mut upstream) = (end(b"question", Poll::Pending), end(b"answer", Poll::Pending));
        upstream.room = 4;
        assert_eq!(step(&mut client, &mut upstream), Poll::Pending);
        assert_eq!((client.says, &*client.heard), (&b"tion"[..], &b"answer"[..]));
        upstream.room = 9;
        assert_eq!(step(&mut client, &mut upstream), Poll::Pending);
        assert_eq!(upstream.heard, b"question");
    }

    #[test]
    fn a_failure_ends_both() {
        let (mut client, mut upstream) = (end(b"", Poll::Pending), end(b"ans", Poll::Ready(Err(FAILED))));
        assert_eq!(step(&mut client, &mut upstream), Poll::Ready(Err(FAILED)));
        assert_eq!(client.heard, b"ans", "what came before is not lost");
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn silence_is_limited_only_when_one_side_has_ended() {
        tokio::spawn(wire::run_timers());
        tokio::task::yield_now().await;
        let (mut client, mut upstream) = (end(b"", Poll::Pending), end(b"", Poll::Pending));
        let hour = Duration::from_secs(3600);
        let joined = tokio::time::timeout(hour, join(&mut client, &mut upstream, LONG)).await;
        assert!(joined.is_err(), "{joined:?}");
        client.then = ENDED;
        let start = Instant::now();
        assert_eq!(join(&mut client, &mut upstream, LONG).await, Err(Broken::TimedOut));
        let (waited, tick) = (start.elapsed(), Duration::from_millis(500));
        assert!(waited >= LONG - tick && waited < LONG + tick, "{waited:?}");
    }

    fn raw(stream: Stream) -> Raw {
        let (read, write) = stream.split();
        Raw::new(Reader::of_heads(read), Writer::new(write, LONG))
    }

    async fn tcp() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        (client.unwrap(), server.unwrap().0)
    }

    /// Both ends of a connection under TLS.
    async fn tls() -> (impl AsyncRead + AsyncWrite, Stream) {
        let own = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let server = server.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        let client =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let (there, here) = tcp().await;
        let connecting = TlsConnector::from(Arc::new(client)).connect("a.test".try_into().unwrap(), there);
        let (client, here) = tokio::join!(connecting, TlsAcceptor::from(Arc::new(server)).accept(here));
        (client.unwrap(), Stream::Tls(Box::new(here.unwrap().into())))
    }

    #[tokio::test(flavor = "current_thread")]
    async fn much_passes_under_tls_both_ways_at_once_and_ends_in_order() {
        let (client, near) = tls().await;
        let (far, mut echo) = tcp().await;
        let (mut near, mut far) = (raw(near), raw(Stream::Tcp(far)));
        let sent: Vec<u8> = (0..4_000_000_u32).map(|at| at.to_le_bytes()[usize::from(at % 3 == 0)]).collect();
        let (mut read, mut write) = tokio::io::split(client);
        let saying = async {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        };
        let mut heard = Vec::new();
        let echoing = async {
            let (mut read, mut write) = echo.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
        };
        let (joined, (), (), count) =
            tokio::join!(join(&mut near, &mut far, LONG), saying, echoing, read.read_to_end(&mut heard));
        assert_eq!((joined, count.unwrap()), (Ok(()), sent.len()));
        assert!(heard == sent, "every byte in its place");
    }
}
