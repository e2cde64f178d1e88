//! A client's connection that speaks HTTP/2 (RFC 9113): many requests at a time, each answered by the same [`Answer`]
//! as one of HTTP/1.1.
//!
//! HTTP/1.1 is read by a codec of our own because its wire is evidence: spelling, odd bytes and two readings of one
//! head are what the product tells of. Of HTTP/2 there is one reading. It has binary frames, compressed heads, flow
//! control and a long record of floods, which the `h2` library has met, and its names have no spelling. The library is
//! used without hyper's server around it, which could neither send an interim reply nor see that a client grants
//! nothing more.
//!
//! One task drives the connection; each request is a task of its own, which ends with its stream.

mod conduct;
mod io;
mod reply;
mod request;
mod stream;

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection as Library, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use tokio::time::Instant;

use super::accept::Worker;
use super::{Answer, Client, Current, LAST_CALL, Settings};
use crate::wire::{ReadHalf, Reader, Timer, WriteHalf, now};
use io::Io;

/// The bytes with which a client begins (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most requests of one connection at a time; browsers want a hundred (RFC 9113 §6.5.2).
const STREAMS: u32 = 128;

/// How much of one request's body may be under way, in bytes.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The same for all requests of a connection, and so what it can make us hold.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// What small frames of bodies may cost while an upstream does not take them, in bytes: each is reckoned as at least 256,
/// so that 8192 of them may wait. A client that sends more at a time than that is cut off.
const SMALL_FRAMES: usize = 2 * 1024 * 1024;

/// The most bytes of one reply that the library holds.
const SEND_BUFFER: usize = 64 * 1024;

/// How many streams may break the protocol before the connection ends (CVE-2025-8671).
const FAULTS: usize = 1024;

/// How many streams are remembered for a second after we reset them. What a client had sent before it heard of the
/// reset would count as faults once they are forgotten: an upload that is answered early has much under way.
const REMEMBERED: usize = 1024;

/// How long nothing may come while requests are under way, before the client is asked for a sign of life.
const QUIET: Duration = Duration::from_secs(30);

/// How long that sign may take.
const SIGN: Duration = Duration::from_secs(20);

/// How long a connection without requests stays open once the client was told that it ends.
const GRACE: Duration = Duration::from_secs(2);

/// Serves a connection to its end. `reader` may hold its first bytes.
pub(super) async fn serve<A: Answer + 'static>(
    reader: Reader<ReadHalf>,
    write: WriteHalf,
    client: Client,
    current: Rc<Current<A>>,
    worker: Rc<Worker>,
) {
    let settings = current.get().settings;
    let io = Io::new(reader, write, settings.write_timeout);
    let timer = Timer::new();
    timer.set_after(settings.header_timeout);
    // In a box of its own, so that no connection carries the room for it through its life.
    let Some((library, signs)) = Box::pin(handshake(settings, &io, &timer, &worker)).await else {
        return;
    };
    let idle = Some(Idle { since: now(), limit: settings.header_timeout });
    let open = Rc::new(Cell::new(0));
    let mut connection =
        Connection { library, io, signs, timer, client, current, worker, open, idle, ending: false };
    poll_fn(|context| connection.poll(context)).await;
    connection.take_leave().await;
}

/// Waits for the client's preface; none, or another, is no reason for a word.
async fn handshake(
    settings: Settings,
    io: &Io,
    timer: &Timer,
    worker: &Worker,
) -> Option<(Library<Io, Bytes>, Option<Signs>)> {
    // Heads a little too large are answered in our own words; far larger ones by the library.
    let header_list = u32::try_from(settings.header_bytes.saturating_mul(2)).unwrap_or(u32::MAX);
    let mut builder = Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(header_list)
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES)
        .max_concurrent_reset_streams(REMEMBERED)
        .max_local_error_reset_streams(Some(FAULTS));
    let mut handshake = pin!(builder.handshake(io.clone()));
    let mut last_call = false;
    let mut library = poll_fn(|context| {
        if let Poll::Ready(outcome) = handshake.as_mut().poll(context) {
            return Poll::Ready(outcome.ok());
        }
        if let Poll::Ready(Err(_)) = io.poll_send(context) {
            return Poll::Ready(None);
        }
        if worker.is_draining() && !std::mem::replace(&mut last_call, true) {
            timer.set_after(LAST_CALL);
        }
        timer.poll(context).map(|()| None)
    })
    .await?;
    let signs = library.ping_pong().map(|pings| Signs { pings, asked: None });
    Some((library, signs))
}

struct Connection<A> {
    library: Library<Io, Bytes>,
    io: Io,
    signs: Option<Signs>,
    timer: Timer,
    client: Client,
    current: Rc<Current<A>>,
    worker: Rc<Worker>,
    open: Rc<Cell<usize>>,
    idle: Option<Idle>,
    ending: bool,
}

/// Since when a connection has no request, and how long it may stay so.
#[derive(Clone, Copy)]
struct Idle {
    since: Instant,
    limit: Duration,
}

/// What a look at the connection's own affairs says.
enum Next {
    Wait,
    Again,
    End,
}

impl<A: Answer + 'static> Connection<A> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.io.next_turn();
        loop {
            match self.library.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(Some(Err(error))) => {
                    // Its own words may hold what the client sent along with its goodbye.
                    if let Some(reason) = error.reason() {
                        tracing::debug!(%reason, "A connection of HTTP/2 failed");
                    }
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => match self.look(context) {
                    Next::Again => {}
                    Next::Wait => return Poll::Pending,
                    Next::End => return Poll::Ready(()),
                },
            }
        }
    }

    /// Answers a request in a task of its own.
    fn begin(&mut self, request: http::Request<RecvStream>, respond: SendResponse<Bytes>) {
        self.idle = None;
        let open = Open::new(&self.open);
        let (serving, client, io) = (self.current.get(), self.client, self.io.clone());
        // In a box of its own: a task moves what it runs a few times, and this is kilobytes for each request.
        tokio::task::spawn_local(Box::pin(async move {
            stream::serve(serving, client, request, respond, &io).await;
            drop(open);
        }));
    }

    /// Everything beside requests: what waits to be written, abuse, a drain, signs of life, idleness.
    fn look(&mut self, context: &mut Context<'_>) -> Next {
        if let Poll::Ready(Err(_)) = self.io.poll_send(context) {
            return Next::End;
        }
        if let Some(abuse) = self.io.take_abuse() {
            tracing::debug!(reason = %abuse, "Closing a connection of HTTP/2 for abuse");
            self.library.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            return Next::Again;
        }
        if self.worker.is_draining() && !self.ending {
            return self.end_gracefully();
        }
        self.look_at_the_clock(context)
    }

    fn look_at_the_clock(&mut self, context: &mut Context<'_>) -> Next {
        let deadline = match self.idle() {
            Some(idle) => self.end_of(idle),
            None => self.next_sign(context),
        };
        self.timer.set(deadline);
        if self.timer.poll(context).is_pending() {
            return Next::Wait;
        }
        match self.idle {
            Some(_) if self.ending => Next::End,
            Some(_) => self.end_gracefully(),
            None if self.signs.as_mut().is_some_and(Signs::ask) => Next::Again,
            None => Next::End,
        }
    }

    /// Until when the connection may be idle. As long as the client takes what was said before, the end of a reply
    /// perhaps, it is not closed: what it says meanwhile would reset it, and the rest were lost.
    fn end_of(&self, idle: Idle) -> Option<Instant> {
        let last = self.io.last_sign()?;
        let since = if self.ending { idle.since.max(last) } else { idle.since };
        since.checked_add(idle.limit)
    }

    /// Until when the client must have given a sign of life, or must be asked for one.
    fn next_sign(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        let last = self.io.last_sign();
        self.signs.as_mut()?.deadline(last, context)
    }

    /// The state of being idle, begun now if it was not before.
    fn idle(&mut self) -> Option<Idle> {
        if self.open.get() > 0 {
            self.idle = None;
            return None;
        }
        let limit = || if self.ending { GRACE } else { self.current.get().settings.keep_alive_timeout };
        Some(*self.idle.get_or_insert_with(|| Idle { since: now(), limit: limit() }))
    }

    /// Says that no request is taken any more. Those that are under way to us still are, for one round trip
    /// (RFC 9113 §6.8).
    fn end_gracefully(&mut self) -> Next {
        self.library.graceful_shutdown();
        self.ending = true;
        self.idle = None;
        Next::Again
    }

    /// Sends the last words, as long as that takes the client no longer than its goodbye may.
    async fn take_leave(&self) {
        self.timer.set_after(GRACE);
        poll_fn(|context| match self.io.poll_close(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.timer.poll(context),
        })
        .await;
    }
}

/// One request under way, counted as long as it is.
struct Open(Rc<Cell<usize>>);

impl Open {
    fn new(open: &Rc<Cell<usize>>) -> Self {
        open.set(open.get() + 1);
        Self(Rc::clone(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Signs of life, asked for by PING when a client with requests under way has been quiet.
struct Signs {
    pings: PingPong,
    asked: Option<Instant>,
}

impl Signs {
    /// When the client must be asked, or has to have answered.
    fn deadline(&mut self, last: Option<Instant>, context: &mut Context<'_>) -> Option<Instant> {
        if self.asked.is_some() && self.pings.poll_pong(context).is_ready() {
            self.asked = None;
        }
        match self.asked {
            // What the client has not taken yet is before the question.
            Some(asked) => asked.max(last?).checked_add(SIGN),
            None => last?.checked_add(QUIET),
        }
    }

    /// Asks for one; not when the last one is still missing.
    fn ask(&mut self) -> bool {
        self.asked.is_none() && self.pings.send_ping(Ping::opaque()).is_ok() && {
            self.asked = Some(now());
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;
    use tokio::task::LocalSet;
    use tokio::time::{Instant, sleep};

    use super::{GRACE, PREFACE, QUIET, SIGN, serve};
    use crate::listen::accept::Worker;
    use crate::listen::{Answer, Client, Current, Interim, Refusal, Serving, Settings};
    use crate::message::{Body, Broken, Fields, Fill, Reply, ReplyHead, Request, Source, Status};
    use crate::wire::{Reader, Stream};

    /// Never answers.
    struct Nobody;

    impl Answer for Nobody {
        async fn answer<'c>(&self, _: Client, _: Request<'c>, _: &mut impl Interim) -> Reply<'c> {
            std::future::pending().await
        }

        fn refuse(&self, _: Client, _: Refusal) -> Reply<'static> {
            self.panicked()
        }

        fn panicked(&self) -> Reply<'static> {
            let head = ReplyHead::build(Status::NO_CONTENT, Fields::new());
            Reply { head, body: Body::empty(), close: false }
        }
    }

    /// Answers with this many bytes.
    struct Plenty(usize);

    impl Answer for Plenty {
        async fn answer<'c>(&self, _: Client, _: Request<'c>, _: &mut impl Interim) -> Reply<'c> {
            self.panicked()
        }

        fn refuse(&self, _: Client, _: Refusal) -> Reply<'static> {
            self.panicked()
        }

        fn panicked(&self) -> Reply<'static> {
            let head = ReplyHead::build(Status::OK, Fields::new());
            Reply { head, body: Body::from_source(None, Self(self.0)), close: false }
        }
    }

    impl Source for Plenty {
        fn poll_fill(&mut self, _: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
            Poll::Ready(Ok(if self.0 > 0 { Fill::Data } else { Fill::End }))
        }

        fn data(&self) -> &[u8] {
            &[b'x'; 1 << 14][..self.0.min(1 << 14)]
        }

        fn consume(&mut self, count: usize) {
            self.0 -= count;
        }
    }

    /// A client, and what serves it.
    fn served(answer: impl Answer + 'static, limit: Duration) -> (UnixStream, impl Future<Output = ()>) {
        let settings = Settings {
            connections: 10,
            connections_per_address: None,
            header_bytes: 16_384,
            body_bytes: None,
            header_timeout: limit,
            body_timeout: limit,
            keep_alive_timeout: limit,
            write_timeout: Duration::from_secs(60),
        };
        let (client, server) = UnixStream::pair().unwrap();
        let (read, write) = Stream::Unix(server).split();
        let current = Rc::new(Current::new(Serving { settings, answer }));
        let client_is = Client { address: "127.0.0.1:1".parse().unwrap(), secure: true };
        let worker = Rc::new(Worker::new(std::sync::Arc::default()));
        (client, serve(Reader::of_heads(read), write, client_is, current, worker))
    }

    /// All that is said to a client that sends `bytes` and no more.
    async fn told(bytes: &[u8]) -> Vec<u8> {
        let (mut client, doctor) = served(Nobody, Duration::from_secs(1));
        client.write_all(bytes).await.unwrap();
        let mut told = Vec::new();
        let (_, read) = tokio::join!(doctor, client.read_to_end(&mut told));
        // Closed with bytes unread, a connection is reset.
        let _reset = read;
        told
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_idle_connection_takes_little_room() {
        let size = size_of_val(&served(Nobody, Duration::from_secs(1)).1);
        assert!(size < 2 * 1024, "{size} bytes");
    }

    /// GET http / a.
    const GET: &[u8] = &[0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b'a'];

    /// The same, which has granted all that it can and asked.
    async fn asked(answer: impl Answer + 'static) -> (UnixStream, impl Future<Output = ()>) {
        let grants = [
            &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff][..],
            &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0, 0],
        ];
        let (mut client, doctor) = served(answer, Duration::from_secs(1));
        client.write_all(&[PREFACE, &grants.concat(), GET].concat()).await.unwrap();
        (client, Box::pin(doctor))
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_client_that_takes_a_reply_slowly_is_alive() {
        tokio::spawn(crate::wire::run_timers());
        let (mut client, doctor) = asked(Plenty(usize::MAX)).await;
        let reading = async {
            for _ in 0..20 {
                sleep(Duration::from_secs(10)).await;
                client.read_exact(&mut vec![0; 1 << 16]).await.unwrap();
            }
        };
        let both = async {
            tokio::select! {
                () = doctor => panic!("it is given up"),
                () = reading => {}
            }
        };
        LocalSet::new().run_until(both).await;
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_connection_is_not_closed_while_its_client_still_takes_a_reply() {
        const LENGTH: usize = 600_000;
        tokio::spawn(crate::wire::run_timers());
        let (mut client, doctor) = asked(Plenty(LENGTH)).await;
        let reading = async {
            let mut heard = 0;
            while heard < LENGTH {
                sleep(Duration::from_secs(1)).await;
                client.write_all(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]).await.expect("it still listens");
                heard += client.read(&mut vec![0; 1 << 14]).await.unwrap();
            }
        };
        LocalSet::new().run_until(async { tokio::join!(doctor, reading) }).await;
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn where_http2_was_agreed_upon_nothing_else_is_served() {
        tokio::spawn(crate::wire::run_timers());
        for bytes in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"INVALID CONNECTION PREFACE\r\n\r\n", b""] {
            let told = told(bytes).await;
            assert!(told.get(3).is_none_or(|kind| *kind == 4), "SETTINGS at most");
            assert!(memchr::memmem::find(&told, b"HTTP/1").is_none());
        }
        let told = told(PREFACE).await;
        assert!(
            told.windows(4).any(|header| header == [0, 0, 8, 7]),
            "a client that asks nothing is told goodbye"
        );
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_client_that_shows_no_sign_of_life_is_given_up() {
        tokio::spawn(crate::wire::run_timers());
        let begun = Instant::now();
        let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        let asked = LocalSet::new().run_until(told(&[PREFACE, settings, GET].concat())).await;
        assert!(asked.windows(4).any(|header| header == [0, 0, 8, 6]), "it is asked by PING");
        let waited = begun.elapsed();
        assert!(waited >= QUIET + SIGN && waited < QUIET + SIGN + 2 * GRACE, "{waited:?}");
    }
}
