//! Sites in folders that last as long as a test.

mod anything;
mod layouts;
mod links;
mod serving;
mod traps;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Alias, FollowLinks, Found, Layout, Multisite, Tree};
use crate::message::{Fields, RequestHead};

/// A site in `www`, with its front door, and what else lies beside it.
struct Site {
    _folder: TempDir,
    base: PathBuf,
    layout: Layout,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let layout = Layout {
            root: base.join("www"),
            php_root: None,
            aliases: Vec::new(),
            follow_links: FollowLinks::default(),
            never_serve: Layout::default_never_serve(),
            never_run: Layout::default_never_run(),
            multisite: Multisite::None,
        };
        let site = Self { _folder: folder, base, layout };
        site.files(&["www/index.php"]);
        site
    }

    fn with(mut self, change: impl FnOnce(&mut Layout, &Path)) -> Self {
        change(&mut self.layout, &self.base);
        self
    }

    fn path(&self, path: impl AsRef<OsStr>) -> PathBuf {
        self.base.join(path.as_ref())
    }

    /// Files that hold their own paths.
    fn files(&self, paths: &[&str]) {
        for path in paths {
            self.file(path, path.as_bytes());
        }
    }

    fn file(&self, path: impl AsRef<OsStr>, text: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A link at `path` to `target` as it is written.
    fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A link at `path` to what lies beside `www`.
    fn link_to(&self, path: &str, target: &str) {
        self.link(path, self.path(target));
    }

    fn tree(&self) -> Tree {
        Tree::new(self.layout.clone())
    }

    /// What answers, in words; paths begin beside `www`.
    fn told(&self, target: &str) -> String {
        self.tell(self.tree().find(&get(target)))
    }

    fn tell(&self, found: Found) -> String {
        let short = |path: &[u8]| {
            let path = Path::new(OsStr::from_bytes(path));
            path.strip_prefix(&self.base).unwrap_or(path).display().to_string()
        };
        match found {
            Found::File(file) => format!("file {}", short(file.real())),
            Found::Folder(moved) => format!("to {}", String::from_utf8(moved.location).unwrap()),
            Found::Script(script) => {
                let [name, info] = [&script.name, &script.info].map(|text| String::from_utf8_lossy(text));
                let filename = short(&script.filename);
                if info.is_empty() {
                    format!("run {filename} as {name}")
                } else {
                    format!("run {filename} as {name} for {info}")
                }
            }
            Found::Nothing => "nothing".to_owned(),
        }
    }

    fn check(&self, cases: &[(&str, &str)]) {
        for (target, expected) in cases {
            assert_eq!(self.told(target), *expected, "{target}");
        }
    }

    /// Each of these is answered by WordPress itself.
    fn check_unknown(&self, targets: &[&str]) {
        for target in targets {
            assert_eq!(self.told(target), FRONT_DOOR, "{target}");
        }
    }
}

const FRONT_DOOR: &str = "run www/index.php as /index.php";

fn get(target: &str) -> RequestHead {
    RequestHead::build("GET", target, Fields::new())
}

fn alias(path: &str, root: PathBuf) -> Alias {
    Alias { path: path.to_owned(), root, php_root: None }
}
