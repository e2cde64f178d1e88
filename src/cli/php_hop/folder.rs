//! Where WordPress keeps plugins that always run: `mu-plugins`, found from it, from `wp-content` or from WordPress's own folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::config::name_of_missing;

/// The folder `mu-plugins`, which may have to be made.
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// Found from what was named.
    ///
    /// # Errors
    /// There is no such folder, or it is none of WordPress.
    pub(super) fn of(named: &Path) -> anyhow::Result<Self> {
        let path = named.canonicalize().with_context(|| name_of_missing(named))?;
        if !path.is_dir() {
            bail!("{} is no folder; name WordPress's, as /var/www/html", named.display());
        }
        if path.ends_with("mu-plugins") {
            return Ok(Self { path });
        }
        if is_content(&path) {
            return Ok(Self { path: path.join("mu-plugins") });
        }
        let content = path.join("wp-content");
        if is_content(&content) {
            return Ok(Self { path: content.join("mu-plugins") });
        }
        bail!(
            "{} is neither WordPress's folder nor its wp-content or mu-plugins; where wp-content has another name \
             (WP_CONTENT_DIR), name its mu-plugins",
            named.display()
        )
    }

    /// Makes it where it is missing; then that is told.
    pub(super) fn make(&self) -> anyhow::Result<bool> {
        if self.path.is_dir() {
            return Ok(false);
        }
        fs::create_dir(&self.path).with_context(|| format!("{} cannot be made", self.path.display()))?;
        Ok(true)
    }
}

/// WordPress itself needs these two in it.
fn is_content(path: &Path) -> bool {
    path.join("plugins").is_dir() || path.join("themes").is_dir()
}
