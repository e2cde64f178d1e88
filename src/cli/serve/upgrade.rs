//! A new process takes over without a client noticing: it is given the listening sockets themselves over a Unix socket.
//!
//! ```text
//! new  ─ version ─▸ old
//! new ◂─ sockets ─  old      the old one goes on accepting
//! new  ─ ready ───▸ old      the new one accepts; the old one stops accepting, drains, ends
//! ```
//!
//! A socket that two processes hold is one socket with one queue, so nobody who waits in it is lost whoever closes first.
//! If the new process dies before it is ready, the old one goes on. If nobody answers on the Unix socket, there is nobody
//! to take over from and the start is a usual one: so a crash needs no other command than an upgrade.

use std::cell::Cell;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

use super::unix_socket::{is_at, is_socket, is_somebodys, listen};

/// What a new process begins with; another number is another protocol.
const VERSION: u8 = 1;
/// With these bytes come sockets.
const SOCKETS: u8 = b's';
/// After this byte come no more.
const LAST: u8 = b'.';
/// The new process accepts connections.
const READY: u8 = b'r';
/// The old process no longer waits for the new one.
const TOO_LATE: u8 = b'x';

/// How many sockets travel with one byte; Linux allows 253.
const AT_ONCE: usize = 64;

/// How long the other side may take for its next step. A start takes much less.
const PATIENCE: Duration = Duration::from_secs(30);

// === The new process ===

/// The process that we take over from.
pub(super) struct Predecessor {
    stream: UnixStream,
}

impl Predecessor {
    /// Asks for the sockets; nothing when nobody answers.
    pub(super) async fn ask(path: &Path) -> anyhow::Result<Option<(Self, Vec<OwnedFd>)>> {
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{}: cannot be asked", path.display())),
        };
        if !is_trusted(&stream)? {
            bail!("{}: somebody else answers there, neither this user nor root", path.display());
        }
        let asked = timeout(PATIENCE, take_over(stream)).await;
        let took = asked.context("the running process does not hand its sockets over in time").flatten();
        took.with_context(|| format!("{}: cannot take over", path.display())).map(Some)
    }

    /// Makes sure that it has not given us up: two processes would then serve. One that has died is no reason to stop.
    pub(super) fn expect_patience(&self) -> anyhow::Result<()> {
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Ok(1) if byte == [TOO_LATE] => {
                bail!("the running process no longer waits for this one, and goes on; start this one again")
            }
            _ => Ok(()),
        }
    }

    /// Tells it that it may go.
    pub(super) async fn relieve(mut self) {
        if let Err(error) = self.stream.write_all(&[READY]).await {
            tracing::warn!(%error, "The process before is gone already");
        }
    }
}

async fn take_over(mut stream: UnixStream) -> anyhow::Result<(Predecessor, Vec<OwnedFd>)> {
    stream.write_all(&[VERSION]).await?;
    let mut sockets = Vec::new();
    loop {
        match stream.async_io(Interest::READABLE, || receive(&stream, &mut sockets)).await? {
            Some(SOCKETS) => {}
            Some(LAST) => break,
            _ => bail!("the running process is handing over to another one, or does not know this version"),
        }
    }
    for socket in &sockets {
        let is_listening =
            SockRef::from(socket).is_listener().context("what was handed over is no socket")?;
        anyhow::ensure!(is_listening, "what was handed over does not listen");
    }
    Ok((Predecessor { stream }, sockets))
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Whether the other end is run by the same user, or by root.
fn is_trusted(stream: &UnixStream) -> io::Result<bool> {
    let user = stream.peer_cred()?.uid();
    Ok(user == 0 || user == rustix::process::geteuid().as_raw())
}

/// Receives a byte and what comes with it; nothing at the end.
fn receive(stream: &UnixStream, sockets: &mut Vec<OwnedFd>) -> io::Result<Option<u8>> {
    let (mut byte, mut space) = ([0], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))]);
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            sockets.extend(received);
        }
    }
    Ok((received.bytes > 0).then_some(byte).map(|[byte]| byte))
}

fn send(stream: &UnixStream, byte: u8, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() && !control.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(io::Error::other("too many sockets at once"));
    }
    sendmsg(stream, &[IoSlice::new(&[byte])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

// === The old process ===

/// What a hand-over asks of the process.
pub(super) enum Wish {
    /// Copies of all listening sockets.
    Sockets(oneshot::Sender<Vec<OwnedFd>>),
    /// Nothing more: the process of this number serves, if it told one.
    Taken(Option<u32>),
}

/// The Unix socket on which we hand over.
pub(super) struct Offer {
    path: PathBuf,
    inode: Rc<Cell<u64>>,
    asked: mpsc::UnboundedReceiver<Wish>,
    offering: JoinHandle<()>,
}

impl Offer {
    /// Offers the sockets at `path`. What a process that is gone left there is replaced.
    pub(super) async fn make(path: &Path) -> anyhow::Result<Self> {
        let place = path.display();
        match fs::symlink_metadata(path) {
            Ok(_) if !is_socket(path) => {
                bail!(
                    "{place}: is not a socket, so it is left alone; choose another path for `upgrade.socket`"
                )
            }
            Ok(_) if is_somebodys(path) => {
                bail!("{place}: another process answers there; add --upgrade to take over from it")
            }
            _ => Self::replace(path).with_context(|| format!("{place}: cannot be listened on")),
        }
    }

    /// Offers the sockets at `path`, in place of the process that we take over from.
    pub(super) fn replace(path: &Path) -> io::Result<Self> {
        let (listener, inode) = listen(path)?;
        let listener = UnixListener::from_std(listener)?;
        let inode = Rc::new(Cell::new(inode));
        let (ask, asked) = mpsc::unbounded_channel();
        let offering = spawn_local(offer(listener, path.to_owned(), Rc::clone(&inode), ask));
        Ok(Self { path: path.to_owned(), inode, asked, offering })
    }

    /// The next thing that is asked.
    pub(super) async fn next(&mut self) -> Wish {
        match self.asked.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Offer {
    /// Takes the path away, unless it is the successor's by now.
    fn drop(&mut self) {
        self.offering.abort();
        if is_at(&self.path, self.inode.get()) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Hands over to one process after the other, until one is ready.
async fn offer(
    mut listener: UnixListener,
    path: PathBuf,
    inode: Rc<Cell<u64>>,
    ask: mpsc::UnboundedSender<Wish>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let process = stream.peer_cred().ok().and_then(|peer| peer.pid()).and_then(|id| id.try_into().ok());
        if !is_trusted(&stream).unwrap_or(false) {
            tracing::warn!(process, "Not handed over: asked by another user");
            continue;
        }
        match hand_over(stream, &ask).await {
            Ok(true) => {
                // Whoever led is gone, and so is the reason to tell.
                let _told = ask.send(Wish::Taken(process));
                return;
            }
            Ok(false) => {}
            Err(error) => {
                // It may have died between taking our place at the path and saying that it is ready.
                if !is_at(&path, inode.get())
                    && let Ok((again, other)) = listen(&path)
                    && let Ok(again) = UnixListener::from_std(again)
                {
                    listener = again;
                    inode.set(other);
                }
                let error = format!("{error:#}");
                tracing::warn!(process, error, "Not handed over: this process goes on");
            }
        }
    }
}

/// Hands over; false when nobody asked for anything.
async fn hand_over(mut stream: UnixStream, ask: &mpsc::UnboundedSender<Wish>) -> anyhow::Result<bool> {
    let mut byte = [0];
    // Whoever only looks whether somebody is here says nothing.
    match timeout(PATIENCE, stream.read(&mut byte)).await {
        Ok(Ok(1)) if byte == [VERSION] => {}
        Ok(Ok(1)) => bail!("the new process is of a version that hands over in another way"),
        _ => return Ok(false),
    }
    tracing::info!("Handing over");
    let (tell, told) = oneshot::channel();
    ask.send(Wish::Sockets(tell)).ok().context("this process is ending")?;
    let sockets = told.await.context("the listening sockets cannot be copied")?;
    let sockets: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    for some in sockets.chunks(AT_ONCE) {
        stream.async_io(Interest::WRITABLE, || send(&stream, SOCKETS, some)).await?;
    }
    stream.async_io(Interest::WRITABLE, || send(&stream, LAST, &[])).await?;
    let Ok(ready) = timeout(PATIENCE, stream.read_exact(&mut byte)).await else {
        // It may have ended, too.
        let _told = stream.try_write(&[TOO_LATE]);
        bail!("the new process was not ready in time");
    };
    ready.context("the new process ended before it was ready")?;
    anyhow::ensure!(byte == [READY], "the new process did not say that it is ready");
    Ok(true)
}
