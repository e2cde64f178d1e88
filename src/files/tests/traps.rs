//! Every trap that lies between a path and a file: what is denied is as if it were not there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{FRONT_DOOR, Site, get};
use crate::files::{Found, Layout, Multisite};

/// WordPress as it is installed, what visitors uploaded, and what people leave behind.
const FILES: &[&str] = &[
    "evil.php",
    "secret.txt",
    "www-2/secret.txt",
    "www/wp-login.php",
    "www/xmlrpc.php",
    "www/wp-config.php",
    "www/wp-config-sample.php",
    "www/wp-config.php.bak",
    "www/wp-config.php~",
    "www/wp-config.old",
    "www/WP-Config.txt",
    "www/wp-config-backup/a.css",
    "www/.htaccess",
    "www/.htaccess-fix",
    "www/.env",
    "www/.hidden.php",
    "www/.git/config",
    "www/.git/x.php",
    "www/.well-known/acme-challenge/token",
    "www/.well-known/.secret",
    "www/a/.well-known/token",
    "www/a/.user.ini",
    "www/stand-static.css",
    "www/readme.html",
    "www/dump.sql",
    "www/dump.sql.gz",
    "www/style.css~",
    "www/style.css.orig",
    "www/.style.css.swp",
    "www/style.css.SAVE",
    "www/wp-login.php.old.txt",
    "www/wp-login.phps",
    "www/wp-admin/index.php",
    "www/wp-admin/post.php",
    "www/wp-admin/network/index.php",
    "www/wp-admin/css/about.css",
    "www/wp-includes/version.php",
    "www/wp-includes/js/jquery/jquery.min.js",
    "www/wp-content/index.php",
    "www/wp-content/debug.log",
    "www/wp-content/themes/a/style.css",
    "www/wp-content/uploads/evil.php",
    "www/wp-content/uploads/index.php",
    "www/wp-content/uploads/EVIL2.PHP",
    "www/wp-content/uploads/evil.jpg",
    "www/wp-content/uploads/evil.php.txt",
    "www/wp-content/uploads/evil.php.jpg",
    "www/wp-content/uploads/evil.php_.jpg",
    "www/wp-content/uploads/evil.phtml",
    "www/wp-content/uploads/evil.phar",
    "www/wp-content/uploads/evil.phps",
    "www/wp-content/uploads/evil.php5",
    "www/wp-content/uploads/evil.php ",
    "www/wp-content/uploads/evil.php.",
    "www/wp-content/uploads/2026/11/evil.php",
    "www/wp-content/uploads/2026/11/photo.jpg",
    "www/wp-content/uploads/wp-admin/index.php",
    "www/wp-content/blogs.dir/2/files/evil.php",
    "www/Uploads/evil.php",
];

fn wordpress() -> Site {
    let site = Site::new();
    site.files(FILES);
    site
}

#[test]
fn what_wordpress_is_made_of_is_run_and_served() {
    let site = wordpress();
    site.check(&[
        ("/", FRONT_DOOR),
        ("//", FRONT_DOOR),
        ("/index.php", FRONT_DOOR),
        ("/?p=1", FRONT_DOOR),
        ("/wp-login.php", "run www/wp-login.php as /wp-login.php"),
        ("/wp-login.php?action=logout", "run www/wp-login.php as /wp-login.php"),
        ("/wp%2Dlogin%2ephp", "run www/wp-login.php as /wp-login.php"),
        ("//wp-login.php", "run www/wp-login.php as /wp-login.php"),
        ("/./wp-admin//post.php", "run www/wp-admin/post.php as /wp-admin/post.php"),
        ("/wp-admin", "to /wp-admin/"),
        ("/wp-admin/", "run www/wp-admin/index.php as /wp-admin/index.php"),
        ("/wp-admin/network/", "run www/wp-admin/network/index.php as /wp-admin/network/index.php"),
        ("/wp-includes/version.php", "run www/wp-includes/version.php as /wp-includes/version.php"),
        ("/wp-content/", "run www/wp-content/index.php as /wp-content/index.php"),
        ("/stand-static.css", "file www/stand-static.css"),
        ("/stand-static.css?ver=6.8", "file www/stand-static.css"),
        ("/readme.html", "file www/readme.html"),
        ("/wp-includes/js/jquery/jquery.min.js", "file www/wp-includes/js/jquery/jquery.min.js"),
        ("/wp-admin/css/about.css", "file www/wp-admin/css/about.css"),
        ("/wp-content/uploads/2026/11/photo.jpg", "file www/wp-content/uploads/2026/11/photo.jpg"),
        ("/wp-content/uploads/evil.jpg", "file www/wp-content/uploads/evil.jpg"),
        ("/wp-content/uploads/evil.php_.jpg", "file www/wp-content/uploads/evil.php_.jpg"),
        ("/.well-known/acme-challenge/token", "file www/.well-known/acme-challenge/token"),
    ]);
    site.check_unknown(&[
        "*",
        "/wp-json/wp/v2/posts",
        "/2026/11/hello-world/",
        "/no/such/page",
        "/no-such.php",
        "/no-such.css",
    ]);
}

#[test]
fn permalinks_behind_a_front_door_keep_their_path() {
    wordpress().check(&[
        ("/index.php/wp-json/wp/v2/users/me", "run www/index.php as /index.php for /wp-json/wp/v2/users/me"),
        ("/index.php/", "run www/index.php as /index.php for /"),
        ("/index.php/a/", "run www/index.php as /index.php for /a/"),
        ("/index.php/a%20b", "run www/index.php as /index.php for /a b"),
        ("/index.php/wp-login.php", "run www/index.php as /index.php for /wp-login.php"),
        ("/index.php/../../etc/passwd", FRONT_DOOR),
        ("/index.php/a%00b", FRONT_DOOR),
        ("/wp-admin/index.php/x", "run www/wp-admin/index.php as /wp-admin/index.php for /x"),
        ("/no/index.php/x", FRONT_DOOR),
        ("/no/index.php/index.php/x", FRONT_DOOR),
    ]);
}

#[test]
fn nothing_uploaded_runs_and_no_source_is_shown() {
    let site = wordpress();
    site.check_unknown(&[
        "/wp-content/uploads/evil.php",
        "/wp-content/uploads/evil.php?a=b",
        "/wp-content/uploads/2026/11/evil.php",
        "/wp-content/uploads/evil.php/",
        "/wp-content/uploads/evil.php/a.css",
        "/wp-content/uploads/evil.php/index.php/a",
        "/wp-content/uploads/evil.php/x.php",
        "/wp-content/uploads/evil.jpg/",
        "/wp-content/uploads/evil.jpg/x.php",
        "/wp-content/uploads/evil.jpg/index.php",
        "/wp-content/uploads/evil.jpg%00.php",
        "/wp-content/uploads/evil.jpg%2fx.php",
        "/wp-content/uploads/evil.php.txt",
        "/wp-content/uploads/evil.php.jpg",
        "/wp-content/uploads/evil.phtml",
        "/wp-content/uploads/evil.phar",
        "/wp-content/uploads/evil.phps",
        "/wp-content/uploads/evil.php5",
        "/wp-content/uploads/EVIL2.PHP",
        "/wp-content/uploads/evil.php%20",
        "/wp-content/uploads/evil.php.",
        "/wp-content/uploads/evil.php%2e",
        "/wp-content/uploads/evil%2ephp",
        "/wp-content/uploads/%65vil.php",
        "/wp-content/%75ploads/evil.php",
        "/wp-content%2Fuploads%2Fevil.php",
        "/wp-content//uploads/evil.php",
        "/wp-content/./uploads/evil.php",
        "/wp-content/uploads/./evil.php",
        "/wp-content/themes/../uploads/evil.php",
        "/wp-content/themes/%2e%2e/uploads/evil.php",
        "/wp-content/themes/..%2fuploads/evil.php",
        "/wp-content\\uploads\\evil.php",
        "/wp-content%5cuploads%5cevil.php",
        "/wp-content/uploads/index.php",
        "/wp-content/uploads/index.php/a",
        "/wp-content/uploads/",
        "/wp-content/uploads",
        "/wp-content/uploads/wp-admin/",
        "/wp-content/uploads/wp-admin",
        "/wp-content/blogs.dir/2/files/evil.php",
        "/Uploads/evil.php",
        "/wp-login.php/",
        "/wp-login.php/a.css",
        "/wp-login.php/x.php",
        "/wp-login.PHP",
        "/wp-login.php%20",
        "/wp-login.php.",
        "/wp-login.php%00",
        "/wp-login.php%0a",
        "/wp-login.php%",
        "/wp-login%252ephp",
        "/wp-login.php;x",
        "/wp-login.phps",
        "/wp-login.php.old.txt",
    ]);
}

#[test]
fn nothing_outside_the_root_is_reached() {
    wordpress().check_unknown(&[
        "/../evil.php",
        "/../secret.txt",
        "/../www-2/secret.txt",
        "/../../../../../../etc/passwd",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "/..;/secret.txt",
        "/..%00/secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/wp-admin/../../secret.txt",
        "/wp-admin/..",
        "/..",
        "//etc/passwd",
        "http://a.test/wp-login.php",
        "wp-login.php",
        "",
    ]);
}

#[test]
fn secrets_copies_and_hidden_files_are_kept() {
    let site = wordpress();
    site.check_unknown(&[
        "/wp-config.php",
        "/wp%2dconfig.php",
        "/WP-Config.php",
        "/WP-Config.txt",
        "/wp-config-sample.php",
        "/wp-config.php.bak",
        "/wp-config.php~",
        "/wp-config.php%7e",
        "/wp-config.old",
        "/wp-config.php/",
        "/wp-config-backup/a.css",
        "/.htaccess",
        "/%2ehtaccess",
        "/.htaccess-fix",
        "/.env",
        "/.hidden.php",
        "/.git/config",
        "/.git/x.php",
        "/.git/",
        "/.git",
        "/.well-known/.secret",
        "/a/.well-known/token",
        "/a/.user.ini",
        "/dump.sql",
        "/dump.sql.gz",
        "/style.css~",
        "/style.css.orig",
        "/.style.css.swp",
        "/style.css.SAVE",
        "/wp-content/debug.log",
    ]);
}

#[test]
fn lists_of_our_own_replace_the_given_ones() {
    let site = wordpress().with(|layout, _| {
        layout.never_serve = vec!["*.PHP".to_owned(), "post.*".to_owned()];
        layout.never_run = vec!["Wp-Includes".to_owned()];
    });
    site.check(&[
        ("/wp-login.php", "run www/wp-login.php as /wp-login.php"),
        ("/wp-admin/post.php", FRONT_DOOR),
        ("/wp-includes/version.php", FRONT_DOOR),
        ("/wp-includes/js/jquery/jquery.min.js", "file www/wp-includes/js/jquery/jquery.min.js"),
        (
            "/wp-content/uploads/evil.php",
            "run www/wp-content/uploads/evil.php as /wp-content/uploads/evil.php",
        ),
        ("/wp-login.phps", FRONT_DOOR),
        ("/.env", FRONT_DOOR),
        ("/dump.sql", "file www/dump.sql"),
    ]);
    assert!(Layout::default_never_run().contains(&"uploads".to_owned()));
}

#[test]
fn odd_names_are_found() {
    let site = Site::new();
    site.files(&[
        "www/with space.txt",
        "www/b\u{fc}cher.txt",
        "www/100%.txt",
        "www/a+b.txt",
        "www/a?b#c.txt",
        "www/semi;colon.txt",
        "www/%2e%2e.txt",
        "www/..a/b..txt",
        "www/new\nline.txt",
        "www/with space.php",
        "www/caf\u{e9} au lait/index.php",
    ]);
    site.file(OsStr::from_bytes(b"www/latin-\xfc.txt"), b"");
    site.check(&[
        ("/with%20space.txt", "file www/with space.txt"),
        ("/with+space.txt", FRONT_DOOR),
        ("/b%c3%bccher.txt", "file www/b\u{fc}cher.txt"),
        ("/b\u{fc}cher.txt", "file www/b\u{fc}cher.txt"),
        ("/latin-%FC.txt", "file www/latin-\u{fffd}.txt"),
        ("/100%25.txt", "file www/100%.txt"),
        ("/100%.txt", FRONT_DOOR),
        ("/a+b.txt", "file www/a+b.txt"),
        ("/a%2Bb.txt", "file www/a+b.txt"),
        ("/a%3fb%23c.txt", "file www/a?b#c.txt"),
        ("/semi;colon.txt", "file www/semi;colon.txt"),
        ("/%252e%252e.txt", "file www/%2e%2e.txt"),
        ("/..a/b..txt", FRONT_DOOR),
        ("/new%0Aline.txt", "file www/new\nline.txt"),
        ("/with%20space.php", "run www/with space.php as /with space.php"),
        ("/caf%C3%A9%20au%20lait", "to /caf%C3%A9%20au%20lait/"),
    ]);
    let long = format!("/{}", "a".repeat(5000));
    site.check_unknown(&[&long, &"/a".repeat(3000), &"/no/index.php".repeat(3000)]);
    assert_eq!(site.told(&format!("/index.php{long}")), format!("{FRONT_DOOR} for {long}"));
}

#[test]
fn a_folder_is_shown_by_its_slash() {
    let site = Site::new();
    site.files(&[
        "www/a/index.html",
        "www/evil.test/index.php",
        "www/both/index.php",
        "www/both/index.html",
        "www/none/a.css",
    ]);
    site.check(&[
        ("/a", "to /a/"),
        ("/a?b=c&d", "to /a/?b=c&d"),
        ("/a?b=%0d%0a\u{e9}", "to /a/?b=%0d%0a%C3%A9"),
        ("/a?", "to /a/"),
        ("//a", "to /a/"),
        ("/.//a", "to /a/"),
        ("/%2fa", "to /a/"),
        ("//evil.test", "to /evil.test/"),
        ("/%2fevil.test", "to /evil.test/"),
        ("//evil.test/", "run www/evil.test/index.php as /evil.test/index.php"),
        ("//evil.test/..", FRONT_DOOR),
        ("//evil.test/%2e%2e", FRONT_DOOR),
        ("/\\evil.test", FRONT_DOOR),
        ("/a/", "file www/a/index.html"),
        ("/a/.", "file www/a/index.html"),
        ("/a/index.html/", FRONT_DOOR),
        ("/both/", "run www/both/index.php as /both/index.php"),
        ("/none", FRONT_DOOR),
        ("/none/", FRONT_DOOR),
    ]);
}

#[test]
fn what_is_no_file_is_not_there() {
    let site = Site::new();
    let fifo = site.path("www/fifo.css");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    mknodat(CWD, site.path("www/fifo.php"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    let _socket = UnixListener::bind(site.path("www/socket.css")).unwrap();
    site.link("www/null.css", "/dev/null");
    site.link("www/null.php", "/dev/null");
    site.link("www/loop.css", "loop.css");
    site.link("www/gone.css", "nowhere");
    fs::create_dir_all(site.path("www/folder.php")).unwrap();
    fs::create_dir_all(site.path("www/folder/index.php")).unwrap();
    fs::create_dir_all(site.path("www/folder/index.html")).unwrap();
    site.check_unknown(&[
        "/fifo.css",
        "/fifo.php",
        "/socket.css",
        "/null.css",
        "/null.php",
        "/loop.css",
        "/gone.css",
        "/folder.php",
        "/folder.php/",
        "/folder",
        "/folder/",
        "/folder/index.php",
        "/folder/index.php/",
        "/folder/index.html",
        "/folder/index.php/a",
    ]);
}

#[test]
fn sites_in_folders_that_do_not_exist_use_the_files_of_the_root() {
    let site = wordpress().with(|layout, _| layout.multisite = Multisite::Subfolders);
    site.files(&["www/real/wp-login.php"]);
    site.check(&[
        ("/blog/", FRONT_DOOR),
        ("/blog", FRONT_DOOR),
        ("/blog/wp-admin", "to /blog/wp-admin/"),
        ("/blog/wp-admin?a", "to /blog/wp-admin/?a"),
        ("/blog/wp-admin/", "run www/wp-admin/index.php as /wp-admin/index.php"),
        ("/blog/wp-admin/post.php", "run www/wp-admin/post.php as /wp-admin/post.php"),
        ("/blog/wp-login.php", "run www/wp-login.php as /wp-login.php"),
        ("/blog/wp-admin/css/about.css", "file www/wp-admin/css/about.css"),
        ("/blog/wp-content/uploads/2026/11/photo.jpg", "file www/wp-content/uploads/2026/11/photo.jpg"),
        ("/blog/wp-content/uploads/evil.php", FRONT_DOOR),
        ("/blog/wp-config.php", FRONT_DOOR),
        ("/blog/.env", FRONT_DOOR),
        ("/blog/stand-static.css", FRONT_DOOR),
        ("/a/blog/wp-login.php", FRONT_DOOR),
        ("/b.log/wp-login.php", FRONT_DOOR),
        ("/wp-admin/wp-login.php", FRONT_DOOR),
        ("/real/wp-login.php", "run www/real/wp-login.php as /real/wp-login.php"),
        ("/wp-admin/post.php", "run www/wp-admin/post.php as /wp-admin/post.php"),
    ]);
    wordpress().check_unknown(&["/blog/wp-admin/", "/blog/wp-login.php", "/blog/wp-admin/css/about.css"]);
}

#[test]
fn a_front_door_that_is_not_seen_is_left_to_php_and_one_that_is_denied_stays_shut() {
    let site = Site::new();
    fs::remove_file(site.path("www/index.php")).unwrap();
    site.check(&[("/a", FRONT_DOOR), ("/", FRONT_DOOR)]);
    site.files(&["www/index.html", "evil.php"]);
    site.check(&[("/", "file www/index.html"), ("/a", FRONT_DOOR)]);
    site.link_to("www/index.php", "evil.php");
    site.check(&[
        ("/a", "nothing"),
        ("/index.php", "nothing"),
        ("/index.php/a", "nothing"),
        ("/", "file www/index.html"),
    ]);
    let gone = Site::new().with(|layout, base| layout.root = base.join("nowhere"));
    gone.check(&[
        ("/", "run nowhere/index.php as /index.php"),
        ("/a.css", "run nowhere/index.php as /index.php"),
    ]);
}

#[test]
fn what_is_removed_or_comes_is_seen_at_once() {
    let site = Site::new();
    let tree = site.tree();
    assert!(matches!(tree.find(&get("/a.css")), Found::Script(_)));
    site.files(&["www/a.css"]);
    assert!(matches!(tree.find(&get("/a.css")), Found::File(_)));
    fs::remove_file(site.path("www/a.css")).unwrap();
    assert!(matches!(tree.find(&get("/a.css")), Found::Script(_)));
}
