//! What the doctor tells those who run it: who may ask, and what they hear.

use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Authority, Doctor, Origin, PATIENCE, Reply, Wire, asking_for, own_address, until};

const TOKEN: &str = "correct-horse-battery-staple";

/// A doctor that can be asked: `admin` stands behind its address, `more` below it.
fn config(upstream: impl std::fmt::Display, address: &str, admin: &str, more: &str) -> String {
    format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\nworkers: 1\n\
         admin: {{ address: {address}, {admin} }}\n{more}\n"
    )
}

/// A doctor under test and where it is asked.
struct Asked {
    doctor: Doctor,
    address: SocketAddr,
    clients: SocketAddr,
}

impl Asked {
    fn with(upstream: impl std::fmt::Display, admin: &str, more: &str) -> Self {
        let log = if more.contains("log:") { "" } else { "\nlog: { format: json, repeats: 0s }" };
        Self::of(&config(upstream, "127.0.0.1:0", admin, &format!("{more}{log}")))
    }

    fn of(yaml: &str) -> Self {
        let doctor = Doctor::starting(yaml);
        let address = doctor.says("Answering questions")["address"].as_str().unwrap().parse().unwrap();
        let clients = doctor.listens();
        Self { doctor, address, clients }
    }

    fn wire(&self) -> Wire {
        Wire::to(self.address)
    }

    fn ask(&self, path: &str) -> Reply {
        self.ask_with(path, "")
    }

    /// Asks with further fields, each with its line end.
    fn ask_with(&self, path: &str, fields: &str) -> Reply {
        self.wire().send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).reply()
    }

    fn json(&self, path: &str) -> Value {
        let reply = self.ask(path);
        assert_eq!(
            (reply.status(), reply.field("content-type")),
            (200, Some("application/json")),
            "{reply:?}"
        );
        reply.json()
    }

    /// Sends a client's request for this path.
    fn exchange(&self, path: &str) {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer undefined\r\n\r\n");
        Wire::to(self.clients).send(request).reply();
    }

    /// Waits until so many exchanges are kept.
    fn until_kept(&self, count: u64) {
        until("the exchanges are kept", || self.json("/api/status")["kept"]["exchanges"] == count);
    }

    /// Waits until an exchange for this path is the newest that is kept.
    fn until_newest(&self, path: &str) {
        until("it is the newest", || self.json("/api/exchanges?limit=1")["exchanges"][0]["path"] == path);
    }
}

/// WordPress as it answers in these tests: what lies below /wp-json/sick refuses, anything else is fine.
fn wordpress() -> Origin {
    Origin::playing(|mut wire, _| {
        while !wire.is_at_end() {
            let head = wire.head();
            wire.put(if head.starts_with("GET /wp-json/") { refusal() } else { fine() });
        }
    })
}

fn refusal() -> String {
    let body =
        r#"{"code":"jwt_auth_invalid_token","message":"Wrong number of segments","data":{"status":403}}"#;
    format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Link: <http://a/wp-json/>; rel=\"https://api.w.org/\"\r\n\r\n{body}",
        body.len()
    )
}

fn fine() -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_owned()
}

#[test]
fn what_can_be_asked_is_listed_and_every_reply_is_kept_out_of_caches_and_pages() {
    let asked = Asked::with("127.0.0.1:9", "", "");
    for path in
        ["/", "/livez", "/readyz", "/metrics", "/api/status", "/api/findings", "/api/exchanges", "/nothing"]
    {
        let reply = asked.ask(path);
        assert_eq!(reply.status(), if path == "/nothing" { 404 } else { 200 }, "{reply:?}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'"),
        ] {
            assert_eq!(reply.field(name), Some(value), "{path}");
        }
        assert!(!reply.head.to_lowercase().contains("access-control-"), "{reply:?}");
    }
    let index = String::from_utf8(asked.ask("/").body).unwrap();
    assert!(index.contains("/api/stream") && index.contains("/api/exchanges"), "{index}");
    assert_eq!(asked.ask("/nothing").json()["code"], "header_doctor_admin_not_found");
}

#[test]
fn the_status_says_what_runs() {
    let asked =
        Asked::with("127.0.0.1:9", "exchanges: 7, memory: 64KiB", "trail: { hop: edge, instance: web-1 }");
    let status = asked.json("/api/status");
    assert_eq!((&status["schema"], &status["version"]), (&1.into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!((&status["hop"], &status["instance"]), (&"edge".into(), &"web-1".into()));
    assert_eq!((&status["state"], &status["ready"]), (&"ready".into(), &true.into()));
    assert_eq!(status["listeners"][0], asked.clients.to_string());
    assert_eq!(status["sites"][0]["upstreams"][0], "http://127.0.0.1:9");
    assert_eq!(status["sites"][0]["mode"], "treat");
    assert!(status["config_file"].as_str().unwrap().ends_with(".yaml"), "{status}");
    assert_eq!((&status["kept"]["most"], &status["kept"]["most_memory"]), (&7.into(), &65536.into()));
    assert_eq!((&status["dropped"]["log"], &status["dropped"]["api"]), (&0.into(), &0.into()));
    assert_eq!(status["last_reload"], Value::Null);
    asked.doctor.rewrite("sites: nonsense");
    asked.doctor.says("Not reloaded");
    let reload = asked.json("/api/status")["last_reload"].clone();
    assert!(reload["error"].as_str().unwrap().contains("sites"), "{reload}");
}

#[test]
fn sick_exchanges_are_told_as_the_log_has_them() {
    let origin = wordpress();
    let asked = Asked::with(&origin, "", "");
    asked.exchange("/wp-json/wp/v2/users/me");
    asked.exchange("/fine");
    let logged = asked.doctor.event();
    asked.until_kept(1);
    let list = asked.json("/api/exchanges");
    assert_eq!((list["exchanges"].as_array().unwrap().len(), &list["next"]), (1, &Value::Null), "{list}");
    let mut record = list["exchanges"][0].clone();
    let sequence = record.as_object_mut().unwrap().remove("sequence").unwrap();
    assert_eq!(record, logged);
    let one = asked.json(&format!("/api/exchanges/{}", logged["exchange"].as_str().unwrap()));
    assert_eq!(one["exchange"]["sequence"], sequence);
    let verdict = one["verdict"].as_str().unwrap();
    assert!(verdict.contains("✗ 403") || verdict.contains("! 403"), "{verdict}");
    assert!(verdict.contains("  fix     "), "{verdict}");
    assert_eq!(asked.ask("/api/exchanges/0000000000000000").status(), 404);
    let findings = asked.json("/api/findings");
    let row = &findings["findings"][0];
    let found = &logged["findings"][0];
    assert_eq!(
        (&row["rule"], &row["count"], &row["kept"]),
        (&found["rule"], &1.into(), &1.into()),
        "{findings}"
    );
    for name in ["place", "desk", "severity", "proof", "cure", "scope"] {
        assert_eq!(row[name], found[name], "{name}");
    }
    assert_eq!((&row["example"], &row["last_seen"]), (&logged["exchange"], &logged["timestamp"]));
    let rule = found["rule"].as_str().unwrap();
    let told = asked.json(&format!("/api/findings/{rule}"));
    assert_eq!(told["finding"], *row);
    assert!(told["text"].as_str().unwrap().starts_with("# "), "{told}");
    assert_eq!(asked.ask("/api/findings/no-such-rule").status(), 404);
}

#[test]
fn the_token_is_asked_for_and_read_again_when_its_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let write = |token: &str| {
        let new = folder.path().join("new");
        fs::write(&new, token).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, &file).unwrap();
    };
    write(&format!("{TOKEN}\n"));
    let admin = format!("token_file: {}", file.display());
    let asked = Asked::of(&config("127.0.0.1:9", "0.0.0.0:0", &admin, "log: { format: json }"));
    let asked = Asked { address: SocketAddr::from(([127, 0, 0, 1], asked.address.port())), ..asked };
    let status = |token: &str| {
        let reply = asked.ask_with("/api/status", &format!("Authorization: {token}\r\n"));
        assert!(!String::from_utf8_lossy(&reply.body).contains(TOKEN), "{reply:?}");
        reply.status()
    };
    for path in ["/api/status", "/livez", "/metrics", "/", "/nothing", "/api/stream"] {
        let refused = asked.ask(path);
        assert_eq!((refused.status(), refused.field("www-authenticate")), (401, Some("Bearer")), "{path}");
        assert_eq!(refused.json()["code"], "header_doctor_admin_token");
    }
    assert_eq!(status(&format!("Bearer {TOKEN}")), 200);
    for wrong in [format!("Bearer {TOKEN}x"), format!("Basic {TOKEN}"), TOKEN.to_owned(), "Bearer".to_owned()]
    {
        assert_eq!(status(&wrong), 401, "{wrong}");
    }
    let heard = RefCell::new(Vec::new());
    let until_said = |words: &str| loop {
        let word = asked.doctor.word();
        heard.borrow_mut().push(word.to_string());
        if word["message"].as_str().is_some_and(|message| message.starts_with(words)) {
            return word;
        }
    };
    write("another-token-of-some-length");
    until_said("Reloaded");
    assert_eq!(
        (status(&format!("Bearer {TOKEN}")), status("Bearer another-token-of-some-length")),
        (401, 200)
    );
    write("short");
    let error = until_said("Not reloaded")["error"].to_string();
    assert!(error.contains("admin.token_file") && error.contains("holds a token of 5 characters"), "{error}");
    assert_eq!(status("Bearer another-token-of-some-length"), 200, "the one before stays in force");
    write(TOKEN);
    until_said("Reloaded");
    let heard = heard.into_inner();
    assert!(!heard.iter().any(|line| line.contains("another-token") || line.contains(TOKEN)), "{heard:?}");
}

#[test]
fn a_listener_that_stays_where_it_is_goes_on_asking_for_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, TOKEN).unwrap();
    let with = |address: &str, admin: &str| config("127.0.0.1:9", address, admin, "log: { format: json }");
    let admin = format!("token_file: {}", file.display());
    let asked = Asked::of(&with("0.0.0.0:0", &admin));
    asked.doctor.rewrite(&with("127.0.0.1:0", "hosts: []"));
    asked.doctor.signal("HUP");
    assert_eq!(asked.doctor.says("needs a restart")["key"], "admin.address");
    assert_eq!(asked.ask("/api/status").status(), 401);
}

#[test]
fn pages_and_names_of_others_are_kept_out_and_nothing_can_be_changed() {
    let asked = Asked::with("127.0.0.1:9", "hosts: [doctor.internal]", "");
    let send = |head: &str| {
        let reply = asked.wire().send(format!("{head}\r\n\r\n")).reply();
        (reply.status(), reply.json()["code"].as_str().map(str::to_owned).unwrap_or_default())
    };
    let port = asked.address.port();
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "doctor.internal".to_owned(),
        "[::1]".to_owned(),
    ] {
        let reply = asked.wire().send(format!("GET /api/status HTTP/1.1\r\nHost: {host}\r\n\r\n")).reply();
        assert_eq!(reply.status(), 200, "{host}");
    }
    for host in ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test"] {
        let refused = send(&format!("GET /api/status HTTP/1.1\r\nHost: {host}:{port}"));
        assert_eq!(refused, (421, "header_doctor_admin_host".to_owned()), "{host}");
    }
    let absolute = send(&format!("GET http://evil.test/api/status HTTP/1.1\r\nHost: localhost:{port}"));
    assert_eq!(absolute.0, 421);
    let get = format!("GET /api/status HTTP/1.1\r\nHost: localhost:{port}");
    for field in ["Origin: https://evil.test", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        assert_eq!(
            send(&format!("{get}\r\n{field}")),
            (403, "header_doctor_admin_origin".to_owned()),
            "{field}"
        );
    }
    let own = asked.wire().send(format!("{get}\r\nOrigin: http://localhost:{port}\r\n\r\n")).reply();
    assert_eq!(own.status(), 200);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let head = format!("{method} /api/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let refused = asked.wire().send(head).reply();
        assert_eq!((refused.status(), refused.field("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let mut wire = asked.wire();
    wire.put("HEAD /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(wire.head().starts_with("HTTP/1.1 200"));
    assert_eq!(wire.read_to_end(), "", "a head has no body");
}

fn start(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args(["run", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:9"]).args(arguments);
    let ended = command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn where_other_machines_ask_a_token_is_required() {
    let (code, words) = start(&["--admin", "0.0.0.0:0"]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("--admin: 0.0.0.0:0 is reached from other machines"), "{words}");
    assert!(words.contains("`token_file: /etc/header-doctor/admin.token`"), "{words}");
    let (code, words) = start(&["--admin", "example.com:1"]);
    assert_eq!(code, Some(2));
    assert!(words.contains("--admin: \"example.com:1\" is not an address to ask at; write"), "{words}");
}

#[test]
fn an_address_that_was_asked_for_and_is_taken_is_an_error_and_the_usual_one_is_done_without() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, words) = start(&["--admin", &other.local_addr().unwrap().to_string()]);
    assert_eq!(code, Some(2));
    assert!(words.contains("is taken by another process") && words.contains("--admin 127.0.0.1:"), "{words}");
    let origin = wordpress();
    let (doctor, warning, _usual) = std::iter::repeat_with(|| {
        // Taken by this test, or by whoever had it before, who may leave at any time: then it is tried again.
        let usual = std::net::TcpListener::bind("127.0.0.1:9900");
        let doctor = Doctor::starting(&config(&origin, "null", "hosts: []", "log: { format: json }"));
        let word = doctor.word();
        (doctor, word, usual)
    })
    .take(20)
    .find(|(_, word, _)| word["message"] != "Answering questions")
    .unwrap();
    assert!(warning["message"].as_str().unwrap().starts_with("Nobody can ask this doctor"), "{warning}");
    assert_eq!((&warning["level"], &warning["address"]), (&"WARN".into(), &"127.0.0.1:9900".into()));
    assert!(warning["message"].as_str().unwrap().contains("`--admin none`"), "{warning}");
    let reply = Wire::to(doctor.listens()).send("GET /fine HTTP/1.1\r\nHost: a\r\n\r\n").reply();
    assert_eq!(reply.status(), 200, "it serves all the same");
}

/// The names of the threads of a process.
fn threads(process: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let name = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks.filter_map(name).map(|name| name.trim().to_owned()).collect()
}

#[test]
fn where_nobody_can_ask_nothing_is_kept() {
    let doctor = Doctor::with_file(&config("127.0.0.1:9", "none", "hosts: []", "log: { format: json }"));
    // A thread has its name a moment after it began.
    let named = |doctor: &Doctor| {
        let unnamed = |name: &&String| *name == "header-doctor";
        until("every thread has its name", || threads(doctor.process()).iter().filter(unnamed).count() == 1);
        threads(doctor.process())
    };
    let names = named(&doctor);
    assert!(names.contains(&"log".to_owned()) && !names.contains(&"exchanges".to_owned()), "{names:?}");
    let asked = Asked::with("127.0.0.1:9", "", "");
    assert!(named(&asked.doctor).contains(&"exchanges".to_owned()));
}

/// One question over a Unix socket.
fn ask_at(path: &std::path::Path) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"GET /api/status HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_unix_socket_is_for_the_same_user_and_never_taken_from_a_living_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    drop(UnixListener::bind(&path).unwrap());
    let yaml =
        config("127.0.0.1:9", &format!("'unix:{}'", path.display()), "hosts: []", "log: { format: json }");
    let mut doctor = Doctor::starting(&yaml);
    assert_eq!(doctor.says("Answering questions")["address"], format!("unix:{}", path.display()));
    doctor.listens();
    assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(ask_at(&path).starts_with("HTTP/1.1 200 OK\r\n"));
    let place = format!("unix:{}", path.display());
    let (code, words) = start(&["--admin", &place]);
    assert_eq!(code, Some(2));
    assert!(words.contains("another process answers there"), "{words}");
    assert!(ask_at(&path).starts_with("HTTP/1.1 200 OK\r\n"), "it is left alone");
    doctor.terminate();
    assert!(doctor.wait().success());
    assert!(!path.exists(), "it goes with its process");
    fs::write(&path, "precious").unwrap();
    let (_, words) = start(&["--admin", &place]);
    assert!(words.contains("is not a socket, so it is left alone"), "{words}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn it_is_asked_under_tls_and_follows_its_certificate() {
    let authority = Authority::of_a_test().with("b", &["b.localhost"]).with("a", &["a.localhost"]);
    let files = format!("tls: {}", authority.pair("a"));
    let asked = Asked::with("127.0.0.1:9", &files, "");
    let get = "GET /api/status HTTP/1.1\r\nHost: a.localhost\r\nOrigin: https://a.localhost\r\n\r\n";
    // A client that has been here before need not look at the certificate again.
    let ask = |name: &str| {
        let tls = asking_for(name, &authority.client());
        Some(asked.wire().try_secured(tls).ok()?.send(get).reply())
    };
    assert_eq!(ask("a.localhost").unwrap().status(), 200);
    let answer = asked.wire().send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").read();
    assert!(!String::from_utf8_lossy(&answer).contains("200"), "it does not answer in clear");
    authority.issue("a", &["b.localhost"]);
    asked.doctor.says("Reloaded");
    assert!(ask("a.localhost").is_none());
    assert_eq!(ask("b.localhost").unwrap().status(), 200);
}

fn paths(list: &Value) -> Vec<&str> {
    list["exchanges"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()
}

#[test]
fn exchanges_are_paged_and_filtered() {
    let origin = wordpress();
    let asked = Asked::with(&origin, "", "log: { format: json, exchanges: all }");
    for path in ["/wp-json/one", "/two", "/wp-json/three", "/four"] {
        asked.exchange(path);
    }
    asked.until_kept(4);
    let page = asked.json("/api/exchanges?limit=3");
    assert_eq!(paths(&page), ["/four", "/wp-json/three", "/two"]);
    let rest = asked.json(&format!("/api/exchanges?limit=3&before={}", page["next"]));
    assert_eq!((paths(&rest), &rest["next"]), (vec!["/wp-json/one"], &Value::Null));
    let sequences: Vec<_> =
        page["exchanges"].as_array().unwrap().iter().map(|one| &one["sequence"]).collect();
    assert_eq!(*sequences[2], page["next"]);
    let sick = ["/wp-json/three", "/wp-json/one"];
    let rule = asked.json("/api/findings")["findings"][0].clone();
    let by_rule = format!("rule={}", rule["rule"].as_str().unwrap());
    let by_severity = format!("severity={}", rule["severity"].as_str().unwrap());
    for filter in ["sick=true", "status=403", &by_rule, &by_severity] {
        assert_eq!(paths(&asked.json(&format!("/api/exchanges?{filter}"))), sick, "{filter}");
    }
    for filter in ["sick=false", "status=200"] {
        assert_eq!(paths(&asked.json(&format!("/api/exchanges?{filter}"))), ["/four", "/two"], "{filter}");
    }
    assert_eq!(paths(&asked.json("/api/exchanges?host=A.TEST")).len(), 4);
    for filter in ["host=b.test", "rule=token-expired", "status=404"] {
        assert!(paths(&asked.json(&format!("/api/exchanges?{filter}"))).is_empty(), "{filter}");
    }
    for wrong in
        ["limit=0", "nonsense=1", "severity=bad", "rule=none", "sick=yes", "limit=1&limit=1", "before=x"]
    {
        let refused = asked.ask(&format!("/api/exchanges?{wrong}"));
        assert_eq!(
            (refused.status(), &refused.json()["code"]),
            (400, &"header_doctor_admin_parameter".into()),
            "{wrong}"
        );
    }
    assert_eq!(["/api/status?a=1", "/livez?a=1"].map(|path| asked.ask(path).status()), [400, 200]);
}

#[test]
fn what_is_kept_is_bounded_and_sick_exchanges_stay_longest() {
    let origin = wordpress();
    let bounded = |count: u64| {
        let admin = format!("exchanges: {count}");
        config(&origin, "127.0.0.1:0", &admin, "log: { format: json, exchanges: all }")
    };
    let asked = Asked::of(&bounded(4));
    for path in ["/wp-json/1", "/2", "/wp-json/3", "/4", "/5"] {
        asked.exchange(path);
    }
    until("the oldest healthy one is gone", || {
        paths(&asked.json("/api/exchanges")) == ["/5", "/4", "/wp-json/3", "/wp-json/1"]
    });
    for path in ["/wp-json/6", "/wp-json/7", "/wp-json/8"] {
        asked.exchange(path);
    }
    let sick = ["/wp-json/8", "/wp-json/7", "/wp-json/6", "/wp-json/3"];
    until("the oldest sick one is gone", || paths(&asked.json("/api/exchanges")) == sick);
    let rule = &asked.json("/api/findings")["findings"][0];
    assert_eq!((&rule["count"], &rule["kept"]), (&5.into(), &4.into()), "{rule}");
    asked.doctor.rewrite(&bounded(1));
    asked.doctor.says("Reloaded");
    assert_eq!(paths(&asked.json("/api/exchanges")), ["/wp-json/8"]);
}

#[test]
fn what_is_kept_takes_no_more_memory_than_it_may() {
    let origin = wordpress();
    let asked = Asked::with(&origin, "memory: 64KiB", "");
    for number in 0..60 {
        asked.exchange(&format!("/wp-json/{number}"));
    }
    until("the last is kept", || paths(&asked.json("/api/exchanges?limit=1")) == ["/wp-json/59"]);
    let kept = asked.json("/api/status")["kept"].clone();
    let count = kept["exchanges"].as_u64().unwrap();
    assert!((2..40).contains(&count) && kept["memory"].as_u64().unwrap() <= 65536, "{kept}");
}

#[test]
fn the_choice_of_the_log_is_its_own() {
    let origin = wordpress();
    for log in ["exchanges: none", "level: error"] {
        // Where it says only what is broken it does not say where it listens either.
        let (address, clients) = (own_address(), own_address());
        let yaml =
            config(&origin, &address.to_string(), "hosts: []", &format!("log: {{ format: json, {log} }}"));
        let yaml = yaml.replace("[{ address: 127.0.0.1:0 }]", &format!("[{{ address: '{clients}' }}]"));
        let asked = Asked { doctor: Doctor::starting(&yaml), address, clients };
        until("it can be asked", || {
            Wire::try_to(address).is_some() && asked.json("/api/status")["state"] == "ready"
        });
        asked.exchange("/wp-json/sick");
        asked.exchange("/fine");
        asked.until_kept(1);
        assert_eq!(asked.json("/api/exchanges")["exchanges"][0]["path"], "/wp-json/sick");
        asked.doctor.terminate();
        let Asked { mut doctor, .. } = asked;
        assert!(doctor.wait().success());
        assert!(doctor.logged().is_empty(), "{log}");
    }
    let asked = Asked::with("127.0.0.1:9", "", "diagnosis: { enabled: false }");
    asked.exchange("/failed");
    Wire::to(asked.clients).send("NONSENSE\r\n\r\n").read_to_end();
    asked.until_kept(2);
    let list = asked.json("/api/exchanges");
    assert_eq!(list["exchanges"][1]["failure"]["code"], "header_doctor_upstream_unreachable", "{list}");
    assert_eq!(list["exchanges"][0]["refusal"]["code"], "header_doctor_request_line", "{list}");
}

/// One event of a stream: its name, id and data.
#[derive(Debug)]
struct Told {
    name: String,
    id: u64,
    data: Value,
}

/// Somebody who follows along, over a connection whose chunks are read as they come.
struct Follower {
    wire: Wire,
    text: String,
    is_over: bool,
}

impl Follower {
    fn of(asked: &Asked, fields: &str) -> Self {
        Self::over(asked.wire(), fields)
    }

    /// One that takes little before it is read.
    fn narrow(asked: &Asked) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&asked.address.into()).unwrap();
        Self::over(Wire::over(socket.into()), "")
    }

    fn over(mut wire: Wire, fields: &str) -> Self {
        wire.put(format!("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
        let head = wire.head();
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
        Self { wire, text: String::new(), is_over: false }
    }

    /// The next event; nothing at the end, which must be in order.
    fn next(&mut self) -> Option<Told> {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "nothing is told: {:?}", self.text);
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let told = parsed(event);
                self.text = rest.to_owned();
                if told.is_some() {
                    return told;
                }
                continue;
            }
            if self.is_over {
                return None;
            }
            match self.wire.chunk() {
                Some(chunk) => self.text += std::str::from_utf8(&chunk).unwrap(),
                None => self.is_over = true,
            }
        }
    }
}

/// Nothing where it is but a comment.
fn parsed(event: &str) -> Option<Told> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let name = field("event: ")?.to_owned();
    let data = serde_json::from_str(field("data: ")?).unwrap();
    Some(Told { name, id: field("id: ").unwrap().parse().unwrap(), data })
}

#[test]
fn whoever_follows_along_hears_of_each_exchange_and_resumes_where_they_were() {
    let origin = wordpress();
    let asked = Asked::with(&origin, "exchanges: 3", "");
    let mut follower = Follower::of(&asked, "");
    asked.exchange("/wp-json/1");
    let first = follower.next().unwrap();
    assert_eq!((&*first.name, &first.data), ("exchange", &asked.doctor.event()));
    assert_eq!(asked.json("/api/exchanges")["exchanges"][0]["sequence"], first.id);
    drop(follower);
    for path in ["/wp-json/2", "/wp-json/3"] {
        asked.exchange(path);
    }
    asked.until_newest("/wp-json/3");
    let mut again = Follower::of(&asked, &format!("Last-Event-ID: {}\r\n", first.id));
    for path in ["/wp-json/2", "/wp-json/3"] {
        assert_eq!(again.next().unwrap().data["path"], path);
    }
    asked.exchange("/wp-json/4");
    let fourth = again.next().unwrap();
    assert_eq!((&fourth.data["path"], fourth.id), (&"/wp-json/4".into(), first.id + 3));
    // A number of a process before this one: nobody knows what came after.
    let mut stranger = Follower::of(&asked, "Last-Event-ID: 7\r\n");
    let gap = stranger.next().unwrap();
    assert_eq!((&*gap.name, &gap.data["missed"]), ("gap", &Value::Null));
    assert!(stranger.next().unwrap().data["path"].as_str().unwrap().starts_with("/wp-json/"));
    let wrong = asked.ask_with("/api/stream", "Last-Event-ID: x\r\n");
    assert_eq!(wrong.status(), 400);
}

#[test]
fn no_more_than_sixteen_follow_along_and_each_place_is_given_again() {
    let asked = Asked::with("127.0.0.1:9", "", "");
    let mut followers: Vec<_> = (0..16).map(|_| Follower::of(&asked, "")).collect();
    let refused = asked.ask("/api/stream");
    assert_eq!((refused.status(), &refused.json()["code"]), (503, &"header_doctor_admin_streams".into()));
    followers.pop();
    until("the place is free", || {
        let mut wire = asked.wire();
        wire.put("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        wire.head().starts_with("HTTP/1.1 200")
    });
    // Those who only hold connections are the ones that go.
    let _held: Vec<_> = (0..100).map(|_| asked.wire()).collect();
    assert_eq!(asked.ask("/livez").status(), 200);
    asked.exchange("/failed");
    for mut follower in followers {
        assert_eq!(follower.next().unwrap().data["path"], "/failed");
    }
}

#[test]
fn a_slow_reader_holds_nobody_up_and_is_told_how_many_are_gone() {
    const COUNT: u64 = 400;
    let origin = wordpress();
    let asked = Asked::with(&origin, "exchanges: 10, memory: 1MiB", "log: { format: json, exchanges: none }");
    let mut slow = Follower::narrow(&asked);
    let mut quick = Follower::of(&asked, "");
    let long = "word-".repeat(200);
    for number in 0..COUNT {
        asked.exchange(&format!("/wp-json/{number}/{long}"));
        let told = quick.next().unwrap();
        assert!(told.data["path"].as_str().unwrap().starts_with(&format!("/wp-json/{number}/")));
    }
    let last = asked.json("/api/status")["kept"]["last_sequence"].as_u64().unwrap();
    let (mut heard, mut missed) = (0, 0);
    loop {
        let told = slow.next().unwrap();
        match &*told.name {
            "gap" => missed += told.data["missed"].as_u64().unwrap(),
            _ => heard += 1,
        }
        if told.id == last {
            break;
        }
    }
    assert_eq!(heard + missed, COUNT);
    assert!(missed > 0, "its connection took all of it");
}

#[test]
fn whoever_follows_along_does_so_to_the_end_of_the_drain() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wait.lock().unwrap().recv().unwrap();
        wire.put(refusal());
    });
    let address = own_address().to_string();
    let asked = Asked::of(&config(&origin, &address, "hosts: []", "log: { format: json }"));
    let mut follower = Follower::of(&asked, "");
    let mut busy = Wire::to(asked.clients)
        .send("GET /wp-json/last HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer undefined\r\n\r\n");
    origin.request();
    asked.doctor.terminate();
    asked.doctor.says("Draining");
    assert_eq!(
        (asked.ask("/readyz").status(), &asked.json("/api/status")["state"]),
        (503, &"draining".into())
    );
    go.send(()).unwrap();
    assert_eq!(busy.reply().status(), 403);
    assert_eq!(follower.next().unwrap().data["path"], "/wp-json/last");
    assert!(follower.next().is_none(), "the stream ends in order");
    let Asked { mut doctor, address, .. } = asked;
    assert!(doctor.wait().success());
    assert!(Wire::try_to(address).is_none());
}

/// What a process and its successor share.
struct Meeting {
    folder: TempDir,
    yaml: String,
}

impl Meeting {
    fn at(address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = address.replace("FOLDER", &folder.path().display().to_string());
        let socket = folder.path().join("upgrade.sock");
        let more = format!("log: {{ format: json }}\nupgrade: {{ socket: {} }}", socket.display());
        let yaml = config("127.0.0.1:9", &address, "hosts: []", &more);
        Self { folder, yaml }
    }

    fn start(&self, more: &[&str]) -> Doctor {
        let file = self.folder.path().join("doctor.yaml");
        fs::write(&file, &self.yaml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        command.args(["run", "--config"]).arg(&file).args(more).env_clear();
        Doctor::started_by_without_waiting(command, &file)
    }
}

#[test]
fn a_successor_answers_on_the_same_socket() {
    let meeting = Meeting::at("127.0.0.1:0");
    let mut before = meeting.start(&[]);
    let address = before.says("Answering questions")["address"].clone();
    let clients = before.listens();
    let asked = Asked { doctor: before, address: address.as_str().unwrap().parse().unwrap(), clients };
    let mut follower = Follower::of(&asked, "");
    let after = meeting.start(&["--upgrade"]);
    assert_eq!(after.says("Answering questions")["address"], address);
    assert_eq!(after.listens(), clients);
    assert!(follower.next().is_none(), "it ends with its process, in order");
    let Asked { doctor, address, .. } = asked;
    before = doctor;
    assert!(before.wait().success());
    let asked = Asked { doctor: after, address, clients };
    assert_eq!(asked.json("/api/status")["state"], "ready");
    asked.exchange("/failed");
    asked.until_kept(1);
}

#[test]
fn a_successor_answers_on_the_same_unix_socket_and_takes_it_away_at_its_end() {
    let meeting = Meeting::at("'unix:FOLDER/admin.sock'");
    let path = meeting.folder.path().join("admin.sock");
    let mut doctor = meeting.start(&[]);
    doctor.listens();
    for _ in 0..2 {
        let mut before = std::mem::replace(&mut doctor, meeting.start(&["--upgrade"]));
        doctor.listens();
        assert!(before.wait().success());
        assert!(ask_at(&path).starts_with("HTTP/1.1 200"));
    }
    doctor.terminate();
    assert!(doctor.wait().success());
    assert!(!path.exists());
}

const MARKS: [&str; 5] =
    ["hunter2marked", "s3cr3tm4rk3dt0k3n9", "querymarked", "cookiemarked", "messagemarked"];

#[test]
fn no_marked_secret_is_told_to_whoever_asks() {
    let body = r#"{"code":"jwt_auth_invalid_token","message":"messagemarked","data":{"status":403,"token":"hunter2marked"}}"#;
    let origin = Origin::answering(format!(
        "HTTP/1.1 403 No\r\nContent-Type: application/json\r\nContent-Length: {}\r\nWWW-Authenticate: hunter2marked\r\n\
         Link: <http://a/wp-json/>; rel=\"https://api.w.org/\"\r\n\r\n{body}",
        body.len()
    ));
    let asked = Asked::with(&origin, "", "log: { format: json, exchanges: all, client_address: full }");
    let mut follower = Follower::of(&asked, "");
    let credentials =
        ["Bearer s3cr3tm4rk3dt0k3n9", "Basic dXNlcm1hcmtlZDpodW50ZXIybWFya2Vk", "Bearer {{hunter2marked}}"];
    let mut told = String::new();
    for credential in credentials {
        let head = format!(
            "GET /wp-json/wp/v2/users/me?token=querymarked HTTP/1.1\r\nHost: usermarked:hunter2marked@a.test\r\n\
             Authorization: {credential}\r\nCookie: a=cookiemarked\r\nX-Request-Id: s3cr3tm4rk3dt0k3n9\r\n\
             Connection: close\r\n\r\n"
        );
        Wire::to(asked.clients).send(head).read_to_end();
        let event = follower.next().unwrap().data;
        told += &event.to_string();
        told += &asked.json(&format!("/api/exchanges/{}", event["exchange"].as_str().unwrap())).to_string();
    }
    for path in ["/api/exchanges", "/api/findings", "/api/status", "/metrics", "/"] {
        told += &String::from_utf8(asked.ask(path).body).unwrap();
    }
    for rule in asked.json("/api/findings")["findings"].as_array().unwrap() {
        told += &asked.json(&format!("/api/findings/{}", rule["rule"].as_str().unwrap())).to_string();
    }
    for wrong in [
        "/api/exchanges?rule=hunter2marked",
        "/api/exchanges?hunter2marked=1",
        "/api/findings/hunter2marked",
        "/hunter2marked",
    ] {
        told += &String::from_utf8(asked.ask(wrong).body).unwrap();
    }
    assert!(told.len() > 3000, "{told}");
    assert_eq!(MARKS.iter().find(|mark| told.contains(*mark)), None, "{told}");
    assert!(!told.contains("usermarked"), "{told}");
}
