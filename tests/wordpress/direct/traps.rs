//! Every way known to make PHP-FPM run or show what it must not, tried on the real one.
//!
//! Whatever is asked: no foreign code runs, no file outside the site is read, no source is shown, and PHP goes on to answer
//! others at once. What WordPress makes of a trap besides is its own affair; the rows say what it is, so that a change is seen.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::evil::Traps;
use super::{Call, Files, HOST, Site, Way};
use crate::judge::{ME, said};
use crate::stand::Stand;
use crate::token::basic;

/// By its name alone a link is as good as any script, so this is not asked for: it would run.
const UNSEEN: u16 = 0;

/// What is asked for, and the status where scripts are chosen by name, and where files are found. 301 is WordPress's own, to
/// the URL as it would write it.
type Row = (&'static str, u16, u16);

/// `UP/` and `PLUGIN/` are the folders of the attacker.
const PATHS: &[Row] = &[
    // What visitors uploaded, in every spelling.
    ("UP/evil.php", 404, 404),
    ("UP/evil.php/", 404, 404),
    ("UP/evil.php/a.css", 404, 404),
    ("UP/evil.php/x.php", 404, 404),
    ("UP/evil.jpg/x.php", 404, 404),
    ("UP/evil.jpg/", 404, 404),
    ("UP/evil.jpg%00.php", 404, 404),
    ("UP/evil.jpg%2fx.php", 404, 404),
    ("UP/evil.jpg.php", 404, 404),
    ("UP/evil.php.txt", 404, 404),
    ("UP/evil.php.jpg", 404, 404),
    ("UP/evil.phtml", 404, 404),
    ("UP/evil.phar", 404, 404),
    ("UP/evil.php5", 404, 404),
    ("UP/evil.phps", 404, 404),
    ("UP/evil.pht", 404, 404),
    ("UP/EVIL2.PHP", 404, 404),
    ("UP/evil.php%20", 301, 301),
    ("UP/evil.php.", 301, 301),
    ("UP/evil.php%00", 404, 404),
    ("UP/evil.php%0a", 404, 404),
    ("UP/evil%2ephp", 404, 404),
    ("UP/%65vil.php", 404, 404),
    ("UP/evil%252ephp", 404, 404),
    ("UP/evil.php;x", 404, 404),
    ("UP/evil.php?x=.jpg", 404, 404),
    ("UP/.hidden.php", 404, 404),
    ("UP/.user.ini", 404, 404),
    ("UP/.htaccess", 404, 404),
    ("UP/", 404, 404),
    ("UP/index.php", 301, 301),
    ("UP/evil.php.d/", 404, 404),
    ("UP/evil.php.d/index.php", 301, 301),
    ("UP/wp-config.php.bak", 404, 404),
    ("/wp-content%2Fuploads/../..UP/evil.php", 404, 404),
    ("/index.phpUP/evil.php", 301, 301),
    ("/index.php/..UP/evil.php", 301, 301),
    ("/wp-login.phpUP/evil.php", 404, 404),
    ("/wp-content/..UP/evil.php", 404, 404),
    ("//UP/evil.php", 301, 301),
    ("/.UP/evil.php", 404, 404),
    ("/%2e%2e/siteUP/evil.php", 404, 404),
    // Links out of the site, and to what is not to be seen.
    ("UP/link.php", 404, 404),
    ("UP/link.txt", 404, 404),
    ("UP/passwd.txt", 404, 404),
    ("UP/folder/secret.txt", 404, 404),
    ("UP/folder/evil.php", 404, 404),
    ("UP/slash/etc/passwd", 404, 404),
    ("UP/config.txt", 404, 404),
    ("UP/source.txt", 404, 404),
    ("UP/loop", 404, 404),
    ("UP/loop/x.php", 404, 404),
    ("PLUGIN/uploaded.php", UNSEEN, 404),
    ("PLUGIN/outside.php", UNSEEN, 404),
    ("PLUGIN/strangers.php", 200, 404),
    // What is no regular file, or not for the doctor to read.
    ("UP/pipe.txt", 404, 404),
    ("UP/socket.txt", 404, 404),
    // Outside the root.
    ("/../../../etc/passwd", 404, 404),
    ("/..%2f..%2f..%2fetc%2fpasswd", 404, 404),
    ("/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404, 404),
    ("/..%5c..%5cetc%5cpasswd", 404, 404),
    ("/..\\..\\etc\\passwd", 404, 404),
    ("/%c0%ae%c0%ae/etc/passwd", 404, 404),
    ("/..;/..;/etc/passwd", 404, 404),
    ("/....//....//etc/passwd", 301, 301),
    ("/wp-content/../../../../../../etc/passwd", 404, 404),
    ("//etc/passwd", 301, 301),
    ("/etc/passwd", 404, 404),
    ("/proc/self/environ", 404, 404),
    ("OUTSIDE/evil.php", 404, 404),
    ("/..OUTSIDE/evil.php", 404, 404),
    ("SITE/wp-config.php", 404, 404),
    ("/../site/wp-login.php", 404, 404),
    // Secrets, and what is hidden.
    ("/wp-config.php", 404, 404),
    ("/WP-CONFIG.PHP", 404, 404),
    ("/wp-config%2ephp", 404, 404),
    ("/wp-config.php/", 404, 404),
    ("/wp-config.php.bak", 404, 404),
    ("/wp-config.php~", 404, 404),
    ("/wp-config.old", 404, 404),
    ("/wp-config.txt", 404, 404),
    ("/.htaccess", 404, 404),
    ("/.htpasswd", 404, 404),
    ("/.env", 404, 404),
    ("/.git/config", 404, 404),
    ("/.git/", 404, 404),
    ("/%2egit/config", 404, 404),
    ("/wp-content/../.env", 404, 404),
    ("PLUGIN/.env.php", 404, 404),
    ("PLUGIN/wp-config-old.php", 404, 404),
    ("PLUGIN/good.php.bak", 404, 404),
    ("PLUGIN/good.php~", 404, 404),
    ("PLUGIN/good.php.save", 404, 404),
    ("PLUGIN/good.php.swp", 404, 404),
    ("PLUGIN/good.inc.php.orig", 404, 404),
    ("PLUGIN/good.PHP", 404, 404),
    ("PLUGIN/good.php%00.jpg", 404, 404),
    ("PLUGIN/good.php/../../../uploads", 404, 404),
    // A path behind a script is told to nobody but the front door.
    ("PLUGIN/good.php/a.css", 404, 404),
    ("PLUGIN/good.php/evil.php", 404, 404),
    // What is no trap: it must work.
    ("PLUGIN/good.php", 200, 200),
    ("PLUGIN/good.php?x=UP/evil.php", 200, 200),
    ("/xmlrpc.php", 405, 405),
    ("/wp-admin/", 302, 302),
    ("/wp-includes/version.php", 200, 200),
    ("/no-such.php", 404, 404),
    ("/wp-admin/no-such.php", 404, 404),
    // A folder is called by its slash, and no path is taken for a host on the way there.
    ("/wp-admin", 302, 301),
    ("/wp-admin?a=b", 404, 301),
    ("//wp-admin", 301, 301),
    ("//evil.test/..//wp-admin", 301, 301),
    ("/%2fevil.test/%2e%2e/wp-admin", 404, 404),
    ("/\\evil.test/../wp-admin", 404, 404),
    ("/wp-admin%2f", 302, 302),
    ("/%77p-admin", 404, 301),
    ("/wp-admin%0d%0aX-Injected:%20yes", 404, 404),
    ("/wp-includes/", 404, 404),
    ("/wp-includes", 404, 404),
];

#[test]
fn no_path_leads_to_what_must_not_run_or_be_seen() {
    let (traps, bearer) = (Traps::set().in_the_root_too(), Way::Http.bearer());
    let mut wrong = Vec::new();
    for files in Files::BOTH {
        let site = Site::with(files);
        for (row, named, found) in PATHS {
            let expected = if files == Files::Named { *named } else { *found };
            if expected == UNSEEN {
                continue;
            }
            let target = traps.target(row);
            for way in [Way::Http, Way::H2] {
                // A client of HTTP/2 sends no such URL.
                let is_odd = target.starts_with("//") || target.contains('\\');
                if way == Way::H2 && is_odd {
                    continue;
                }
                let what = format!("{files:?} {way:?} {row}");
                let reply = site.ask(way, &Call::new(&format!("GET {target}"), Vec::new()));
                traps.check(&what, &reply);
                if reply.status() != expected {
                    wrong.push(format!("{what}: {}, not {expected}", reply.status()));
                }
            }
            let me = site.ask(Way::Http, &Call::by(ME, &bearer));
            assert_eq!(said(&me), "200 (user admin)", "{files:?}: after {row}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A header, its value, and what `users/me` says to it.
fn headers(traps: &Traps) -> Vec<(&'static str, String, &'static str)> {
    const ANONYMOUS: &str = "401 rest_not_logged_in";
    const ADMIN: &str = "200 (user admin)";
    let (stand, bearer) = (Stand::up(), Way::Http.bearer());
    let evil = traps.script().display().to_string();
    let prepend = format!("auto_prepend_file={evil}");
    let login = basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"));
    let rows: [(&str, &str, &str); 31] = [
        ("PHP_VALUE", &prepend, ANONYMOUS),
        ("PHP-VALUE", &prepend, ANONYMOUS),
        ("Php-Admin-Value", &prepend, ANONYMOUS),
        ("PHP_ADMIN_VALUE", &prepend, ANONYMOUS),
        ("SCRIPT_FILENAME", &evil, ANONYMOUS),
        ("Script-Filename", &evil, ANONYMOUS),
        ("DOCUMENT_ROOT", "/wp-content/uploads", ANONYMOUS),
        ("PATH_INFO", "/evil.php", ANONYMOUS),
        ("REQUEST_URI", "/wp-login.php", ANONYMOUS),
        ("X-Original-Url", "/wp-login.php", ANONYMOUS),
        ("X-Rewrite-Url", "/wp-login.php", ANONYMOUS),
        ("HTTPS", "on", ANONYMOUS),
        ("STAND_SECRET", "", ANONYMOUS),
        ("Stand-Secret", "another-secret", ANONYMOUS),
        ("STAND_HOME", "http://evil.test", ANONYMOUS),
        ("Redirect-Http-Authorization", &bearer, ANONYMOUS),
        ("REDIRECT_HTTP_AUTHORIZATION", &bearer, ANONYMOUS),
        ("HTTP_AUTHORIZATION", &bearer, ANONYMOUS),
        ("Http-Authorization", &bearer, ANONYMOUS),
        ("X-Authorization", &bearer, ANONYMOUS),
        ("Remote-User", "admin", ANONYMOUS),
        ("REMOTE_USER", "admin", ANONYMOUS),
        ("Php-Auth-User", "admin", ANONYMOUS),
        ("PHP_AUTH_USER", "admin", ANONYMOUS),
        ("Auth-Type", "Basic", ANONYMOUS),
        ("Authorization.", &bearer, ANONYMOUS),
        ("Authorization_", &bearer, ANONYMOUS),
        ("Authorization", "", ANONYMOUS),
        // What is a header, in any spelling of its name.
        ("AUTHORIZATION", &login, ADMIN),
        ("authorization", &login, ADMIN),
        ("Authorization", &login, ADMIN),
    ];
    rows.map(|(name, value, answer)| (name, value.to_owned(), answer)).to_vec()
}

/// What is no trap is served where files are found, and only there.
#[test]
fn what_lies_in_the_site_is_served_as_it_is() {
    let (traps, site) = (Traps::set(), Site::with(Files::Found));
    let root = Path::new(Stand::up().get("SITE_ROOT"));
    let picture = traps.target("UP/evil.jpg");
    for (target, kind) in [
        ("/wp-includes/css/dashicons.min.css", "text/css"),
        ("/wp-includes/js/jquery/jquery.min.js", "javascript"),
        ("/wp-admin/images/wordpress-logo.svg", "image/svg+xml"),
        ("/wp-includes/fonts/dashicons.woff2", "font/woff2"),
        // A picture that is a script besides is a picture.
        (&picture, "image/jpeg"),
    ] {
        let bytes = fs::read(root.join(target.trim_start_matches('/'))).unwrap();
        for way in Way::ALL {
            let get = site.ask(way, &Call::new(&format!("GET {target}"), Vec::new()));
            assert_eq!((get.status(), get.body == bytes), (200, true), "{way:?} {target}: {}", get.head);
            assert!(get.field("content-type").unwrap().contains(kind), "{way:?} {target}: {}", get.head);
            let head = site.ask(way, &Call::new(&format!("HEAD {target}"), Vec::new()));
            let length = bytes.len().to_string();
            assert_eq!(
                (head.field("content-length"), head.body.len()),
                (Some(&*length), 0),
                "{way:?} {target}"
            );
            let same = vec![("If-Modified-Since", get.field("last-modified").unwrap().to_owned())];
            assert_eq!(site.ask(way, &Call::new(&format!("GET {target}"), same)).status(), 304, "{target}");
            let part = vec![("Range", "bytes=1-4".to_owned())];
            let part = site.ask(way, &Call::new(&format!("GET {target}"), part));
            assert_eq!((part.status(), &*part.body), (206, &bytes[1..5]), "{way:?} {target}");
            let post = site.ask(way, &Call::new(&format!("POST {target}"), Vec::new()));
            assert_eq!(post.status(), 405, "{way:?} {target}: {}", post.head);
        }
    }
    traps.check("what is served", &site.ask(Way::Http, &Call::new("GET /", Vec::new())));
}

/// What stands in headers is never more than a header: neither a setting of PHP, nor a parameter, nor a credential.
#[test]
fn no_header_is_more_than_a_header() {
    let (traps, bearer) = (Traps::set(), Way::Http.bearer());
    let rows = headers(&traps);
    for files in Files::BOTH {
        let site = Site::with(files);
        for (name, value, answer) in &rows {
            for way in Way::ALL {
                let what = format!("{files:?} {way:?} {name}");
                let lower = name.to_ascii_lowercase();
                let name = if way == Way::H2 { &*lower } else { name };
                let reply = site.ask(way, &Call::new(ME, vec![(name, value.clone())]));
                traps.check(&what, &reply);
                assert_eq!(said(&reply), *answer, "{what}");
            }
            // A setting of PHP would stay with its worker.
            for _ in 0..3 {
                let reply = site.ask(Way::Http, &Call::by(ME, &bearer));
                traps.check(name, &reply);
                assert_eq!(said(&reply), "200 (user admin)", "{files:?}: after {name}");
            }
        }
    }
}

/// Names that CGI would fold into one: the doctor's own word stands.
#[test]
fn a_name_with_an_underscore_replaces_nothing() {
    let site = Site::with(Files::Named);
    for way in Way::ALL {
        // HTTP/2 knows small letters only.
        let names = ["x_forwarded_proto", "x-forwarded_proto", "x.forwarded.proto"];
        let lies = names.map(|name| (name, "https".to_owned())).to_vec();
        let seen: Value = site.ask(way, &Call::new("GET /wp-json/stand/v1/seen", lies)).json();
        let scheme = if way == Way::Http { "http" } else { "https" };
        assert_eq!(seen["forwarded_proto"], scheme, "{way:?}: {seen}");
    }
}

/// Requests that only bare sockets send: none hangs, none runs anything.
#[test]
fn odd_heads_are_answered_and_hold_nobody() {
    let (traps, bearer) = (Traps::set(), Way::Http.bearer());
    let me = format!("/wp-json/wp/v2/users/me HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {bearer}\r\n");
    let rows: Vec<(&str, String, &[u16])> = vec![
        ("absolute form", format!("GET http://{HOST}{me}\r\n"), &[200]),
        ("absolute form of another host", format!("GET http://evil.test{me}\r\n"), &[400]),
        ("method in small letters", format!("get {me}\r\n"), &[200]),
        ("TRACE", format!("TRACE {me}\r\n"), &[405]),
        ("CONNECT", format!("CONNECT evil.test:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n"), &[405]),
        ("a dot", format!("GET /.{me}\r\n"), &[404]),
        ("two dots", format!("GET /x/..{me}\r\n"), &[404]),
        ("a folded field", format!("GET {me}X-A: 1\r\n HTTP_X: 2\r\n\r\n"), &[400]),
        ("a bare CR in a value", format!("GET {me}X-A: 1\rX-B: 2\r\n\r\n"), &[400]),
        ("a bare LF", format!("GET {me}X-A: 1\nX-B: 2\r\n\r\n"), &[400]),
        ("a NUL", format!("GET {me}X-A: 1\0\r\n\r\n"), &[400]),
        (
            "a length and a coding",
            format!("POST {me}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            &[400],
        ),
        ("two lengths", format!("POST {me}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), &[400]),
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned(), &[400]),
        ("a field of 70 kB", format!("GET {me}X-A: {}\r\n\r\n", "a".repeat(70_000)), &[431]),
        (
            "fields of 300 kB",
            format!("GET {me}{}\r\n", format!("X-A: {}\r\n", "a".repeat(10_000)).repeat(30)),
            &[431],
        ),
        ("a field of 30 kB", format!("GET {me}X-A: {}\r\n\r\n", "a".repeat(30_000)), &[200]),
        (
            "the method overridden",
            format!("POST {me}X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n"),
            &[400, 501],
        ),
    ];
    for files in Files::BOTH {
        let site = Site::with(files);
        for (name, head, statuses) in &rows {
            let reply = site.doctor.connect().send(head).reply();
            traps.check(name, &reply);
            assert!(statuses.contains(&reply.status()), "{files:?} {name}: {reply:?}");
            let next = site.ask(Way::Http, &Call::by(ME, &bearer));
            assert_eq!(said(&next), "200 (user admin)", "{files:?}: after {name}");
        }
    }
}

/// With room for it, a head of any size reaches PHP, as long as each field fits into a record.
#[test]
fn a_large_head_reaches_php_whole_or_not_at_all() {
    let bearer = Way::Http.bearer();
    let site = Site::with_sections(Files::Named, "limits: { header_bytes: 512KiB }");
    let field = |length: usize| ("X-A", "a".repeat(length));
    let many = |count: usize| (0..count).map(|_| field(10_000)).collect::<Vec<_>>();
    for (name, mut headers, answer) in [
        ("30 kB", vec![field(30_000)], "200 (user admin)"),
        ("70 kB", vec![field(70_000)], "431 header_doctor_php_field_too_long"),
        ("six of 10 kB, which are one to PHP", many(6), "200 (user admin)"),
        ("thirty of 10 kB, which are one to PHP", many(30), "431 header_doctor_php_field_too_long"),
    ] {
        headers.push(("Authorization", bearer.clone()));
        let reply = site.ask(Way::Http, &Call::new(ME, headers));
        assert_eq!(said(&reply), answer, "{name}");
    }
}
