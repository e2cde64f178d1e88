//! Whether the doctor lives and is ready, for balancers, Kubernetes and `header-doctor health`.
//!
//! `/livez` (`/healthz`) answers 200 as long as the process can answer at all; a restart would cure nothing else.
//! `/readyz` answers 200 between the moment the listeners are open and the signal to stop, and 503 before and after, so
//! that whoever balances looks elsewhere during `drain.delay`. The upstream's health is no part of it: a doctor taken
//! out because WordPress is ill could no longer say why it is ill.
//!
//! `/metrics` tells what is counted; nothing of any request stands there, so it needs no token.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fmt, io};

use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

/// How long a question may take. Who asks is near.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many may ask at a time. One more ends the wait for the one that came first: whoever only holds connections open must
/// not keep a probe from its answer, or the doctor would be restarted for it.
const MOST: usize = 64;

/// In what part of its life the doctor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It cannot serve yet.
    Starting,
    /// It serves.
    Ready,
    /// It ends.
    Draining,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting\n",
            Self::Ready => "ready\n",
            Self::Draining => "draining\n",
        }
    }
}

/// The state as whoever serves sets it and whoever asks reads it.
#[derive(Clone, Debug)]
pub struct Health(Arc<AtomicU8>);

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(State::Starting as u8)))
    }
}

impl Health {
    /// From now on this is the state.
    pub fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        let states = [State::Starting, State::Ready, State::Draining];
        let state = self.0.load(Ordering::Relaxed);
        states.into_iter().find(|known| *known as u8 == state).unwrap_or(State::Starting)
    }
}

/// What is told of itself to whoever collects it, from the moment that there is something to tell.
#[derive(Clone, Default)]
pub struct Metrics(Arc<OnceLock<Box<dyn Fn() -> String + Send + Sync>>>);

impl Metrics {
    /// From now on this tells it. Only the first one counts.
    pub fn set(&self, tell: impl Fn() -> String + Send + Sync + 'static) {
        self.0.get_or_init(|| Box::new(tell));
    }

    fn text(&self) -> String {
        self.0.get().map(|tell| tell()).unwrap_or_default()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Answers on this socket until the task is ended. Must be called inside a local task set.
///
/// # Errors
/// The socket cannot be registered with the runtime.
pub async fn serve(
    socket: std::net::TcpListener,
    health: Health,
    metrics: Metrics,
) -> io::Result<Infallible> {
    let listener = TcpListener::from_std(socket)?;
    let mut asking = VecDeque::<JoinHandle<()>>::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most often.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        asking.retain(|one| !one.is_finished());
        if asking.len() >= MOST
            && let Some(oldest) = asking.pop_front()
        {
            oldest.abort();
        }
        let (health, metrics) = (health.clone(), metrics.clone());
        asking.push_back(spawn_local(async move {
            // Who asks too slowly, or asks nonsense, is not waited for.
            let _answered = timeout(PATIENCE, converse(stream, &health, &metrics)).await;
        }));
    }
}

/// One question a connection: a probe comes every few seconds at most.
async fn converse(stream: TcpStream, health: &Health, metrics: &Metrics) -> hyper::Result<()> {
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), health.state(), metrics))
    });
    http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer).await
}

/// The answer to one question.
pub(super) fn answer(method: &Method, path: &str, state: State, metrics: &Metrics) -> Response<String> {
    let (status, text) = match path {
        "/livez" | "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
        "/readyz" if state == State::Ready => (StatusCode::OK, state.word().to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, state.word().to_owned()),
        "/metrics" => (StatusCode::OK, metrics.text()),
        _ => (StatusCode::NOT_FOUND, "ask for /livez, /readyz or /metrics\n".to_owned()),
    };
    let is_allowed = method == Method::GET || method == Method::HEAD;
    let (status, text) =
        if is_allowed { (status, text) } else { (StatusCode::METHOD_NOT_ALLOWED, String::new()) };
    let mut reply = Response::new(text);
    *reply.status_mut() = status;
    let kind = if path == "/metrics" {
        "text/plain; version=0.0.4; charset=utf-8"
    } else {
        "text/plain; charset=utf-8"
    };
    let fields = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")];
    let allowed = (!is_allowed).then_some((ALLOW, "GET, HEAD"));
    let fields = fields.into_iter().chain(allowed);
    reply
        .headers_mut()
        .extend(fields.map(|(name, value)| (name, hyper::header::HeaderValue::from_static(value))));
    reply
}

#[cfg(test)]
mod tests {
    use super::{Health, Method, Metrics, State, answer};

    #[test]
    fn alive_is_not_ready() {
        let health = Health::default();
        let ask = |path| answer(&Method::GET, path, health.state(), &Metrics::default()).status().as_u16();
        for (state, ready) in [(State::Starting, 503), (State::Ready, 200), (State::Draining, 503)] {
            health.set(state);
            assert_eq!((ask("/livez"), ask("/healthz"), ask("/readyz")), (200, 200, ready), "{state:?}");
        }
        assert_eq!((ask("/"), ask("/readyz/"), ask("/metrics")), (404, 404, 200));
    }

    #[test]
    fn only_reading_is_allowed() {
        let reply = answer(&Method::POST, "/readyz", State::Ready, &Metrics::default());
        assert_eq!(
            (reply.status().as_u16(), &reply.headers()["allow"]),
            (405, &"GET, HEAD".parse().unwrap())
        );
    }
}
