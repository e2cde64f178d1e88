//! What an attacker may have left in a site: scripts under every name, links, pipes, backups and hidden files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::stand::Stand;
use crate::world::Reply;

/// What stands in every file that must not be shown, and what such a file says when it runs.
const SOURCE: &str = "SOURCE-OF-A-TRAP";
const RUN: &str = "EXECUTED 42";

/// A user who owns nothing else here.
const NOBODY: u32 = 65_534;

/// Files of an attacker in the stand's site, and one outside of it. They are gone with the test.
pub(super) struct Traps {
    /// Below the uploads.
    uploads: TempDir,
    /// Below the plugins, where scripts may run.
    plugin: TempDir,
    outside: TempDir,
    /// Links and hidden files in the root itself.
    made: Vec<PathBuf>,
}

impl Traps {
    pub(super) fn set() -> Self {
        let root = Path::new(Stand::up().get("SITE_ROOT"));
        let folder = |below: &str| {
            open(tempfile::Builder::new().prefix("traps").tempdir_in(root.join(below)).unwrap())
        };
        let outside = open(tempfile::tempdir().unwrap());
        // Where code that ran leaves its mark: whoever PHP is may write there.
        fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let traps = Self {
            uploads: folder("wp-content/uploads"),
            plugin: folder("wp-content/plugins"),
            outside,
            made: Vec::new(),
        };
        traps.set_uploads();
        traps.set_plugin();
        traps
    }

    fn code(&self) -> String {
        let mark = self.outside.path().join("ran").display().to_string();
        format!("<?php touch('{mark}'); echo 'EXECUTED ', 6 * 7; // {SOURCE}\n")
    }

    fn set_uploads(&self) {
        let (folder, code) = (self.uploads.path(), self.code());
        for name in [
            "evil.php",
            "evil.jpg.php",
            "EVIL2.PHP",
            "evil.php.txt",
            "evil.phtml",
            "evil.phar",
            "evil.php5",
            "evil.phps",
            "evil.php.jpg",
            "evil.php.",
            "evil.php ",
            "evil.pht",
            ".hidden.php",
            ".user.ini",
            ".htaccess",
            "index.php",
            "wp-config.php.bak",
        ] {
            put(&folder.join(name), &code);
        }
        fs::create_dir(folder.join("evil.php.d")).unwrap();
        put(&folder.join("evil.php.d/index.php"), &code);
        put(&self.outside.path().join("evil.php"), &code);
        put(&self.outside.path().join("secret.txt"), SOURCE);
        for (name, target) in [
            ("link.php", self.outside.path().join("evil.php")),
            ("link.txt", self.outside.path().join("secret.txt")),
            ("passwd.txt", "/etc/passwd".into()),
            ("folder", self.outside.path().to_owned()),
            ("slash", "/".into()),
            ("config.txt", Path::new(Stand::up().get("SITE_ROOT")).join("wp-config.php")),
            ("source.txt", folder.join("evil.php")),
            ("loop", folder.join("loop")),
        ] {
            symlink(target, folder.join(name)).unwrap();
        }
        put(&folder.join("evil.jpg"), &self.code().replace(SOURCE, "it is a picture"));
        assert!(Command::new("mkfifo").arg(folder.join("pipe.txt")).status().unwrap().success());
        drop(std::os::unix::net::UnixListener::bind(folder.join("socket.txt")).unwrap());
    }

    fn set_plugin(&self) {
        let folder = self.plugin.path();
        // A script of a plugin may run, and what stands behind its name is no part of it.
        put(&folder.join("good.php"), "<?php echo 'good ', $_SERVER['PATH_INFO'] ?? 'none';");
        for name in [
            ".env.php",
            "wp-config-old.php",
            "good.php.bak",
            "good.php~",
            "good.php.save",
            "good.php.swp",
            "good.inc.php.orig",
        ] {
            put(&folder.join(name), &self.code());
        }
        let link = |target: PathBuf, name: &str, owner: u32| {
            symlink(target, folder.join(name)).unwrap();
            lchown(folder.join(name), Some(owner), None).unwrap();
        };
        link(self.uploads.path().join("evil.php"), "uploaded.php", web_user());
        link(self.outside.path().join("evil.php"), "outside.php", web_user());
        link(folder.join("good.php"), "strangers.php", NOBODY);
    }

    /// The same with such files in the root itself: one test has them.
    pub(super) fn in_the_root_too(mut self) -> Self {
        let root = Path::new(Stand::up().get("SITE_ROOT"));
        for name in [
            ".htaccess",
            ".htpasswd",
            ".env",
            "wp-config.php.bak",
            "wp-config.old",
            "wp-config.php~",
            "wp-config.txt",
        ] {
            let path = root.join(name);
            assert!(!path.exists(), "the stand has a {name}");
            put(&path, &self.code());
            self.made.push(path);
        }
        let git = root.join(".git");
        fs::create_dir(&git).unwrap();
        put(&git.join("config"), SOURCE);
        self.made.push(git);
        self
    }

    /// A script among the uploads.
    pub(super) fn script(&self) -> PathBuf {
        self.uploads.path().join("evil.php")
    }

    /// A path of the table as a client writes it.
    pub(super) fn target(&self, row: &str) -> String {
        let name = |folder: &TempDir| folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        row.replace("UP/", &format!("/wp-content/uploads/{}/", name(&self.uploads)))
            .replace("PLUGIN/", &format!("/wp-content/plugins/{}/", name(&self.plugin)))
            .replace("OUTSIDE", self.outside.path().to_str().unwrap())
            .replace("SITE", Stand::up().get("SITE_ROOT"))
    }

    /// Nothing of a trap was run or shown.
    pub(super) fn check(&self, what: &str, reply: &Reply) {
        let text = String::from_utf8_lossy(&reply.body);
        for sign in [SOURCE, RUN, "root:x:0:0", "DB_PASSWORD", "<?php", "AUTH_KEY"] {
            assert!(!text.contains(sign), "{what} shows {sign}: {reply:?}");
        }
        assert!(!self.outside.path().join("ran").exists(), "{what} ran: {reply:?}");
        let location = reply.field("location").unwrap_or("/");
        let is_path = location.starts_with('/') && !location.starts_with("//");
        let is_ours = location.split_once("://").is_some_and(|(_, rest)| rest.starts_with("wordpress.test/"));
        assert!(is_path || is_ours, "{what} leads to {location}");
    }
}

impl Drop for Traps {
    fn drop(&mut self) {
        for path in &self.made {
            drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
        }
    }
}

fn open(folder: TempDir) -> TempDir {
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A file as PHP's user could have written it.
fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    chown(path, Some(web_user()), None).unwrap();
}

/// Whose the uploads are: started by root, the stand has a user for PHP, and else all is the caller's.
fn web_user() -> u32 {
    fs::metadata(Path::new(Stand::up().get("SITE_ROOT")).join("wp-content/uploads")).unwrap().uid()
}
