//! PHP is a hop: the doctor asks, believes what is sealed, and tells neither the client nor WordPress of it.
//!
//! PHP is imitated here, by the key that the plugin has; the plugin itself is tested by `tests/wordpress/php_hop`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use header_doctor::secret::{Keyring, TrailKey};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::pair::{KEY, Setup};
use crate::world::{Doctor, Origin, Pair, Reply};

const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwOi8vYS50ZXN0IiwiZXhwIjo0MTAyNDQ0ODAwfQ.m4rk3dAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const OTHER: &str = "k1:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

const ANONYMOUS: &str = "{\"code\":\"rest_not_logged_in\",\"message\":\"You are not currently logged in.\",\"data\":{\"status\":401}}";

fn key(line: &str) -> TrailKey {
    line.parse::<Keyring>().unwrap().signing().clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn field<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The answer to the question in a request, where it is sealed with this key.
pub(crate) fn answer(request: &str, line: &str, said: &str) -> Option<String> {
    let ask = field(request, "Header-Doctor-Ask")?;
    let (text, seal) = ask.rsplit_once(';').unwrap();
    let (method, host) = (request.split(' ').next().unwrap(), field(request, "Host").unwrap());
    let php = key(line).php().clone();
    let sealed = |what: &str, text: &str| {
        hex(&php.seal(format!("header-doctor {what} v1\n{method}\n{host}\n{text}").as_bytes()))
    };
    if sealed("question", text) != seal {
        return None;
    }
    let (asked, seconds) = text.rsplit_once(';').unwrap();
    let text = format!("{asked};{seconds}500;{said}");
    Some(format!("{text};m={}", sealed("answer", &text)))
}

/// The value of `Authorization` in a request, as PHP with this key tells of it.
pub(crate) fn seen(request: &str, line: &str) -> String {
    let value = field(request, "Authorization").unwrap_or_default();
    format!("{}.b.{:016x}", value.len(), key(line).php().fingerprint(value.as_bytes()).bits())
}

/// A WordPress whose PHP has these keys and saw what `says` makes of the value that was sent; it knows nobody.
pub(crate) fn wordpress(keys: &'static str, says: impl Fn(&str) -> String + Send + Sync + 'static) -> Origin {
    Origin::playing(move |mut wire, tell| {
        loop {
            let request = wire.message();
            let answer =
                answer(&request, keys, &says(&seen(&request, keys))).map_or(String::new(), |answer| {
                    format!(
                        "Header-Doctor-Answer: {answer}\r\nCache-Control: private, no-store, max-age=60\r\n"
                    )
                });
            tell(request);
            wire.put(format!(
                "HTTP/1.1 401 Unauthorized\r\nServer: nginx\r\nContent-Type: application/json; charset=UTF-8\r\n\
                 Link: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\n{answer}Content-Length: {}\r\n\r\n{ANONYMOUS}",
                ANONYMOUS.len()
            ));
        }
    })
}

fn doctor(origin: &Origin, folder: &Path, more: &str) -> Doctor {
    let keys = folder.join("trail.keys");
    std::fs::write(&keys, KEY).unwrap();
    Doctor::with_sections(
        origin,
        &format!("trail: {{ hop: sidecar, ends_here: true, key_file: {}{more} }}", keys.display()),
    )
}

fn ask(doctor: &Doctor, fields: &str) -> Reply {
    let head = format!("GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n");
    doctor.connect().send(head).reply()
}

fn with_token() -> String {
    format!("Authorization: {TOKEN}\r\n")
}

fn assert_hidden(reply: &Reply) {
    assert!(!reply.head.to_lowercase().contains("header-doctor"), "{}", reply.head);
}

#[test]
fn what_is_lost_before_php_is_proved_by_its_own_word() {
    let folder = TempDir::new().unwrap();
    let origin = wordpress(KEY, |_| "s=fpm-fcgi;i=0,none".to_owned());
    let doctor = doctor(&origin, folder.path(), ", php: true");
    let reply = ask(&doctor, &with_token());
    assert_hidden(&reply);
    assert_eq!(reply.field("cache-control"), Some("max-age=60"), "what the origin said is restored");
    let event = doctor.event();
    let finding = &event["findings"][0];
    let got = ["rule", "proof", "place", "severity"].map(|name| finding[name].as_str().unwrap());
    assert_eq!(got, ["authorization-lost-before-php", "proved", "web-server", "error"], "{event}");
    assert!(finding["cure"].as_str().unwrap().contains("fastcgi_param"), "{event}");
    let lost = &event["lost"][0];
    let lost = ["header", "change", "after", "before", "proof"].map(|name| lost[name].as_str().unwrap());
    assert_eq!(lost, ["authorization", "missing", "sidecar", "php", "proved"], "{event}");
    assert_eq!(event["authorization"]["seen_by_php"], "absent", "{event}");
    assert!(!event.to_string().contains("m4rk3d"));
    assert!(field(&origin.request(), "Header-Doctor-Ask").is_some());
}

#[test]
fn what_arrived_is_not_called_lost() {
    let folder = TempDir::new().unwrap();
    let origin = wordpress(KEY, |seen| format!("s=fpm-fcgi;a={seen};i=0,none"));
    let doctor = doctor(&origin, folder.path(), ", php: true");
    assert_hidden(&ask(&doctor, &with_token()));
    let event = doctor.event();
    assert_eq!(event["findings"], Value::Array(Vec::new()), "{event}");
    assert_eq!(event["authorization"]["seen_by_php"], "once", "{event}");
}

#[test]
fn an_answer_under_another_key_says_nothing_and_goes_no_further() {
    let folder = TempDir::new().unwrap();
    let forged = Origin::answering(format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nHeader-Doctor-Answer: 1;k1;0;0;a=e;m=00\r\n\
         Content-Length: {}\r\n\r\n{ANONYMOUS}",
        ANONYMOUS.len()
    ));
    for origin in [wordpress(OTHER, |_| "s=fpm-fcgi".to_owned()), forged] {
        let doctor = doctor(&origin, folder.path(), ", php: true");
        assert_hidden(&ask(&doctor, &with_token()));
        let event = doctor.event();
        assert_eq!(event["authorization"]["seen_by_php"], Value::Null, "{event}");
        assert!(event["findings"].as_array().unwrap().iter().all(|finding| finding["proof"] != "proved"));
    }
}

#[test]
fn nobody_is_asked_who_was_not_told_of_and_no_client_asks() {
    let folder = TempDir::new().unwrap();
    let origin = wordpress(KEY, |_| String::new());
    let forged = "Header-Doctor-Ask: 1;k1;0;0;0\r\nHeader-Doctor-Answer: x\r\n";
    let table = [
        ("", with_token(), false),
        ("", format!("{}{forged}", with_token()), false),
        (", php: true", with_token(), true),
        (", php: true", "X-WP-Nonce: 0123456789\r\n".to_owned(), true),
        (", php: true", forged.to_owned(), false),
        (", php: true", "Cookie: a=b\r\n".to_owned(), false),
    ];
    for (more, fields, is_asked) in table {
        let doctor = doctor(&origin, folder.path(), more);
        assert_hidden(&ask(&doctor, &fields));
        let request = origin.request();
        let asked = field(&request, "Header-Doctor-Ask");
        assert_eq!(asked.is_some(), is_asked, "{request}");
        assert!(
            asked.is_none_or(|asked| !asked.starts_with("1;k1;0;")) && !request.contains("Answer"),
            "{request}"
        );
    }
}

#[test]
fn the_doctor_in_front_says_the_same() {
    let origin = wordpress(KEY, |_| "s=fpm-fcgi;i=0,none".to_owned());
    let setup = Setup { sidecar_trail: ", ends_here: true, php: true", ..Setup::default() };
    let pair = Pair::set_up(&origin, str::to_owned, &setup);
    let head = format!("GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: a.test\r\n{}\r\n", with_token());
    assert_hidden(&pair.ask(&head));
    assert!(field(&pair.passed(), "Header-Doctor-Ask").is_none(), "only the last doctor asks");
    for event in [pair.edge.event(), pair.sidecar.event()] {
        let lost = &event["lost"][0];
        assert_eq!((&lost["after"], &lost["before"]), (&"sidecar".into(), &"php".into()), "{event}");
        let rules: Vec<_> =
            event["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
        assert_eq!(rules, ["authorization-lost-before-php"], "{event}");
        assert_eq!(event["findings"][0]["proof"], "proved", "{event}");
        assert_eq!(event["authorization"]["sent"], "once", "{event}");
    }
}

// === The command ===

fn command(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("php-hop").args(arguments).env_clear().output().unwrap()
}

/// A WordPress's folder, and a file of keys.
fn site() -> (TempDir, PathBuf, String) {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("html");
    std::fs::create_dir_all(site.join("wp-content/plugins")).unwrap();
    let keys = folder.path().join("trail.keys");
    std::fs::write(&keys, KEY).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    (folder, site, keys.display().to_string())
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_plugin_is_installed_replaced_and_removed() {
    let (_folder, site, keys) = site();
    let plugins = site.join("wp-content/mu-plugins");
    let file = plugins.join("header-doctor.php");
    let printed = command(&["print", "--key-file", &keys]);
    assert!(printed.status.success(), "{printed:?}");
    for (dir, words) in
        [(site.clone(), "wrote"), (site.join("wp-content"), "replaced"), (plugins.clone(), "replaced")]
    {
        let done = command(&["install", dir.to_str().unwrap(), "--trail-key-file", &keys]);
        assert!(done.status.success() && said(&done).starts_with(words), "{done:?}");
        assert_eq!(std::fs::read(&file).unwrap(), printed.stdout);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert!(mode == 0o640 || mode == 0o644 && said(&done).contains("chmod 640"), "{mode:o} {done:?}");
        assert_eq!(std::fs::read_dir(&plugins).unwrap().count(), 1, "nothing is left beside it");
    }
    let removed = command(&["remove", site.to_str().unwrap()]);
    assert!(
        removed.status.success() && said(&removed).starts_with("removed") && !file.exists(),
        "{removed:?}"
    );
    let again = command(&["remove", site.to_str().unwrap()]);
    assert!(again.status.success() && said(&again).starts_with("there is no"), "{again:?}");
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let (_folder, site, keys) = site();
    let plugins = site.join("wp-content/mu-plugins");
    std::fs::create_dir(&plugins).unwrap();
    let file = plugins.join("header-doctor.php");
    std::fs::write(&file, "<?php // mine\n").unwrap();
    for arguments in
        [&["install", site.to_str().unwrap(), "--key-file", &keys][..], &["remove", site.to_str().unwrap()]]
    {
        let refused = command(arguments);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(said(&refused).contains("is not header-doctor's, and is left alone"), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "<?php // mine\n");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let refused = command(&["install", site.to_str().unwrap(), "--key-file", &keys]);
    assert!(said(&refused).contains("is not header-doctor's"), "nor is a pipe waited for: {refused:?}");
}

#[test]
fn what_is_wrong_is_said_with_what_would_be_right() {
    let (folder, site, keys) = site();
    let elsewhere = folder.path().to_str().unwrap();
    let table: [(&[&str], &str); 4] = [
        (&["print"], "--key-file trail.keys"),
        (&["install", site.to_str().unwrap()], "--key-file trail.keys"),
        (&["install", elsewhere, "--key-file", &keys], "neither WordPress's folder nor its wp-content"),
        (&["remove", "/nowhere/at/all"], "/nowhere/at/all"),
    ];
    for (arguments, words) in table {
        let refused = command(arguments);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(said(&refused).contains(words), "{refused:?}");
    }
}
