//! Whether a file that the plan was made of has changed.
//!
//! Its content is looked at every second. To be told by the kernel (inotify) would be quicker and wrong where it matters:
//! Kubernetes replaces a symlink two folders up, editors rename a new file over the old one, and on NFS and overlay
//! file systems nothing is told at all. A look follows the path anew each time, so it sees whatever a reader would. It
//! is cheap: only a file whose place, size or time differs is read.
//!
//! A change counts when two looks in a row see the same, so that a file which is just being written is left to settle.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::config::{Sort, contents};

/// The largest file whose content is compared; of a larger one, size and time must do.
const FILE: Sort = Sort { name: "file", most: 1 << 20 };

/// Where a path led, and what stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    place: Place,
    content: u64,
}

/// All that tells without reading whether a file can have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    resolved: PathBuf,
    is_file: bool,
    /// What comes through a pipe or from a terminal comes once.
    tells_once: bool,
    device: u64,
    inode: u64,
    size: u64,
    /// When it was last written and changed, in seconds and nanoseconds.
    times: [i64; 4],
}

/// Nothing where there is no file that can be read.
type Look = Vec<Option<Seen>>;

/// What a look says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Something is different from the look before.
    Settling,
    /// What is in force.
    Same,
    /// Something else than is in force.
    Changed,
}

/// The files the plan in force was made of.
pub(super) struct Files {
    paths: Vec<PathBuf>,
    in_force: Look,
    last: Look,
}

impl Files {
    /// Files as they are now. Must be called before they are read: what changes in between is then seen later.
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        let in_force = look(&paths, &[]);
        Self { paths, last: in_force.clone(), in_force }
    }

    /// Looks at all of them.
    pub(super) fn look(&mut self) -> State {
        let now = look(&self.paths, &self.last);
        let has_settled = now == self.last;
        self.last = now;
        match has_settled {
            false => State::Settling,
            true if is_same(&self.last, &self.in_force) => State::Same,
            true => State::Changed,
        }
    }

    /// What was seen last is what was acted on, whatever came of it.
    pub(super) fn accept(&mut self) {
        self.in_force.clone_from(&self.last);
    }

    /// Looks once more, to accept it.
    pub(super) fn look_again(&mut self) {
        self.last = look(&self.paths, &self.last);
        self.accept();
    }

    /// Whether these files are watched, and no others.
    pub(super) fn are(&self, paths: &[PathBuf]) -> bool {
        self.paths == paths
    }

    /// Goes on with the files of another plan; those known already keep what was seen of them.
    pub(super) fn watch(&mut self, paths: Vec<PathBuf>) {
        let known = |path: &PathBuf| {
            let position = self.paths.iter().position(|known| known == path)?;
            self.in_force.get(position).cloned()
        };
        self.in_force = paths.iter().map(|path| known(path).unwrap_or_else(|| see(path, None))).collect();
        self.last.clone_from(&self.in_force);
        self.paths = paths;
    }
}

/// Whether the same content stands in all files. A file that was copied or touched is no other configuration.
fn is_same(one: &Look, other: &Look) -> bool {
    let content = |seen: &Option<Seen>| seen.as_ref().map(|seen| (seen.content, seen.place.size));
    one.iter().map(content).eq(other.iter().map(content))
}

fn look(paths: &[PathBuf], before: &[Option<Seen>]) -> Look {
    let before = before.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    paths.iter().zip(before).map(|(path, before)| see(path, before)).collect()
}

/// What cannot be looked at just now, for want of a descriptor say, is taken to be what it was.
fn see(path: &Path, before: Option<&Seen>) -> Option<Seen> {
    match try_to_see(path, before) {
        Ok(seen) => Some(seen),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(_) => before.cloned(),
    }
}

fn try_to_see(path: &Path, before: Option<&Seen>) -> io::Result<Seen> {
    let place = place(path)?;
    if let Some(before) = before.filter(|before| before.place == place) {
        return Ok(before.clone());
    }
    let mut hasher = DefaultHasher::new();
    if place.is_file && place.size <= FILE.most {
        let read = contents(&place.resolved, FILE).map_err(io::Error::other)?;
        hasher.write(&read.bytes);
    } else if !place.tells_once {
        place.times.iter().for_each(|time| hasher.write_i64(*time));
    }
    Ok(Seen { place, content: hasher.finish() })
}

fn place(path: &Path) -> io::Result<Place> {
    let resolved = fs::canonicalize(path)?;
    let metadata = fs::metadata(&resolved)?;
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    let (device, inode, size) = (metadata.dev(), metadata.ino(), metadata.size());
    let (is_file, kind) = (metadata.is_file(), metadata.file_type());
    // That somebody writes to it, our own log to the terminal for example, is no change.
    let tells_once = kind.is_fifo() || kind.is_char_device();
    Ok(Place { resolved, is_file, tells_once, device, inode, size, times })
}

#[cfg(test)]
mod tests {
    use super::Files;
    use super::State::{Changed, Same, Settling};
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn watched(file: &Path) -> Files {
        Files::new(vec![file.to_owned()])
    }

    #[test]
    fn a_change_counts_once_it_has_settled() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, "one").unwrap();
        let mut files = watched(&file);
        assert_eq!(files.look(), Same);
        fs::write(&file, "tw").unwrap();
        assert_eq!(files.look(), Settling, "it may be half written");
        fs::write(&file, "two").unwrap();
        assert_eq!(files.look(), Settling, "it was");
        assert!(files.look() == Changed && files.look() == Changed);
        files.accept();
        assert_eq!(files.look(), Same);
    }

    #[test]
    fn a_config_map_changes_by_its_symlink() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("a.yaml"), text).unwrap();
        }
        symlink("..1", at("..data")).unwrap();
        symlink("..data/a.yaml", at("a.yaml")).unwrap();
        let mut files = watched(&at("a.yaml"));
        symlink("..2", at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        assert!(files.look() == Settling && files.look() == Changed);
    }

    #[test]
    fn a_file_that_says_the_same_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = (folder.path().join("a.yaml"), folder.path().join("b.yaml"));
        fs::write(&file, "one").unwrap();
        let mut files = watched(&file);
        fs::write(&copy, "one").unwrap();
        fs::rename(&copy, &file).unwrap();
        assert!(files.look() == Settling && files.look() == Same);
    }

    #[test]
    fn a_file_that_goes_or_comes_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let mut files = watched(&file);
        fs::write(&file, "one").unwrap();
        assert!(files.look() == Settling && files.look() == Changed);
        files.accept();
        fs::remove_file(&file).unwrap();
        assert!(files.look() == Settling && files.look() == Changed);
    }

    #[test]
    fn what_is_written_to_a_terminal_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("a.yaml");
        fs::write(&empty, "").unwrap();
        // Of the kind of a terminal, which a test may not have. Its times are no part of its content.
        let device = super::see(Path::new("/dev/null"), None).unwrap();
        assert_eq!(device.content, super::see(&empty, None).unwrap().content);
    }

    #[test]
    fn another_plan_may_be_made_of_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("a.yaml"), folder.path().join("b.pem"));
        fs::write(&one, "one").unwrap();
        fs::write(&two, "two").unwrap();
        let mut files = watched(&one);
        fs::write(&one, "changed").unwrap();
        files.watch(vec![one, two.clone()]);
        assert!(files.look() == Settling && files.look() == Changed, "what changed meanwhile is not missed");
        files.accept();
        fs::write(&two, "changed").unwrap();
        assert!(files.look() == Settling && files.look() == Changed);
    }
}
