//! The plugin in the stand's WordPress, and a doctor that asks it: what is lost behind a door is proved, by both names.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use header_doctor::evidence::ExchangeId;
use header_doctor::evidence::php_hop::{answered, question};
use header_doctor::evidence::signed::{Bound, Direction};
use header_doctor::message::Method;
use header_doctor::moment::Moment;
use header_doctor::secret::{Keyring, TrailKey};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use crate::judge::{Ask, ME, REPORTS, VALIDATE, said};
use crate::stand::Stand;
use crate::token::{basic, bearer_of, now};
use crate::world::{Doctor, Reply, Wire, until};

/// Keys as a file has them; PHP has the first, in whose name another one is.
pub(crate) const KEY: &str = "php:c3RhbmQtcGhwLWhvcC1rZXktMDEyMzQ1Njc4OWFiY2Q=";
const OTHER_KEY: &str = "php:b3RoZXItcGhwLWhvcC1rZXktMDEyMzQ1Njc4OWFiY2Q=";

/// The stand, with the plugin in its WordPress.
fn stand() -> &'static Stand {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    let stand = Stand::up();
    INSTALLED.get_or_init(|| {
        let keys = key_file(KEY);
        let mut install = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        install.args(["php-hop", "install", stand.get("SITE_ROOT"), "--key-file"]).arg(keys.path());
        let done = install.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        // PHP looks at most every two seconds whether a file is another one (opcache.revalidate_freq).
        until("PHP reads the plugin", || {
            let question = asked(&key(KEY), now(), "wordpress.test");
            ["NGINX_GOOD", "MOD_PHP"]
                .iter()
                .all(|door| answer(stand.get(door), &question, "/wp-json/").is_some())
        });
    });
    stand
}

fn key_file(keys: &str) -> NamedTempFile {
    let file = NamedTempFile::with_suffix(".keys").unwrap();
    std::fs::write(file.path(), format!("{keys}\n")).unwrap();
    file
}

/// A doctor before a door that asks PHP, and the file of its keys.
pub(crate) fn doctor_before(door: &str, keys: &str) -> (Doctor, NamedTempFile) {
    doctor_of(&format!("url: \"http://{}\"", stand().get(door)), keys)
}

/// The same before any upstream.
fn doctor_of(upstream: &str, keys: &str) -> (Doctor, NamedTempFile) {
    let file = key_file(keys);
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         trusted_proxies: [loopback]\n\
         sites: [{{ upstreams: [{{ {upstream} }}] }}]\n\
         trail: {{ hop: sidecar, key_file: {}, ends_here: true, php: true }}\n\
         workers: 1\n\
         log: {{ format: json, repeats: 0s }}\n",
        file.path().display()
    ));
    (doctor, file)
}

fn ask(doctor: &Doctor, line: &str, authorization: &str) -> Reply {
    let reply = Ask::new(line, vec![("Authorization", authorization.to_owned())]).over(doctor.connect());
    assert!(!reply.head.to_lowercase().contains("header-doctor"), "{}", reply.head);
    reply
}

#[test]
fn a_door_that_loses_the_header_is_proved_by_php() {
    let doors = [
        ("NGINX_BLANK", "fastcgi_param HTTP_AUTHORIZATION"),
        ("APACHE_FCGI_LOST", "CGIPassAuth On"),
        ("MOD_PHP_LOST", "SetEnvIf Authorization"),
        ("HAPROXY_DELETES", "http-request del-header Authorization"),
        ("HAPROXY_FCGI", "`pass-header Authorization` in the `fcgi-app` section"),
        ("MOD_CGI_LOST", "CGIPassAuth On"),
        ("MOD_FCGID_LOST", "CGIPassAuth On"),
    ];
    let token = bearer_of("ADMIN");
    for (door, cure) in doors {
        let (doctor, _keys) = doctor_before(door, KEY);
        for step in [VALIDATE, ME, REPORTS] {
            assert!(ask(&doctor, step, &token).status() >= 401, "{door} {step}");
            let event = doctor.event();
            let findings = event["findings"].as_array().unwrap();
            assert_eq!(findings.len(), 1, "{door} {step}: {event}");
            let got = ["rule", "proof", "place", "desk", "severity"]
                .map(|name| findings[0][name].as_str().unwrap());
            let expected = ["authorization-lost-before-php", "proved", "web-server", "platform", "error"];
            assert_eq!(got, expected, "{door} {step}: {event}");
            assert!(findings[0]["cure"].as_str().unwrap().contains(cure), "{door} {step}: {event}");
            let lost =
                ["header", "change", "after", "before"].map(|name| event["lost"][0][name].as_str().unwrap());
            assert_eq!(lost, ["authorization", "missing", "sidecar", "php"], "{door} {step}: {event}");
            assert_eq!(event["authorization"]["seen_by_php"], "absent", "{door} {step}: {event}");
        }
        doctor.expect_no_other_event();
    }
}

#[test]
fn what_stands_there_instead_is_told() {
    let doors = [
        ("RENAMING_EDGE", "authorization-lost-before-php", "moved", "web-server", "absent"),
        ("GATE_REPLACES", "authorization-replaced-before-php", "replaced", "gate", "once"),
    ];
    for (door, rule, change, place, seen) in doors {
        let (doctor, _keys) = doctor_before(door, KEY);
        assert_eq!(ask(&doctor, ME, &bearer_of("ADMIN")).status(), 401, "{door}");
        let event = doctor.event();
        assert_eq!(event["findings"].as_array().unwrap().len(), 1, "{door}: {event}");
        let got = ["rule", "proof", "place"].map(|name| event["findings"][0][name].as_str().unwrap());
        assert_eq!(got, [rule, "proved", place], "{door}: {event}");
        assert_eq!(event["lost"][0]["change"], change, "{door}: {event}");
        assert_eq!(event["authorization"]["seen_by_php"], seen, "{door}: {event}");
    }
}

#[test]
fn a_clock_hours_away_ends_the_conversation() {
    for door in ["CLOCK_AHEAD", "CLOCK_BEHIND"] {
        let (doctor, _keys) = doctor_before(door, KEY);
        ask(&doctor, VALIDATE, "Bearer undefined");
        let event = doctor.event();
        assert_eq!(event["authorization"]["seen_by_php"], Value::Null, "{door}: {event}");
        assert_eq!(event["findings"][0]["rule"], "placeholder-token", "{door}: {event}");
    }
}

#[test]
fn the_doctor_in_front_tells_the_same() {
    let (sidecar, keys) = doctor_before("APACHE_FCGI_LOST", KEY);
    let edge = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: \"http://{}\" }}] }}]\n\
         trail: {{ hop: edge, key_file: {} }}\n\
         workers: 1\n\
         log: {{ format: json, repeats: 0s }}\n",
        sidecar.address(),
        keys.path().display()
    ));
    assert_eq!(ask(&edge, ME, &bearer_of("ADMIN")).status(), 401);
    for event in [edge.event(), sidecar.event()] {
        let rules: Vec<_> =
            event["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
        assert_eq!(rules, ["authorization-lost-before-php"], "{event}");
        let lost =
            ["change", "after", "before", "proof"].map(|name| event["lost"][0][name].as_str().unwrap());
        assert_eq!(lost, ["missing", "sidecar", "php", "proved"], "{event}");
    }
}

#[test]
fn a_login_that_is_lost_is_told_as_well() {
    let login = basic(stand().get("ADMIN_USER"), stand().get("ADMIN_APP_PASSWORD"));
    let (doctor, _keys) = doctor_before("APACHE_FCGI_LOST", KEY);
    assert_eq!(ask(&doctor, ME, &login).status(), 401);
    let event = doctor.event();
    assert_eq!(event["findings"][0]["rule"], "authorization-lost-before-php", "{event}");
    assert_eq!(event["findings"][0]["proof"], "proved", "{event}");
}

#[test]
fn a_door_that_keeps_the_header_yields_nothing() {
    let token = bearer_of("ADMIN");
    let login = basic(stand().get("ADMIN_USER"), stand().get("ADMIN_APP_PASSWORD"));
    let doors = [
        "NGINX_GOOD",
        "APACHE_FCGI_FIXED",
        "MOD_PHP",
        "HAPROXY_PASSES",
        "APACHE_EMPTY",
        "APACHE_REDIRECT_ONLY",
        "MOD_CGI_FIXED",
        "MOD_FCGID_FIXED",
        "VARNISH",
    ];
    for door in doors {
        let (doctor, _keys) = doctor_before(door, KEY);
        for step in [VALIDATE, ME, REPORTS] {
            assert_eq!(ask(&doctor, step, &token).status(), 200, "{door} {step}");
        }
        assert_eq!(ask(&doctor, ME, &login).status(), 200, "{door}");
        doctor.expect_no_other_event();
    }
}

#[test]
fn what_arrived_is_not_called_lost_whatever_wordpress_says() {
    let wrong = basic(stand().get("ADMIN_USER"), "abcd efgh ijkl mnop");
    for door in ["NGINX_GOOD", "MOD_PHP"] {
        let (doctor, _keys) = doctor_before(door, KEY);
        assert_eq!(said(&ask(&doctor, ME, &wrong)), "401 rest_not_logged_in", "{door}");
        let small = bearer_of("ADMIN").replace("Bearer", "bearer");
        assert_eq!(ask(&doctor, ME, &small).status(), 401, "{door}");
        let event = doctor.event();
        assert_eq!(event["authorization"]["seen_by_php"], "once", "{door}: {event}");
        let findings = event["findings"].as_array().unwrap();
        assert!(findings.iter().all(|finding| finding["rule"] != "authorization-lost-before-php"), "{event}");
    }
}

#[test]
fn php_that_is_asked_without_a_web_server_answers_as_well() {
    let (socket, root) = (stand().get("PHP_FPM_SOCKET"), stand().get("SITE_ROOT"));
    let (doctor, _keys) = doctor_of(&format!("url: \"fastcgi+unix:{socket}\", root: {root}"), KEY);
    assert_eq!(ask(&doctor, ME, &bearer_of("ADMIN")).status(), 200);
    assert_eq!(ask(&doctor, VALIDATE, "Bearer undefined").status(), 403);
    let event = doctor.event();
    assert_eq!(event["authorization"]["seen_by_php"], "once", "{event}");
    let rules: Vec<_> =
        event["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
    assert_eq!(rules, ["placeholder-token"], "{event}");
}

#[test]
fn under_another_key_nothing_is_proved() {
    let (doctor, _keys) = doctor_before("NGINX_BLANK", OTHER_KEY);
    assert_eq!(ask(&doctor, VALIDATE, &bearer_of("ADMIN")).status(), 403);
    let event = doctor.event();
    assert_eq!(event["findings"][0]["proof"], "likely", "{event}");
    assert_eq!(event["authorization"]["seen_by_php"], Value::Null, "{event}");
}

/// What is answered to this question at an address, asked without a doctor.
fn answer(address: &str, question: &[u8], path: &str) -> Option<String> {
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: wordpress.test\r\nAuthorization: Bearer a.b.c\r\nHeader-Doctor-Ask: {}\r\n\
         Connection: close\r\n\r\n",
        String::from_utf8_lossy(question)
    );
    let reply = Wire::to(address.parse().unwrap()).send(head).reply();
    reply.field("header-doctor-answer").map(str::to_owned)
}

fn key(line: &str) -> TrailKey {
    line.parse::<Keyring>().unwrap().signing().clone()
}

fn asked(key: &TrailKey, seconds: u64, host: &str) -> Vec<u8> {
    let seconds = i64::try_from(seconds).unwrap();
    let bound = Bound::new(Direction::There, Method::Get, b"GET", host.as_bytes());
    question(key, ExchangeId::new(7), Moment::from_seconds(seconds), &bound)
}

#[test]
fn php_answers_a_sealed_and_fresh_question_and_nothing_else() {
    let (own, other, host) = (key(KEY), key(OTHER_KEY), "wordpress.test");
    let good = asked(&own, now(), host);
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let silent = [
        asked(&other, now(), host),
        asked(&own, now() - 400, host),
        asked(&own, now() + 400, host),
        asked(&own, now(), "other.test"),
        forged,
        good[..good.len() - 1].to_vec(),
        b"1;php;x;1;0".to_vec(),
        Vec::new(),
    ];
    for door in ["NGINX_GOOD", "MOD_PHP"] {
        for path in ["/wp-json/wp/v2/users/me", "/", "/wp-login.php", "/?rest_route=/wp/v2/posts&_embed=1"] {
            let told = answer(stand().get(door), &good, path).unwrap_or_else(|| panic!("{door} {path}"));
            assert!(told.len() <= 1024 && told.starts_with("1;php;0000000000000007;"), "{told}");
            assert!(!told.contains(stand().get("SECRET")) && !told.contains("a.b.c"), "{told}");
        }
        for question in &silent {
            assert_eq!(answer(stand().get(door), question, "/wp-json/wp/v2/users/me"), None, "{door}");
        }
    }
    let at = |door, path| answer(stand().get(door), &good, path).unwrap();
    let told = at("NGINX_GOOD", "/wp-json/wp/v2/users/me");
    for word in
        [";s=fpm-fcgi;", ";f=jwt_auth_invalid_token;", ";e=local;", ";z=1;", ";n=http://wordpress.test;"]
    {
        assert!(told.contains(word), "{word}: {told}");
    }
    let secret =
        |told: &str| told.split(";k=").nth(1).and_then(|rest| rest.split(';').next()).map(str::to_owned);
    let elsewhere = at("OTHER_SECRET", "/wp-json/wp/v2/users/me");
    assert_ne!(secret(&told), secret(&elsewhere), "another secret looks otherwise");
    assert_eq!(secret(&at("NO_SECRET", "/wp-json/")), None);
}

/// The plugin in a PHP of its own, where WordPress is a few functions: every variable that a server may set.
#[test]
fn the_plugin_tells_each_variable_by_its_name_and_never_fails() {
    let folder = TempDir::new().unwrap();
    let keys = key_file(KEY);
    let mut print = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let plugin = print.args(["php-hop", "print", "--key-file"]).arg(keys.path()).output().unwrap().stdout;
    let file = folder.path().join("header-doctor.php");
    std::fs::write(&file, plugin).unwrap();
    let lint = Command::new("php8.2").arg("-l").arg(&file).output().unwrap();
    assert!(lint.status.success(), "{lint:?}");
    let harness = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wordpress/php_hop.php");
    let good = String::from_utf8(asked(&key(KEY), now(), "wordpress.test")).unwrap();
    let run = |server: &Value| {
        let mut php = Command::new("php8.2");
        php.args(["-d", "display_errors=1", "-d", "error_reporting=-1"]).arg(&harness).arg(&file);
        let output = php.arg(server.to_string()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let token = "Bearer a.b.c";
    let table = [
        (serde_json::json!({ "HTTP_AUTHORIZATION": token }), ";a=12.b."),
        (serde_json::json!({ "HTTP_AUTHORIZATION": "" }), ";a=e;"),
        (serde_json::json!({ "REDIRECT_HTTP_AUTHORIZATION": token }), ";r=12.b."),
        (serde_json::json!({ "REDIRECT_REDIRECT_HTTP_AUTHORIZATION": token }), ";rr=12.b."),
        (serde_json::json!({ "PHP_AUTH_USER": "a", "PHP_AUTH_PW": "b" }), ";l=10.s."),
        (serde_json::json!({ "HTTP_X_LEGACY_AUTH": token }), ";o=x-legacy-auth:12.b."),
        (serde_json::json!({ "HTTP_X_AUTH_TOKEN": "abc" }), ";o=x-auth-token:3.n."),
        (serde_json::json!({ "AUTH_TYPE": "Bearer", "REMOTE_USER": "x" }), ";u=1;y=Bearer;"),
        (serde_json::json!({ "HTTP_AUTHORIZATION": ["a"], "HTTP_HOST": "WordPress.TEST.:80" }), ";w=-,"),
        (
            serde_json::json!({ "HTTP_HOST": "10.0.0.1", "HTTP_X_FORWARDED_HOST": "wordpress.test, b" }),
            ";w=-,",
        ),
    ];
    for (more, word) in table {
        let mut server = serde_json::json!({ "HTTP_HOST": "wordpress.test", "REQUEST_METHOD": "HEAD", "HTTP_HEADER_DOCTOR_ASK": good });
        server.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let told = run(&server);
        assert!(told.starts_with("Header-Doctor-Answer: 1;php;") && told.contains(word), "{more}: {told}");
        assert!(told.contains("Cache-Control: private, no-store, public, max-age=60\n"), "{told}");
        assert!(told.contains(";e=staging;") && !told.contains("a.b.c"), "{told}");
        let answer = told.lines().next().and_then(|line| line.split_once(": ")).unwrap().1;
        let bound = Bound::new(Direction::Back, Method::Get, b"GET", b"wordpress.test");
        let ring = KEY.parse::<Keyring>().unwrap();
        let read = answered([answer.as_bytes()], &ring, ExchangeId::new(7), &bound);
        assert!(read.is_some(), "sealed with the method that was asked with: {answer}");
    }
    for question in [Value::Null, "".into(), serde_json::json!([good]), "1;php;0000000000000007;1;0".into()] {
        let server = serde_json::json!({ "HTTP_HOST": "wordpress.test", "REQUEST_METHOD": "GET", "HTTP_HEADER_DOCTOR_ASK": question });
        assert_eq!(run(&server), "", "{question}");
    }
}
