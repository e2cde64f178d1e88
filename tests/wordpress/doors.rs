//! The article's three steps at every door, and what clients get wrong at the good one.

use serde_json::{Value, json};

use crate::stand::Stand;
use crate::token::{claims, now, sign};
use crate::world::{Doctor, Reply};

const VALIDATE: &str = "POST /wp-json/jwt-auth/v1/token/validate";
const ME: &str = "GET /wp-json/wp/v2/users/me";
const REPORTS: &str = "GET /wp-json/my-app/v1/reports";

/// A doctor before a door, in its default manner: sick exchanges are logged, here each of them; healthy ones are not.
fn doctor_before(door: &str) -> Doctor {
    let address = Stand::up().get(door);
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{address}\" }}] }}]\nworkers: 1\nlog: {{ format: json, repeats: 0s }}\n"
    ))
}

fn ask(doctor: &Doctor, what: &str, authorization: Option<&str>, body: &str) -> Reply {
    let credential = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    let length =
        if what.starts_with("POST") { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    let head = format!(
        "{what} HTTP/1.1\r\nHost: wordpress.test\r\nContent-Type: application/json\r\n{credential}{length}Connection: close\r\n\r\n"
    );
    let mut reply = doctor.connect().send(head).send(body).reply();
    if reply.field("content-length").is_none() && reply.field("transfer-encoding").is_none() {
        reply.body.clear();
    }
    reply
}

/// Step 1: WordPress issues a token.
fn login(doctor: &Doctor, user: &str, password: &str) -> String {
    let body = json!({ "username": user, "password": password }).to_string();
    let reply = ask(doctor, "POST /wp-json/jwt-auth/v1/token", None, &body);
    assert_eq!(reply.status(), 200, "{}", reply.head);
    format!("Bearer {}", reply.json()["token"].as_str().unwrap())
}

fn admin(doctor: &Doctor) -> String {
    let stand = Stand::up();
    login(doctor, stand.get("ADMIN_USER"), stand.get("ADMIN_PASSWORD"))
}

/// The one finding of the next event.
fn finding(doctor: &Doctor) -> (Value, Value) {
    let event = doctor.event();
    let findings = event["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{event}");
    let finding = findings[0].clone();
    (event, finding)
}

fn assert_finding(doctor: &Doctor, rule: &str, proof: &str, severity: &str) -> Value {
    let (event, finding) = finding(doctor);
    let got = (finding["rule"].as_str(), finding["proof"].as_str(), finding["severity"].as_str());
    assert_eq!(got, (Some(rule), Some(proof), Some(severity)), "{event}");
    finding
}

#[test]
fn a_door_that_keeps_the_header_yields_nothing() {
    for door in ["NGINX_GOOD", "APACHE_FCGI_FIXED", "MOD_PHP"] {
        let doctor = doctor_before(door);
        let token = admin(&doctor);
        for step in [VALIDATE, ME, REPORTS] {
            let reply = ask(&doctor, step, Some(&token), "");
            assert_eq!(reply.status(), 200, "{door} {step}: {}", String::from_utf8_lossy(&reply.body));
        }
        doctor.expect_no_other_event();
    }
}

#[test]
fn a_door_that_loses_the_header_is_named_with_its_cure() {
    let doors = [
        ("NGINX_BLANK", "fastcgi_param HTTP_AUTHORIZATION"),
        ("APACHE_FCGI_LOST", "CGIPassAuth On"),
        ("MOD_PHP_LOST", "CGIPassAuth On"),
    ];
    for (door, cure) in doors {
        let doctor = doctor_before(door);
        let token = admin(&doctor);
        assert_eq!(ask(&doctor, VALIDATE, Some(&token), "").status(), 403);
        let finding = assert_finding(&doctor, "authorization-lost-before-php", "likely", "error");
        assert!(finding["cure"].as_str().unwrap().contains(cure), "{door}: {finding}");
        assert_eq!(
            (finding["place"].as_str(), finding["desk"].as_str()),
            (Some("web-server"), Some("platform"))
        );

        for step in [ME, REPORTS] {
            assert_eq!(ask(&doctor, step, Some(&token), "").status(), 401, "{door} {step}");
            let finding = assert_finding(&doctor, "authorization-lost-before-php", "possible", "warning");
            assert!(finding["cure"].as_str().unwrap().contains(cure), "{door}: {finding}");
            assert!(finding.to_string().contains("token/validate"), "says what would decide it: {finding}");
        }
        doctor.expect_no_other_event();
    }
}

#[test]
fn what_the_client_got_wrong_is_the_clients() {
    let stand = Stand::up();
    let doctor = doctor_before("NGINX_GOOD");
    for step in [VALIDATE, ME, REPORTS] {
        assert_eq!(ask(&doctor, step, Some("Bearer undefined"), "").status(), 403);
        let finding = assert_finding(&doctor, "placeholder-token", "proved", "warning");
        assert_eq!(finding["place"], "client");
    }
    let mut expired = claims(stand, 1, now());
    expired["exp"] = json!(now() - 60);
    let expired = format!("Bearer {}", sign(&expired, stand.get("SECRET")));
    for step in [VALIDATE, ME, REPORTS] {
        assert_eq!(ask(&doctor, step, Some(&expired), "").status(), 403);
        let finding = assert_finding(&doctor, "token-expired", "proved", "warning");
        assert_eq!(finding["place"], "client");
    }
    doctor.expect_no_other_event();
}

#[test]
fn a_subscriber_at_an_editors_route_is_the_applications() {
    let stand = Stand::up();
    for door in ["NGINX_GOOD", "MOD_PHP"] {
        let doctor = doctor_before(door);
        let token = login(&doctor, stand.get("SUBSCRIBER_USER"), stand.get("SUBSCRIBER_PASSWORD"));
        assert_eq!(ask(&doctor, REPORTS, Some(&token), "").status(), 403);
        let (event, finding) = finding(&doctor);
        assert_eq!(
            (finding["rule"].as_str(), finding["severity"].as_str()),
            (Some("permission-refused"), Some("note")),
            "{event}"
        );
        assert_eq!(finding["desk"], "application");
    }
}

#[test]
fn what_wordpress_refuses_for_other_reasons_accuses_nobody() {
    let stand = Stand::up();
    let doctor = doctor_before("NGINX_GOOD");
    let good = sign(&claims(stand, 1, now()), stand.get("SECRET"));
    let foreign = sign(&claims(stand, 1, now()), "another secret");
    let silent = [
        (None, ME),
        (None, REPORTS),
        (Some(good.clone()), ME),
        (Some(format!("bearer {good}")), ME),
        (Some(format!("Token {good}")), REPORTS),
        (Some(format!("\"Bearer {good}\"")), ME),
        (Some("Basic bm9ib2R5OndvcmQ=".to_owned()), ME),
        (Some(format!("Bearer {foreign}")), VALIDATE),
        (None, VALIDATE),
    ];
    for (credential, step) in silent {
        let status = ask(&doctor, step, credential.as_deref(), "").status();
        assert!(matches!(status, 401 | 403), "{step}: {status}");
    }
    let wrong = json!({ "username": "admin", "password": "wrong" }).to_string();
    assert_eq!(ask(&doctor, "POST /wp-json/jwt-auth/v1/token", None, &wrong).status(), 403);
    doctor.expect_no_other_event();
}

#[test]
fn php_sees_the_header_as_the_client_spelled_it() {
    let doctor = doctor_before("MOD_PHP");
    let token = admin(&doctor);
    let seen = ask(&doctor, "GET /wp-json/stand/v1/seen", Some(&token), "").json();
    let names = seen.to_string();
    assert!(names.contains("\"Authorization\""), "{seen}");
}

#[test]
fn no_token_reaches_the_log() {
    let doctor = doctor_before("NGINX_BLANK");
    let token = admin(&doctor);
    ask(&doctor, VALIDATE, Some(&token), "");
    ask(&doctor, &format!("{ME}?token={}", &token[7..]), Some(&token), "");
    let parts: Vec<&str> = token[7..].split('.').collect();
    for _ in 0..2 {
        let event = doctor.event().to_string();
        assert!(parts.iter().all(|part| !event.contains(part)), "{event}");
    }
}
