//! `header-doctor check` at every door: the verdict and the exit code that each of them must have.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::doors_table::doors;
use crate::stand::Stand;

/// Examines a door as the administrator, for a page of another origin.
fn check(door: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let stand = Stand::up();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args([
        "check",
        &format!("http://{}", stand.get(door)),
        "--output",
        "json",
        "--user",
        stand.get("ADMIN_USER"),
    ]);
    command.args(arguments).env_clear().env("HEADER_DOCTOR_PASSWORD", stand.get("ADMIN_PASSWORD"));
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

fn rules(report: &Value) -> Vec<&str> {
    report["verdicts"].as_array().unwrap().iter().map(|verdict| verdict["rule"].as_str().unwrap()).collect()
}

const PAGE: [&str; 2] = ["--browser-origin", "https://app.example.com"];

#[test]
fn every_door_has_its_verdict_and_its_exit_code() {
    // What two of them answer depends on who asked before.
    let mut left = doors();
    left.retain(|door| !["TWO_SECRETS", "CACHING_EDGE"].contains(door));
    let mut differences = Vec::new();
    let lost = &["authorization-lost-before-php"][..];
    let gate = &["gate-in-front", "preflight-needs-login"];
    let led = &["redirect-drops-authorization"];
    let refused = &["preflight-method-refused"];
    for (door, code, expected) in [
        ("NGINX_GOOD", 0, &[][..]),
        ("NGINX_BLANK", 1, lost),
        ("GATE_PASSING", 1, gate),
        ("GATE_STRIPPING", 1, gate),
        ("HEADER_LIMIT", 0, &[]),
        ("REDIRECT_PORT", 1, led),
        ("REDIRECT_HTTPS", 1, led),
        ("OPTIONS_405", 1, refused),
        ("DUPLICATE_ACAO", 1, &["cors-headers-doubled"]),
        ("WILDCARD_ACAO", 0, &[]),
        ("WRONG_ISSUER", 0, &[]),
        ("NO_SECRET", 1, &["jwt-secret-missing"]),
        ("OTHER_SECRET", 0, &[]),
        ("HTTPS_BY_PROTO", 0, &[]),
        ("HAPROXY_PASSES", 0, &[]),
        ("HAPROXY_DELETES", 1, lost),
        ("APACHE_FCGI_LOST", 1, lost),
        ("APACHE_FCGI_FIXED", 0, &[]),
        ("APACHE_HEADER_LIMIT", 0, &[]),
        ("MOD_PHP", 0, &[]),
        ("MOD_PHP_LOST", 1, lost),
        ("PRODUCTION_HTTP", 0, &[]),
        ("LOCKDOWN", 1, &["preflight-closed-by-plugin", "rest-locked-down"]),
        ("RENAMING_EDGE", 1, lost),
        ("GATE_REPLACES", 1, &["authorization-replaced"]),
        ("HTML_403", 1, &["preflight-blocked", "firewall-blocked"]),
        ("ERROR_PAGES", 1, &["error-page-hides-code", "cors-headers-missing-on-error"]),
        ("HAPROXY_FCGI", 1, lost),
        ("VARNISH", 0, &[]),
        ("VARNISH_UNSETS", 1, lost),
        ("APACHE_EMPTY", 0, &[]),
        ("APACHE_REDIRECT_ONLY", 0, &[]),
        ("MOD_CGI_LOST", 1, lost),
        ("MOD_CGI_FIXED", 0, &[]),
        ("MOD_FCGID_LOST", 1, lost),
        ("MOD_FCGID_FIXED", 0, &[]),
        ("CLOCK_AHEAD", 0, &[]),
        ("CLOCK_BEHIND", 0, &[]),
    ] {
        let (got, report) = check(door, &PAGE);
        if (got, rules(&report).as_slice()) != (Some(code), expected) {
            differences.push(format!("{door}: {got:?} {:?} {}", rules(&report), report["verdicts"]));
        }
        left.retain(|other| *other != door);
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert!(left.is_empty(), "no row for {left:?}");
}

#[test]
fn mod_php_is_known_by_what_it_takes_apart_itself() {
    let stand = Stand::up();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let site = format!("http://{}", stand.get("MOD_PHP_LOST"));
    command.args(["check", &site, "--user", stand.get("ADMIN_USER"), "--output", "json"]).env_clear();
    command.env("HEADER_DOCTOR_APP_PASSWORD", stand.get("ADMIN_APP_PASSWORD"));
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), rules(&report)), (Some(1), vec!["authorization-lost-before-php"]));
    let cure = report["verdicts"][0]["cure"].as_str().unwrap();
    assert!(cure.starts_with("Apache (mod_php): "), "{cure}");
    assert_eq!(report["headers"][0]["php"], "arrived as Basic alone");
}

#[test]
fn a_site_that_sees_no_tls_takes_no_application_password() {
    let stand = Stand::up();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let site = format!("http://{}", stand.get("PRODUCTION_HTTP"));
    command.args(["check", &site, "--user", stand.get("ADMIN_USER"), "--output", "json"]).env_clear();
    command.env("HEADER_DOCTOR_APP_PASSWORD", stand.get("ADMIN_APP_PASSWORD"));
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), rules(&report)),
        (Some(1), vec!["application-passwords-need-https"]),
        "{report:#}"
    );
    assert_eq!(report["verdicts"][0]["proof"], "likely");
}

/// Which machine answers what is chance: whatever is said, it is never the client's fault.
#[test]
fn machines_with_two_secrets_are_never_the_clients_fault() {
    let (code, report) = check("TWO_SECRETS", &[]);
    let rules = rules(&report);
    assert!(rules.iter().all(|rule| *rule == "token-signature-refused"), "{report:#}");
    assert_eq!(code, Some(i32::from(!rules.is_empty())), "{report:#}");
    let verdicts = report["verdicts"].as_array().unwrap();
    assert!(verdicts.iter().all(|verdict| verdict["place"] == "plugin"), "{report:#}");
}

#[test]
fn what_lies_before_or_beside_the_origin_shows_by_asking_it_as_well() {
    let stand = Stand::up();
    let origin = |door: &str| ["--origin".to_owned(), stand.get(door).to_owned()];
    for (door, other, rule, place) in [
        ("HAPROXY_DELETES", "NGINX_GOOD", "authorization-lost-before-php", "edge"),
        ("NGINX_GOOD", "OTHER_SECRET", "token-signature-refused", "plugin"),
        ("NGINX_GOOD", "WRONG_ISSUER", "token-issuer-mismatch", "wordpress"),
    ] {
        let [flag, address] = origin(other);
        let (code, report) = check(door, &[&flag, &address]);
        assert_eq!(rules(&report), [rule], "{door} and {other}: {report:#}");
        assert_eq!((code, &report["verdicts"][0]["place"]), (Some(1), &place.into()), "{report:#}");
    }
}
