//! `header-doctor check --deep`, and what a site tells of its JWT plugin.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use tempfile::TempDir;

use crate::check::{Checked, breaches, check, check_with};
use crate::world::pair::KEY;
use crate::world::{Origin, Pair, Wire};

/// What nginx says to a field that is too long.
const NGINX: &str = "<html>\r\n<head><title>400 Request Header Or Cookie Too Large</title></head>\r\n<body>\r\n\
    <center><h1>400 Bad Request</h1></center>\r\n<center>Request Header Or Cookie Too Large</center>\r\n\
    <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// What a hop in front does with a request.
enum Does {
    /// Passes it, as it is then.
    Pass(String),
    /// Answers it.
    Answer(String),
    /// Closes the connection.
    Close,
}

/// A WordPress with the JWT plugin behind a hop.
fn site(hop: impl Fn(&str) -> Does + Send + Sync + 'static) -> Origin {
    Origin::playing(move |mut wire: Wire, tell| {
        loop {
            let message = wire.message();
            tell(message.clone());
            match hop(&message) {
                Does::Pass(message) => wire.put(wordpress(&message)),
                Does::Answer(reply) => wire.put(reply),
                Does::Close => return,
            }
        }
    })
}

fn reply(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn wordpress(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let json = |status, body: &str| reply(status, "application/json", body);
    match line {
        line if line.contains("_fields") => json(
            "200 OK",
            r#"{"home":"http://localhost","namespaces":["wp/v2","jwt-auth/v1"],"authentication":[]}"#,
        ),
        line if line.contains("/jwt-auth/v1 HTTP") => json(
            "200 OK",
            r#"{"namespace":"jwt-auth/v1","routes":{"/jwt-auth/v1/token":{},"/jwt-auth/v1/token/validate":{}}}"#,
        ),
        line if line.contains("readme.txt") => {
            reply("200 OK", "text/plain", "=== JWT ===\nStable tag: 1.3.4\n")
        }
        _ if message.contains("\r\nAuthorization: ") => json(
            "403 Forbidden",
            r#"{"code":"jwt_auth_invalid_token","message":"Wrong number of segments","data":{"status":403}}"#,
        ),
        _ => json(
            "403 Forbidden",
            r#"{"code":"jwt_auth_no_auth_header","message":"Authorization header not found.","data":{"status":403}}"#,
        ),
    }
}

/// Refuses a field that is longer than so many bytes, as nginx does.
fn limit(bytes: usize) -> impl Fn(&str) -> Does {
    move |message| {
        let is_long = message.lines().any(|line| line.len() > bytes);
        if is_long {
            return Does::Answer(reply("400 Bad Request", "text/html", NGINX));
        }
        Does::Pass(message.to_owned())
    }
}

/// Answers as a plugin with other routes than the usual ones: the namespace, and what answers which request with what.
fn plugin(namespace: &'static str, answers: &'static [(&str, &str, &str, &str)]) -> Origin {
    Origin::playing(move |mut wire: Wire, tell| {
        loop {
            let message = wire.message();
            let line = message.lines().next().unwrap_or_default();
            let authorization = message.lines().find_map(|line| line.strip_prefix("Authorization: "));
            let is_it = |(asked, with, ..): &&(&str, &str, &str, &str)| {
                line.starts_with(asked) && authorization.unwrap_or_default() == *with
            };
            let index = format!(
                r#"{{"home":"http://localhost","namespaces":["wp/v2","{namespace}"],"authentication":[]}}"#
            );
            let (status, body) = match answers.iter().find(is_it) {
                Some((_, _, status, body)) => (*status, (*body).to_owned()),
                None if line.contains("_fields=name") => ("200 OK", index),
                None if line.contains("users/me") && authorization.is_some() => ("200 OK", "{}".to_owned()),
                None => (
                    "401 Unauthorized",
                    r#"{"code":"rest_not_logged_in","message":"x","data":{"status":401}}"#.to_owned(),
                ),
            };
            wire.put(reply(status, "application/json", &body));
            tell(message);
        }
    })
}

const SIMPLE: &[(&str, &str, &str, &str)] = &[
    (
        "GET /wp-json/simple-jwt-login/v1/auth/validate ",
        "",
        "401 Unauthorized",
        r#"{"success":false,"data":{"message":"The `jwt` parameter is missing.","error_code":53}}"#,
    ),
    (
        "GET /wp-json/simple-jwt-login/v1/auth/validate ",
        "Bearer header-doctor",
        "400 Bad Request",
        r#"{"success":false,"data":{"message":"Wrong number of segments","error_code":2}}"#,
    ),
    (
        "POST /wp-json/simple-jwt-login/v1/auth ",
        "",
        "200 OK",
        r#"{"success":true,"data":{"jwt":"e30.e30.c2ln"}}"#,
    ),
    (
        "GET /wp-json/simple-jwt-login/v1/auth/validate ",
        "Bearer e30.e30.c2ln",
        "200 OK",
        r#"{"success":true,"data":{"user":{},"jwt":[]}}"#,
    ),
];

const ORANGE: &[(&str, &str, &str, &str)] = &[
    (
        "GET /wp-json/api/v1/token-validate ",
        "",
        "401 Unauthorized",
        r#"{"status":"error","error":"MISSING_AUTHORIZATION_HEADER","code":"401","error_description":"x"}"#,
    ),
    (
        "GET /wp-json/api/v1/token-validate ",
        "Bearer header-doctor",
        "401 Unauthorized",
        r#"{"status":"error","error":"SEGMENT_FAULT","code":"401","error_description":"x"}"#,
    ),
    (
        "POST /wp-json/api/v1/token ",
        "",
        "200 OK",
        r#"{"token_type":"Bearer","iat":1,"expires_in":2,"jwt_token":"e30.e30.c2ln"}"#,
    ),
    (
        "GET /wp-json/api/v1/token-validate ",
        "Bearer e30.e30.c2ln",
        "200 OK",
        r#"{"status":"TRUE","message":"VALID_TOKEN","code":"200"}"#,
    ),
];

fn outcome<'r>(report: &'r Value, step: &str) -> &'r str {
    let steps = report["steps"].as_array().unwrap();
    let found = steps.iter().find(|one| one["step"] == step);
    found.and_then(|one| one["outcome"].as_str()).unwrap_or_default()
}

const LOGIN: [(&str, &str); 1] = [("HEADER_DOCTOR_PASSWORD", "demo")];

#[test]
fn other_plugins_are_asked_in_their_own_words() {
    for (namespace, answers) in [("simple-jwt-login/v1", SIMPLE), ("api/v1", ORANGE)] {
        let site = plugin(namespace, answers);
        let report = check_with(&[&site.to_string(), "--user", "jo", "--output", "json"], &LOGIN).json();
        assert_eq!(report["exit"], 0, "{namespace}: {report:#}");
        for step in ["validate-without-header", "validate-with-header", "token", "validate", "users-me"] {
            assert_eq!(outcome(&report, step), "done", "{namespace}, {step}: {report:#}");
        }
    }
}

#[test]
fn a_plugin_that_closes_the_index_is_known_by_its_words() {
    const CLOSED: &str =
        r#"{"status":"error","error":"MISSING_AUTHORIZATION_HEADER","code":"401","error_description":"x"}"#;
    let site = Origin::playing(|mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let probe = message.contains("token-validate") && message.contains("\r\nAuthorization: ");
            let body = if probe {
                CLOSED.replace("MISSING_AUTHORIZATION_HEADER", "SEGMENT_FAULT")
            } else {
                CLOSED.to_owned()
            };
            wire.put(reply("401 Unauthorized", "application/json", &body));
        }
    });
    let report = check(&[&site.to_string(), "--output", "json"]).json();
    for (step, expected) in
        [("index", "noted"), ("validate-without-header", "done"), ("validate-with-header", "done")]
    {
        assert_eq!(outcome(&report, step), expected, "{step}: {report:#}");
    }
    assert_eq!(report["exit"], 0, "{report:#}");
}

#[test]
fn a_plugin_that_sees_no_token_may_look_for_it_elsewhere() {
    let site = plugin("simple-jwt-login/v1", &SIMPLE[..1]);
    let eaten = deleting(&site);
    let report = check(&[&eaten.to_string(), "--output", "json"]).json();
    assert_eq!(
        (outcome(&report, "validate-with-header"), &report["exit"]),
        ("noted", &0.into()),
        "{report:#}"
    );
    assert!(report["steps"].to_string().contains("set to look for it elsewhere"), "{report:#}");
}

/// The site behind a hop that takes `Authorization` off.
fn deleting(site: &Origin) -> Origin {
    let address: std::net::SocketAddr = site.to_string()["http://".len()..].parse().unwrap();
    Origin::playing(move |mut wire: Wire, _| {
        loop {
            let message = wire.message();
            let kept = message.split("\r\n").filter(|line| !line.starts_with("Authorization: "));
            let passed = kept.collect::<Vec<_>>().join("\r\n");
            let reply = Wire::to(address).send(passed).reply();
            wire.put([reply.head.as_bytes(), &reply.body].concat());
        }
    })
}

#[test]
fn no_password_goes_where_the_form_of_a_login_is_not_known() {
    for (namespace, words) in [
        ("cocart/jwt", "not possible: CoCart JWT issues its tokens with a login to the cart"),
        ("other/v1", "not possible: the index names no plugin that issues or examines tokens"),
        ("api/v1", "not possible: what answers at api/v1 did not show that it is miniOrange's plugin"),
    ] {
        let site = plugin(namespace, &[]);
        let report = check_with(&[&site.to_string(), "--user", "jo", "--output", "json"], &LOGIN).json();
        assert_eq!((outcome(&report, "token"), &report["exit"]), ("skipped", &3.into()), "{report:#}");
        assert!(report["steps"].to_string().contains(words), "{words}: {report:#}");
        for _ in 0..report["requests"].as_u64().unwrap() {
            assert!(!site.request().contains("demo"));
        }
    }
}

fn deep(site: &Origin, more: &[&str]) -> Checked {
    check(&[&[site.to_string().as_str(), "--deep", "--output", "json"], more].concat())
}

/// What became of a header.
fn fate<'r>(report: &'r Value, header: &str) -> &'r str {
    let headers = report["deep"]["headers"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    let found = headers.iter().find(|one| one["header"] == header);
    found.and_then(|one| one["fate"].as_str()).unwrap_or_default()
}

#[test]
fn the_longest_field_that_passes_is_a_fact_and_no_fault() {
    let site = site(limit(8190));
    let checked = deep(&site, &[]);
    let report = checked.json();
    assert_eq!(checked.code, Some(0), "{report:#}");
    let found = &report["deep"]["limit"];
    assert_eq!((&found["takes"], &found["refuses"]), (&8180.into(), &8200.into()), "{report:#}");
    assert_eq!((&found["by"], &found["sure"]), (&"400, nginx page".into(), &true.into()), "{report:#}");
    assert_eq!(report["verdicts"], Value::Array(Vec::new()));
    assert_eq!(fate(&report, "Authorization"), "arrives");
    for header in ["X-Authorization", "X-Doctor-Ctl", "X_Doctor_Us", "X.Doctor.Dot", "Cookie"] {
        assert_eq!(fate(&report, header), "unknown", "{header}: {report:#}");
    }
    let last = report["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["outcome"]), (&"control-again".into(), &"done".into()), "{report:#}");
    let schema: Value = serde_json::from_str(include_str!("../../docs/check.schema.json")).unwrap();
    assert_eq!(breaches(&schema, &report, "report"), [""; 0]);
}

#[test]
fn each_output_has_its_part() {
    let site = site(limit(8190));
    let words = "takes 8180 B of one field and refuses 8200 B: 400, nginx page; nginx, Apache and Varnish";
    for output in ["text", "markdown", "junit"] {
        let checked = check(&[&site.to_string(), "--deep", "--output", output]);
        let text = checked.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{output}: {}", checked.out);
        assert!(text.contains("X_Doctor_Us"), "{output}: {}", checked.out);
    }
}

#[test]
fn a_way_on_which_a_usual_token_does_not_fit_is_at_fault() {
    let checked = deep(&site(limit(1000)), &[]);
    let report = checked.json();
    assert_eq!(checked.code, Some(1), "{report:#}");
    assert_eq!(report["verdicts"][0]["rule"], "header-too-large", "{report:#}");
    assert_eq!(report["deep"]["limit"]["takes"], Value::Null);
    // So is one on which the token in use does not.
    let token = "a".repeat(2500);
    let site = site(limit(2500));
    let arguments = [&site.to_string(), "--deep", "--output", "json"];
    let report = check_with(&arguments, &[("HEADER_DOCTOR_TOKEN", &token)]).json();
    assert_eq!(
        (&report["exit"], &report["deep"]["limit"]["refuses"]),
        (&1.into(), &2522.into()),
        "{report:#}"
    );
    assert!(report["deep"]["limit"]["text"].to_string().contains("2522 B has to pass"), "{report:#}");
}

#[test]
fn a_connection_that_ends_is_a_refusal_and_not_the_end() {
    let site = site(|message| match message.lines().any(|line| line.len() > 5000) {
        true => Does::Close,
        false => Does::Pass(message.to_owned()),
    });
    let report = deep(&site, &[]).json();
    let found = &report["deep"]["limit"];
    assert_eq!((&report["exit"], &report["stopped"]), (&0.into(), &Value::Null), "{report:#}");
    assert_eq!((&found["takes"], &found["refuses"]), (&4096.into(), &8180.into()), "{report:#}");
    assert!(found["by"].to_string().contains("closes the connection"), "{report:#}");
}

#[test]
fn where_nothing_is_refused_the_bound_holds() {
    let site = site(|message| Does::Pass(message.to_owned()));
    let report = deep(&site, &["--endpoint", "/wp/v2/posts"]).json();
    assert_eq!(report["deep"]["limit"]["takes"], 65_536, "{report:#}");
    assert!(report["requests"].as_u64().unwrap() <= 60, "{report:#}");
    let endpoints: Vec<_> =
        (0..70).flat_map(|count| ["--endpoint".to_owned(), format!("/wp/v2/{count}")]).collect();
    let endpoints: Vec<_> = endpoints.iter().map(String::as_str).collect();
    let url = site.to_string();
    let arguments = [&[url.as_str(), "--deep", "--output", "json"], &endpoints[..]].concat();
    let report = check_with(&arguments, &[("HEADER_DOCTOR_TOKEN", "a.b.c")]).json();
    assert_eq!(report["requests"], 60, "{report:#}");
}

#[test]
fn what_minds_a_name_or_moves_one_is_told() {
    let refused = || Does::Answer(reply("400 Bad Request", "text/plain", "no"));
    let minding = site(move |message| match message.contains("\r\nX_Doctor_Us") {
        true => refused(),
        false => Does::Pass(message.to_owned()),
    });
    let report = deep(&minding, &[]).json();
    assert_eq!(
        (fate(&report, "X_Doctor_Us"), fate(&report, "X.Doctor.Dot")),
        ("refused", "unknown"),
        "{report:#}"
    );
    assert_eq!(report["exit"], 0, "{report:#}");
    let moving = site(|message| Does::Pass(message.replace("\r\nX-Authorization: ", "\r\nAuthorization: ")));
    let report = deep(&moving, &[]).json();
    assert_eq!(fate(&report, "X-Authorization"), "arrives", "{report:#}");
    let eating = site(|message| Does::Pass(message.replace("\r\nAuthorization: ", "\r\nX-Other: ")));
    let report = deep(&eating, &[]).json();
    assert_eq!(fate(&report, "Authorization"), "lost", "{report:#}");
    assert!(report["deep"]["class"][0].to_string().contains("interfaces like CGI"), "{report:#}");
}

#[test]
fn one_who_wants_to_be_left_alone_meanwhile_is() {
    let site = site(|message| match message.contains("\r\nX-Doctor-Filler") {
        true => Does::Answer(reply("429 Too Many Requests", "text/plain", "")),
        false => Does::Pass(message.to_owned()),
    });
    let report = deep(&site, &[]).json();
    assert_eq!(report["exit"], 3, "{report:#}");
    assert!(report["stopped"].to_string().contains("429"), "{report:#}");
    let is_long = |step: &&Value| step["step"] == "long-field" && step["outcome"] != "skipped";
    assert_eq!(report["steps"].as_array().unwrap().iter().filter(is_long).count(), 1, "{report:#}");
}

fn key_file(folder: &TempDir) -> String {
    let path = folder.path().join("trail.keys");
    fs::write(&path, KEY).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn doctors_tell_what_became_of_a_cookie() {
    let folder = TempDir::new().unwrap();
    let keys = key_file(&folder);
    for (alter, expected) in [
        (str::to_owned as fn(&str) -> String, "arrives"),
        (|request: &str| request.replace("Cookie: header_doctor=1\r\n", ""), "lost"),
    ] {
        let site = site(|message| Does::Pass(message.to_owned()));
        let pair = Pair::with_hop(&site, alter);
        let url = format!("http://{}", pair.edge.address());
        let report = check(&[&url, "--deep", "--trail-key-file", &keys, "--output", "json"]).json();
        assert_eq!(fate(&report, "Cookie"), expected, "{report:#}");
    }
}

#[test]
fn what_deep_would_ask_is_shown_and_nothing_of_it_asked_without() {
    let site = site(|message| Does::Pass(message.to_owned()));
    let checked = check(&[&site.to_string(), "--deep", "--dry-run"]);
    for words in ["at most 60 requests", "X_Doctor_Us", "X-Doctor-Filler of 8180 B", "X-Authorization"] {
        assert!(checked.out.contains(words), "{words}: {}", checked.out);
    }
    assert!(site.was_not_asked());
    let report = check(&[&site.to_string(), "--output", "json"]).json();
    assert_eq!(report["deep"], Value::Null);
    assert!(!report.to_string().contains("long-field"));
}

#[test]
fn the_plugin_and_its_version_are_told_where_they_can_be() {
    let told = |site: Origin| check(&[&site.to_string(), "--output", "json"]).json();
    let report = told(site(|message| Does::Pass(message.to_owned())));
    assert_eq!(
        report["methods"][0], "JWT Authentication for WP REST API 1.3.4 by its readme.txt (jwt-auth/v1)",
        "{report:#}"
    );
    // That nobody may read manuals is a usual rule, and no word about the check.
    let hidden = site(|message| match message.contains("readme.txt") {
        true => Does::Answer(reply("403 Forbidden", "text/html", "<html><h1>Blocked</h1>")),
        false => Does::Pass(message.to_owned()),
    });
    let report = told(hidden);
    assert_eq!(
        report["methods"][0], "JWT Authentication for WP REST API (jwt-auth/v1, version not told)",
        "{report:#}"
    );
    assert_eq!(report["exit"], 0, "{report:#}");
}
