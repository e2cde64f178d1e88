//! Which file answers a path, where the doctor is WordPress's own web server, and how one that is no script is served.
//!
//! ```text
//! path ─ decoded once, normalised ─▸ opened ─▸ real path ─▸ below a root? ─▸ may be served? run? ─▸ that very file
//!                                                  else what is asked of a path that names nothing: /index.php
//! ```
//!
//! What is never served, and what never runs, is decided by the path that the file really has, and is as if it were not
//! there: WordPress answers it as any other URL it does not know.

mod by_name;
mod look;
mod moved;
mod names;
mod path;
mod pieces;
mod roots;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

pub use by_name::by_name;
pub use moved::Moved;
pub use serve::StaticFile;
pub use tree::Tree;

/// Secrets, copies that editors and people leave behind, dumps, logs, and PHP source by another name.
const NEVER_SERVE: [&str; 13] = [
    "wp-config*",
    "*~",
    "*.bak",
    "*.orig",
    "*.save",
    "*.old",
    "*.swp",
    "*.swo",
    "*.sql",
    "*.sql.*",
    "*.inc",
    "debug.log",
    "error_log",
];

/// Folders whose files came from visitors, or were written for nobody to run.
const NEVER_RUN: [&str; 2] = ["uploads", "blogs.dir"];

/// Where the files of a site lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The document root: an absolute path, as the doctor sees it.
    pub root: PathBuf,
    /// The same as PHP sees it, from `/` and without a slash at the end; nothing where that is the same.
    pub php_root: Option<String>,
    /// Folders elsewhere that stand for a path below it.
    pub aliases: Vec<Alias>,
    /// Which links are followed.
    pub follow_links: FollowLinks,
    /// Names of files and folders that are neither served nor run: `*` stands for any text, and case does not matter. PHP
    /// source is never served anyway, so `*.php` says nothing more and keeps no script from running.
    pub never_serve: Vec<String>,
    /// Names of folders below which nothing runs, whatever their case.
    pub never_run: Vec<String>,
    /// Whether sites of a network lie in folders that do not exist.
    pub multisite: Multisite,
}

impl Layout {
    /// What is never served nor run where nobody says otherwise: secrets, copies that editors and people leave behind,
    /// dumps and logs. PHP source and hidden files need no entry.
    #[must_use]
    pub fn default_never_serve() -> Vec<String> {
        NEVER_SERVE.map(str::to_owned).into()
    }

    /// The folders below which nothing runs where nobody says otherwise: what visitors uploaded.
    #[must_use]
    pub fn default_never_run() -> Vec<String> {
        NEVER_RUN.map(str::to_owned).into()
    }
}

/// A folder elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The path it stands for: `/wp-content/`, with a slash at both ends.
    pub path: String,
    /// The folder, as the doctor sees it: a root of its own.
    pub root: PathBuf,
    /// The same as PHP sees it; nothing where that is the same.
    pub php_root: Option<String>,
}

/// Which symbolic links are followed. None leads out of the roots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FollowLinks {
    /// Those that belong to the owner of what they lead to.
    #[default]
    SameOwner,
    /// Every one.
    All,
    /// None.
    None,
}

/// How WordPress serves several sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Multisite {
    /// It does not, or by their hosts.
    #[default]
    None,
    /// In folders that do not exist: `/blog/wp-admin/` is `/wp-admin/`.
    Subfolders,
}

/// What answers a request.
#[derive(Debug)]
pub enum Found {
    /// A file that is no script.
    File(StaticFile),
    /// A folder that was asked for without the slash at its end.
    Folder(Moved),
    /// A script: the one asked for, or WordPress's front door.
    Script(Script),
    /// Nothing may: even the front door is denied.
    Nothing,
}

/// The script that answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// `SCRIPT_FILENAME`: its absolute path, as PHP sees it.
    pub filename: Vec<u8>,
    /// `SCRIPT_NAME`: its path below the document root, from `/`.
    pub name: Vec<u8>,
    /// `PATH_INFO`: `/wp-json/` of `/index.php/wp-json/`; else empty.
    pub info: Vec<u8>,
    /// Whether its file was seen, or is only taken to be there.
    pub is_seen: bool,
    /// `DOCUMENT_ROOT`, where that is not as it is written: the root is a link, and PHP looks for `.user.ini` from there to the
    /// script only if the one begins with the other.
    pub root: Option<Arc<[u8]>>,
}
