//! Holds the body of a request until it is there whole.
//!
//! PHP is told the length first, waits for every byte of it, and runs the script all the same when they do not come:
//! an upload that a client breaks off would run with an empty body. So nothing is begun before the body is whole.
//! It is read as fast as the client sends; the memory of one body is bounded, and so is what all files take together.
//!
//! Files are written and read between two waits: they are young, so they lie in the page cache.

use std::fs::{File, OpenOptions, remove_file};
use std::future::poll_fn;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use super::Fault;
use crate::message::{Body, Broken, Fill, Source};
use crate::upstream::Error;

/// How much of a file is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// How many names are tried for a file.
const TRIES: u32 = 16;

/// What the files of this process hold, in bytes. No reload begins anew.
static HELD: AtomicU64 = AtomicU64::new(0);

/// How much the files of this process hold, in bytes.
#[must_use]
pub fn held_bytes() -> u64 {
    HELD.load(Ordering::Relaxed)
}

/// Where bodies are held, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// How much of one body may lie in memory, in bytes.
    pub memory: usize,
    /// How much all files may hold together, in bytes.
    pub total: u64,
    /// Where files are made. They have no name while they are used, so none is left behind.
    pub directory: PathBuf,
}

impl Spool {
    /// Reads a body to its end and gives it back whole.
    ///
    /// # Errors
    /// The client broke it off, or there is no room for it.
    pub(super) async fn hold(&self, body: &mut Body<'_>) -> Result<Body<'static>, Error> {
        if body.length().is_some_and(|announced| announced > self.memory as u64 && announced > self.total) {
            return Err(Fault::BodyTooLarge(self.total).into());
        }
        let (mut memory, mut file) = (Vec::new(), None);
        loop {
            let fill = poll_fn(|context| body.poll_fill(context)).await;
            if fill.map_err(Error::RequestBody)? == Fill::End {
                break;
            }
            let (bytes, count) = (body.data(), body.data().len());
            match &mut file {
                None if memory.len() + count <= self.memory => memory.extend_from_slice(bytes),
                None => {
                    let mut made = Held::make(self)?;
                    made.write(&memory, self)?;
                    made.write(bytes, self)?;
                    memory = Vec::new();
                    file = Some(made);
                }
                Some(file) => file.write(bytes, self)?,
            }
            body.consume(count);
        }
        file.map_or_else(|| Ok(Body::full(memory)), Held::into_body)
    }
}

/// A body in a file.
struct Held {
    file: File,
    length: u64,
}

impl Held {
    fn make(spool: &Spool) -> Result<Self, Fault> {
        let file = nameless(&spool.directory).map_err(|error| Fault::Spool(error.kind()))?;
        Ok(Self { file, length: 0 })
    }

    fn write(&mut self, bytes: &[u8], spool: &Spool) -> Result<(), Fault> {
        let count = bytes.len() as u64;
        // What is counted is given back when this is dropped, written or not.
        self.length += count;
        let held = HELD.fetch_add(count, Ordering::Relaxed) + count;
        if self.length > spool.total {
            return Err(Fault::BodyTooLarge(spool.total));
        }
        if held > spool.total {
            return Err(Fault::SpoolFull);
        }
        self.file.write_all(bytes).map_err(|error| Fault::Spool(error.kind()))
    }

    fn into_body(mut self) -> Result<Body<'static>, Error> {
        self.file.rewind().map_err(|error| Fault::Spool(error.kind()))?;
        let length = self.length;
        let reading = Reading { held: self, piece: Vec::new(), at: 0, left: length };
        Ok(Body::from_source(Some(length), reading))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(self.length, Ordering::Relaxed);
    }
}

/// A file that only this process can reach, and that is gone with it.
fn nameless(directory: &Path) -> io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut failure = io::ErrorKind::AlreadyExists.into();
    for _ in 0..TRIES {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("header-doctor-body.{}.{number}", std::process::id()));
        // What somebody else put there, a link most of all, is never opened.
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return remove_file(&path).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => failure = error,
            Err(error) => return Err(error),
        }
    }
    Err(failure)
}

/// A body that is read from its file.
struct Reading {
    held: Held,
    piece: Vec<u8>,
    at: usize,
    left: u64,
}

impl Source for Reading {
    fn poll_fill(&mut self, _: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        if self.at < self.piece.len() {
            return Poll::Ready(Ok(Fill::Data));
        }
        if self.left == 0 {
            return Poll::Ready(Ok(Fill::End));
        }
        let count = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        self.piece.resize(count, 0);
        self.at = 0;
        if let Err(error) = self.held.file.read_exact(&mut self.piece) {
            return Poll::Ready(Err(Broken::Connection(error.kind())));
        }
        self.left -= count as u64;
        Poll::Ready(Ok(Fill::Data))
    }

    fn data(&self) -> &[u8] {
        self.piece.get(self.at..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }

    fn is_whole(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use super::{Fault, Spool};
    use crate::message::{Body, Broken, Fill, Source};
    use crate::upstream::Error;

    /// Files of all tests are counted together.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    /// A body that comes in pieces of seven bytes and may break off.
    struct Coming {
        left: usize,
        breaks: bool,
    }

    impl Source for Coming {
        fn poll_fill(&mut self, _: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
            Poll::Ready(match self.left {
                0 if self.breaks => Err(Broken::Truncated),
                0 => Ok(Fill::End),
                _ => Ok(Fill::Data),
            })
        }

        fn data(&self) -> &[u8] {
            &b"abcdefg"[..self.left.min(7)]
        }

        fn consume(&mut self, count: usize) {
            self.left -= count;
        }
    }

    fn coming(length: usize, breaks: bool) -> Body<'static> {
        Body::from_source(None, Coming { left: length, breaks })
    }

    fn spool(directory: &std::path::Path, memory: usize, total: u64) -> Spool {
        Spool { memory, total, directory: directory.to_owned() }
    }

    fn read(mut body: Body<'_>) -> Vec<u8> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut all = Vec::new();
        while body.poll_fill(&mut context) == Poll::Ready(Ok(Fill::Data)) {
            all.push(body.data()[0]);
            body.consume(1);
        }
        all
    }

    #[tokio::test]
    async fn a_body_is_held_whole_in_memory_or_in_a_file_without_a_name() {
        let _alone = ALONE.lock().await;
        let folder = tempfile::tempdir().unwrap();
        for (length, is_in_memory) in [(0, true), (7, true), (100, true), (101, false), (200_003, false)] {
            let held = spool(folder.path(), 100, 1 << 30).hold(&mut coming(length, false)).await.unwrap();
            assert_eq!((held.length(), held.is_full()), (Some(length as u64), is_in_memory));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no name is left");
            let expected: Vec<u8> = b"abcdefg".iter().copied().cycle().take(length).collect();
            assert_eq!(read(held), expected);
        }
    }

    #[tokio::test]
    async fn what_has_no_room_or_breaks_off_is_told_apart() {
        let _alone = ALONE.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let hold = async |spool: Spool, mut body: Body<'_>| spool.hold(&mut body).await.err();
        let small = || spool(folder.path(), 10, 50);
        assert_eq!(hold(small(), coming(60, false)).await, Some(Fault::BodyTooLarge(50).into()));
        let announced = Body::from_source(Some(51), Coming { left: 51, breaks: false });
        assert_eq!(hold(small(), announced).await, Some(Fault::BodyTooLarge(50).into()));
        assert_eq!(hold(small(), coming(5, true)).await, Some(Error::RequestBody(Broken::Truncated)));
        let large = spool(folder.path(), 10, 1 << 30);
        assert_eq!(hold(large, coming(30, true)).await, Some(Error::RequestBody(Broken::Truncated)));
        let nowhere = spool(&folder.path().join("gone"), 10, 1 << 30);
        assert_eq!(
            hold(nowhere, coming(60, false)).await,
            Some(Fault::Spool(std::io::ErrorKind::NotFound).into())
        );
        // Others hold the room.
        let one = spool(folder.path(), 10, 1 << 40).hold(&mut coming(400_000, false)).await.unwrap();
        assert_eq!(
            hold(spool(folder.path(), 10, 300_000), coming(100, false)).await,
            Some(Fault::SpoolFull.into())
        );
        drop(one);
    }
}
