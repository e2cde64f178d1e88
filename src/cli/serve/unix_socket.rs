//! Unix sockets that we make ourselves: for the same user alone, and never in the place of somebody who answers.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// Whether the path is still what it was when it had this inode.
pub(super) fn is_at(path: &Path, inode: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.ino() == inode)
}

pub(super) fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// Whether a process has the socket at this path: only where nobody listens any more is it certain that none has. It may be
/// of another kind, be somebody else's, or have as many waiting as may.
pub(super) fn is_somebodys(path: &Path) -> bool {
    let ask = || -> io::Result<()> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // One who does not accept is not waited for.
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    let gone = [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound];
    !ask().is_err_and(|error| gone.contains(&error.kind()))
}

/// The name a socket is made under before it is put in its place.
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}.new", path.file_name().unwrap_or_default().display()))
}

/// Listens at `path` in place of whoever did. The socket is made under another name, so that it is never there with other
/// permissions or without anybody behind it. Gives its inode as well.
pub(super) fn listen(path: &Path) -> io::Result<(UnixListener, u64)> {
    let beside = beside(path);
    if is_socket(&beside) {
        fs::remove_file(&beside)?;
    }
    let listener = UnixListener::bind(&beside)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
    let inode = fs::symlink_metadata(&beside)?.ino();
    fs::rename(&beside, path)?;
    listener.set_nonblocking(true)?;
    Ok((listener, inode))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use socket2::{Domain, SockAddr, Socket, Type};

    use super::is_somebodys;

    #[test]
    fn only_what_nobody_listens_on_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(!is_somebodys(&path("none")));
        drop(UnixListener::bind(path("left")).unwrap());
        assert!(!is_somebodys(&path("left")));
        let _living = UnixListener::bind(path("living")).unwrap();
        assert!(is_somebodys(&path("living")));
        let _other = UnixDatagram::bind(path("other")).unwrap();
        assert!(is_somebodys(&path("other")), "such as /dev/log");
        let full = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        full.bind(&SockAddr::unix(path("full")).unwrap()).unwrap();
        full.listen(0).unwrap();
        for _ in 0..3 {
            assert!(is_somebodys(&path("full")), "who accepts nobody lives");
        }
    }
}
