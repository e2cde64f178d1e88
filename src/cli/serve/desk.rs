//! The admin listener as the thread that leads sees it: its socket, the thread that keeps exchanges for it, and what it is
//! told of a plan.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow, bail};
use rustls::ServerConfig;

use super::making::Lasting;
use super::passed::Passed;
use super::unix_socket::{beside, is_at, is_socket, is_somebodys, listen};
use crate::admin::{
    self, Access, Bounds, Described, DescribedSite, Desk, Exchanges, Health, Listener, Metrics, Reload,
    Socket, Sources,
};
use crate::config::{Admin, AdminAddress, Hosts, Plan, Token};
use crate::event::{Bus, now};
use crate::exchange::QUEUE;
use crate::listen::{self as listening, BindError};

/// A socket that nobody answers on yet.
pub(super) struct Door {
    socket: Socket,
    place: Option<Place>,
    /// What it came to.
    address: String,
}

/// A socket's path, which goes with it.
struct Place {
    path: PathBuf,
    /// Nothing as long as it is somebody else's: of the process before, or of the next one.
    inode: Option<u64>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.inode.is_some_and(|inode| is_at(&self.path, inode)) {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Door {
    /// Takes the socket that is there already, else binds; nothing where nobody is to ask, or where an address that nobody
    /// asked for cannot be had.
    pub(super) fn open(admin: &Admin, passed: &mut Passed) -> anyhow::Result<Option<Self>> {
        match &admin.address {
            None => Ok(None),
            Some(AdminAddress::Unix(path)) => Self::at(path.as_ref(), passed).map(Some),
            Some(AdminAddress::Tcp(address)) => match Self::on(*address, passed)? {
                Ok(door) => Ok(Some(door)),
                Err(error) if admin.is_asked_for => Err(taken(error)),
                Err(error) => {
                    do_without(*address, &error);
                    Ok(None)
                }
            },
        }
    }

    fn on(address: SocketAddr, passed: &mut Passed) -> anyhow::Result<Result<Self, BindError>> {
        let bound = match passed.take(address)?.pop() {
            Some(socket) => Ok(vec![socket]),
            None => listening::bind(address, 1),
        };
        let mut sockets = match bound {
            Ok(sockets) => sockets,
            Err(error) => return Ok(Err(error)),
        };
        let socket = sockets.pop().context("no socket for the admin listener")?;
        let address = socket.local_addr()?.to_string();
        Ok(Ok(Self { socket: Socket::Tcp(socket), place: None, address }))
    }

    fn at(path: &Path, passed: &mut Passed) -> anyhow::Result<Self> {
        let name = path.display();
        let address = format!("unix:{name}");
        if let Some(socket) = passed.take_unix(path)? {
            // What systemd made it also takes away.
            let place = is_made_here(&socket, path).then(|| Place { path: path.to_owned(), inode: None });
            return Ok(Self { socket: Socket::Unix(socket), place, address });
        }
        match std::fs::symlink_metadata(path) {
            Ok(_) if !is_socket(path) => {
                bail!("{name}: is not a socket, so it is left alone; choose another path for `admin.address`")
            }
            Ok(_) if is_somebodys(path) => {
                bail!("{name}: another process answers there; choose another path for `admin.address`")
            }
            _ => {}
        }
        let (socket, inode) = listen(path).with_context(|| format!("{name}: cannot be listened on"))?;
        let place = Some(Place { path: path.to_owned(), inode: Some(inode) });
        Ok(Self { socket: Socket::Unix(socket), place, address })
    }

    /// Begins to keep exchanges.
    pub(super) fn watch(self, bus: Bus, admin: &Admin) -> anyhow::Result<(Bus, Watch)> {
        let (bus, events) = bus.watched(QUEUE);
        let (keeper, exchanges) = admin::exchanges(events, bounds(admin), now());
        let thread = thread::Builder::new().name("exchanges".to_owned());
        let keeper =
            thread.spawn(move || keeper.run()).context("cannot start the thread that keeps exchanges")?;
        Ok((bus, Watch { door: self, exchanges, keeper }))
    }
}

fn is_made_here(socket: &UnixListener, path: &Path) -> bool {
    socket.local_addr().is_ok_and(|address| address.as_pathname() == Some(&beside(path)))
}

/// As of a listener for clients, by the flag that is meant here.
fn taken(error: BindError) -> anyhow::Error {
    match error {
        BindError::Taken { address, free: Some(free) } => {
            anyhow!("{address} is taken by another process; {free} is free: --admin {free}")
        }
        error => error.into(),
    }
}

/// Whoever did not ask for it can do without.
fn do_without(address: SocketAddr, error: &BindError) {
    let instead = match error {
        BindError::Taken { free: Some(free), .. } => free.to_string(),
        _ => "ADDRESS:PORT".to_owned(),
    };
    tracing::warn!(
        %address,
        "Nobody can ask this doctor for its findings, for the usual address of its admin listener cannot be had: write \
         `--admin {instead}` for another one, or `--admin none`"
    );
}

const fn bounds(admin: &Admin) -> Bounds {
    Bounds { exchanges: admin.exchanges, memory: admin.memory }
}

/// A door, and what is kept for whoever will ask there.
pub(super) struct Watch {
    door: Door,
    exchanges: Exchanges,
    keeper: JoinHandle<()>,
}

impl Watch {
    /// Begins to answer.
    pub(super) fn answer(
        self,
        lasting: &Lasting,
        health: &Health,
        metrics: &Metrics,
        access: Access,
    ) -> anyhow::Result<Asked> {
        let Self { door: Door { socket, place, address }, exchanges, keeper } = self;
        let sources = Sources {
            health: health.clone(),
            metrics: metrics.clone(),
            exchanges,
            tally: lasting.tally.clone(),
            unlogged: lasting.bus.unlogged(),
            began: lasting.began,
        };
        let desk = Rc::new(Desk::new(sources, access, Described::default()));
        let copy = copy(&socket).context("cannot copy the socket of the admin listener")?;
        let listener = Listener::open(socket, Rc::clone(&desk))?;
        tracing::info!(%address, "Answering questions");
        Ok(Asked { desk, listener, socket: Some(copy), place, keeper })
    }
}

fn copy(socket: &Socket) -> io::Result<OwnedFd> {
    match socket {
        Socket::Tcp(socket) => socket.try_clone().map(OwnedFd::from),
        Socket::Unix(socket) => socket.try_clone().map(OwnedFd::from),
    }
}

/// The admin listener that answers.
pub(super) struct Asked {
    desk: Rc<Desk>,
    listener: Listener,
    /// For another process.
    socket: Option<OwnedFd>,
    place: Option<Place>,
    keeper: JoinHandle<()>,
}

impl Asked {
    /// A copy of its socket for another process.
    pub(super) fn copy(&self) -> io::Result<Option<OwnedFd>> {
        self.socket.as_ref().map(OwnedFd::try_clone).transpose()
    }

    /// The process before has gone, and what it had is ours.
    pub(super) fn inherit(&mut self) {
        if let Some(place) = &mut self.place {
            place.inode = std::fs::symlink_metadata(&place.path).ok().map(|found| found.ino());
        }
    }

    /// Another process answers from here on.
    pub(super) fn hand_over(&mut self) {
        self.listener.shut();
        self.socket = None;
        if let Some(place) = &mut self.place {
            place.inode = None;
        }
    }

    /// Answers by another plan.
    pub(super) fn follow(&self, plan: &Plan, access: Access) {
        self.desk.let_in(access);
        self.desk.exchanges().bound(bounds(&plan.admin));
    }

    pub(super) fn describe(&self, plan: &Plan, listeners: Vec<String>, file: Option<PathBuf>) {
        self.desk.describe_anew(|told| {
            let last_reload = told.last_reload.take();
            *told = described(plan, listeners, file);
            told.last_reload = last_reload;
        });
    }

    /// Tells how the last reload went.
    pub(super) fn reloaded(&self, error: Option<String>) {
        self.desk.describe_anew(|told| told.last_reload = Some(Reload { at: now().to_string(), error }));
    }

    /// Ends once nothing more happens: whoever follows along is told the rest. The bus must be gone by now.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        drop(self.socket);
        drop(self.place);
        self.listener.close().await;
        self.keeper.join().map_err(|_| anyhow!("the thread that keeps exchanges panicked"))
    }
}

/// Who may ask by this plan.
pub(super) fn access(plan: &Plan, token: &Token, tls: Option<&ServerConfig>) -> Access {
    Access::new(token.token.clone(), &plan.admin.hosts, tls)
}

fn described(plan: &Plan, listeners: Vec<String>, file: Option<PathBuf>) -> Described {
    let site = |site: &crate::config::Site| DescribedSite {
        hosts: match &site.hosts {
            Hosts::Any => Vec::new(),
            Hosts::Named(names) => names.clone(),
        },
        mode: site.mode.to_string(),
        upstreams: site.upstreams.iter().map(|upstream| upstream.target().to_string()).collect(),
    };
    Described {
        hop: plan.trail.hop.to_string(),
        instance: plan.trail.instance.to_string(),
        listeners,
        sites: plan.sites.iter().map(site).collect(),
        config_file: file.map(|file| file.display().to_string()),
        last_reload: None,
    }
}
