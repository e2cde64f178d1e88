//! The doctor alone before PHP-FPM, with no other web server: a browser finds the whole of WordPress there.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::stand::Stand;
use crate::world::{Authority, Doctor};

/// The doctor as somebody starts it who has read only the first page.
fn in_clear() -> Doctor {
    let stand = Stand::up();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args(["run", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.args(["--upstream", &format!("fastcgi+unix:{}", stand.get("PHP_FPM_SOCKET"))]);
    command.args(["--root", stand.get("SITE_ROOT")]).env_clear();
    Doctor::started_by(command, Path::new(""))
}

fn under_tls(authority: &Authority) -> Doctor {
    let (stand, pair) = (Stand::up(), authority.pair("site"));
    let (socket, root) = (stand.get("PHP_FPM_SOCKET"), stand.get("SITE_ROOT"));
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}, {{ address: 127.0.0.1:0, tls: [{pair}] }}]\n\
         sites: [{{ upstreams: [{{ url: \"fastcgi+unix:{socket}\", root: {root} }}] }}]\n\
         log: {{ format: json, repeats: 0s }}\n"
    ))
}

/// What `visit.mjs` saw.
fn visit(address: SocketAddr, scheme: &str) -> Value {
    let stand = Stand::up();
    let told = json!({
        "home": format!("{scheme}://wordpress.test"), "address": address.to_string(),
        "user": stand.get("ADMIN_USER"), "password": stand.get("ADMIN_PASSWORD"),
    });
    let said = NamedTempFile::new().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/visit.mjs");
    let mut node = Command::new("node");
    let ended = node
        .arg(script)
        .arg(told.to_string())
        .stdin(Stdio::null())
        .stdout(said.reopen().unwrap())
        .status()
        .expect("node starts");
    assert!(ended.success(), "{ended}");
    serde_json::from_str(&std::fs::read_to_string(said.path()).unwrap()).unwrap()
}

fn assert_served(seen: &Value, scheme: &str) {
    assert_eq!(seen["stopped"], Value::Null, "{seen}");
    assert_eq!([&seen["failed"], &seen["console"]], [&json!([]), &json!([])], "{seen}");
    assert_eq!(seen["front"]["heading"], "Header Doctor Stand");
    for page in ["front", "login"] {
        let sheets = seen[page]["sheets"].as_array().unwrap();
        assert!(!sheets.is_empty() && sheets.iter().all(|sheet| sheet["rules"].as_u64() > Some(0)), "{seen}");
        assert_eq!(seen[page]["broken"], json!([]), "{seen}");
    }
    // As wp-admin's style sheets say: without them they are 1280px wide, and transparent.
    assert_eq!([&seen["login"]["width"], &seen["login"]["menu"]], ["320px", "rgb(29, 35, 39)"], "{seen}");
    let says = seen["publish"]["says"].as_str().unwrap();
    assert!(says.starts_with("A post of "), "{seen}");
    let upload = &seen["upload"];
    assert!(upload["url"].as_str().unwrap().starts_with(&format!("{scheme}://wordpress.test/")), "{seen}");
    assert_eq!((&upload["widths"][1], &upload["isSame"]), (&json!(1280), &json!(true)), "{seen}");
    assert!(upload["widths"][0].as_u64() > Some(0) && upload["type"] == "image/png", "{seen}");
    assert_eq!(seen["tidy"], json!([200, 200]), "{seen}");
    assert!(seen["logout"].as_str().unwrap().contains("/wp-login.php?"), "{seen}");
}

/// Asserts that the log tells of nothing but requests that the browser gave up itself, as it does when it goes on to the next
/// page before the last picture of this one has come.
fn assert_silent(doctor: &Doctor) {
    doctor.connect().send("NONSENSE\r\n\r\n").read_to_end();
    let is_given_up = |event: &Value| event["failure"]["code"] == "header_doctor_client_gone";
    let event = std::iter::repeat_with(|| doctor.event()).find(|event| !is_given_up(event)).unwrap();
    assert_eq!(event["refusal"]["code"], "header_doctor_request_line", "another event: {event}");
}

#[test]
fn the_doctor_alone_serves_the_whole_of_wordpress() {
    let doctor = in_clear();
    assert_served(&visit(doctor.address(), "http"), "http");
    assert_silent(&doctor);
}

#[test]
fn and_under_tls() {
    let authority = Authority::new().with("site", &["wordpress.test"]);
    let doctor = under_tls(&authority);
    assert_served(&visit(doctor.listens(), "https"), "https");
    assert_silent(&doctor);
}
