//! Unix sockets that we make ourselves: for the same user alone, and never in the place of somebody who answers.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Whether the path is still what it was when it had this inode.
pub(super) fn is_at(path: &Path, inode: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.ino() == inode)
}

pub(super) fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
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
