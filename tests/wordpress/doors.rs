//! The article's three steps at every door, and what clients get wrong at the good one.

use serde_json::{Value, json};

use crate::judge::Verdict::{MaySay, Says, Silent};
use crate::judge::{ME, REPORTS, VALIDATE, said};
use crate::stand::Stand;
use crate::token::{basic, bearer_of, changed, claims, now, sign};
use crate::world::{Doctor, Reply};

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
    let spoil_other_things = [
        "OPTIONS_405",
        "DUPLICATE_ACAO",
        "WILDCARD_ACAO",
        "HEADER_LIMIT",
        "APACHE_HEADER_LIMIT",
        "HTTPS_BY_PROTO",
    ];
    let good = ["NGINX_GOOD", "APACHE_FCGI_FIXED", "MOD_PHP", "HAPROXY_PASSES"];
    for door in good.into_iter().chain(spoil_other_things) {
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
        // HAProxy does not name itself: what shows is the nginx behind it, whose cure names both.
        ("HAPROXY_DELETES", "http-request del-header Authorization"),
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
fn a_gate_in_front_is_named_with_its_cure() {
    let stand = Stand::up();
    let token = bearer_of("ADMIN");
    for door in ["GATE_PASSING", "GATE_STRIPPING"] {
        let doctor = doctor_before(door);
        for step in [VALIDATE, ME, REPORTS] {
            assert_eq!(ask(&doctor, step, Some(&token), "").status(), 401, "{door} {step}");
            let finding = assert_finding(&doctor, "gate-in-front", "proved", "error");
            assert!(finding["cure"].as_str().unwrap().contains("auth_basic off"), "{door}: {finding}");
            assert_eq!((finding["place"].as_str(), finding["desk"].as_str()), (Some("gate"), Some("edge")));
        }
        // The gate's own login opens it, and WordPress takes its bearer for nobody: it is no login of its own.
        let gate = basic(stand.get("GATE_USER"), stand.get("GATE_PASSWORD"));
        assert_eq!(said(&ask(&doctor, ME, Some(&gate), "")), "401 rest_not_logged_in");
        let login = &["application-password-refused", "application-passwords-need-https"];
        MaySay(login).check("the gate's login", &doctor.event());
        doctor.expect_no_other_event();
    }
}

/// A page of another origin asks through a door, with what it announces or carries.
fn page_asks(doctor: &Doctor, line: &str, fields: &str) -> Reply {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: wordpress.test\r\nOrigin: https://app.test\r\n{fields}Connection: close\r\n\r\n"
    );
    doctor.connect().send(head).reply()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_else_is_wrong_at_a_door_is_named_with_place_proof_and_cure() {
    let stand = Stand::up();
    let padded = changed(&claims(stand, 1, now()), "padding", json!("x".repeat(1500)));
    let long = format!("Authorization: Bearer {}\r\n", sign(&padded, stand.get("SECRET")));
    let token = format!("Authorization: {}\r\n", bearer_of("ADMIN"));
    let cookie = format!("{token}Cookie: a=b\r\n");
    let preflight =
        "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n".to_owned();
    let options = ME.replace("GET", "OPTIONS");
    let rows = [
        (
            "WRONG_ISSUER",
            ME,
            &token,
            "token-issuer-mismatch",
            "proved",
            "wordpress",
            "set `WP_HOME` to the address",
        ),
        ("NO_SECRET", ME, &token, "jwt-secret-missing", "likely", "plugin", "JWT_AUTH_SECRET_KEY"),
        (
            "OTHER_SECRET",
            ME,
            &token,
            "token-signature-refused",
            "possible",
            "plugin",
            "the same `JWT_AUTH_SECRET_KEY`",
        ),
        (
            "HEADER_LIMIT",
            ME,
            &long,
            "header-too-large",
            "likely",
            "web-server",
            "large_client_header_buffers",
        ),
        (
            "APACHE_HEADER_LIMIT",
            ME,
            &long,
            "header-too-large",
            "likely",
            "web-server",
            "LimitRequestFieldSize",
        ),
        (
            "REDIRECT_PORT",
            ME,
            &token,
            "redirect-drops-authorization",
            "proved",
            "web-server",
            "redirects: rewrite",
        ),
        (
            "REDIRECT_HTTPS",
            ME,
            &token,
            "redirect-drops-authorization",
            "likely",
            "web-server",
            "ask by https://",
        ),
        (
            "OPTIONS_405",
            &options,
            &preflight,
            "preflight-method-refused",
            "proved",
            "web-server",
            "--cors-origin",
        ),
        ("GATE_PASSING", &options, &preflight, "preflight-needs-login", "proved", "gate", "exempt OPTIONS"),
        ("DUPLICATE_ACAO", ME, &token, "cors-headers-doubled", "proved", "web-server", "_hide_header"),
        ("WILDCARD_ACAO", ME, &cookie, "cors-headers-wrong", "likely", "web-server", "name the origin"),
    ];
    for (door, line, fields, rule, proof, place, cure) in rows {
        let doctor = doctor_before(door);
        page_asks(&doctor, line, fields);
        let event = doctor.event();
        let finding = &event["findings"][0];
        let got = ["rule", "proof", "place"].map(|name| finding[name].as_str().unwrap_or_default());
        assert_eq!(got, [rule, proof, place], "{door}: {event}");
        assert!(finding["cure"].as_str().unwrap().contains(cure), "{door}: {finding}");
        let control = doctor_before("NGINX_GOOD");
        let healthy = page_asks(&control, line, fields);
        assert_eq!(healthy.status(), 200, "{door}: the healthy control");
        control.expect_no_other_event();
    }
}

/// What the finished doctor says of each, by `judge.rs`: a rule is asked for as soon as it is written.
#[test]
fn doors_that_are_ill_in_other_ways_accuse_nobody_else() {
    let stand = Stand::up();
    let token = bearer_of("ADMIN");
    let padded = changed(&claims(stand, 1, now()), "padding", json!("x".repeat(1500)));
    let long = format!("Bearer {}", sign(&padded, stand.get("SECRET")));
    let plain = basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"));
    let rows = [
        ("WRONG_ISSUER", &token, "403 jwt_auth_bad_iss", Says(&["token-issuer-mismatch"])),
        ("NO_SECRET", &token, "403 jwt_auth_bad_config", Says(&["jwt-secret-missing"])),
        ("OTHER_SECRET", &token, "403 jwt_auth_invalid_token", Says(&["token-signature-refused"])),
        ("HEADER_LIMIT", &long, "400 (html)", Says(&["header-too-large"])),
        ("APACHE_HEADER_LIMIT", &long, "400 (html)", Says(&["header-too-large"])),
        ("REDIRECT_PORT", &token, "301 (html)", Says(&["redirect-drops-authorization"])),
        ("REDIRECT_HTTPS", &token, "301 (html)", Says(&["redirect-drops-authorization"])),
        // Application passwords are off where WordPress does not see TLS; it says no word about that.
        ("HTTPS_BY_PROTO", &plain, "401 rest_not_logged_in", MaySay(&["application-passwords-need-https"])),
        ("NGINX_GOOD", &long, "200 (user admin)", Silent),
        ("NGINX_GOOD", &plain, "200 (user admin)", Silent),
    ];
    for (door, credential, answer, verdict) in rows {
        let doctor = Doctor::before(format!("http://{}", stand.get(door)));
        assert_eq!(said(&ask(&doctor, ME, Some(credential), "")), answer, "{door}");
        verdict.check(door, &doctor.event());
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
