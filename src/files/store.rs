//! What tower-http takes for a file system: one file under a made-up name, and its precompressed variants.
//!
//! Files are read between two waits, as web servers do: what is served often lies in the page cache.

use std::fs::File;
use std::future::{Ready, ready};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File as Opened, Metadata};

use super::look::real_path;
use super::names::Rules;
use super::path::split;

/// A FIFO that took the file's place must not block, nor a link be followed.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Store(Arc<Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    real: Vec<u8>,
    rules: Arc<Rules>,
}

impl Store {
    /// The file with this real path, under a name of plain letters.
    pub(super) fn new(name: String, real: Vec<u8>, rules: Arc<Rules>) -> Self {
        Self(Arc::new(Entry { name, real, rules }))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    #[cfg(test)]
    pub(super) fn real(&self) -> &[u8] {
        &self.0.real
    }

    /// Opens the file, or what lies beside it with `end` behind its name.
    fn find(&self, end: &[u8]) -> io::Result<Reading> {
        let path = [&self.0.real, end].concat();
        if end.is_empty() {
            return Reading::open(&path);
        }
        // Whatever is wrong with a variant, there is the file itself.
        let is_kept = !self.0.rules.allow_name(split(&path).1);
        let variant = if is_kept { None } else { Reading::open(&path).ok() };
        variant.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Backend for Store {
    type File = Reading;
    type Metadata = Facts;
    type OpenFuture = Ready<io::Result<Reading>>;
    type MetadataFuture = Ready<io::Result<Facts>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let asked = path.file_name().unwrap_or_default().as_bytes();
        ready(match asked.strip_prefix(self.name().as_bytes()) {
            Some(end) => self.find(end),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    /// Asked only whether it is a folder.
    fn metadata(&self, _: PathBuf) -> Self::MetadataFuture {
        ready(Ok(Facts { length: 0, modified: SystemTime::UNIX_EPOCH }))
    }
}

/// What is to be known of a file before it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    length: u64,
    modified: SystemTime,
}

impl Facts {
    fn of(met: &Stat) -> Self {
        let seconds = u64::try_from(met.st_mtime).unwrap_or_default();
        let nanoseconds = u32::try_from(met.st_mtime_nsec).unwrap_or_default();
        let age = Duration::new(seconds, nanoseconds);
        Self {
            length: u64::try_from(met.st_size).unwrap_or_default(),
            modified: SystemTime::UNIX_EPOCH.checked_add(age).unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

impl Metadata for Facts {
    fn is_dir(&self) -> bool {
        false
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(self.modified)
    }

    fn len(&self) -> u64 {
        self.length
    }
}

/// A file that is read.
#[derive(Debug)]
pub(super) struct Reading {
    file: File,
    facts: Facts,
    at: u64,
}

impl Reading {
    /// Opens the file that has this very path.
    fn open(path: &[u8]) -> io::Result<Self> {
        let file: OwnedFd = open(path, READ, Mode::empty()).map_err(as_if_not_there)?;
        let met = fstat(&file)?;
        let is_it = FileType::from_raw_mode(met.st_mode).is_file() && real_path(&file, &met, path)? == path;
        if !is_it {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self { file: file.into(), facts: Facts::of(&met), at: 0 })
    }
}

/// A link, a socket or a part that is no folder any more took the place of what was found.
fn as_if_not_there(error: rustix::io::Errno) -> io::Error {
    use rustix::io::Errno;
    match error {
        Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::NOTDIR | Errno::NAMETOOLONG => {
            io::ErrorKind::NotFound.into()
        }
        error => error.into(),
    }
}

impl AsyncRead for Reading {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.file.read_at(buffer.initialize_unfilled(), self.at)?;
        buffer.advance(count);
        self.at += count as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Reading {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        // Nothing else is asked for.
        if let io::SeekFrom::Start(at) = position {
            self.at = at;
        }
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.at))
    }
}

impl Opened for Reading {
    type Metadata = Facts;
    type MetadataFuture<'a> = Ready<io::Result<Facts>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.facts))
    }
}
