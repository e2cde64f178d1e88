//! The doctor as WordPress's web server: files that hold secrets and are kept from everybody, and secrets in what is asked of
//! those that are served.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use http::{Request, Version};
use tempfile::TempDir;

use super::marks::{COOKIE, LOGIN, NONCE, OPAQUE, PASSWORD, PHP_PASSWORD, RESET_KEY, SESSION, TOKEN};
use super::origin::{Said, php};
use super::running::{Running, assert_clean, rest};
use super::serving::{complaints, text_of};
use crate::world::{H2, Wire, fastcgi};

/// Files that are served or run by nobody, as they lie below the root.
const KEPT: [&str; 16] = [
    "wp-config.php",
    "WP-CONFIG.OLD",
    "wp-config.php.bak",
    "wp-content/wp-config-sample.txt",
    ".env",
    ".git/config",
    ".htpasswd",
    "wp-content/debug.log",
    "error_log",
    "dump.sql",
    "dump.sql.gz",
    "index.php~",
    "wp-content/plugins/a/a.phps",
    "wp-content/plugins/a/a.php.save",
    "wp-content/plugins/a/a.inc",
    "wp-content/uploads/evil.php",
];

const STYLE: &str = "wp-content/themes/a/style.css";

/// A WordPress whose files are full of secrets, but for those that are everybody's; what lies beside it, and is linked to
/// from there; and a folder that stands for a path.
fn folders() -> [TempDir; 3] {
    let folders = [(); 3].map(|()| TempDir::new().unwrap());
    let [root, beside, alias] = folders.each_ref().map(TempDir::path);
    let put = |path: std::path::PathBuf, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let secrets = format!("<?php // {PHP_PASSWORD} {} {OPAQUE}\nDB_PASSWORD={PHP_PASSWORD}\n", *TOKEN);
    for kept in KEPT.iter().chain(&["index.php", "wp-login.php", "wp-content/plugins/a/a.php"]) {
        put(root.join(kept), &secrets);
    }
    // Folders with a page of their own.
    put(root.join("wp-admin/index.php"), &secrets);
    put(root.join(format!("{RESET_KEY}/index.php")), &secrets);
    put(root.join(STYLE), "body { color: red }");
    put(root.join(format!("{STYLE}.gz")), "packed");
    put(root.join(format!("wp-content/uploads/{RESET_KEY}/{OPAQUE}.pdf")), "for whoever has the address");
    put(beside.join("secrets.txt"), &secrets);
    put(alias.join(".env"), &secrets);
    put(alias.join("a.txt"), "everybody's");
    symlink(beside, root.join("wp-content/out")).unwrap();
    symlink(beside.join("secrets.txt"), alias.join("out.txt")).unwrap();
    fs::File::create(root.join("large.bin")).unwrap().set_len(1 << 20).unwrap();
    folders
}

/// Ways to ask for what is kept, what is served, and what is not there.
fn paths() -> Vec<String> {
    let mut paths: Vec<_> = KEPT.iter().map(|path| format!("/{path}")).collect();
    paths.extend(KEPT.iter().map(|path| format!("/wp-content/..//%2e/{path}")));
    paths.extend(
        [
            "/wp-%63onfig.php.bak",
            "/wp-config.php.bak/",
            "/wp-config.php.bak/x.css",
            "/wp-config.php.bak%00.css",
            "/wp-content\\..\\.env",
            "/../../etc/passwd",
            "/wp-content/out/secrets.txt",
            "/wp-content/out",
            "/shared/.env",
            "/shared/out.txt",
            "/shared/a.txt",
            "/large.bin",
            "/wp-admin",
            "/",
        ]
        .map(str::to_owned),
    );
    paths.extend([
        format!("/{STYLE}"),
        format!("/wp-content/uploads/{RESET_KEY}/{OPAQUE}.pdf"),
        format!("/wp-content/uploads/{RESET_KEY}"),
        format!("/wp-content/uploads/{RESET_KEY}/"),
        format!("/{RESET_KEY}"),
        format!("/{RESET_KEY}/"),
        format!("/wp-content/uploads/{OPAQUE}/{}.css", *TOKEN),
        format!("/{STYLE}/{RESET_KEY}"),
        format!("/{}", OPAQUE.repeat(20)),
    ]);
    paths
}

/// What is said along.
fn along() -> Vec<String> {
    let token = &*TOKEN;
    [
        format!("Authorization: Bearer {token}\r\nRange: bytes=0-300"),
        format!(
            "Cookie: wordpress_logged_in_a={LOGIN}%7C{COOKIE}; PHPSESSID={SESSION}\r\nX-WP-Nonce: {NONCE}"
        ),
        format!("Range: bytes=2000000-{OPAQUE}\r\nAccept-Encoding: {OPAQUE}, gzip"),
        format!("Range: bytes=2000000-\r\nReferer: https://a.test/?token={token}"),
        format!("If-None-Match: \"{OPAQUE}\", *\r\nIf-Modified-Since: {PASSWORD}"),
        format!("If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\nX-Copy: {OPAQUE}"),
        format!("If-Range: \"{OPAQUE}\"\r\nRange: bytes=1-2\r\nOrigin: https://{LOGIN}:{PASSWORD}@app.test"),
    ]
    .into()
}

/// What came back but for the one place where a client is told its own words: a folder's address, with the query as sent.
fn without_the_way(reply: &[u8], path: &str, query: &str) -> Vec<u8> {
    let way = format!("Location: {path}/{query}");
    let lines = reply.split(|byte| *byte == b'\n');
    let is_way = |line: &&[u8]| line.trim_ascii_end().eq_ignore_ascii_case(way.as_bytes());
    let lines = lines.filter(|line| !is_way(line));
    lines.flat_map(|line| [line, b"\n"].concat()).collect()
}

#[test]
fn what_lies_in_files_and_what_is_asked_of_them() {
    let said = Said::default();
    let (php, [root, _beside, alias]) = (php(&said, complaints()), folders());
    let doctor = Running::start(
        "",
        &format!(
            "sites: [{{ upstreams: [{{ url: '{}', root: '{}', multisite: subfolders, follow_links: all, \
             aliases: [{{ path: /shared/, root: '{}' }}] }}], cors: {{ allow_origins: ['https://app.test'], paths: [/] }} }}]\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}",
            fastcgi::url(&php),
            root.path().display(),
            alias.path().display()
        ),
    );
    let (mut left, mut statuses, query) =
        (Vec::new(), BTreeSet::new(), format!("?token={PASSWORD}&{OPAQUE}"));
    let mut ask = |number: usize, method: &str, path: &str, fields: &str| {
        let request = format!(
            "{method} {path}{query} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-Reply: {number}\r\n{fields}\r\n\r\n"
        );
        let reply = rest(Wire::to(doctor.address()).send(&request));
        statuses.extend(std::str::from_utf8(reply.get(9..12).unwrap_or_default()).map(str::to_owned));
        left.push(said.left(request.as_bytes(), &without_the_way(&reply, path, &query)));
    };
    let along = along();
    for (number, path) in paths().iter().enumerate() {
        for (more, fields) in along.iter().enumerate() {
            ask(number + more, "GET", path, fields);
        }
        ask(number, "HEAD", path, &along[0]);
        ask(number, "POST", path, &format!("Content-Length: 28\r\n\r\npassword={PASSWORD}&a=b&c="));
        ask(number, OPAQUE, path, &along[1]);
    }
    let mut client = H2::to(doctor.address());
    for path in paths() {
        let request = Request::get(format!("http://a.test{path}{query}")).version(Version::HTTP_2);
        let request = request.header("authorization", format!("Bearer {}", *TOKEN)).body(());
        // Not everything is an address to the client's library.
        let Ok(Ok(reply)) = request.map(|request| client.ask(request)) else { continue };
        left.push(said.left(path.as_bytes(), &without_the_way(&text_of(reply), &path, &query)));
    }
    left.extend(doctor.end());
    assert!(said.asked() > 100, "{}", said.asked());
    for status in ["200", "206", "301", "304", "308", "405", "416"] {
        assert!(statuses.contains(status), "no {status}: {statuses:?}");
    }
    assert_clean(&left);
}
