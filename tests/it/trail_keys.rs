//! The key that doctors share, in running processes: equal values look equal in all their logs, and a new key is put in force
//! without a restart.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Doctor, Origin};

const ONE: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
const TWO: &str = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n";
const GET: &str = "GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\n\r\n";

/// A server that refuses everything, so that every event tells of the credential.
fn origin() -> Origin {
    let body =
        r#"{"code":"rest_not_logged_in","message":"You are not currently logged in.","data":{"status":401}}"#;
    let json = "Content-Type: application/json";
    Origin::answering(format!(
        "HTTP/1.1 401 Unauthorized\r\n{json}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// Writes keys as an editor does: by a new file in the place of the old one.
fn write_keys(folder: &Path, keys: &str) -> PathBuf {
    let (path, new) = (folder.join("trail.keys"), folder.join("trail.keys.new"));
    std::fs::write(&new, keys).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o400)).unwrap();
    std::fs::rename(new, &path).unwrap();
    path
}

fn config(upstream: &str, trail: &str) -> String {
    format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\nworkers: 1\n\
         log: {{ format: json, exchanges: all, repeats: 0s }}\ntrail: {trail}\n"
    )
}

/// A doctor with keys, if any, in this folder.
fn doctor(folder: &TempDir, name: &str, upstream: &str, trail: &str) -> Doctor {
    let file = folder.path().join(format!("{name}.yaml"));
    std::fs::write(&file, config(upstream, trail)).unwrap();
    Doctor::with_file_at(&file)
}

fn ask(doctor: &Doctor) -> Value {
    assert_eq!(doctor.connect().send(GET).reply().status(), 401);
    doctor.event()
}

fn fingerprint(event: &Value) -> &str {
    event["authorization"]["fingerprint"].as_str().unwrap_or_else(|| panic!("none in {event}"))
}

#[test]
fn doctors_with_one_key_show_a_value_alike_under_their_own_names() {
    let (folder, origin) = (tempfile::tempdir().unwrap(), origin());
    write_keys(folder.path(), ONE);
    let upstream = origin.to_string();
    let sidecar = doctor(&folder, "sidecar", &upstream, "{ hop: sidecar, key_file: trail.keys }");
    let edge = doctor(&folder, "edge", &sidecar.address().to_string(), "{ hop: edge, key_file: trail.keys }");
    let alone = doctor(&folder, "alone", &upstream, "{ hop: alone }");
    let (at_edge, elsewhere) = (ask(&edge), ask(&alone));
    let at_sidecar = sidecar.event();
    assert_eq!(fingerprint(&at_edge), fingerprint(&at_sidecar));
    assert_ne!(fingerprint(&at_edge), fingerprint(&elsewhere), "its key is random");
    let hops = [&at_edge, &at_sidecar, &elsewhere].map(|event| event["hop"].as_str());
    assert_eq!(hops, [Some("edge"), Some("sidecar"), Some("alone")]);
}

#[test]
fn a_changed_key_file_is_put_in_force_and_a_bad_one_changes_nothing() {
    let (folder, origin) = (tempfile::tempdir().unwrap(), origin());
    let path = write_keys(folder.path(), ONE);
    let doctor = doctor(&folder, "doctor", &origin.to_string(), "{ hop: edge, key_file: trail.keys }");
    let before = ask(&doctor);
    write_keys(folder.path(), &format!("{ONE}{TWO}"));
    doctor.says("Reloaded");
    assert_eq!(fingerprint(&ask(&doctor)), fingerprint(&before), "the first key counts");
    write_keys(folder.path(), &format!("{TWO}k3:s3cr3tm4rk3d\n"));
    let error = doctor.word();
    assert_eq!(error["message"], "Not reloaded: the configuration before stays in force");
    assert_eq!((&error["path"], &error["line"]), (&"trail.key_file".into(), &5.into()), "{error}");
    let words = error["error"].as_str().unwrap();
    let about = format!("\"{}\" is no file of keys: the key of line 2 is not", path.display());
    assert!(words.contains(&about) && !words.contains("s3cr3tm4rk3d"), "{words}");
    assert_eq!(fingerprint(&ask(&doctor)), fingerprint(&before));
    write_keys(folder.path(), &format!("{TWO}{ONE}"));
    assert_eq!(doctor.word()["message"], "Reloaded", "nothing more was said");
    assert_ne!(fingerprint(&ask(&doctor)), fingerprint(&before));
}

#[test]
fn a_name_and_a_key_file_come_and_go_with_the_configuration() {
    let (folder, origin) = (tempfile::tempdir().unwrap(), origin());
    write_keys(folder.path(), ONE);
    let upstream = origin.to_string();
    let doctor = doctor(&folder, "doctor", &upstream, "{}");
    let first = ask(&doctor);
    assert_eq!(first["hop"], "doctor");
    doctor.rewrite(&config(&upstream, "{ hop: edge, key_file: trail.keys }"));
    doctor.signal("HUP");
    doctor.says("Reloaded");
    let second = ask(&doctor);
    assert_eq!(second["hop"], "edge");
    assert_ne!(fingerprint(&second), fingerprint(&first));
    doctor.rewrite(&config(&upstream, "{ hop: edge }"));
    doctor.signal("HUP");
    doctor.says("Reloaded");
    assert_eq!(fingerprint(&ask(&doctor)), fingerprint(&first), "the key of the process is what it was");
}

#[test]
fn keys_that_others_may_read_are_a_warning_at_the_start() {
    let (folder, origin) = (tempfile::tempdir().unwrap(), origin());
    let path = write_keys(folder.path(), ONE);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let doctor = doctor(&folder, "doctor", &origin.to_string(), "{ key_file: trail.keys }");
    let warning = doctor.says("may be read by every user");
    assert_eq!(warning["level"], "WARN");
    assert!(!warning.to_string().contains("AQEB"), "{warning}");
    assert_eq!(ask(&doctor)["status"], 401);
}
