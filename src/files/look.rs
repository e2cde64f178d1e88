//! Looks at a file without reading it: whether it is there, what it is, and which path it really has.
//!
//! What is opened for its path alone (`O_PATH`) need not be readable, a FIFO does not block, and a device does nothing.

use std::ffi::OsStr;
use std::fs::canonicalize;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, openat, readlink, readlinkat, stat};

use super::FollowLinks;
use super::path::parts;

/// Opens a path for its sake alone.
const PATH: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// What stands at a path.
#[derive(Debug)]
pub(super) struct Seen {
    /// The path without a link in it.
    pub(super) real: Vec<u8>,
    pub(super) kind: Kind,
    /// Its length in bytes, where it is a file.
    pub(super) length: u64,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A FIFO, a socket, a device: nothing to be answered with.
    Other,
}

/// What stands at `rest` below the folder `root`, which is a real path; nothing where nothing stands there, or a link
/// is on the way that may not be followed.
pub(super) fn look(root: &[u8], rest: &[u8], links: FollowLinks) -> Option<Seen> {
    let path = [root, rest].concat();
    let seen = seen(&open(&*path, PATH, Mode::empty()).ok()?, &path)?;
    // The same path says that no link was passed.
    match links {
        _ if seen.real == path => Some(seen),
        FollowLinks::All => Some(seen),
        FollowLinks::None => None,
        FollowLinks::SameOwner => walk(root, rest, &path),
    }
}

/// Whether a folder stands there.
pub(super) fn is_folder(root: &[u8], rest: &[u8]) -> bool {
    open([root, rest].concat(), PATH | OFlags::DIRECTORY, Mode::empty()).is_ok()
}

/// Whether anything stands there.
pub(super) fn is_there(root: &[u8], rest: &[u8]) -> bool {
    open([root, rest].concat(), PATH, Mode::empty()).is_ok()
}

/// The real path of a folder, without a slash at the end: empty for `/`.
pub(super) fn real_folder(path: &[u8]) -> Option<Vec<u8>> {
    let mut real = seen(&open(path, PATH | OFlags::DIRECTORY, Mode::empty()).ok()?, path)?.real;
    if real == b"/" {
        real.clear();
    }
    Some(real)
}

/// Goes the way part by part. A link is held while its owner is compared with that of what it leads to, so nobody can
/// put another in its place meanwhile.
fn walk(root: &[u8], rest: &[u8], path: &[u8]) -> Option<Seen> {
    let mut here =
        open(if root.is_empty() { b"/" } else { root }, PATH | OFlags::DIRECTORY, Mode::empty()).ok()?;
    for part in parts(rest) {
        let next = openat(&here, part, PATH | OFlags::NOFOLLOW, Mode::empty()).ok()?;
        let met = fstat(&next).ok()?;
        here = if FileType::from_raw_mode(met.st_mode).is_symlink() {
            follow(&here, &next, &met)?
        } else {
            next
        };
    }
    seen(&here, path)
}

/// What a link leads to, where both belong to the same owner.
fn follow(folder: &OwnedFd, link: &OwnedFd, met: &Stat) -> Option<OwnedFd> {
    let target = readlinkat(link, "", Vec::new()).ok()?;
    let reached = openat(folder, &target, PATH, Mode::empty()).ok()?;
    (fstat(&reached).ok()?.st_uid == met.st_uid).then_some(reached)
}

fn seen(file: &OwnedFd, path: &[u8]) -> Option<Seen> {
    let met = fstat(file).ok()?;
    let kind = match FileType::from_raw_mode(met.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    };
    let length = u64::try_from(met.st_size).unwrap_or_default();
    // What was removed meanwhile has no path any more.
    (met.st_nlink > 0).then_some(())?;
    Some(Seen { real: real_path(file, &met, path).ok()?, kind, length })
}

/// The path of what is open, as the system knows it; where it does not say, that of `path`, if it is still the same.
///
/// # Errors
/// It has no path any more.
pub(super) fn real_path(file: &impl AsFd, met: &Stat, path: &[u8]) -> io::Result<Vec<u8>> {
    let name = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    match readlink(&name, Vec::with_capacity(256)) {
        Ok(real) => Ok(real.into_bytes()),
        Err(_) => resolved(met, path),
    }
}

fn resolved(met: &Stat, path: &[u8]) -> io::Result<Vec<u8>> {
    let real = canonicalize(OsStr::from_bytes(path))?;
    let now = stat(&real)?;
    if (now.st_dev, now.st_ino) != (met.st_dev, met.st_ino) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(real.into_os_string().into_vec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use rustix::fs::stat;

    use super::{real_folder, resolved, seen};

    #[test]
    fn what_was_removed_has_no_path_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = std::fs::File::create(&path).unwrap().into();
        assert!(seen(&file, path.as_os_str().as_bytes()).is_some());
        std::fs::remove_file(&path).unwrap();
        assert!(seen(&file, path.as_os_str().as_bytes()).is_none());
    }

    #[test]
    fn without_proc_a_path_is_resolved_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let [one, two, link] = ["one", "two", "link"].map(|name| base.join(name));
        std::fs::write(&one, "").unwrap();
        std::fs::write(&two, "").unwrap();
        symlink(&one, &link).unwrap();
        let [one, two, link] = [&one, &two, &link].map(|path| path.as_os_str().as_bytes());
        let met = stat(one).unwrap();
        assert_eq!(resolved(&met, link).unwrap(), one);
        assert!(resolved(&met, two).is_err(), "another file");
        assert!(resolved(&met, &[one, b"/"].concat()).is_err(), "no folder");
        assert_eq!(real_folder(b"/"), Some(Vec::new()));
        assert_eq!(real_folder(one), None);
    }
}
