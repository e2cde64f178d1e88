//! What stands in a file that an operator named: never more than such a file can hold, and never a wait for what does not come.
//!
//! To open a pipe waits until somebody writes to it, to read from a terminal until somebody types, and the thread that leads
//! must do neither: it would not even hear that it is to stop. So nothing is opened in a way that can wait, and only what may
//! come through a pipe is waited for, for a time.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

/// How long somebody may take to begin to write to a pipe.
const BEGIN: Duration = Duration::from_secs(5);

/// How often that time may pass without a word while somebody has the pipe open: a minute in all.
const SILENCES: u32 = 12;

/// How much is read at once, in bytes.
const PIECE: usize = 4 << 10;

/// What a file should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sort {
    /// What it is called, with no article: "file of keys".
    pub(crate) name: &'static str,
    /// The most it can hold, in bytes.
    pub(crate) most: u64,
}

/// What stands in a file, and whether everybody on the machine may read it.
pub(crate) struct Contents {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_exposed: bool,
}

/// Why a file cannot be read, as the end of a sentence that begins with its name: what is wrong, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The system says so.
    #[error("cannot be read: {source}; name a {name} that the doctor may read")]
    Refused {
        /// What it should be.
        name: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("is {is}; name a {name}")]
    NoFile {
        /// What it should be.
        name: &'static str,
        /// What it is.
        is: &'static str,
    },
    /// Nothing of its kind is so large.
    #[error("is larger than {}, which no {name} is; is it the right one?", shown(*.most))]
    TooLarge {
        /// What it should be.
        name: &'static str,
        /// The most it can hold, in bytes.
        most: u64,
    },
    /// Nobody has the pipe open to write, or whoever has says nothing.
    #[error("is a pipe to which nobody writes; name a {name}, or have something write to it")]
    Silent {
        /// What it should be.
        name: &'static str,
    },
}

/// What stands in a file that is read again and again, which a pipe cannot be.
///
/// # Errors
/// It is no file, is too large for its kind, or cannot be read.
pub(crate) fn contents(path: &Path, sort: Sort) -> Result<Contents, Unread> {
    whole(opened(path, sort)?, sort)
}

/// The same of a file that is read once, so that it may come through a pipe as well (`/dev/stdin`, a shell's `<(…)`).
///
/// # Errors
/// It is a folder, is too large for its kind, cannot be read, or nobody writes to the pipe.
pub(crate) fn contents_once(path: &Path, sort: Sort) -> Result<Contents, Unread> {
    let (file, metadata) = opened(path, sort)?;
    let kind = metadata.file_type();
    if kind.is_fifo() || kind.is_char_device() {
        return Ok(Contents { bytes: piped(file, sort, BEGIN)?, is_exposed: false });
    }
    whole((file, metadata), sort)
}

/// Never waits: a pipe opens at once, and a terminal does not become ours.
fn opened(path: &Path, sort: Sort) -> Result<(File, Metadata), Unread> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).map(File::from).map_err(io::Error::from);
    let refused = |source| Unread::Refused { name: sort.name, source };
    let file = file.map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    Ok((file, metadata))
}

/// What it is where it is no file.
fn instead(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    Some(match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe, which can be read once, and this is read again at each reload",
        _ => "a device",
    })
}

fn whole((file, metadata): (File, Metadata), sort: Sort) -> Result<Contents, Unread> {
    if let Some(is) = instead(metadata.file_type()) {
        return Err(Unread::NoFile { name: sort.name, is });
    }
    let mut bytes = Vec::new();
    let read = file.take(sort.most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| Unread::Refused { name: sort.name, source })?;
    Ok(Contents { bytes: within(bytes, sort)?, is_exposed: metadata.mode() & 0o004 != 0 })
}

fn within(bytes: Vec<u8>, Sort { name, most }: Sort) -> Result<Vec<u8>, Unread> {
    if bytes.len() as u64 > most { Err(Unread::TooLarge { name, most }) } else { Ok(bytes) }
}

/// What comes through a pipe until it is closed. `begin` is how long nobody may be there to write.
fn piped(mut file: File, sort: Sort, begin: Duration) -> Result<Vec<u8>, Unread> {
    let refused = |source| Unread::Refused { name: sort.name, source };
    let (mut bytes, mut piece, mut silences) = (Vec::new(), [0; PIECE], 0);
    while bytes.len() as u64 <= sort.most {
        let has_come = comes(&file, begin).map_err(refused)?;
        match file.read(&mut piece) {
            // Whoever wrote has closed it; or nobody is there who could write.
            Ok(0) if has_come => break,
            Ok(0) => return Err(Unread::Silent { name: sort.name }),
            Ok(length) => bytes.extend(piece.iter().take(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && silences < SILENCES => silences += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(Unread::Silent { name: sort.name });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refused(error)),
        }
    }
    within(bytes, sort)
}

/// Whether there is something to read, or the end of it, within a time.
fn comes(file: &File, within: Duration) -> io::Result<bool> {
    let within = Timespec::try_from(within).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&within)) {
        Ok(ready) => Ok(ready > 0),
        // To wait anew is no harm: it is seldom.
        Err(Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// A size as people write it.
fn shown(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{}MiB", bytes >> 20) } else { format!("{}KiB", bytes >> 10) }
}

#[cfg(test)]
mod tests {
    use super::{Sort, contents, contents_once, opened, piped};
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::fs::{self, File, OpenOptions};
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::time::Duration;
    use tempfile::TempDir;

    const KEYS: Sort = Sort { name: "file of keys", most: 4 << 10 };

    fn pipe(folder: &TempDir) -> PathBuf {
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        path
    }

    fn refused(path: impl AsRef<Path>) -> String {
        contents(path.as_ref(), KEYS).err().unwrap().to_string()
    }

    #[test]
    fn what_is_no_file_is_told_as_what_it_is_and_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(refused(folder.path()), "is a folder; name a file of keys");
        assert_eq!(
            refused(pipe(&folder)),
            "is a pipe, which can be read once, and this is read again at each reload; name a file of keys"
        );
        assert_eq!(refused("/dev/zero"), "is a device; name a file of keys");
        assert_eq!(
            refused(folder.path().join("gone")),
            "cannot be read: No such file or directory (os error 2); name a file of keys that the doctor may read"
        );
    }

    #[test]
    fn no_more_is_read_than_such_a_file_can_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        File::create(&path).unwrap().set_len(1 << 30).unwrap();
        let larger = "is larger than 4KiB, which no file of keys is; is it the right one?";
        assert_eq!(refused(&path), larger);
        fs::write(&path, [b'x'; 4 << 10]).unwrap();
        assert_eq!(contents(&path, KEYS).unwrap().bytes.len(), 4 << 10);
        assert_eq!(contents_once(Path::new("/dev/zero"), KEYS).err().unwrap().to_string(), larger);
        assert_eq!(contents_once(Path::new("/dev/null"), KEYS).unwrap().bytes, b"");
    }

    #[test]
    fn what_comes_through_a_pipe_is_whole_however_late_its_writer_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(&folder);
        let (file, _) = opened(&path, KEYS).unwrap();
        let writer = std::thread::spawn(move || {
            // It opens once we are there, so it comes after us.
            let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
            for _ in 0..4 {
                pipe.write_all(&[b'x'; 1 << 10]).unwrap();
                std::thread::yield_now();
            }
        });
        assert_eq!(piped(file, KEYS, super::BEGIN).unwrap(), [b'x'; 4 << 10]);
        writer.join().unwrap();
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(&folder);
        let silent = "is a pipe to which nobody writes; name a file of keys, or have something write to it";
        let given_up = |path: &Path| {
            let (file, _) = opened(path, KEYS).unwrap();
            piped(file, KEYS, Duration::from_millis(5)).unwrap_err().to_string()
        };
        assert_eq!(given_up(&path), silent);
        let reader = opened(&path, KEYS).unwrap();
        let _mute = OpenOptions::new().write(true).open(&path).unwrap();
        drop(reader);
        assert_eq!(given_up(&path), silent, "somebody holds it and says nothing");
    }

    #[test]
    fn a_pipe_brings_no_more_than_a_file_can_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(&folder);
        let (file, _) = opened(&path, KEYS).unwrap();
        let writer = std::thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
            while pipe.write_all(&[b'x'; 1 << 10]).is_ok() {}
        });
        let told = piped(file, KEYS, super::BEGIN).unwrap_err().to_string();
        assert!(told.starts_with("is larger than 4KiB"), "{told}");
        writer.join().unwrap();
    }
}
