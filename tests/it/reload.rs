//! A new configuration in a running process: what changes, what stays, and that nobody notices.

use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::world::{Doctor, Load, Origin, Wire, own_address, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An origin that says its name on every connection.
fn origin(name: &'static str) -> Origin {
    Origin::playing(move |mut wire, tell| {
        while !wire.is_at_end() {
            wire.head();
            tell("asked".into());
            wire.put(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len()));
        }
    })
}

fn config(upstream: &Origin, more: &str) -> String {
    let log = if more.contains("log:") { "" } else { "log: { format: json, exchanges: all }\n" };
    let listeners = if more.contains("listeners:") { "" } else { "listeners: [{ address: 127.0.0.1:0 }]\n" };
    format!("{listeners}sites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\nworkers: 2\n{log}{more}\n")
}

fn ask(wire: &mut Wire) -> String {
    wire.put(GET);
    String::from_utf8(wire.reply().body).unwrap()
}

#[test]
fn a_configuration_that_came_through_a_pipe_stays_in_force_and_a_reload_does_not_wait_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let (file, one) = (folder.path().join("pipe"), origin("one"));
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let text = config(&one, "");
    let writer = std::thread::spawn({
        let file = file.clone();
        move || std::fs::write(file, text).unwrap()
    });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args(["run", "--config"]).arg(&file).env_clear();
    // The world looks into the file that it is told of, and a pipe tells once.
    let mut doctor = Doctor::started_by(command, &folder.path().join("none"));
    writer.join().unwrap();
    assert_eq!(ask(&mut doctor.connect()), "one");
    doctor.signal("HUP");
    let said = doctor.says("Not reloaded");
    let wrong = said["error"].as_str().unwrap();
    assert!(
        wrong.starts_with(&format!("{} is a pipe or a device, which is read once", file.display())),
        "{said}"
    );
    assert_eq!(ask(&mut doctor.connect()), "one");
    doctor.terminate();
    assert!(doctor.wait().success(), "it hears that it is to stop");
    assert!(doctor.said().iter().all(|line| line["level"] == "INFO"), "and it is said once");
}

#[test]
fn a_key_file_that_becomes_a_pipe_is_told_and_what_was_before_stays_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, pipe, one) = (folder.path().join("keys"), folder.path().join("pipe"), origin("one"));
    std::fs::write(&keys, crate::world::pair::KEY).unwrap();
    let trail = format!("trail: {{ hop: edge, key_file: {} }}", keys.display());
    let mut doctor = Doctor::with_file(&config(&one, &trail));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::rename(&pipe, &keys).unwrap();
    doctor.signal("HUP");
    let said = doctor.says("Not reloaded");
    assert!(said["error"].as_str().unwrap().contains("trail.key_file: \""), "{said}");
    assert!(said["error"].as_str().unwrap().contains("\" is a pipe, which can be read once"), "{said}");
    assert_eq!(ask(&mut doctor.connect()), "one");
    let new = folder.path().join("new");
    std::fs::write(&new, crate::world::pair::KEY).unwrap();
    std::fs::rename(&new, &keys).unwrap();
    doctor.says("Reloaded");
    doctor.terminate();
    assert!(doctor.wait().success());
}

#[test]
fn a_signal_changes_the_answer_on_a_connection_that_stays_open() {
    let (one, two) = (origin("one"), origin("two"));
    let doctor = Doctor::with_file(&config(&one, ""));
    let mut client = doctor.connect();
    assert_eq!(ask(&mut client), "one");
    doctor.rewrite(&config(&two, ""));
    doctor.signal("HUP");
    doctor.says("Reloaded");
    assert_eq!(ask(&mut client), "two");
}

#[test]
fn a_changed_file_needs_no_signal() {
    let (one, two) = (origin("one"), origin("two"));
    let doctor = Doctor::with_file(&config(&one, ""));
    let mut client = doctor.connect();
    assert_eq!(ask(&mut client), "one");
    doctor.rewrite(&config(&two, ""));
    doctor.says("Reloaded");
    assert_eq!(ask(&mut client), "two");
}

#[test]
fn a_config_map_changes_by_its_symlink() {
    let (one, two) = (origin("one"), origin("two"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (version, upstream) in [("..1", &one), ("..2", &two)] {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("doctor.yaml"), config(upstream, "")).unwrap();
    }
    symlink("..1", at("..data")).unwrap();
    symlink("..data/doctor.yaml", at("doctor.yaml")).unwrap();
    let doctor = Doctor::with_file_at(&at("doctor.yaml"));
    let mut client = doctor.connect();
    assert_eq!(ask(&mut client), "one");
    symlink("..2", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    doctor.says("Reloaded");
    assert_eq!(ask(&mut client), "two");
}

#[test]
fn a_bad_file_changes_nothing_and_is_reported_once() {
    let (one, two) = (origin("one"), origin("two"));
    let doctor = Doctor::with_file(&config(&one, ""));
    let mut client = doctor.connect();
    doctor.rewrite(&config(&two, "limits: { header_bites: 1 }"));
    let error = doctor.word();
    assert_eq!(error["message"], "Not reloaded: the configuration before stays in force");
    assert_eq!((&error["level"], &error["line"]), (&"ERROR".into(), &5.into()), "{error}");
    assert_eq!(error["path"], "limits.header_bites");
    assert!(error["error"].as_str().unwrap().contains("did you mean `header_bytes`?"), "{error}");
    assert_eq!(ask(&mut client), "one");
    doctor.rewrite(&config(&two, ""));
    assert_eq!(doctor.word()["message"], "Reloaded", "nothing more was said");
    assert_eq!(ask(&mut client), "two");
}

#[test]
fn a_request_under_way_ends_as_it_began() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let one = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wait.lock().unwrap().recv().unwrap();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    });
    let two = origin("two");
    let doctor = Doctor::with_file(&config(&one, ""));
    let mut client = doctor.connect().send(GET);
    assert!(one.request().starts_with("GET"));
    doctor.rewrite(&config(&two, ""));
    doctor.signal("HUP");
    doctor.says("Reloaded");
    go.send(()).unwrap();
    assert_eq!(client.reply().body, b"one");
    assert_eq!(ask(&mut client), "two");
}

#[test]
fn listeners_come_and_go_and_the_others_are_not_touched() {
    let one = origin("one");
    let both = config(&one, "listeners: [{ address: 127.0.0.1:0 }, { address: '[::1]:0' }]");
    let only = config(&one, "listeners: [{ address: 127.0.0.1:0 }]");
    let doctor = Doctor::with_file(&only);
    let mut stays = doctor.connect();
    assert_eq!(ask(&mut stays), "one");
    doctor.rewrite(&both);
    doctor.signal("HUP");
    let added = doctor.listens();
    doctor.says("Reloaded");
    let mut goes = Wire::to(added);
    assert_eq!(ask(&mut goes), "one");
    doctor.rewrite(&only);
    doctor.signal("HUP");
    assert_eq!(doctor.says("No longer listening")["address"], added.to_string());
    assert_eq!(goes.read_to_end(), "", "an idle connection of a listener that is gone ends");
    until("its address is free", || std::net::TcpListener::bind(added).is_ok());
    assert_eq!(ask(&mut stays), "one");
}

#[test]
fn an_address_that_is_taken_changes_nothing() {
    let (one, two) = (origin("one"), origin("two"));
    let doctor = Doctor::with_file(&config(&one, ""));
    let taken = own_address();
    let other = std::net::TcpListener::bind(taken).unwrap();
    let more = format!("listeners: [{{ address: 127.0.0.1:0 }}, {{ address: '{taken}' }}]");
    doctor.rewrite(&config(&two, &more));
    doctor.signal("HUP");
    let error = doctor.word();
    assert!(error["error"].as_str().unwrap().contains("is taken by another process"), "{error}");
    assert_eq!(ask(&mut doctor.connect()), "one");
    drop(other);
    assert_eq!(doctor.listens(), taken, "it is tried again");
    assert_eq!(ask(&mut Wire::to(taken)), "two");
}

#[test]
fn an_address_that_overlaps_one_of_ours_is_not_blamed_on_somebody_else() {
    let one = origin("one");
    let doctor = Doctor::with_file(&config(&one, ""));
    let port = doctor.address().port();
    let more = format!("listeners: [{{ address: '0.0.0.0:{port}' }}]");
    doctor.rewrite(&config(&one, &more));
    doctor.signal("HUP");
    let error = doctor.word()["error"].to_string();
    assert!(error.contains(&format!("0.0.0.0:{port} overlaps 127.0.0.1:{port}")), "{error}");
    assert_eq!(ask(&mut doctor.connect()), "one");
}

#[test]
fn what_needs_a_restart_is_said_by_name() {
    let one = origin("one");
    let doctor = Doctor::with_file(&config(&one, ""));
    let more =
        "log: { format: pretty }\nadmin: { health_address: 127.0.0.1:0 }\nupgrade: { socket: /tmp/a.sock }";
    doctor.rewrite(&config(&one, more).replace("workers: 2", "workers: 3"));
    doctor.signal("HUP");
    for key in ["workers", "log.format", "admin.health_address", "upgrade.socket"] {
        let word = doctor.word();
        assert_eq!((&word["key"], &word["level"]), (&key.into(), &"WARN".into()), "{word}");
    }
}

#[test]
fn the_log_follows_its_settings() {
    let one = origin("one");
    let doctor = Doctor::with_file(&config(&one, "log: { format: json, exchanges: none }"));
    let mut client = doctor.connect();
    assert_eq!(ask(&mut client), "one");
    doctor.rewrite(&config(&one, "log: { format: json, exchanges: all }"));
    doctor.signal("HUP");
    doctor.says("Reloaded");
    assert_eq!(ask(&mut client), "one");
    assert_eq!(doctor.event()["status"], 200);
    doctor.expect_no_other_event();
}

#[test]
fn no_request_fails_through_fifty_reloads() {
    const RELOADS: usize = 50;
    let (one, two) = (origin("one"), origin("two"));
    let good = [config(&one, "log: { format: json }"), config(&two, "log: { format: json }")];
    let doctor = Doctor::with_file(&good[0]);
    let load = Load::on(doctor.address());
    for reload in 0..RELOADS {
        let is_bad = reload % 3 == 2;
        doctor.rewrite(if is_bad { "sites: nonsense" } else { &good[reload % 2] });
        doctor.signal("HUP");
        doctor.says(if is_bad {
            "Not reloaded: the configuration before stays in force"
        } else {
            "Reloaded"
        });
        load.go_on(1);
    }
    assert!(load.end() > RELOADS);
}

#[test]
fn a_code_of_the_site_is_explained_from_the_next_request_on() {
    let body = r#"{"code":"my_plugin_denied","message":"x","data":{"status":403}}"#;
    let origin = Origin::playing(move |mut wire, _| {
        while !wire.is_at_end() {
            wire.head();
            let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json; charset=UTF-8\r\nLink: \
                        <https://a/wp-json/>; rel=\"https://api.w.org/\"\r\n";
            wire.put(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
        }
    });
    let codes = "diagnosis: { codes: [{ code: my_plugin_denied, status: 403, means: closed at night, place: application, \
                 desk: application, do: wait }] }";
    let doctor = Doctor::with_file(&config(&origin, codes));
    let mut client = doctor.connect();
    let mut found = || {
        client.put("GET /wp-json/my/v1/x HTTP/1.1\r\nHost: a\r\n\r\n");
        client.reply();
        doctor.event()["findings"].clone()
    };
    let findings = found();
    assert_eq!(
        (&findings[0]["rule"], &findings[0]["summary"]),
        (&"site-code".into(), &"closed at night".into())
    );
    assert_eq!((&findings[0]["place"], &findings[0]["cure"]), (&"application".into(), &"wait".into()));
    doctor.rewrite(&config(&origin, ""));
    doctor.says("Reloaded");
    assert_eq!(found().as_array().map_or(0, Vec::len), 0);
}
