//! Everything the stories need, running: three web servers with WordPress behind them, the doctor, an edge, and two doctors
//! that share a key.
//!
//! ```text
//! client ─▸ edge ─┐
//! client ─────────┴─▸ doctor ─┬─▸ localhost          nginx ─▸ WordPress
//!                             ├─▸ apache.localhost   Apache ─▸ WordPress
//!                             └─▸ staging.localhost  nginx with a password ─▸ WordPress
//! client ─▸ edge doctor ─▸ proxy ─▸ sidecar doctor ─▸ nginx ─▸ WordPress
//! ```
//!
//! One thread and one runtime serve all of it. The client is on the thread of whoever tells the stories, and waits there
//! for the event of its request.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_local};

use super::client::{self, Got};
use super::edge::{Edge, Habit};
use super::web_server::{Manners, WebServer};
use super::wordpress::WordPress;
use super::{Error, PATIENCE};
use crate::diagnosis::RULES;
use crate::event::{Bus, Event, Events, ExchangeIds, Tally, TraceId, bus, complaint, now};
use crate::evidence::{HopName, Instance};
use crate::exchange::{
    Acceptances, Keeps, Mode, Policy, QUEUE, Recorder, SecondOpinion, Shows, Signing, Site, Sites,
};
use crate::headers::cors;
use crate::listen::{self, Answer, BindError, Current, Drain, Serving};
use crate::message::{Name, RequestHead};
use crate::secret::{Key, KeyId, Keyring, TrailKey};
use crate::upstream::{self, Address, Upstream};

/// Where the doctor of the demo listens when nobody says where.
const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Any free port of this machine, not to be reached from outside.
const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The origin whose pages may use the site behind nginx.
pub(super) const ORIGIN: &str = "https://app.example.com";

/// Where the doctor is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Here and nowhere else.
    Here(SocketAddr),
    /// On 127.0.0.1:8080, or on a free port when that is taken.
    Usual,
    /// On a free port.
    Free,
}

impl Place {
    fn bind(self) -> Result<TcpListener, BindError> {
        match self {
            Self::Here(address) => bind(address),
            Self::Free => bind(FREE),
            Self::Usual => bind(USUAL).or_else(|error| match error {
                BindError::Taken { .. } => bind(FREE),
                _ => Err(error),
            }),
        }
    }
}

/// The running stage.
pub struct Stage {
    /// Where the doctor listens.
    pub(super) doctor: SocketAddr,
    /// Where the edge before it listens.
    pub(super) edge: SocketAddr,
    /// Where the first of the two doctors listens.
    pub(super) pair: SocketAddr,
    pub(super) wordpress: WordPress,
    place: Place,
    events: Events,
    curtain: Curtain,
}

/// Ends a stage.
pub struct Curtain {
    stop: watch::Sender<Option<Drain>>,
    worker: JoinHandle<io::Result<()>>,
}

impl Stage {
    /// Starts everything.
    ///
    /// # Errors
    /// The address is taken, or the system does not give what is needed.
    pub fn open(place: Place) -> Result<Self, Error> {
        let sockets = Sockets::bind(place)?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let (bus, events) = bus(QUEUE);
        let recorders = Recorders::new(&bus)?;
        let address = |socket: &TcpListener| socket.local_addr().map_err(Error::Start);
        let (doctor, edge, pair) =
            (address(&sockets.doctor)?, address(&sockets.edge)?, address(&sockets.pair)?);
        let wordpress = WordPress::new(format!("http://localhost:{}", doctor.port()), secret);
        let (stop, stopped) = watch::channel(None);
        let site = wordpress.clone();
        let worker = thread::Builder::new().name("stage".to_owned());
        let worker = worker.spawn(move || play(sockets, &site, recorders, stopped)).map_err(Error::Start)?;
        Ok(Self { doctor, edge, pair, wordpress, place, events, curtain: Curtain { stop, worker } })
    }

    /// Where the doctor listens.
    #[must_use]
    pub const fn doctor(&self) -> SocketAddr {
        self.doctor
    }

    /// Whether the doctor listens elsewhere than usual, because somebody else does there.
    #[must_use]
    pub fn is_displaced(&self) -> bool {
        self.place == Place::Usual && self.doctor != USUAL
    }

    /// Sends a request there and waits for the reply and for the events of so many doctors. They are found by the trace that the
    /// request belongs to, since others may ask as well.
    pub(super) fn ask(
        &self,
        address: SocketAddr,
        head: &RequestHead,
        doctors: usize,
    ) -> Result<(Got, Vec<Event>), Error> {
        let trace = head.fields.only(Name::Traceparent).and_then(TraceId::from_traceparent);
        let got = client::ask(reachable(address), head).map_err(Error::NoReply)?;
        let deadline = Instant::now() + PATIENCE;
        let mut told = Vec::with_capacity(doctors);
        while told.len() < doctors {
            let event = self.events.wait_until(Some(deadline)).map_err(|_| Error::NoEvent)?;
            if event.trace_id == trace {
                told.push(Arc::unwrap_or_clone(event));
            }
        }
        Ok((got, told))
    }

    /// The events to come, for whoever stays to watch, and what ends them.
    #[must_use]
    pub fn leave_open(self) -> (Events, Curtain) {
        (self.events, self.curtain)
    }
}

impl Curtain {
    /// Ends everything and waits until it has ended.
    ///
    /// # Errors
    /// Something went wrong on the stage.
    pub fn fall(self) -> Result<(), Error> {
        // Nobody depends on a demo: it ends at once.
        self.stop.send_replace(Some(Drain::AT_ONCE));
        self.worker.join().map_err(|_| Error::BrokeOff)?.map_err(Error::Start)
    }
}

/// What listens on every address of the machine listens on the loopback as well.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let socket = listen::bind(address, 1)?.pop();
    socket.ok_or(BindError::Taken { address, free: None })
}

/// Bound before anything starts, so that everybody knows where the others are.
struct Sockets {
    doctor: TcpListener,
    edge: TcpListener,
    nginx: TcpListener,
    apache: TcpListener,
    gate: TcpListener,
    pair: TcpListener,
    proxy: TcpListener,
    sidecar: TcpListener,
}

impl Sockets {
    fn bind(place: Place) -> Result<Self, BindError> {
        Ok(Self {
            doctor: place.bind()?,
            edge: bind(FREE)?,
            nginx: bind(FREE)?,
            apache: bind(FREE)?,
            gate: bind(FREE)?,
            pair: bind(FREE)?,
            proxy: bind(FREE)?,
            sidecar: bind(FREE)?,
        })
    }
}

/// Serves everything on this thread until it is told to stop.
fn play(
    sockets: Sockets,
    wordpress: &WordPress,
    recorders: Recorders,
    stop: watch::Receiver<Option<Drain>>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let doctor = doctor(&sockets, recorders.alone)?;
        let behind = |socket: &TcpListener| Ok::<_, io::Error>(before(reachable(socket.local_addr()?)));
        let edge = Edge { behind: Upstream::new(behind(&sockets.doctor)?), habit: Habit::Moves };
        let proxy = Edge { behind: Upstream::new(behind(&sockets.sidecar)?), habit: Habit::Deletes };
        let first = one_site(behind(&sockets.proxy)?, recorders.edge);
        let second = one_site(behind(&sockets.nginx)?, recorders.sidecar);
        let server = |manners| WebServer { manners, wordpress: wordpress.clone() };
        let mut players = JoinSet::new();
        let mut enter = |player| players.spawn_local(player);
        enter(spawn_local(serve(sockets.nginx, server(Manners::Nginx), stop.clone())));
        enter(spawn_local(serve(sockets.apache, server(Manners::Apache), stop.clone())));
        enter(spawn_local(serve(sockets.gate, server(Manners::Gate), stop.clone())));
        enter(spawn_local(serve(sockets.doctor, doctor, stop.clone())));
        enter(spawn_local(serve(sockets.edge, edge, stop.clone())));
        enter(spawn_local(serve(sockets.sidecar, second, stop.clone())));
        enter(spawn_local(serve(sockets.proxy, proxy, stop.clone())));
        enter(spawn_local(serve(sockets.pair, first, stop)));
        while let Some(played) = players.join_next().await {
            played.map_err(io::Error::other)?.map_err(io::Error::other)??;
        }
        Ok(())
    })
}

/// The doctor: the real one, with a site for each web server.
fn doctor(sockets: &Sockets, recorder: Recorder) -> io::Result<Sites> {
    let registry = Arc::default();
    let site = |hosts: &[&str], behind: &TcpListener, cors| {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        let accepted = Arc::new(Acceptances::since(Instant::now()));
        let policy = Policy { cors, ..Policy::new(Mode::Treat) };
        Ok::<_, io::Error>(Site::new(hosts, policy, vec![before(behind.local_addr()?)], &registry, accepted))
    };
    let sites = vec![
        site(&[], &sockets.nginx, Some(one_origin()?))?,
        site(&["apache.localhost"], &sockets.apache, None)?,
        site(&["staging.localhost"], &sockets.gate, None)?,
    ];
    Ok(Sites::new(sites, recorder, Arc::default(), Arc::default()))
}

/// A doctor with one upstream.
fn one_site(upstream: upstream::Settings, recorder: Recorder) -> Sites {
    let accepted = Arc::new(Acceptances::since(Instant::now()));
    let site = Site::new(Vec::new(), Policy::new(Mode::Treat), vec![upstream], &Arc::default(), accepted);
    Sites::new(vec![site], recorder, Arc::default(), Arc::default())
}

/// What makes the events of each doctor.
struct Recorders {
    alone: Recorder,
    edge: Recorder,
    sidecar: Recorder,
}

impl Recorders {
    fn new(bus: &Bus) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let signing = |hop: HopName| {
            let key = TrailKey::new(KeyId::new("demo")?, &bytes);
            let (instance, keys) = (Instance::new("")?, Keyring::of_one(key));
            let (after, ends_here, replays, stripped) = (None, false, Arc::default(), Arc::default());
            let asks_php = false;
            Some(Arc::new(Signing { hop, instance, keys, after, ends_here, asks_php, replays, stripped }))
        };
        let named = |hop: &str| recorder(hop, HopName::new(hop).and_then(signing), bus);
        Ok(Self { alone: recorder("doctor", None, bus)?, edge: named("edge")?, sidecar: named("sidecar")? })
    }
}

fn recorder(hop: &str, signing: Option<Arc<Signing>>, bus: &Bus) -> Result<Recorder, Error> {
    Ok(Recorder {
        key: Key::random()?,
        client_key: Key::random()?,
        ids: ExchangeIds::random()?,
        hop: hop.into(),
        rules: RULES,
        site_codes: Arc::default(),
        bus: bus.clone(),
        tally: Arc::new(Tally::new(now())),
        history: Arc::default(),
        began: Instant::now(),
        second_opinion: SecondOpinion::Ask,
        keeps: Keeps::All,
        least: None,
        shows: Shows::Address,
        php_errors: complaint,
        signing,
    })
}

/// The policy that lets the pages of one origin in.
fn one_origin() -> io::Result<cors::Policy> {
    let origin = ORIGIN.parse().map_err(|wrong| io::Error::other(format!("{wrong:?}")))?;
    cors::Policy::new(cors::Settings::new(vec![origin])).map_err(io::Error::other)
}

/// An upstream that listens there.
fn before(address: SocketAddr) -> upstream::Settings {
    upstream::Settings {
        address: Address::Tcp { host: address.ip().to_string(), port: address.port() },
        tls: None,
        php: None,
        host: None,
        resolve: upstream::Resolve::First,
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(60),
        header_bytes: 64 * 1024,
    }
}

async fn serve(
    socket: TcpListener,
    answer: impl Answer + 'static,
    stop: watch::Receiver<Option<Drain>>,
) -> io::Result<()> {
    let settings = listen::Settings {
        connections: 10_000,
        connections_per_address: None,
        header_bytes: 64 * 1024,
        body_bytes: None,
        header_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(60),
        keep_alive_timeout: Duration::from_secs(75),
        write_timeout: Duration::from_secs(60),
    };
    let (open, doors) = mpsc::unbounded_channel();
    open.send(socket.into()).map_err(io::Error::other)?;
    listen::run(doors, Rc::new(Current::new(Serving { settings, answer })), Arc::default(), stop)
        .await
        .map(drop)
}
