//! Finds the file or script that answers a path.
//!
//! Every look asks the file system anew, a handful of calls: what was just uploaded is there, and what was denied by its
//! real path yesterday may lie elsewhere today. Only where the roots really lie is remembered, and for a second.

use std::sync::Arc;
use std::time::Instant;

use super::look::{Kind, Seen, is_folder, is_there, look};
use super::names::{Rules, is_script, is_source};
use super::path::{Asked, copy_query, encode, split, without_site};
use super::roots::{Root, Roots};
use super::{FollowLinks, Found, Layout, Moved, Multisite, Script, StaticFile};
use crate::message::RequestHead;

/// WordPress's front door.
const INDEX: &[u8] = b"/index.php";

/// The longest path that the system opens, in bytes.
const LONGEST: usize = 4096;

/// The files of a site, as one worker looks at them.
#[derive(Debug)]
pub struct Tree {
    roots: Roots,
    rules: Arc<Rules>,
    links: FollowLinks,
    multisite: Multisite,
}

impl Tree {
    /// The files that lie so. Nothing is looked at yet.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let rules = Arc::new(Rules::new(&layout));
        Self {
            links: layout.follow_links,
            multisite: layout.multisite,
            roots: Roots::new(layout, Arc::clone(&rules)),
            rules,
        }
    }

    /// Which file or script answers this request. It asks the file system and waits for it, a few calls at most.
    #[must_use]
    pub fn find(&self, head: &RequestHead) -> Found {
        let roots = self.roots.at(Instant::now());
        let find = Find { roots: &roots, rules: &self.rules, links: self.links };
        let asked = Asked::read(head.path());
        let found = asked.and_then(|asked| find.named(&asked, self.multisite, head.query()));
        found.unwrap_or_else(|| find.front_door())
    }
}

/// One look at the files.
struct Find<'t> {
    roots: &'t [Root],
    rules: &'t Arc<Rules>,
    links: FollowLinks,
}

impl Find<'_> {
    /// What the path names.
    fn named(&self, asked: &Asked, multisite: Multisite, query: &[u8]) -> Option<Found> {
        let found = self.at(&asked.text, asked, query);
        if found.is_some() || multisite == Multisite::None {
            return found;
        }
        self.at(without_site(&asked.text)?, asked, query)
    }

    /// What stands at `path`, which may be less than what was asked for.
    fn at(&self, path: &[u8], asked: &Asked, query: &[u8]) -> Option<Found> {
        if asked.is_folder {
            return self.index(path).or_else(|| self.behind_an_index(path, b"/"));
        }
        let Some(seen) = self.look(path) else { return self.behind_an_index(path, b"") };
        match seen.kind {
            Kind::Folder => self.index(path).map(|_| Found::Folder(moved(&asked.text, query))),
            Kind::File if is_script(split(path).1) => self.script(path, &seen, b"").map(Found::Script),
            Kind::File => self.file(path, seen).map(Found::File),
            Kind::Other => None,
        }
    }

    /// What answers a folder.
    fn index(&self, folder: &[u8]) -> Option<Found> {
        let (root, rest) = self.place(folder)?;
        if !folder.is_empty() && !is_folder(&root.real, rest) {
            return None;
        }
        let script = [folder, INDEX].concat();
        if let Some(seen) = self.look(&script)
            && let Some(script) = self.script(&script, &seen, b"")
        {
            return Some(Found::Script(script));
        }
        let page = [folder, b"/index.html"].concat();
        self.look(&page).and_then(|seen| self.file(&page, seen)).map(Found::File)
    }

    /// `/index.php/2026/11/hello/`, as permalinks look where a server cannot rewrite.
    fn behind_an_index(&self, path: &[u8], end: &[u8]) -> Option<Found> {
        let whole = [path, end].concat();
        let at = memchr::memmem::find(&whole, b"/index.php/")?;
        let (script, info) = whole.split_at_checked(at + INDEX.len())?;
        let script = self.script(script, &self.look(script)?, info)?;
        Some(Found::Script(script))
    }

    /// WordPress's front door, which answers whatever names nothing.
    fn front_door(&self) -> Found {
        if let Some(script) = self.look(INDEX).and_then(|seen| self.script(INDEX, &seen, b"")) {
            return Found::Script(script);
        }
        let Some(root) = self.roots.first().filter(|root| !is_there(&root.real, INDEX)) else {
            return Found::Nothing;
        };
        // PHP may see what we do not, and says so where it does not either.
        let filename = root.as_php_sees(&[&root.real, INDEX].concat());
        Found::Script(self.named_script(filename, INDEX, b"", false))
    }

    /// The root in which a path below the document root lies, and its path there.
    fn place<'p>(&self, path: &'p [u8]) -> Option<(&Root, &'p [u8])> {
        let rests = self.roots.iter().filter_map(|root| Some((root, root.rest(path)?)));
        rests.max_by_key(|(root, _)| root.path.len())
    }

    /// What stands at a path and is kept from nobody, by the name asked for nor by the path that it really has.
    fn look(&self, path: &[u8]) -> Option<Seen> {
        if path.len() > LONGEST || !self.rules.allow(path) {
            return None;
        }
        let (root, rest) = self.place(path)?;
        let seen = look(&root.real, rest, self.links)?;
        let mut paths = self.roots.iter().filter_map(|root| root.path_of(&seen.real)).peekable();
        paths.peek()?;
        paths.all(|path| self.rules.allow(&path)).then_some(seen)
    }

    fn script(&self, path: &[u8], seen: &Seen, info: &[u8]) -> Option<Script> {
        let is_one = seen.kind == Kind::File && is_script(split(path).1) && is_script(split(&seen.real).1);
        let places = self.roots.iter().filter(|root| root.path_of(&seen.real).is_some());
        let mut below = places.clone().filter_map(|root| root.path_of(&seen.real));
        let may_run = self.rules.allow_to_run(path)
            && !places.clone().any(|root| root.never_runs)
            && below.all(|path| self.rules.allow_to_run(&path));
        if !is_one || !may_run {
            return None;
        }
        let root = places.max_by_key(|root| root.real.len())?;
        let filename = root.as_php_sees(&seen.real);
        Some(self.named_script(filename, path, info, true))
    }

    fn named_script(&self, filename: Vec<u8>, name: &[u8], info: &[u8], is_seen: bool) -> Script {
        let root = self.roots.first().and_then(|root| root.moved.clone());
        Script { filename, name: name.to_vec(), info: info.to_vec(), is_seen, root }
    }

    fn file(&self, path: &[u8], seen: Seen) -> Option<StaticFile> {
        let name = split(path).1;
        let is_kept = is_source(name) || is_source(split(&seen.real).1);
        if seen.kind != Kind::File || is_kept {
            return None;
        }
        Some(StaticFile::new(name, seen.real, seen.length, Arc::clone(self.rules)))
    }
}

fn moved(path: &[u8], query: &[u8]) -> Moved {
    let mut location = Vec::with_capacity(path.len() + query.len() + 2);
    encode(&mut location, path);
    location.push(b'/');
    if !query.is_empty() {
        location.push(b'?');
        copy_query(&mut location, query);
    }
    Moved { location }
}
