//! `header-doctor check`: a site examined from outside.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use header_doctor::demo::{Curtain, Place, Stage};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::pair::KEY;
use crate::world::{Authority, Nobody, Origin, Pair, SecureOrigin, Wire};

/// What a check said and how it ended.
pub(crate) struct Checked {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    err: String,
}

impl Checked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}{}", self.out, self.err))
    }

    /// What it said beside the report. What it is about to do it tells whoever waits for more than a second.
    fn remarks(&self) -> String {
        self.err.lines().filter(|line| !line.starts_with("… ")).collect()
    }
}

pub(crate) fn check_with(arguments: &[&str], variables: &[(&str, &str)]) -> Checked {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("check").args(arguments).env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Checked { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

pub(crate) fn check(arguments: &[&str]) -> Checked {
    check_with(arguments, &[])
}

/// Good and bad doors, and what ends them.
struct Doors {
    port: u16,
    /// The edge that moves the header, and the pair of doctors with a proxy that deletes it.
    others: Vec<u16>,
    curtain: Option<Curtain>,
}

impl Doors {
    fn open() -> Self {
        let stage = Stage::open(Place::Free).unwrap();
        let port = stage.doctor().port();
        let invitation = stage.invitation();
        let ports = invitation.split("localhost:").skip(1).filter_map(|rest| rest.split('/').next());
        let mut others: Vec<u16> = ports.filter_map(|port| port.parse().ok()).collect();
        others.retain(|other| *other != port);
        Self { port, others, curtain: Some(stage.leave_open().1) }
    }

    fn named(&self, host: &str) -> String {
        format!("http://{host}:{}", self.port)
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        drop(self.curtain.take().map(Curtain::fall));
    }
}

/// The first verdict; empty when there is none.
fn first_rule(report: &Value) -> &str {
    report["verdicts"][0]["rule"].as_str().unwrap_or_default()
}

const LOGIN: [(&str, &str); 1] = [("HEADER_DOCTOR_PASSWORD", "demo")];

#[test]
fn every_door_has_its_verdict_and_its_exit_code() {
    let doors = Doors::open();
    let (edge, pair) = (doors.others[0], doors.others[1]);
    let lost = "authorization-lost-before-php";
    let user: &[&str] = &["--user", "admin"];
    let reader: &[&str] = &["--user", "reader", "--endpoint", "/my-app/v1/reports"];
    let page: &[&str] = &["--browser-origin", "https://app.example.com"];
    let stranger: &[&str] = &["--browser-origin", "https://other.example.com"];
    for (site, arguments, code, rule) in [
        (doors.named("localhost"), &[][..], 0, ""),
        (doors.named("localhost"), user, 0, ""),
        (doors.named("localhost"), page, 0, ""),
        (doors.named("localhost"), stranger, 0, "preflight-refused"),
        (doors.named("localhost"), reader, 0, "permission-refused"),
        (doors.named("apache.localhost"), &[][..], 1, lost),
        (doors.named("apache.localhost"), user, 1, lost),
        (doors.named("staging.localhost"), &[][..], 1, "gate-in-front"),
        (format!("http://localhost:{edge}"), user, 1, lost),
        (format!("http://localhost:{pair}"), user, 1, lost),
    ] {
        let checked = check_with(&[&[site.as_str(), "--output", "json"], arguments].concat(), &LOGIN);
        let report = checked.json();
        assert_eq!(
            (checked.code, first_rule(&report)),
            (Some(code), rule),
            "{site} {arguments:?}: {report:#}"
        );
        assert_eq!(report["exit"], code);
    }
}

#[test]
fn a_good_door_is_not_accused_of_anything() {
    let doors = Doors::open();
    let site = doors.named("localhost");
    let arguments = [
        site.as_str(),
        "--user",
        "admin",
        "--endpoint",
        "/my-app/v1/reports",
        "--browser-origin",
        "https://app.example.com",
        "--origin",
        "127.0.0.1",
    ];
    let checked = check_with(&arguments, &LOGIN);
    assert_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("✓ nothing wrong in what could be seen"), "{}", checked.out);
    assert!(!checked.out.contains('✗') && !checked.out.contains("fix  "), "{}", checked.out);
    assert_eq!(checked.remarks(), "");
}

#[test]
fn nothing_is_asked_for_that_was_given() {
    let doors = Doors::open();
    let site = doors.named("localhost");
    let refused = check_with(&[&site, "--user", "admin"], &[("HEADER_DOCTOR_PASSWORD", "wrong")]);
    let needs_login = "3 Validate the fresh token immediately: not possible, needs a login that succeeds\n";
    assert_eq!(refused.code, Some(3), "{}", refused.out);
    assert!(refused.out.contains(needs_login), "{}", refused.out);
    assert!(refused.out.contains("in its time: the login must succeed first\n"), "{}", refused.out);
    assert!(!refused.out.contains("HEADER_DOCTOR_PASSWORD"), "{}", refused.out);
}

#[test]
fn a_token_that_was_given_is_not_called_fresh_nor_its_refusal_a_matter_of_the_secret() {
    let doors = Doors::open();
    let checked = check_with(&[&doors.named("localhost")], &[("HEADER_DOCTOR_TOKEN", "undefined")]);
    for words in [
        "cleared proxies, web server, secret,",
        "environment parity: not possible, the token was refused for another reason: 403 jwt_auth_invalid_token\n",
        "the token used here was given, and may be stale itself\n",
    ] {
        assert!(checked.out.contains(words), "{words}: {}", checked.out);
    }
}

#[test]
fn what_cannot_be_examined_is_told_in_its_own_words() {
    let nobody = Nobody::new();
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";
    let busy = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    let block = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n<html><h1>Blocked</h1>";
    let (plain, limits, wall) = (Origin::answering(page), Origin::answering(busy), Origin::answering(block));
    let silent = Origin::playing(|mut wire: Wire, tell| {
        tell(wire.message());
        wire.read_to_end();
    });
    let clear = Origin::playing(|mut wire: Wire, _| {
        wire.put("HTTP/1.1 400 Bad Request\r\n\r\n");
        wire.read_to_end();
    });
    let noise = Origin::playing(|mut wire: Wire, _| {
        wire.put("SSH-2.0-OpenSSH_9.2\r\n");
        wire.read_to_end();
    });
    for (site, words) in [
        (format!("http://{nobody}"), "refuses connections"),
        ("http://no-such-name.invalid".to_owned(), "has no address"),
        (plain.to_string(), "is not WordPress"),
        (limits.to_string(), "asks for fewer requests (429)"),
        (format!("{wall}/wp-json/"), "block page"),
        (silent.to_string(), "does not answer within 300ms: it hangs"),
        (noise.to_string(), "sends what is no HTTP"),
        (clear.to_string().replace("http:", "https:"), "speaks no TLS there"),
    ] {
        let patience = if words.contains("300ms") { "300ms" } else { "20s" };
        let checked = check(&[&site, "--timeout", patience]);
        assert_eq!(checked.code, Some(3), "{site}: {}{}", checked.out, checked.err);
        let line = checked.out.lines().find(|line| line.starts_with("✗ not examined: ")).unwrap_or_default();
        assert!(line.contains(words), "{site}: {}", checked.out);
        let is_unsent = ["refuses connections", "has no address"].contains(&words);
        assert!(!is_unsent || checked.out.contains("  0 requests since "), "{site}: {}", checked.out);
    }
}

#[test]
fn nobody_who_wants_to_be_left_alone_is_asked_twice() {
    let limits = Origin::answering("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(check(&[&limits.to_string()]).code, Some(3));
    let request = limits.request();
    assert!(request.contains("\r\nUser-Agent: header-doctor/"), "{request}");
    assert!(limits.was_not_asked());
}

#[test]
fn a_certificate_that_browsers_refuse_is_told_with_the_reason_and_can_be_taken() {
    const PAGE: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let authority = Authority::new();
    let ca = authority.ca();
    let trusted = [("SSL_CERT_FILE", ca.to_str().unwrap())];
    let mut old = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    old.not_before = rcgen::date_time_ymd(2019, 1, 1);
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    for (config, words) in [
        (authority.server("localhost"), "is not WordPress"),
        (authority.server("a.test"), "certificate that browsers refuse: it is for another name"),
        (authority.server_with(&old), "certificate that browsers refuse: it has expired"),
        (Authority::nobodys().0, "certificate that browsers refuse: it"),
    ] {
        let origin = SecureOrigin::answering(config, PAGE);
        let site = format!("https://localhost:{}", origin.port());
        let checked = check_with(&[&site], &trusted);
        assert_eq!(checked.code, Some(3), "{}{}", checked.out, checked.err);
        assert!(checked.out.contains(words), "{words}: {}", checked.out);
        let checked = check_with(&[&site, "--insecure"], &trusted);
        assert!(checked.out.contains("is not WordPress"), "{}{}", checked.out, checked.err);
    }
}

#[test]
fn a_wrong_command_line_is_told_by_its_name_and_without_its_secrets() {
    for (arguments, words) in [
        (&["ftp://a.test"][..], "the URL is not the address of a site; write https://example.com"),
        (&["https://jo:hunter2@a.test"], "the URL has a user or password in it;"),
        (&["a.test", "--endpoint", "https://b.test/hunter2"], "--endpoint: is not a path of https://a.test;"),
        (&["a.test", "--browser-origin", "hunter2"], "--browser-origin: what was given is not an origin;"),
        (&["a.test", "--origin", "a b"], "--origin: is not an address;"),
        (
            &["a.test", "--header", "Authorization: Bearer hunter2"],
            "--header: Authorization is written by the check",
        ),
        (&["a.test", "--header", "hunter2"], "--header: what was given has no colon;"),
        (&["a.test", "--timeout", "5"], "--timeout: \"5\" has no unit; write 5s or 5ms"),
        (&["a.test", "--user", "a:hunter2"], "--user: what was given is not a name to log in with,"),
        (&["a.test", "--user", "jo"], "--user: no password came;"),
    ] {
        let checked = check(arguments);
        assert_eq!(checked.code, Some(2), "{arguments:?}: {}{}", checked.out, checked.err);
        assert!(checked.err.contains(words) && !checked.err.contains("hunter2"), "{words}: {}", checked.err);
    }
}

/// WordPress behind a proxy that deletes `Authorization`, given as its port.
fn deleting(port: u16) -> Origin {
    Origin::playing(move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let kept = message.split("\r\n").filter(|line| !line.starts_with("Authorization: "));
            let passed = kept.collect::<Vec<_>>().join("\r\n");
            let reply = Wire::to(([127, 0, 0, 1], port).into()).send(passed).reply();
            wire.put([reply.head.as_bytes(), &reply.body].concat());
        }
    })
}

#[test]
fn a_proxy_that_eats_the_header_is_named_where_the_origin_is_asked_as_well() {
    let doors = Doors::open();
    let proxy = deleting(doors.port).to_string().replace("127.0.0.1", "localhost");
    let origin = format!("127.0.0.1:{}", doors.port);
    let arguments = [proxy.as_str(), "--user", "admin", "--origin", &origin, "--output", "json"];
    let checked = check_with(&arguments, &LOGIN);
    let report = checked.json();
    let verdict = &report["verdicts"][0];
    assert_eq!((checked.code, report["verdicts"].as_array().unwrap().len()), (Some(1), 1), "{report:#}");
    assert_eq!(
        (&verdict["rule"], &verdict["place"], &verdict["proof"]),
        (&"authorization-lost-before-php".into(), &"edge".into(), &"proved".into()),
        "{report:#}"
    );
    assert_eq!(report["checklist"][5]["state"], "failed");
}

#[test]
fn a_redirect_to_another_origin_is_followed_to_look_and_told() {
    let doors = Doors::open();
    let (port, told) = (doors.port, "redirect-drops-authorization");
    let door = Origin::playing(move |mut wire: Wire, tell| {
        loop {
            let message = wire.message();
            let target = message.split(' ').nth(1).unwrap_or_default().to_owned();
            tell(message);
            wire.put(format!(
                "HTTP/1.1 301 Moved\r\nLocation: http://localhost:{port}{target}\r\nContent-Length: 0\r\n\r\n"
            ));
        }
    });
    let site = door.to_string().replace("127.0.0.1", "localhost");
    let checked = check_with(&[&site, "--user", "admin", "--output", "json"], &LOGIN);
    let report = checked.json();
    assert_eq!((checked.code, first_rule(&report)), (Some(1), told), "{report:#}");
    assert_eq!(report["examined"], format!("http://localhost:{port}"));
    let losing = report["redirects"][0]["losing"].as_array().unwrap();
    assert!(losing.iter().any(|client| client == "axios 1.21"), "{losing:?}");
    // The page, the index, and whether the header arrives.
    for _ in 0..3 {
        assert!(!door.request().contains("\"password\""));
    }
    assert!(door.was_not_asked());
}

#[test]
fn no_credential_goes_to_a_site_that_was_not_named() {
    let other = Origin::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let location = format!("HTTP/1.1 301 Moved\r\nLocation: {other}/\r\nContent-Length: 0\r\n\r\n");
    let door = Origin::answering(location);
    let site = door.to_string().replace("127.0.0.1", "localhost");
    let checked = check_with(&[&site, "--user", "admin", "--header", "X-Gate: hunter2"], &LOGIN);
    assert_eq!(checked.code, Some(1));
    assert!(checked.out.contains("✗ 301: a redirect to another host"), "{}", checked.out);
    assert!(checked.out.contains(&format!("leads to another site, {other};")), "{}", checked.out);
    assert!(other.was_not_asked());
}

/// Answers as a site whose every word is a marked secret.
fn telltale() -> Origin {
    Origin::playing(|mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let index = r#"{"name":"n4m3m4rk3d","home":"https://h0m3m4rk3d.test","namespaces":["jwt-auth/v1","wp/v2"],"authentication":{"application-passwords":{"endpoints":"3ndp01ntm4rk3d"}}}"#;
            let token = r#"{"token":"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJpc3N1ZXJtYXJrZWQifQ.t0k3nm4rk3d","user_email":"m41lm4rk3d@a.test"}"#;
            let refused = r#"{"code":"jwt_auth_invalid_token","message":"m3ss4g3m4rk3d","data":{"status":403,"x":"d4t4m4rk3d"}}"#;
            let line = message.lines().next().unwrap_or_default();
            let (status, body) = match line {
                line if line.contains("/token HTTP") => ("200 OK", token),
                line if line.contains("_fields") => ("200 OK", index),
                _ => ("403 Forbidden", refused),
            };
            let length = body.len();
            wire.put(format!(
                "HTTP/1.1 {status}\r\nServer: s3rv3rm4rk3d\r\nX-Y: f13ldm4rk3d\r\nContent-Type: application/json\r\n\
                 Set-Cookie: c00k13m4rk3d=1\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    })
}

#[test]
fn no_secret_is_in_any_report() {
    let site = telltale();
    let variables = [
        ("HEADER_DOCTOR_PASSWORD", "p4ssw0rdm4rk3d"),
        ("HEADER_DOCTOR_APP_PASSWORD", "4ppp4ssw0rdm4rk3d"),
        ("HEADER_DOCTOR_TOKEN", "g1v3nt0k3nm4rk3d"),
    ];
    for output in ["text", "json", "markdown", "junit", "dry"] {
        let url = site.to_string();
        let last: &[&str] = if output == "dry" { &["--dry-run"] } else { &["--output", output] };
        let arguments = [
            url.as_str(),
            "--user",
            "jo",
            "--endpoint",
            "/wp/v2/posts?key=qu3rym4rk3d",
            "--header",
            "X-Gate: h34d3rm4rk3d",
            "--browser-origin",
            "https://app.test",
        ];
        let checked = check_with(&[&arguments, last].concat(), &variables);
        assert!(checked.code != Some(2), "{}", checked.err);
        let text = format!("{}{}", checked.out, checked.err);
        let basic = "am86NHBwcDRzc3cwcmRtNHJrM2Q=";
        for mark in ["m4rk3d", "eyJ", basic] {
            // What somebody typed himself, and what a site calls itself, is no secret.
            let text = text.replace("h0m3m4rk3d", "").replace("key=qu3rym4rk3d", "");
            assert!(!text.contains(mark), "{mark}: {text}");
        }
    }
}

#[test]
fn what_would_be_asked_is_shown_and_not_asked() {
    let site = Origin::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let checked = check(&[&site.to_string(), "--user", "jo", "--dry-run", "--endpoint", "/my-app/v1/x"]);
    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""));
    for words in ["nothing was sent", "POST    /wp-json/jwt-auth/v1/token\n", "GET     /wp-json/my-app/v1/x"]
    {
        assert!(checked.out.contains(words), "{words}: {}", checked.out);
    }
    assert!(site.was_not_asked());
}

#[test]
fn a_password_is_read_from_standard_input() {
    use std::io::Write as _;
    let doors = Doors::open();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args(["check", &doors.named("localhost"), "--user", "admin"]).env_clear();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"demo\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("jwt_auth_valid_token"), "{text}");
}

/// A WordPress without a JWT plugin.
fn without_plugin() -> Origin {
    Origin::playing(|mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let index = r#"{"home":"http://localhost","namespaces":["wp/v2"],"authentication":{"application-passwords":{}}}"#;
            let missing = r#"{"code":"rest_no_route","message":"No route was found matching the URL and request method.","data":{"status":404}}"#;
            let (status, body) =
                if message.contains("_fields") { ("200 OK", index) } else { ("404 Not Found", missing) };
            let length = body.len();
            wire.put(format!(
                "HTTP/1.1 {status}\r\nLink: <http://localhost/wp-json/>; rel=\"https://api.w.org/\"\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    })
}

#[test]
fn a_wordpress_without_a_jwt_plugin_is_told_what_it_has() {
    let site = without_plugin().to_string();
    let checked = check(&[&site]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    assert!(checked.out.contains("application passwords, login cookie with a nonce"), "{}", checked.out);
    assert!(checked.out.contains("no JWT plugin answers"), "{}", checked.out);
    let checked = check_with(&[&site, "--user", "jo"], &LOGIN);
    assert_eq!(checked.code, Some(3), "{}", checked.out);
    assert!(checked.out.contains("this site has no JWT plugin"), "{}", checked.out);
}

/// What of a value is not as a schema has it; the part of JSON Schema that docs/check.schema.json uses.
pub(crate) fn breaches(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut out = Vec::new();
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other} is not read here"),
    };
    let fits = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    };
    let is_const = schema["const"].is_null() || schema["const"] == *value;
    let is_one = schema["enum"].as_array().is_none_or(|all| all.contains(value));
    if !(fits && is_const && is_one) {
        out.push(format!("{at}: {value}"));
    }
    for (position, item) in value.as_array().into_iter().flatten().enumerate() {
        out.extend(breaches(&schema["items"], item, &format!("{at}[{position}]")));
    }
    if let (Some(known), Some(fields)) = (schema["properties"].as_object(), value.as_object()) {
        out.extend(
            fields.keys().filter(|name| !known.contains_key(*name)).map(|name| format!("{at}.{name} is new")),
        );
        for (name, schema) in known {
            out.extend(breaches(
                schema,
                &fields.get(name).cloned().unwrap_or_default(),
                &format!("{at}.{name}"),
            ));
            out.extend((!fields.contains_key(name)).then(|| format!("{at}.{name} is missing")));
        }
    }
    out
}

#[test]
fn json_has_the_form_that_is_documented() {
    let text = include_str!("../../docs/check.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let doors = Doors::open();
    let (good, bad) = (doors.named("localhost"), doors.named("apache.localhost"));
    for arguments in [
        &[good.as_str(), "--user", "reader", "--endpoint", "/my-app/v1/reports"][..],
        &[&bad, "--user", "admin", "--browser-origin", "https://app.test", "--origin", "127.0.0.1"],
        &["http://no-such-name.invalid"],
    ] {
        let report = check_with(&[arguments, &["--output", "json"]].concat(), &LOGIN).json();
        assert_eq!(breaches(&schema, &report, "report"), [""; 0], "{arguments:?}");
    }
    assert_eq!(breaches(&schema, &Value::Null, "report").len(), 1);
}

/// The report without what is another one each time.
fn lasting(text: &str, port: u16) -> String {
    let text = text.replace(&port.to_string(), "PORT");
    let digits = |text: &str, mark: &str, end: char| {
        let mut parts = text.split(mark);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|char: char| char.is_ascii_digit() || "-:.TZ".contains(char));
            let is_time = part.len() > rest.len() && (end == ' ' || rest.starts_with(end));
            out.push_str(mark);
            out.push_str(if is_time { "…" } else { "" });
            out.push_str(if is_time { rest } else { part });
        }
        out
    };
    [("since ", ' '), ("time=\"", '"'), ("timestamp=\"", '"'), ("requests, ", ' ')]
        .into_iter()
        .fold(text, |text, (mark, end)| digits(&text, mark, end))
}

#[test]
fn every_report_reads_as_it_was_reviewed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let doors = Doors::open();
    for (name, host, arguments) in [
        ("good", "localhost", &["--user", "admin", "--browser-origin", "https://app.example.com"][..]),
        ("apache", "apache.localhost", &["--user", "reader", "--endpoint", "/my-app/v1/reports"]),
        ("gate", "staging.localhost", &[]),
        ("deep", "apache.localhost", &["--deep"]),
    ] {
        for output in ["text", "markdown", "junit"] {
            let site = doors.named(host);
            let checked = check_with(&[&[&site, "--output", output], arguments].concat(), &LOGIN);
            let text = lasting(&checked.out, doors.port);
            let path = folder.join(format!("{name}.{output}"));
            if std::env::var_os("WRITE_VERDICTS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(text, reviewed, "{}; `make verdicts` writes it anew", path.display());
        }
    }
}

/// A WordPress with the JWT plugin that answers a real token so at `token/validate`, and every request at this date.
fn plugin(validated: &'static str, date: &'static str) -> Origin {
    plugin_at(TcpListener::bind("127.0.0.1:0").unwrap(), validated, date)
}

/// The same, at this listener.
fn plugin_at(listener: TcpListener, validated: &'static str, date: &'static str) -> Origin {
    Origin::playing_at(listener, move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let line = message.lines().next().unwrap_or_default();
            let error = |code: &str, words: &str| {
                format!(r#"{{"code":"{code}","message":"{words}","data":{{"status":403}}}}"#)
            };
            let body = match line {
                line if line.contains("_fields=name") => {
                    r#"{"home":"http://localhost","namespaces":["wp/v2","jwt-auth/v1"],"authentication":[]}"#
                        .to_owned()
                }
                line if line.contains("/token HTTP") => r#"{"token":"e30.e30.c2ln"}"#.to_owned(),
                _ if !message.contains("Authorization: ") => {
                    error("jwt_auth_no_auth_header", "Authorization header not found.")
                }
                _ if message.contains("Bearer header-doctor") => {
                    error("jwt_auth_invalid_token", "Wrong number of segments")
                }
                _ if validated.is_empty() => {
                    r#"{"code":"jwt_auth_valid_token","data":{"status":200}}"#.to_owned()
                }
                _ => error("jwt_auth_invalid_token", validated),
            };
            let status = if body.contains("\"status\":403") { "403 Forbidden" } else { "200 OK" };
            let date = if date.is_empty() { String::new() } else { format!("Date: {date}\r\n") };
            wire.put(format!(
                "HTTP/1.1 {status}\r\n{date}Link: <http://localhost/wp-json/>; rel=\"https://api.w.org/\"\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
        }
    })
}

#[test]
fn a_machine_with_another_secret_is_found_by_its_address() {
    let (public, other) = (plugin("", ""), plugin("Signature verification failed", ""));
    let address = other.to_string();
    let address = address.trim_start_matches("http://");
    let arguments = [&public.to_string(), "--user", "jo", "--origin", address, "--output", "json"];
    let checked = check_with(&arguments, &LOGIN);
    let report = checked.json();
    let verdict = &report["verdicts"][0];
    assert_eq!((checked.code, first_rule(&report)), (Some(1), "token-signature-refused"), "{report:#}");
    assert_eq!((&verdict["proof"], &verdict["severity"]), (&"proved".into(), &"error".into()));
}

/// Two listeners at one port: `localhost` has both addresses. A machine without `::1` cannot tell what these tests are for,
/// and must not pass them.
fn both_addresses() -> [TcpListener; 2] {
    let why = TcpListener::bind("[::1]:0").err();
    assert!(why.is_none(), "these tests need ::1 on the loopback interface, and it cannot be bound: {why:?}");
    let bind = |_| {
        let one = TcpListener::bind("127.0.0.1:0").ok()?;
        let other = TcpListener::bind(("::1", one.local_addr().ok()?.port())).ok()?;
        Some([one, other])
    };
    (0..50).find_map(bind).expect("a port is free at both addresses")
}

#[test]
fn one_machine_of_several_behind_a_name_is_found() {
    for (validated, date, rule, words) in [
        (
            "Signature verification failed",
            "",
            "token-signature-refused",
            "answers \"the token is validated\" otherwise",
        ),
        ("", "Sun, 06 Nov 1994 08:49:37 GMT", "", "the clock at [::1] is "),
        ("", "", "", "localhost has 2 addresses: 127.0.0.1, ::1"),
    ] {
        let [good, odd] = both_addresses();
        let port = good.local_addr().unwrap().port();
        let (_good, _odd) = (plugin_at(good, "", ""), plugin_at(odd, validated, date));
        let site = format!("http://localhost:{port}");
        let checked = check_with(&[&site, "--user", "jo", "--all-addresses", "--output", "json"], &LOGIN);
        let report = checked.json();
        assert_eq!(first_rule(&report), rule, "{report:#}");
        let code = i32::from(!rule.is_empty());
        assert_eq!(checked.code, Some(code), "{report:#}");
        assert!(checked.out.replace("\\\"", "\"").contains(words), "{words}: {report:#}");
        let ways: Vec<_> =
            report["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "validate").collect();
        assert_eq!(ways.len(), 3, "{report:#}");
    }
}

#[test]
fn a_name_with_one_address_is_told_so_and_the_bound_holds() {
    let site = plugin("", "").to_string();
    let checked = check_with(&[&site, "--user", "jo", "--all-addresses"], &LOGIN);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    assert!(checked.out.contains("has one address, 127.0.0.1"), "{}", checked.out);
    let [one, other] = both_addresses();
    let port = one.local_addr().unwrap().port();
    let (_one, _other) = (plugin_at(one, "", ""), plugin_at(other, "", ""));
    let site = format!("http://localhost:{port}");
    let endpoints: Vec<String> =
        (0..8).flat_map(|count| ["--endpoint".to_owned(), format!("/wp/v2/{count}")]).collect();
    let mut arguments = vec![site.as_str(), "--user", "jo", "--all-addresses", "--output", "json"];
    arguments.extend(endpoints.iter().map(String::as_str));
    let report = check_with(&arguments, &LOGIN).json();
    assert_eq!(report["requests"], 20, "{report:#}");
    assert!(report["facts"].to_string().contains("of the questions to them were not asked"), "{report:#}");
}

/// A key file that its owner alone may read.
fn key_file(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("trail.keys");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// Takes `Authorization` off.
fn without_header(request: &str) -> String {
    request.split_inclusive("\r\n").filter(|line| !line.starts_with("Authorization:")).collect()
}

#[test]
fn doctors_on_the_way_prove_where_a_header_is_lost() {
    let (site, folder) = (plugin("", ""), TempDir::new().unwrap());
    let keys = key_file(&folder, KEY);
    let pair = Pair::with_hop(&site, without_header);
    let url = format!("http://{}", pair.edge.address());
    for more in [&[][..], &["--user", "jo"]] {
        let arguments = [&[url.as_str(), "--trail-key-file", &keys, "--output", "json"], more].concat();
        let checked = check_with(&arguments, &LOGIN);
        let report = checked.json();
        let verdict = &report["verdicts"][0];
        assert_eq!(
            (checked.code, first_rule(&report)),
            (Some(1), "authorization-lost-between-doctors"),
            "{report:#}"
        );
        assert_eq!(verdict["proof"], "proved", "{verdict:#}");
        assert!(verdict["summary"].to_string().contains("between edge and sidecar"), "{verdict:#}");
        assert_eq!(report["verdicts"].as_array().unwrap().len(), 1, "{report:#}");
        assert!(checked.out.contains("edge and sidecar on the way answered to the key"), "{report:#}");
    }
}

#[test]
fn a_clean_way_between_doctors_is_passed_over_in_silence() {
    let (site, folder) = (plugin("", ""), TempDir::new().unwrap());
    let pair = Pair::with_hop(&site, str::to_owned);
    let url = format!("http://{}", pair.edge.address());
    let stranger = "k9:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    for (key, words) in [
        (KEY, "edge and sidecar on the way answered to the key"),
        (stranger, "no doctor answered to the key: none is on the way, or none that has it"),
    ] {
        let keys = key_file(&folder, key);
        let checked = check_with(&[&url, "--user", "jo", "--trail-key-file", &keys], &LOGIN);
        assert_eq!((checked.code, checked.remarks().as_str()), (Some(0), ""), "{}", checked.out);
        assert!(checked.out.contains(words), "{}", checked.out);
        assert!(checked.out.contains("✓ nothing wrong in what could be seen"), "{}", checked.out);
    }
}

#[test]
fn a_loss_behind_the_last_doctor_is_not_laid_on_the_way_before() {
    let (site, folder) = (plugin("", ""), TempDir::new().unwrap());
    let port = site.to_string().rsplit(':').next().unwrap().parse().unwrap();
    let site = deleting(port);
    let keys = key_file(&folder, KEY);
    let pair = Pair::with_hop(&site, str::to_owned);
    let url = format!("http://{}", pair.edge.address());
    let report = check(&[&url, "--trail-key-file", &keys, "--output", "json"]).json();
    let verdict = &report["verdicts"][0];
    assert_eq!(first_rule(&report), "authorization-lost-before-php", "{report:#}");
    assert!(verdict["summary"].to_string().contains("between sidecar and PHP"), "{verdict:#}");
}

#[test]
fn a_bad_key_file_is_told_as_run_tells_it() {
    let folder = TempDir::new().unwrap();
    let keys = key_file(&folder, "no key");
    let checked = check(&["http://localhost", "--trail-key-file", &keys]);
    assert_eq!(checked.code, Some(2), "{}", checked.err);
    assert!(
        checked.err.contains("--trail-key-file") && checked.err.contains("is no file of keys"),
        "{}",
        checked.err
    );
    let missing = check(&["http://localhost", "--trail-key-file", "/no/such/file"]);
    assert_eq!(missing.code, Some(2), "{}", missing.err);
    assert!(missing.err.contains("cannot be read"), "{}", missing.err);
    let keys = key_file(&folder, KEY);
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = check(&["http://localhost", "--dry-run", "--trail-key-file", &keys]);
    assert_eq!(open.code, Some(0), "{}", open.err);
    assert!(open.err.contains("warning: ") && open.err.contains("may be read by every user"), "{}", open.err);
}

/// A cache that keeps every reply to a GET, whatever the request carries.
fn cache_before(port: u16) -> Origin {
    let kept = std::sync::Mutex::new(std::collections::HashMap::<String, Vec<u8>>::new());
    Origin::playing(move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let line = message.lines().next().unwrap_or_default().to_owned();
            let known = kept.lock().unwrap().get(&line).cloned().filter(|_| line.starts_with("GET"));
            let reply = known.unwrap_or_else(|| {
                let reply = Wire::to(([127, 0, 0, 1], port).into()).send(&message).reply();
                let head = reply.head.replacen("\r\n", "\r\nAge: 0\r\n", 1);
                [head.as_bytes(), &reply.body].concat()
            });
            kept.lock().unwrap().insert(line, reply.clone());
            wire.put(reply);
        }
    })
}

#[test]
fn a_cache_that_gives_away_what_a_credential_got_is_found() {
    let doors = Doors::open();
    let site = cache_before(doors.port).to_string().replace("127.0.0.1", "localhost");
    let checked = check_with(&[&site, "--user", "admin"], &LOGIN);
    assert_eq!(checked.code, Some(1), "{}", checked.out);
    assert!(
        checked.out.contains("! cache: a reply to a credential was given to somebody"),
        "{}",
        checked.out
    );
    assert!(checked.out.contains("it bears Age"), "{}", checked.out);
    let with_cookie = check_with(&[&site, "--user", "admin", "--header", "Cookie: a=b"], &LOGIN);
    assert_eq!(with_cookie.code, Some(0), "{}", with_cookie.out);
}

#[test]
fn whether_a_page_may_write_is_asked_and_nothing_written() {
    let doors = Doors::open();
    let site = doors.named("localhost");
    let arguments = [
        site.as_str(),
        "--endpoint",
        "/my-app/v1/reports",
        "--browser-origin",
        "https://app.example.com",
        "--output",
        "json",
    ];
    let report = check(&arguments).json();
    let steps = report["steps"].as_array().unwrap();
    for step in ["preflight-post", "preflight-put", "preflight-delete"] {
        let step = steps.iter().find(|done| done["step"] == step).unwrap_or_else(|| panic!("{report:#}"));
        assert_eq!((&step["method"], &step["outcome"]), (&"OPTIONS".into(), &"done".into()), "{step:#}");
    }
    assert_eq!(report["exit"], 0, "{report:#}");
    let reading = "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET\r\n\
                   Access-Control-Allow-Headers: authorization, content-type\r\n\r\n";
    let site = preflights(reading).to_string();
    let arguments = [&[site.as_str()], &arguments[1..]].concat();
    let report = check(&arguments).json();
    let outcome = |name: &str| {
        let steps = report["steps"].as_array().unwrap();
        steps.iter().find(|done| done["step"] == name).map(|done| done["outcome"].clone())
    };
    assert_eq!(outcome("preflight"), Some("done".into()), "{report:#}");
    assert_eq!(outcome("preflight-post"), Some("done".into()), "POST needs no leave: {report:#}");
    for step in ["preflight-put", "preflight-delete"] {
        assert_eq!(outcome(step), Some("noted".into()), "{report:#}");
    }
    assert_eq!(report["exit"], 0, "{report:#}");
}

/// The plugin, with this answer to preflights.
fn preflights(reply: &'static str) -> Origin {
    let port: u16 = plugin("", "").to_string().rsplit(':').next().unwrap().parse().unwrap();
    Origin::playing(move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            if message.starts_with("OPTIONS") {
                wire.put(reply);
                continue;
            }
            let passed = Wire::to(([127, 0, 0, 1], port).into()).send(message).reply();
            let head = passed.head.replacen("\r\n", "\r\nAccess-Control-Allow-Origin: *\r\n", 1);
            wire.put([head.as_bytes(), &passed.body].concat());
        }
    })
}

#[test]
fn a_clock_that_is_far_off_is_told() {
    let site = plugin("", "Sun, 06 Nov 1994 08:49:37 GMT").to_string();
    let checked = check(&[&site]);
    assert_eq!(checked.code, Some(0));
    assert!(checked.out.contains("! clock: the site's clock is "), "{}", checked.out);
}

#[test]
fn a_refusal_that_no_rule_explains_is_no_success() {
    let site = plugin("Something nobody foresaw", "").to_string();
    let checked = check_with(&[&site, "--user", "jo"], &LOGIN);
    assert_eq!(checked.code, Some(1), "{}", checked.out);
    assert!(checked.out.contains("and no rule explains it"), "{}", checked.out);
}

#[test]
fn an_api_that_is_closed_to_strangers_is_no_fault() {
    let text = r#"{"code":"rest_login_required","message":"REST API restricted to authenticated users.","data":{"status":401}}"#;
    let site = Origin::answering(format!(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    ));
    let checked = check(&[&site.to_string()]);
    assert!(checked.out.contains("the REST API is closed to whoever is not logged in"), "{}", checked.out);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
}

/// `rest_disabled` may be said to everybody: a login need not help.
#[test]
fn an_api_that_is_switched_off_is_not_called_closed_to_strangers() {
    let text = r#"{"code":"rest_disabled","message":"The REST API is disabled on this site.","data":{"status":403}}"#;
    let site = scripted(move |_| of_kind("403 Forbidden", "Content-Type: application/json\r\n", text));
    let checked = check(&[&site.to_string()]);
    assert!(checked.out.contains("for whoever is not logged in or for all"), "{}", checked.out);
    assert!(!checked.out.contains("is closed to whoever"), "{}", checked.out);
}

#[test]
fn a_site_that_fails_is_told_so() {
    let broken = Origin::answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").to_string();
    let checked = check(&[&broken]);
    assert_eq!(checked.code, Some(3));
    assert!(checked.out.contains("answers 502: the site itself fails"), "{}", checked.out);
}

/// An origin that answers each request by its first line and what it carries.
fn scripted(reply: impl Fn(&str) -> String + Send + Sync + 'static) -> Origin {
    Origin::playing(move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            wire.put(reply(&message));
        }
    })
}

fn of_kind(status: &str, fields: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

const JSON: &str = "Content-Type: application/json\r\n";
const HTML: &str = "Content-Type: text/html\r\n";

#[test]
fn a_page_in_place_of_the_user_proves_nothing() {
    let page = |message: &str| {
        let line = message.lines().next().unwrap_or_default();
        if line.contains("_fields=name") {
            return of_kind("200 OK", JSON, r#"{"home":"x","namespaces":["wp/v2"]}"#);
        }
        of_kind("200 OK", HTML, "<!doctype html><html><body>Welcome</body></html>")
    };
    let site = scripted(page).to_string();
    let checked = check_with(&[&site, "--output", "json"], &[("HEADER_DOCTOR_TOKEN", "a.b.c")]);
    let report = checked.json();
    let steps = report["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == "users-me").unwrap();
    assert_eq!(step["outcome"], "failed", "{report:#}");
    assert!(step["meaning"].to_string().contains("a page in place of the user"), "{step:#}");
    assert_eq!(checked.code, Some(1), "{report:#}");
}

#[test]
fn a_browser_is_held_back_by_the_preflight_of_the_same_way_alone() {
    let leave = "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\
                 Access-Control-Allow-Methods: GET, PUT, DELETE\r\n\
                 Access-Control-Allow-Headers: authorization, content-type\r\n\r\n";
    let (public, refusing) =
        (preflights(leave), preflights("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    let address = refusing.to_string().replace("http://", "");
    let site = public.to_string();
    let arguments = [
        &site,
        "--origin",
        &address,
        "--endpoint",
        "/wp/v2/x",
        "--browser-origin",
        "https://app.example.com",
        "--output",
        "json",
    ];
    let report = check(&arguments).json();
    let outcome = |name: &str, way: &str| {
        let steps = report["steps"].as_array().unwrap();
        let is_it = |step: &&Value| step["step"] == name && step["way"].to_string().contains(way);
        steps.iter().find(is_it).unwrap_or_else(|| panic!("{name}: {report:#}"))["outcome"].clone()
    };
    assert_eq!(outcome("preflight-put", "public"), "done", "{report:#}");
    assert_eq!(outcome("request-from-page", "origin"), "skipped", "{report:#}");
}

/// Each request is said to be the last of its connection, and such a server takes it at its word.
#[test]
fn a_server_that_closes_after_each_reply_answers_every_question() {
    let gate = Origin::playing(|mut wire: Wire, _| {
        wire.message();
        wire.put(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"staging\"\r\nContent-Length: 2\r\n\r\nno",
        );
    });
    for _ in 0..5 {
        let checked = check(&[&gate.to_string()]);
        assert!(!checked.out.contains("closes the connection"), "{}", checked.out);
        assert_eq!(checked.code, Some(1), "{}", checked.out);
    }
}

/// What a WordPress answers that is not in order, whatever it is asked; measured with WordPress 6.1.
#[test]
fn a_wordpress_without_a_site_is_told_by_its_cause_and_not_by_a_login_or_a_redirect() {
    let installer = "X-Redirect-By: WordPress\r\nLocation: /wp-admin/install.php\r\n";
    let signup = "Location: http://network.test/wp-signup.php?new=127.0.0.1\r\n";
    let dead = "<body id=\"error-page\"><div class=\"wp-die-message\">\
                <h1>Error establishing a database connection</h1></div></body>";
    for (status, fields, body, rule, words) in [
        ("302 Found", installer, "", "wordpress-not-installed", "no site is installed"),
        (
            "302 Found",
            "Location: /wp-admin/setup-config.php\r\n",
            "",
            "wordpress-not-installed",
            "no site is installed",
        ),
        ("302 Found", signup, "", "site-unknown-to-network", "none of them has this host"),
        ("500 Internal Server Error", "", dead, "database-unreachable", "cannot use its database"),
    ] {
        let fields = format!("{HTML}{fields}");
        let site = scripted(move |_| of_kind(status, &fields, body)).to_string();
        let token: &[(&str, &str)] = &[("HEADER_DOCTOR_TOKEN", "a.b.c")];
        for (arguments, given) in [(&[][..], &[][..]), (&["--user", "admin"], &LOGIN), (&[], token)] {
            let checked = check_with(&[&[site.as_str(), "--output", "json"], arguments].concat(), given);
            let report = checked.json();
            let verdicts = report["verdicts"].as_array().unwrap();
            let rules: Vec<_> = verdicts.iter().map(|verdict| verdict["rule"].as_str().unwrap()).collect();
            assert_eq!((rules, checked.code), (vec![rule], Some(1)), "{report:#}");
            assert!(report["stopped"].as_str().unwrap().contains(words), "{report:#}");
            assert_eq!(
                report["checklist"][4]["state"], "not possible",
                "PHP looked at no header: {report:#}"
            );
            assert!(!checked.out.contains("to a login"), "{report:#}");
            assert!(!checked.out.contains("no token was issued"), "nobody tried to log in: {report:#}");
            let is_page = |step: &&Value| step["step"] == "page";
            let pages = report["steps"].as_array().unwrap().iter().filter(is_page);
            assert!(pages.count() == 1, "its installer need not be looked at: {report:#}");
        }
    }
}

/// Nobody knows whose a page with 503 is, where it bears no mark: a plugin that closes the site, a drop-in, an overload.
#[test]
fn a_site_that_is_closed_for_a_while_is_not_called_a_firewall() {
    let page = "<html><h1>Back soon</h1></html>";
    let site =
        scripted(move |_| of_kind("503 Service Unavailable", &format!("{HTML}Retry-After: 300\r\n"), page));
    let checked = check(&[&site.to_string()]);
    assert_eq!(checked.code, Some(3), "{}", checked.out);
    let out = checked.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains("closed for a while, or overloaded, or a firewall's"), "{out}");
    assert!(!out.contains("block page"), "{out}");
}

#[test]
fn what_ends_a_check_is_told_by_what_it_is() {
    let to_itself = scripted(|message| {
        let target = message.split(' ').nth(1).unwrap_or_default();
        of_kind("302 Found", &format!("Location: {target}\r\n"), "")
    });
    let broken_off = Origin::playing(|mut wire: Wire, _| {
        let _request = wire.message();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    });
    let unended = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    // A circle has a cause and a cure; the others have neither.
    for (site, exit, words) in [
        (&to_itself, 1, "with a redirect, and no index answers there"),
        (&broken_off, 3, "breaks off in the middle of a reply"),
        (&unended, 3, "begins a reply and does not end it within 2s: it hangs"),
    ] {
        let checked =
            check(&[&site.to_string(), "--timeout", if words.contains("2s") { "2s" } else { "20s" }]);
        assert_eq!(checked.code, Some(exit), "{}", checked.out);
        assert!(
            checked.out.split_whitespace().collect::<Vec<_>>().join(" ").contains(words),
            "{}",
            checked.out
        );
    }
}

#[test]
fn a_ticket_bears_no_picture_of_the_sites_making() {
    let site = scripted(|message| {
        if message.lines().next().unwrap_or_default().contains("_fields=name") {
            return of_kind("200 OK", JSON, r#"{"home":"x","namespaces":["wp/v2","jwt-auth/v1"]}"#);
        }
        let link = "Link: <http://a.test/![x](http://evil.test/p)|`/>; rel=\"https://api.w.org/\"\r\n";
        of_kind("200 OK", &format!("{link}{HTML}"), "<html>")
    });
    let checked = check(&[&site.to_string(), "--output", "markdown"]);
    assert!(checked.out.contains(r"/!\[x\](http://evil.test/p)\|\`/"), "{}", checked.out);
}

#[test]
fn a_token_that_was_given_is_not_called_fresh() {
    let site = plugin("", "").to_string();
    let checked = check_with(&[&site], &[("HEADER_DOCTOR_TOKEN", "a.b.c")]);
    assert!(!checked.out.contains("the fresh token is validated"), "{}", checked.out);
    assert!(
        checked.out.contains("· 3 Validate the fresh token immediately: not possible"),
        "{}",
        checked.out
    );
    let without = check(&[&site]);
    assert!(without.out.contains("only the client can; no token was used here"), "{}", without.out);
}

#[test]
fn a_dry_run_shows_no_value_of_a_query() {
    let arguments = ["http://localhost", "--dry-run", "--endpoint", "/my/v1/x?key=hunter2"];
    let checked = check_with(&arguments, &[("HEADER_DOCTOR_TOKEN", "a.b.c")]);
    assert!(checked.out.contains("/my/v1/x?key=") && !checked.out.contains("hunter2"), "{}", checked.out);
}

#[test]
fn what_is_wrong_with_a_command_line_is_told_with_what_is_right() {
    for (arguments, words) in [
        (&["http://localhost", "--header", "User-Agent: x"][..], "User-Agent is written by the check itself"),
        (&["http://localhost", "--header", "accept: x"], "accept is written by the check itself"),
        (&["http://localhost", "--endpoint", "http://localhost.evil.test/x"], "is not a path of"),
        (&["http://localhost", "--origin", "2001:db8::g"], "[2001:db8::7]"),
        (&["https://b\u{fc}cher.example"], "begins with xn--"),
        (&["::1"], "without brackets; write http://[2001:db8::7]"),
        (
            &["http://localhost", "--output", "JSNO"],
            "--output: is none of text, json, markdown, junit; write --output json",
        ),
        (
            &["http://localhost", "--output", "yaml"],
            "--output: is none of text, json, markdown, junit; write one of them",
        ),
    ] {
        let checked = check(arguments);
        assert_eq!(checked.code, Some(2), "{arguments:?}: {}{}", checked.out, checked.err);
        assert!(checked.err.contains(words), "{arguments:?}: {}", checked.err);
    }
    assert_eq!(check(&["http://localhost", "--dry-run", "--output", "JSON"]).code, Some(0));
}

#[test]
fn an_origin_that_is_down_is_named_itself_and_asked_once() {
    let site = plugin("", "").to_string();
    let nobody = Nobody::new();
    let address = nobody.to_string();
    let checked = check_with(&[&site, "--user", "jo", "--origin", &address], &LOGIN);
    assert_eq!(checked.code, Some(1), "{}", checked.out);
    let words = checked.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, steps) = words.split_once("Steps").unwrap();
    let why = format!("origin {address} refuses connections: nothing listens on that port");
    assert!(head.contains(&why), "the first lines say so: {}", checked.out);
    assert_eq!(steps.matches(&why).count(), 1, "{}", checked.out);
    assert!(!words.contains(&format!("{site} refuses")), "{}", checked.out);
}

#[test]
fn one_endpoint_that_hangs_is_no_site_that_hangs() {
    let plugin_port: u16 = plugin("", "").to_string().rsplit(':').next().unwrap().parse().unwrap();
    let site = Origin::playing(move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            if message.contains("/slow") {
                wire.put("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
                let _never = wire.message();
            }
            let passed = Wire::to(([127, 0, 0, 1], plugin_port).into()).send(message).reply();
            wire.put([passed.head.as_bytes(), &passed.body].concat());
        }
    });
    let site = site.to_string();
    let arguments = [
        &site,
        "--user",
        "jo",
        "--endpoint",
        "/wp/v2/slow",
        "--endpoint",
        "/wp/v2/quick",
        "--timeout",
        "3s",
        "--output",
        "json",
    ];
    let checked = check_with(&arguments, &LOGIN);
    let report = checked.json();
    assert_eq!((checked.code, &report["stopped"]), (Some(1), &Value::Null), "{report:#}");
    let steps = report["steps"].as_array().unwrap();
    let outcomes: Vec<_> =
        steps.iter().filter(|step| step["step"] == "endpoint").map(|step| step["outcome"].clone()).collect();
    assert_eq!(outcomes, ["failed", "done"], "{report:#}");
}

#[test]
fn a_site_that_repeats_a_password_gets_no_echo_in_the_report() {
    let site = scripted(|message| {
        if message.lines().next().unwrap_or_default().contains("_fields=name") {
            return of_kind("200 OK", JSON, r#"{"home":"x","namespaces":["wp/v2","jwt-auth/v1"]}"#);
        }
        of_kind("403 Forbidden", JSON, r#"{"code":"hunter2","message":"hunter2","data":{"status":403}}"#)
    });
    for output in ["text", "json", "markdown", "junit"] {
        let arguments = [&site.to_string(), "--user", "jo", "--output", output];
        let checked = check_with(&arguments, &[("HEADER_DOCTOR_PASSWORD", "hunter2")]);
        assert_eq!(checked.code, Some(3), "{}{}", checked.out, checked.err);
        assert!(!checked.out.contains("hunter2"), "{}", checked.out);
    }
}
