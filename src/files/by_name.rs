//! Which script answers a path, by its name alone: the files lie in another container.
//!
//! php-fpm runs whatever `.php` file it is told, and walks a path back to one (`evil.php/a.css` runs `evil.php`). So it
//! is told a name made of plain parts or `/index.php`, and never what a client chose beyond that. WordPress routes by
//! `REQUEST_URI`, which stays as it was sent: what is no script gets WordPress's own answer.

use super::path::{decoded, without_site};
use super::{Multisite, NEVER_RUN, Script};

/// WordPress's front door.
const INDEX: &[u8] = b"/index.php";

/// Folders of the dashboard, each with an `index.php` of its own: sent to the front door, it redirects to itself.
const DASHBOARDS: [&[u8]; 3] = [b"/wp-admin/", b"/wp-admin/network/", b"/wp-admin/user/"];

/// The script for the path of a request, as it was sent, where the files lie in the folder `root`, as PHP sees it and
/// without a slash at the end. What is not the front door ends in `.php` and has plain parts only.
#[must_use]
pub fn by_name(root: &str, path: &[u8], multisite: Multisite) -> Script {
    let (name, info) = decoded(path).map_or_else(front_door, |path| named(path, multisite));
    Script { filename: [root.as_bytes(), &name].concat(), name, info, is_seen: false, root: None }
}

fn front_door() -> (Vec<u8>, Vec<u8>) {
    (INDEX.to_vec(), Vec::new())
}

fn named(path: Vec<u8>, multisite: Multisite) -> (Vec<u8>, Vec<u8>) {
    if let Some(info) = behind_the_front_door(&path) {
        return (INDEX.to_vec(), info.to_vec());
    }
    let path = match without_site(&path) {
        Some(rest) if multisite == Multisite::Subfolders => rest.to_vec(),
        _ => path,
    };
    if DASHBOARDS.iter().any(|folder| path.ends_with(folder)) && has_plain_parts(&path) {
        return ([&path, &b"index.php"[..]].concat(), Vec::new());
    }
    if is_script(&path) {
        return (path, Vec::new());
    }
    front_door()
}

/// What stands behind `/index.php` in a permalink (`/index.php/2026/11/hello/`), where it may be told to PHP.
fn behind_the_front_door(path: &[u8]) -> Option<&[u8]> {
    let info = path.strip_prefix(INDEX).filter(|info| info.starts_with(b"/"))?;
    let is_odd = |part: &[u8]| matches!(part, b"." | b"..");
    let is_plain = memchr::memchr2(0, b'\\', info).is_none() && !info.split(|byte| *byte == b'/').any(is_odd);
    Some(if is_plain { info } else { b"" })
}

fn is_script(path: &[u8]) -> bool {
    let Some((folder, file)) = memchr::memrchr(b'/', path).and_then(|at| path.split_at_checked(at + 1))
    else {
        return false;
    };
    let is_secret = file.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"wp-config"));
    let is_named = file.len() > 4 && file.ends_with(b".php") && is_plain(file);
    is_named && !is_secret && (folder == b"/" || has_plain_parts(folder))
}

/// Whether a part of a path is a plain name and not hidden.
fn is_plain(part: &[u8]) -> bool {
    let is_usual =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'~' | b'@');
    !part.is_empty() && !part.starts_with(b".") && part.iter().all(is_usual)
}

/// Whether a part is named as scripts are (`.php`, `.phar`, `.phtml`): php-fpm would run it instead of what stands behind.
fn is_named_as_a_script(part: &[u8]) -> bool {
    let mut extensions = part.split(|byte| *byte == b'.').skip(1);
    extensions.any(|extension| extension.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"ph")))
}

/// Whether each part of a folder is a plain name, none could be run, and none is a folder that nothing runs in.
fn has_plain_parts(path: &[u8]) -> bool {
    let Some(path) = path.strip_prefix(b"/") else { return false };
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let is_never_run =
        |part: &[u8]| NEVER_RUN.iter().any(|folder| part.eq_ignore_ascii_case(folder.as_bytes()));
    path.split(|byte| *byte == b'/')
        .all(|part| is_plain(part) && !is_named_as_a_script(part) && !is_never_run(part))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::by_name;
    use crate::files::{Multisite, Script};

    fn of(path: &[u8]) -> Script {
        by_name("/srv/www", path, Multisite::None)
    }

    fn script(path: &str) -> String {
        let script = of(path.as_bytes());
        assert_eq!(script.filename, [b"/srv/www", &script.name[..]].concat());
        format!("{} {}", String::from_utf8_lossy(&script.name), String::from_utf8_lossy(&script.info))
    }

    #[test]
    fn a_script_is_run_by_its_name() {
        for path in [
            "/index.php",
            "/wp-login.php",
            "/xmlrpc.php",
            "/wp-cron.php",
            "/wp-admin/admin-ajax.php",
            "/wp-admin/network/sites.php",
            "/wp-includes/js/tinymce/wp-tinymce.php",
            "/wp-content/plugins/some-plugin/callback.v2.php",
            "/blog/wp-login.php",
        ] {
            assert_eq!(script(path), format!("{path} "));
        }
        assert_eq!(script("/wp%2Dlogin.php"), "/wp-login.php ");
        assert_eq!(script("/wp-login%2ephp"), "/wp-login.php ");
    }

    #[test]
    fn a_dashboard_has_a_front_door_of_its_own() {
        assert_eq!(script("/wp-admin/"), "/wp-admin/index.php ");
        assert_eq!(script("/wp-admin/network/"), "/wp-admin/network/index.php ");
        assert_eq!(script("/blog/wp-admin/user/"), "/blog/wp-admin/user/index.php ");
        assert_eq!(script("/wp-admin"), "/index.php ", "WordPress redirects it");
        assert_eq!(script("/../wp-admin/"), "/index.php ");
    }

    #[test]
    fn sites_in_folders_that_do_not_exist_run_what_stands_in_the_root() {
        let script =
            |path: &str| String::from_utf8(by_name("", path.as_bytes(), Multisite::Subfolders).name).unwrap();
        assert_eq!(script("/blog/wp-admin/"), "/wp-admin/index.php");
        assert_eq!(script("/blog/wp-admin/post.php"), "/wp-admin/post.php");
        assert_eq!(script("/blog/wp-login.php"), "/wp-login.php");
        assert_eq!(script("/wp-admin/post.php"), "/wp-admin/post.php");
        assert_eq!(script("/wp-login.php"), "/wp-login.php");
        assert_eq!(script("/blog/wp-content/uploads/evil.php"), "/index.php");
        assert_eq!(script("/blog/wp-config.php"), "/index.php");
        assert_eq!(script("/uploads/wp-login.php"), "/wp-login.php", "a site may be called so");
        assert_eq!(script("/blog/"), "/index.php");
    }

    #[test]
    fn permalinks_behind_the_front_door_keep_their_path() {
        assert_eq!(script("/index.php/wp-json/wp/v2/users/me"), "/index.php /wp-json/wp/v2/users/me");
        assert_eq!(script("/index.php/"), "/index.php /");
        assert_eq!(script("/index.php/a%20b"), "/index.php /a b");
        assert_eq!(script("/index.php/../../etc/passwd"), "/index.php ");
        assert_eq!(script("/index.php/a%00b"), "/index.php ");
        assert_eq!(script("/index.php/evil.php"), "/index.php /evil.php", "told, not run");
    }

    /// Every trap of a path: each goes to the front door, where WordPress answers.
    const TRAPS: &[&str] = &[
        "/",
        "/wp-json/wp/v2/posts",
        "/no/such/page",
        "/stand-static.css",
        "*",
        "",
        // What visitors uploaded, in every spelling.
        "/wp-content/uploads/evil.php",
        "/wp-content/uploads/2026/11/evil.php",
        "/wp-content/uploads/evil.php/",
        "/wp-content/uploads/evil.php/a.css",
        "/wp-content/uploads/evil.jpg/x.php",
        "/wp-content/uploads/evil.jpg%00.php",
        "/wp-content/uploads/evil.php.txt",
        "/wp-content/uploads/evil.phtml",
        "/wp-content/uploads/EVIL2.PHP",
        "/wp-content/uploads/evil.php%20",
        "/wp-content/uploads/evil.php.",
        "/wp-content/Uploads/evil.php",
        "/wp-content/%75ploads/evil.php",
        "/wp-content%2Fuploads%2Fevil.php",
        "/wp-content//uploads/evil.php",
        "/wp-content/./uploads/evil.php",
        "/wp-content/x/../uploads/evil.php",
        "/wp-content/x/%2e%2e/uploads/evil.php",
        "/wp-content\\uploads\\evil.php",
        "/wp-content%5cuploads%5cevil.php",
        "/blog/wp-content/uploads/evil.php",
        "/wp-content/blogs.dir/2/files/evil.php",
        // A path behind a script.
        "/wp-login.php/",
        "/wp-login.php/a.css",
        "/wp-login.php/x.php",
        "/wp-content/plugins/a/b.php/c",
        "/wp-content/plugins/a/b.php/c.php",
        "/wp-content/plugins/a/b.phar/c.php",
        "/wp-content/plugins/a/b.PHP7/c.php",
        "/evil.php/wp-admin/",
        "/uploads/wp-admin/",
        // Outside the root.
        "/../wp-login.php",
        "/../../../etc/passwd",
        "/../www/stand-env.php",
        "/%2e%2e/stand-env.php",
        "/..%2fstand-env.php",
        "//etc/evil.php",
        "//wp-login.php",
        "/wp-admin//post.php",
        "/./wp-login.php",
        // Secrets, and what is hidden.
        "/wp-config.php",
        "/WP-Config.php",
        "/wp%2dconfig.php",
        "/wp-config-sample.php",
        "/wp-config.php.bak",
        "/wp-config.php~",
        "/blog/wp-config.php",
        "/.git/x.php",
        "/.hidden.php",
        "/wp-admin/.hidden.php",
        "/.htaccess",
        // No script.
        "/.php",
        "/wp-admin/.php",
        "/wp-login.PHP",
        "/wp-login.php5",
        "/wp-login.phtml",
        "/wp-login.phar",
        "/wp-login.php%20",
        "/wp-login.php%00",
        "/wp-login.php%0a",
        "/wp-login.php%",
        "/wp-login.php%2",
        "/wp-login.php%zz",
        "/wp-login%252ephp",
        "/wp-login.php;x",
        "/wp login.php",
        "/wp-login.php:80",
        "/b\u{fc}cher.php",
        "http://a.test/wp-login.php",
        "wp-login.php",
    ];

    #[test]
    fn nothing_else_is_run() {
        for path in TRAPS {
            assert_eq!(script(path), "/index.php ", "{path}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_the_name_is_plain(
            parts in vec(("[/.%a-z]{0,6}", any::<u8>(), "(\\.php|/|uploads|\\.\\.|wp-config|wp-admin|%2e|%2f)?"), 0..6)
        ) {
            let mut path = Vec::from(b"/");
            for (text, odd, piece) in parts {
                path.extend_from_slice(text.as_bytes());
                path.push(odd);
                path.extend_from_slice(piece.as_bytes());
            }
            let script = of(&path);
            let name = std::str::from_utf8(&script.name).unwrap().to_owned();
            prop_assert!(name.starts_with('/') && name.ends_with(".php") && !name.contains("/."));
            prop_assert!(!name.contains("//") && !name.contains("uploads/") && !name.contains("wp-config"));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"%\\".contains(&byte)));
            prop_assert!(script.info.is_empty() || name == "/index.php");
        }
    }
}
