//! Puts the plugin's file in its place whole or not at all, and touches no file that is not the plugin.
//!
//! WordPress warns of a must-use plugin that it cannot read, on every page. So the file is readable by the group that the folder
//! has; where that is root's, PHP's user is unknown, and everybody may read it.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::folder::Folder;
use crate::config::{Sort, Unread, contents};
use crate::php_hop::{FILE, is_ours};

/// The plugin; a larger file, a pipe or a device is none of ours.
const PLUGIN: Sort = Sort { name: "plugin", most: 1 << 20 };

/// What was done, in words.
pub(super) struct Placed {
    path: PathBuf,
    is_new: bool,
    is_folder_new: bool,
    is_open: bool,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = if self.is_new { "wrote" } else { "replaced" };
        write!(f, "{did} {}", self.path.display())?;
        if self.is_folder_new {
            f.write_str(", and made its folder")?;
        }
        if self.is_open {
            f.write_str(
                "\nevery user of this machine may read it, for whom PHP runs as is not known: give it to PHP's group and take \
                 the rest away (`chgrp www-data`, `chmod 640`)",
            )?;
        }
        f.write_str("\nnow let the doctor nearest to PHP ask: `trail: { php: true }` in its configuration")
    }
}

/// Writes the plugin.
///
/// # Errors
/// Another file stands there, or the folder cannot be written.
pub(super) fn install(folder: &Folder, text: &str) -> anyhow::Result<Placed> {
    let path = folder.path.join(FILE);
    let known = ours(&path)?;
    let is_folder_new = folder.make()?;
    let is_open =
        write(&folder.path, &path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Placed { path, is_new: known.is_none(), is_folder_new, is_open })
}

/// Removes the plugin; says what was done.
///
/// # Errors
/// Another file stands there, or it cannot be removed.
pub(super) fn remove(folder: &Folder) -> anyhow::Result<String> {
    let path = folder.path.join(FILE);
    if ours(&path)?.is_none() {
        return Ok(format!("there is no {}", path.display()));
    }
    fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    Ok(format!("removed {}", path.display()))
}

/// Whether the plugin is there; nothing where no file is.
fn ours(path: &Path) -> anyhow::Result<Option<()>> {
    let text = match contents(path, PLUGIN) {
        Ok(read) => read.bytes,
        Err(Unread::Refused { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(Unread::Refused { source, .. }) => {
            return Err(source).with_context(|| format!("{} cannot be read", path.display()));
        }
        Err(_) => Vec::new(),
    };
    if !is_ours(&text) {
        bail!(
            "{} is not header-doctor's, and is left alone; move it away if it is not needed",
            path.display()
        );
    }
    Ok(Some(()))
}

/// Writes beside it, under a name that PHP does not run, and moves it there. Says whether everybody may read it.
fn write(folder: &Path, path: &Path, text: &str) -> io::Result<bool> {
    let beside = folder.join(format!(".{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = fill(&mut file, folder, text).and_then(|is_open| {
        fs::rename(&beside, path)?;
        Ok(is_open)
    });
    if written.is_err() {
        // It is told that nothing was written; there is nobody to tell that this failed as well.
        drop(fs::remove_file(&beside));
    }
    written
}

fn fill(file: &mut File, folder: &Path, text: &str) -> io::Result<bool> {
    const ROOT: u32 = 0;
    let group = fs::metadata(folder)?.gid();
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Last of all: a web server may hand out what has this name, for it is no script.
    let is_given = group != ROOT && fchown(&*file, None, Some(group)).is_ok();
    file.set_permissions(Permissions::from_mode(if is_given { 0o640 } else { 0o644 }))?;
    Ok(!is_given)
}
