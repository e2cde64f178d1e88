//! Which file answers a path.

use super::{Found, Layout, by_name};
use crate::message::RequestHead;

/// The files of a site, for one worker.
#[derive(Debug)]
pub struct Tree {
    layout: Layout,
    document_root: Vec<u8>,
}

impl Tree {
    /// The files that lie so. Nothing is opened yet.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let seen = layout.php_root.clone().unwrap_or_else(|| layout.root.display().to_string());
        let document_root = seen.trim_end_matches('/').as_bytes().to_vec();
        Self { layout, document_root }
    }

    /// Which file or script answers this request. It asks the file system and waits for it, a few calls at most.
    #[must_use]
    pub fn find(&self, head: &RequestHead) -> Found {
        let root = String::from_utf8_lossy(&self.document_root);
        Found::Script(by_name(&root, head.path(), self.layout.multisite))
    }

    /// The document root as PHP sees it: `/srv/www`, without a slash at the end, and empty for `/`.
    #[must_use]
    pub fn document_root(&self) -> &[u8] {
        &self.document_root
    }
}
