//! The doctor as WordPress's own web server: which file it serves, which script PHP is told to run, and what is kept from
//! everybody.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::world::fastcgi::{answer, asked, php, url};
use crate::world::{Authority, Doctor, H2, Nobody, Origin, Reply, asking_for, read, until};

const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";
const CSS: &str = "body { color: red }";

/// A folder with some of WordPress in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for script in
            ["index.php", "wp-login.php", "wp-admin/index.php", "wp-admin/post.php", "wp-config.php"]
        {
            folder.put(script, "<?php");
        }
        folder.put("wp-content/themes/a/style.css", CSS);
        folder.put("wp-content/uploads/evil.php", "<?php");
        folder
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn text(&self) -> String {
        self.path().display().to_string()
    }
}

fn config(upstream: &str, keys: &str, more: &str) -> String {
    let listeners = if more.contains("listeners:") { "" } else { "listeners: [{ address: 127.0.0.1:0 }]\n" };
    format!(
        "{listeners}trusted_proxies: [loopback]\n\
         sites: [{{ upstreams: [{{ url: '{upstream}', {keys} }}] }}]\n\
         workers: 2\n\
         log: {{ format: json, exchanges: all, client_address: full }}\n{more}\n"
    )
}

fn doctor_with(origin: &Origin, keys: &str) -> Doctor {
    Doctor::with_file(&config(&url(origin), keys, ""))
}

/// A doctor that serves this folder.
fn doctor(origin: &Origin, folder: &Folder) -> Doctor {
    doctor_with(origin, &format!("root: {}", folder.text()))
}

fn ask(doctor: &Doctor, method: &str, path: &str, fields: &str) -> Reply {
    let mut wire = doctor.connect().send(format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n"));
    if method == "HEAD" { Reply { head: wire.head(), body: Vec::new() } } else { wire.reply() }
}

fn get(doctor: &Doctor, path: &str) -> Reply {
    ask(doctor, "GET", path, "")
}

const STYLE: &str = "/wp-content/themes/a/style.css";

#[test]
fn a_file_that_is_no_script_is_served_as_a_web_server_does() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    folder.put("wp-content/themes/a/style.css.br", "brotli");
    let doctor = doctor(&origin, &folder);
    let whole = get(&doctor, &format!("{STYLE}?ver=6.1"));
    assert_eq!((whole.status(), &*whole.body), (200, CSS.as_bytes()), "{whole:?}");
    assert_eq!(whole.field("content-type"), Some("text/css; charset=utf-8"));
    assert!(whole.field("date").is_some_and(|date| date.ends_with(" GMT")), "{whole:?}");
    let (tag, since) = (whole.field("etag").unwrap(), whole.field("last-modified").unwrap());

    for condition in [format!("If-None-Match: {tag}\r\n"), format!("If-Modified-Since: {since}\r\n")] {
        assert_eq!(ask(&doctor, "GET", STYLE, &condition).status(), 304, "{condition}");
    }
    let part = ask(&doctor, "GET", STYLE, "Range: bytes=5-9\r\n");
    assert_eq!((part.status(), &*part.body), (206, &CSS.as_bytes()[5..10]), "{part:?}");
    assert_eq!(part.field("content-range"), Some("bytes 5-9/19"));
    let head = ask(&doctor, "HEAD", STYLE, "");
    assert_eq!((head.status(), head.field("content-length")), (200, Some("19")), "{head:?}");
    let packed = ask(&doctor, "GET", STYLE, "Accept-Encoding: gzip, br\r\n");
    assert_eq!((packed.field("content-encoding"), &*packed.body), (Some("br"), &b"brotli"[..]), "{packed:?}");
    assert_eq!(packed.field("content-type"), Some("text/css; charset=utf-8"));
    assert!(
        packed.field("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")),
        "{packed:?}"
    );
    assert!(origin.was_not_asked());
}

#[test]
fn other_methods_than_those_that_read_are_refused_on_a_file() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = doctor(&origin, &folder);
    for fields in ["Content-Length: 3\r\n", "Expect: 100-continue\r\nContent-Length: 3\r\n"] {
        let reply = ask(&doctor, "POST", STYLE, fields);
        assert_eq!((reply.status(), reply.field("allow")), (405, Some("GET, HEAD")), "{reply:?}");
        assert_eq!(reply.field("connection"), Some("close"), "the body was not read");
        let event = doctor.event();
        assert_eq!(
            (&event["status"], &event["findings"]),
            (&405.into(), &Value::Array(Vec::new())),
            "{event}"
        );
    }
    assert!(origin.was_not_asked());
}

#[test]
fn a_folder_is_asked_for_with_a_slash() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = doctor(&origin, &folder);
    let mut client = doctor.connect().send("GET /wp-admin?a=%2F HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.status(), reply.field("location")), (301, Some("/wp-admin/?a=%2F")), "{reply:?}");
    client.put("GET //wp-admin HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.status(), reply.field("location")), (301, Some("/wp-admin/")), "never to another host");
    assert_eq!(ask(&doctor, "POST", "/wp-admin", "").status(), 308);
    assert!(origin.was_not_asked());
    for _ in 0..3 {
        let event = doctor.event();
        assert_eq!(
            (&event["upstream"], &event["findings"]),
            (&Value::Null, &Value::Array(Vec::new())),
            "{event}"
        );
    }
}

/// Asks for each path, and what PHP is told of the script: its file below `root`, its name, and the path behind it.
#[track_caller]
fn assert_told(doctor: &Doctor, origin: &Origin, root: &str, cases: &[(&str, &str, &str, Option<&str>)]) {
    for (path, file, name, info) in cases {
        assert_eq!(get(doctor, path).body, b"hello", "{path}");
        let told = asked(origin);
        assert_eq!(told["SCRIPT_FILENAME"], format!("{root}{file}"), "{path}");
        assert_eq!((&told["SCRIPT_NAME"], told["PATH_INFO"].as_str()), (&(*name).into(), *info), "{path}");
        assert_eq!(told["REQUEST_URI"], *path);
        assert_eq!(told["DOCUMENT_ROOT"], root);
    }
}

#[test]
fn php_is_told_the_script_that_is_found() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = doctor(&origin, &folder);
    let (front, login) = ("/index.php", "/wp-login.php");
    assert_told(
        &doctor,
        &origin,
        &folder.text(),
        &[
            ("/", front, front, None),
            ("/2026/11/hello-world/?p=1", front, front, None),
            ("/wp-json/wp/v2/posts", front, front, None),
            (login, login, login, None),
            ("/wp-admin/", "/wp-admin/index.php", "/wp-admin/index.php", None),
            ("/wp-admin/post.php?post=1", "/wp-admin/post.php", "/wp-admin/post.php", None),
            ("/index.php/2026/11/hello/", front, front, Some("/2026/11/hello/")),
            ("//wp-login.php", login, login, None),
            ("/wp%2Dlogin.php", login, login, None),
            ("/wp-content/", front, front, None),
        ],
    );
}

#[test]
fn what_is_denied_is_as_if_it_were_not_there() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    for name in [".htaccess", ".git/config", "wp-config.txt", "a.sql", "b.php.bak", "c.phtml", "d.css~"] {
        folder.put(name, "secret");
    }
    folder.put(".well-known/acme-challenge/token", "shown");
    symlink(outside.path().join("secret.txt"), folder.path().join("link.txt")).unwrap();
    symlink(outside.path(), folder.path().join("folder")).unwrap();
    let doctor = doctor(&origin, &folder);
    for path in [
        "/.htaccess",
        "/.git/config",
        "/wp-config.php",
        "/wp-config.txt",
        "/WP-CONFIG.TXT",
        "/a.sql",
        "/b.php.bak",
        "/c.phtml",
        "/d.css~",
        "/link.txt",
        "/folder/secret.txt",
        "/wp-content/uploads/evil.php",
        "/wp-content/uploads/evil.php/a.css",
        "/wp-content/themes/a/style.css/b.php",
        "/wp-login.php/a.css",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/wp-content/themes/a/style.css%00.php",
    ] {
        assert_eq!(get(&doctor, path).body, b"hello", "{path}");
        let told = asked(&origin);
        assert_eq!(
            (&told["SCRIPT_NAME"], &told["PATH_INFO"]),
            (&"/index.php".into(), &Value::Null),
            "{path}"
        );
    }
    assert_eq!(get(&doctor, "/.well-known/acme-challenge/token").body, b"shown");
}

#[test]
fn sites_of_a_network_lie_in_folders_that_do_not_exist() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = doctor_with(&origin, &format!("root: {}, multisite: subfolders", folder.text()));
    let (login, dashboard) = ("/wp-login.php", "/wp-admin/index.php");
    assert_told(
        &doctor,
        &origin,
        &folder.text(),
        &[
            ("/blog/wp-login.php", login, login, None),
            ("/blog/wp-admin/", dashboard, dashboard, None),
            ("/blog/hello/", "/index.php", "/index.php", None),
        ],
    );
    assert_eq!(get(&doctor, &format!("/blog{STYLE}")).body, CSS.as_bytes());
    assert_eq!(get(&doctor, "/blog/wp-admin").field("location"), Some("/blog/wp-admin/"));

    let by_name = doctor_with(&origin, "php_root: /srv/www, multisite: subfolders");
    assert_told(&by_name, &origin, "/srv/www", &[("/blog/wp-login.php", login, login, None)]);
}

#[test]
fn php_may_see_its_folders_elsewhere() {
    let (origin, folder, elsewhere) = (php(answer(HELLO)), Folder::new(), tempfile::tempdir().unwrap());
    fs::create_dir_all(elsewhere.path().join("plugins")).unwrap();
    fs::write(elsewhere.path().join("plugins/a.php"), "<?php").unwrap();
    fs::write(elsewhere.path().join("b.css"), "b").unwrap();
    let doctor = doctor_with(
        &origin,
        &format!(
            "root: {}, php_root: /var/www/html, aliases: [{{ path: /wp-content, root: {}, php_root: /content/ }}]",
            folder.text(),
            elsewhere.path().display()
        ),
    );
    assert_told(
        &doctor,
        &origin,
        "/var/www/html",
        &[("/wp-login.php", "/wp-login.php", "/wp-login.php", None)],
    );
    assert_eq!(get(&doctor, "/wp-content/plugins/a.php").body, b"hello");
    let told = asked(&origin);
    assert_eq!(told["SCRIPT_FILENAME"], "/content/plugins/a.php");
    assert_eq!(told["SCRIPT_NAME"], "/wp-content/plugins/a.php");
    assert_eq!(told["DOCUMENT_ROOT"], "/var/www/html");
    assert_eq!(get(&doctor, "/wp-content/b.css").body, b"b");
    assert_eq!(get(&doctor, STYLE).body, b"hello", "the alias stands in its place");
}

#[test]
fn a_file_needs_no_php() {
    let folder = Folder::new();
    let closed = Nobody::new();
    let keys = format!("root: {}", folder.text());
    let doctor = Doctor::with_file(&config(&format!("fastcgi://{closed}"), &keys, ""));
    for _ in 0..5 {
        assert_eq!(get(&doctor, "/").status(), 502);
        assert_eq!(doctor.event()["failure"]["code"], "header_doctor_php_refused");
        assert_eq!(get(&doctor, STYLE).status(), 200);
        let event = doctor.event();
        assert_eq!((&event["failure"], &event["upstream"]), (&Value::Null, &Value::Null), "{event}");
    }
}

#[test]
fn the_event_of_a_file_names_no_upstream_and_finds_nothing() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = doctor(&origin, &folder);
    let fields = "Authorization: Bearer abc\r\nOrigin: https://app.test\r\nSec-Fetch-Mode: cors\r\n";
    assert_eq!(ask(&doctor, "GET", STYLE, fields).status(), 200);
    let event = doctor.event();
    for (key, value) in [
        ("status", Value::from(200)),
        ("path", STYLE.into()),
        ("upstream", Value::Null),
        ("failure", Value::Null),
        ("php", Value::Null),
        ("findings", Value::Array(Vec::new())),
    ] {
        assert_eq!(event[key], value, "{key}: {event}");
    }
    // What is wrong with a request for a script is told as ever.
    assert_eq!(ask(&doctor, "GET", "/wp-json/wp/v2/users/me", fields).status(), 200);
    let event = doctor.event();
    assert_eq!(event["upstream"], url(&origin), "{event}");
    assert_ne!(event["findings"], Value::Array(Vec::new()), "{event}");
}

#[test]
fn what_is_wrong_with_a_request_is_told_though_a_file_answers_it() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: '{}', root: {} }}] }}]\nworkers: 1\n\
         log: {{ format: json }}\n",
        url(&origin),
        folder.text()
    ));
    // It is told of once, so it must not be lost on the first request, whatever that asks for.
    assert_eq!(ask(&doctor, "GET", STYLE, "X-Forwarded-Proto: https\r\n").status(), 200);
    let event = doctor.event();
    assert_eq!(event["findings"][0]["rule"], "forwarded-proto-untrusted", "{event}");
    assert_eq!((&event["path"], &event["upstream"]), (&STYLE.into(), &Value::Null), "{event}");
}

#[test]
fn pages_of_other_origins_may_have_files_where_the_policy_says_so() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: '{}', root: {} }}], \
         cors: {{ allow_origins: ['https://app.test'], paths: [/wp-content/] }} }}]\nworkers: 1\n",
        url(&origin),
        folder.text()
    ));
    let reply = ask(&doctor, "GET", STYLE, "Origin: https://app.test\r\n");
    assert_eq!(reply.field("access-control-allow-origin"), Some("https://app.test"), "{reply:?}");
    assert!(reply.head.contains("Vary: Origin\r\n"), "{reply:?}");
    let reply = ask(&doctor, "GET", STYLE, "Origin: https://other.test\r\n");
    assert_eq!((reply.status(), reply.field("access-control-allow-origin")), (200, None), "{reply:?}");
    folder.put("robots.txt", "x");
    let reply = ask(&doctor, "GET", "/robots.txt", "Origin: https://app.test\r\n");
    assert_eq!(reply.field("access-control-allow-origin"), None, "{reply:?}");
}

#[test]
fn http2_has_files_too() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    folder.put("large.bin", vec![b'x'; 3_000_000]);
    let doctor = doctor(&origin, &folder);
    let mut client = H2::to(doctor.address());
    let mut ask = |path: &str| {
        let request = http::Request::get(format!("http://a.test{path}")).body(()).unwrap();
        let (head, body) = client.ask(request).unwrap().into_parts();
        (head, read(body).unwrap().0)
    };
    let (head, body) = ask(STYLE);
    assert_eq!(
        (head.status.as_u16(), &head.headers["content-type"]),
        (200, &"text/css; charset=utf-8".parse().unwrap())
    );
    assert_eq!(body, CSS.as_bytes());
    assert_eq!(ask("/large.bin").1.len(), 3_000_000);
    let (head, _) = ask("/wp-admin");
    assert_eq!((head.status.as_u16(), &head.headers["location"]), (301, &"/wp-admin/".parse().unwrap()));
    assert_eq!(ask("/").1, b"hello");
}

#[test]
fn a_client_of_https_has_files_too() {
    let (origin, folder, authority) = (php(answer(HELLO)), Folder::new(), Authority::of_a_test());
    folder.put("large.bin", vec![b'x'; 3_000_000]);
    let listeners = format!("listeners: [{{ address: 127.0.0.1:0, tls: [{}] }}]", authority.pair("a"));
    let keys = format!("root: {}", folder.text());
    let doctor = Doctor::with_file(&config(&url(&origin), &keys, &listeners));
    let mut client = doctor.connect().secured(asking_for("a.test", &authority.client()));
    for (path, length) in [(STYLE, CSS.len()), ("/large.bin", 3_000_000), ("/", 5)] {
        client.put(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        assert_eq!(client.reply().body.len(), length, "{path}");
    }
    assert_eq!(asked(&origin)["HTTPS"], "on");
}

#[test]
fn a_new_configuration_may_name_another_folder() {
    let (origin, one, two) = (php(answer(HELLO)), Folder::new(), Folder::new());
    two.put("wp-content/themes/a/style.css", "two");
    let doctor = doctor(&origin, &one);
    let mut client = doctor.connect();
    let mut ask = |path: &str| {
        client.put(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.reply().body
    };
    assert_eq!(ask(STYLE), CSS.as_bytes());
    doctor.rewrite(&config(&url(&origin), &format!("root: {}", two.text()), ""));
    doctor.says("Reloaded");
    assert_eq!(ask(STYLE), b"two");
    assert_eq!(ask("/"), b"hello");
    assert_eq!(asked(&origin)["DOCUMENT_ROOT"], two.text());
}

#[test]
fn php_is_told_of_a_linked_root_as_of_the_scripts_in_it() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let beside = tempfile::tempdir().unwrap();
    let current = beside.path().join("current");
    symlink(folder.path(), &current).unwrap();
    let doctor = doctor_with(&origin, &format!("root: {}", current.display()));
    assert_eq!(get(&doctor, "/wp-admin/").body, b"hello");
    let told = asked(&origin);
    assert_eq!(told["SCRIPT_FILENAME"], format!("{}/wp-admin/index.php", folder.text()));
    assert_eq!(told["DOCUMENT_ROOT"], folder.text(), "or `.user.ini` in it does not count in wp-admin");
}

#[test]
fn the_command_line_alone_makes_a_web_server() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args(["run", "--listen", "127.0.0.1:0", "--log-format", "json", "--root"]).arg(folder.path());
    command.args(["--upstream", &url(&origin)]).env_clear();
    let doctor = Doctor::started_by(command, Path::new("no file"));
    assert_eq!(get(&doctor, STYLE).body, CSS.as_bytes());
    assert_eq!(get(&doctor, "/wp-admin/").body, b"hello");
    assert_eq!(asked(&origin)["SCRIPT_FILENAME"], format!("{}/wp-admin/index.php", folder.text()));
}

#[test]
fn a_folder_may_be_filled_while_the_doctor_runs() {
    let (origin, folder) = (php(answer(HELLO)), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap().join("www");
    let doctor = doctor_with(&origin, &format!("root: {}", root.display()));
    let warning = doctor.says(" is not there; make it")["message"].as_str().unwrap().to_owned();
    assert!(warning.contains(": sites[0].upstreams[0].root: "), "{warning}");
    assert_eq!(get(&doctor, "/").body, b"hello", "PHP may see what the doctor does not");
    assert_eq!(asked(&origin)["SCRIPT_FILENAME"], format!("{}/index.php", root.display()));
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.css"), CSS).unwrap();
    fs::write(root.join("index.php"), "<?php").unwrap();
    until("the folder is found", || get(&doctor, "/a.css").body == CSS.as_bytes());
    assert_eq!(get(&doctor, "/").body, b"hello");
}

#[test]
fn a_front_door_that_is_kept_shut_is_told_by_its_own_code() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let doctor = doctor_with(&origin, &format!("root: {}, never_serve: [index.php]", folder.text()));
    let reply = get(&doctor, "/");
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (503, Some("header_doctor_no_front_door")));
    assert!(reply.json()["message"].as_str().unwrap().contains("`never_serve`"), "{reply:?}");
    let event = doctor.event();
    assert_eq!((&event["failure"]["who"], &event["upstream"]), (&"doctor".into(), &Value::Null), "{event}");
    assert_eq!(get(&doctor, "/wp-login.php").body, b"hello");
}

#[test]
fn a_file_that_shrinks_as_it_is_sent_never_looks_complete() {
    let (origin, folder) = (php(answer(HELLO)), Folder::new());
    let file = fs::File::create(folder.path().join("large.bin")).unwrap();
    file.set_len(100 << 20).unwrap();
    let doctor = doctor(&origin, &folder);
    let mut client = doctor.connect().send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.head().contains("Content-Length: 104857600\r\n"));
    file.set_len(1).unwrap();
    // The connection ends early, in order or by a reset.
    assert!(client.try_read_to_end().map_or(true, |got| got.len() < 100 << 20));
    let event = doctor.event();
    assert_eq!((&event["cut_off"], &event["failure"]["who"]), (&true.into(), &"doctor".into()), "{event}");
    assert_eq!(event["upstream"], Value::Null);
}
