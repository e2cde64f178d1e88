//! Where the roots of a site really lie.
//!
//! A deploy may switch a link (`current`) at any time, so this is asked again, but not for every request.

use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Layout;
use super::look::real_folder;
use super::names::Rules;
use super::path::split;

/// For how long it is believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// The document root or a folder that stands for a path below it.
#[derive(Debug)]
pub(super) struct Root {
    /// The path it stands for: `/wp-content`; empty for the document root.
    pub(super) path: Vec<u8>,
    /// Its real path: `/srv/www`; empty for `/`.
    pub(super) real: Vec<u8>,
    /// Whether nothing runs in it, by its own name.
    pub(super) never_runs: bool,
    php: Option<Vec<u8>>,
    /// Its real path, where PHP sees it so and it is not as it is written.
    pub(super) moved: Option<Arc<[u8]>>,
}

impl Root {
    /// What is left of a path below the document root that may lie here.
    pub(super) fn rest<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        below(&self.path, path)
    }

    /// The path below the document root of a file with this real path, where it lies here.
    pub(super) fn path_of(&self, real: &[u8]) -> Option<Vec<u8>> {
        below(&self.real, real).map(|rest| [&self.path, rest].concat())
    }

    /// The real path of a file that lies here, as PHP sees it.
    pub(super) fn as_php_sees(&self, real: &[u8]) -> Vec<u8> {
        match (&self.php, below(&self.real, real)) {
            (Some(root), Some(rest)) => [root, rest].concat(),
            _ => real.to_vec(),
        }
    }
}

/// What stands behind `folder` in `path`: nothing, or what begins with a slash.
fn below<'p>(folder: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Without the slashes at the end.
pub(super) fn trimmed(mut path: &[u8]) -> &[u8] {
    while let Some(shorter) = path.strip_suffix(b"/") {
        path = shorter;
    }
    path
}

/// The roots of a site.
#[derive(Debug)]
pub(super) struct Roots {
    layout: Layout,
    rules: Arc<Rules>,
    known: RefCell<Option<(Instant, Rc<[Root]>)>>,
}

impl Roots {
    pub(super) const fn new(layout: Layout, rules: Arc<Rules>) -> Self {
        Self { layout, rules, known: RefCell::new(None) }
    }

    /// Where they lie at the moment: the document root first.
    pub(super) fn at(&self, now: Instant) -> Rc<[Root]> {
        let mut known = self.known.borrow_mut();
        match &*known {
            Some((since, roots)) if now.duration_since(*since) < BELIEVED => Rc::clone(roots),
            _ => {
                let roots: Rc<[Root]> = self.look().into();
                *known = Some((now, Rc::clone(&roots)));
                roots
            }
        }
    }

    fn look(&self) -> Vec<Root> {
        let layout = &self.layout;
        let root = Root { never_runs: false, ..self.root("", &layout.root, layout.php_root.as_deref()) };
        let aliases = layout.aliases.iter();
        let aliases = aliases.map(|alias| self.root(&alias.path, &alias.root, alias.php_root.as_deref()));
        std::iter::once(root).chain(aliases).collect()
    }

    /// What is not there is taken by its name: nothing is found in it.
    fn root(&self, path: &str, root: &Path, php: Option<&str>) -> Root {
        let written = trimmed(root.as_os_str().as_bytes());
        let real = real_folder(root.as_os_str().as_bytes()).unwrap_or_else(|| written.to_vec());
        let never_runs = [written, &real].into_iter().any(|folder| self.rules.never_runs(split(folder).1));
        let moved = (php.is_none() && real != written).then(|| Arc::from(&*real));
        let php = php.map(|root| trimmed(root.as_bytes()).to_vec());
        Root { path: trimmed(path.as_bytes()).to_vec(), real, never_runs, php, moved }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{BELIEVED, Roots};
    use crate::files::names::Rules;
    use crate::files::{FollowLinks, Layout, Multisite};

    #[test]
    fn a_link_that_was_switched_is_seen_a_second_later() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (current, one, two) = (base.join("current"), base.join("one"), base.join("two"));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&two).unwrap();
        symlink(&one, &current).unwrap();
        let layout = Layout {
            root: current.clone(),
            php_root: None,
            aliases: Vec::new(),
            follow_links: FollowLinks::None,
            never_serve: Vec::new(),
            never_run: Vec::new(),
            multisite: Multisite::None,
        };
        let roots = Roots::new(layout.clone(), Arc::new(Rules::new(&layout)));
        let begin = Instant::now();
        let real = |after| roots.at(begin + after)[0].real.clone();
        assert_eq!(real(Duration::ZERO), one.as_os_str().as_encoded_bytes());
        fs::remove_file(&current).unwrap();
        symlink(&two, &current).unwrap();
        assert_eq!(real(BELIEVED / 2), one.as_os_str().as_encoded_bytes());
        assert_eq!(real(BELIEVED), two.as_os_str().as_encoded_bytes());
        fs::remove_file(&current).unwrap();
        assert_eq!(real(BELIEVED * 2), current.as_os_str().as_encoded_bytes());
    }
}
