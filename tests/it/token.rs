//! `header-doctor token`, as somebody meets it who has a token and does not know why it is refused.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use header_doctor::event::now;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "m4rk3dS3cr3t0fTheS1te0123456789ab";
const SITE: &str = "https://example.com";

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

/// The program with this on its standard input.
fn token(arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("token").args(arguments).env_clear().env("SITES_SECRET", SECRET);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // It may have seen enough before all is written.
    drop(child.stdin.take().unwrap().write_all(input));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the folder for tests can be written");
    path
}

/// A good token but for one claim; `null` removes it.
fn with(claim: &str, value: &Value) -> String {
    signed(&json!({ "typ": "JWT", "alg": "HS256" }), claim, value, SECRET)
}

fn signed(header: &Value, claim: &str, value: &Value, secret: &str) -> String {
    let now = now().seconds();
    let mut claims = json!({
        "iss": SITE, "iat": now - 60, "nbf": now - 60, "exp": now + 3600, "data": { "user": { "id": "12" } },
    });
    let map = claims.as_object_mut().unwrap();
    map.insert(claim.to_owned(), value.clone());
    map.retain(|_, value| !value.is_null());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(&claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn good() -> String {
    with("none", &Value::Null)
}

const ALL: [&str; 4] = ["--site", SITE, "--secret-env", "SITES_SECRET"];

#[test]
fn a_good_token_is_good_in_every_form_it_comes_in() {
    let good = good();
    for input in [
        good.clone(),
        format!("{good}\r\n"),
        format!("Bearer {good}\n"),
        format!("Authorization: Bearer {good}"),
        format!("GET /wp-json/ HTTP/1.1\r\nHost: example.com\r\nauthorization: Bearer {good}\r\n\r\n"),
        format!("curl -H \"Authorization: Bearer {good}\" {SITE}/wp-json/"),
        json!({ "token": good, "user_email": "a@b.c" }).to_string(),
        format!("TOKEN={good}"),
    ] {
        let ended = token(&ALL, input.as_bytes());
        let start = ended.out.lines().next().unwrap_or_default();
        assert_eq!(
            (ended.code, start, &*ended.err),
            (Some(0), "✓ nothing wrong with the token in what could be seen", "")
        );
        assert!(ended.out.contains("200, if user 12 exists"), "{}", ended.out);
    }
}

/// What is refused, by which words, and which rule says so.
#[test]
fn what_wordpress_would_answer_is_told_in_the_plugins_order() {
    let now = now().seconds();
    let (bad, tok) = (|words| format!("403 jwt_auth_invalid_token \"{words}\""), good());
    let of = |claim, value: Value| with(claim, &value);
    let algorithm = |name: &str| signed(&json!({ "alg": name }), "none", &Value::Null, SECRET);
    let table = [
        (of("exp", json!(now - 180)), bad("Expired token"), "expired 3 minutes ago"),
        (of("nbf", json!(now + 600)), bad("Cannot handle token prior to "), "not yet"),
        (of("iss", json!("http://example.com")), "403 jwt_auth_bad_iss".into(), "is_ssl()"),
        (
            of("iss", json!("https://example.com/")),
            "403 jwt_auth_bad_iss".into(),
            "a slash more or less at its end",
        ),
        (of("iss", json!("https://example.com:8443")), "403 jwt_auth_bad_iss".into(), "another port"),
        (of("iss", json!("https://other.example")), "403 jwt_auth_bad_iss".into(), "another host"),
        (of("iss", Value::Null), "403 jwt_auth_bad_iss".into(), "no value"),
        (of("data", Value::Null), "403 jwt_auth_bad_request".into(), "✗ user"),
        (algorithm("none"), bad("Algorithm not supported"), "alg none"),
        (algorithm("RS256"), bad("Incorrect key for this algorithm"), "alg RS256"),
        (algorithm(""), bad("Empty algorithm"), "alg unknown"),
        (
            signed(&json!({ "alg": "HS256" }), "none", &Value::Null, "another"),
            bad("Signature verification failed"),
            "not by this secret",
        ),
        ("undefined".into(), bad("Wrong number of segments"), "it is the word undefined"),
        ("null".into(), bad("Wrong number of segments"), "it is the word null"),
        ("Bearer".into(), "403 jwt_auth_bad_auth_header".into(), "no token stands behind Bearer"),
        (format!("bearer {tok}"), "401 rest_not_logged_in".into(), "spelt otherwise"),
        (format!("Authorization: {tok}"), "401 rest_not_logged_in".into(), "Bearer is missing"),
        (
            format!("\"{tok}\""),
            bad("Signature verification failed"),
            "cured   the token alone behind Bearer: 200",
        ),
        (format!("Bearer Bearer {tok}"), bad("Wrong number of segments"), "Bearer Bearer …"),
        (format!("Bearer {tok}%0A"), bad("Signature verification failed"), "at token/validate alone"),
        (
            format!("X-Authorization: Bearer {tok}"),
            "401 rest_not_logged_in".into(),
            "the plugin reads Authorization alone",
        ),
        (format!("JWT {tok}"), "401 rest_not_logged_in".into(), "another word than Bearer"),
        ("Bearer 1234-5678".into(), bad("Wrong number of segments"), "it is no JWT"),
        ("Bearer a.b.c".into(), bad("Syntax error, malformed JSON"), "✗ encoding"),
    ];
    for (input, answer, words) in table {
        let ended = token(&ALL, input.as_bytes());
        let start = format!("✗ WordPress would refuse it: {}", answer.trim_end_matches('"'));
        assert!(ended.out.starts_with(&start), "{start}\n{}", ended.out);
        assert!(ended.out.contains(words), "{words}\n{}", ended.out);
        assert_eq!((ended.code, &*ended.err), (Some(1), ""));
    }
}

/// The rules say of the answer what they say of one that came.
#[test]
fn a_rule_speaks_in_its_six_lines() {
    let rules = |input: &str| {
        let ended = token(&[&ALL[..], &["--output", "json"]].concat(), input.as_bytes());
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        told["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["rule"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let tok = good();
    let table = [
        (with("exp", &json!(1)), "token-expired"),
        (with("iss", &json!("https://www.example.com")), "token-issuer-mismatch"),
        (signed(&json!({ "alg": "HS256" }), "none", &Value::Null, "another"), "token-signature-refused"),
        (signed(&json!({ "alg": "ES256" }), "none", &Value::Null, SECRET), "token-algorithm-refused"),
        (with("iat", &json!(now().seconds() + 600)), "token-not-yet-valid"),
        ("undefined".into(), "placeholder-token"),
        (format!("'{tok}'"), "token-wrapped"),
        (format!("bearer {tok}"), "bearer-scheme-wrong"),
        ("Bearer abc".into(), "token-not-a-jwt"),
    ];
    for (input, rule) in table {
        assert_eq!(rules(&input), [rule], "{rule}");
    }
    assert!(rules(&tok).is_empty());
    let text = token(&ALL, b"undefined").out;
    for line in [
        "  where   client ✗ \"Bearer undefined\"  PHP ✓\n",
        "  scope   1 of 1 foretold replies since ",
        "  fix     client: ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn without_secret_and_site_it_is_said_on_what_the_answer_hangs() {
    let ended = token(&[], good().as_bytes());
    assert_eq!(ended.code, Some(0));
    for words in [
        "not compared: no --site was given",
        "not examined: no --secret-file or --secret-env was given",
        "200, if it is signed with the site's secret; the issuer is the address of the site; user 12 exists",
    ] {
        assert!(ended.out.contains(words), "{}", ended.out);
    }
    let quoted = token(&[], format!("\"{}\"", good()).as_bytes());
    assert!(
        quoted.out.starts_with("✗ WordPress would refuse it: 403 jwt_auth_invalid_token \"Sig"),
        "{}",
        quoted.out
    );
    let expired = token(&[], with("exp", &json!(1)).as_bytes());
    assert_eq!(expired.code, Some(1));
    assert!(expired.out.contains("\"Expired token\"; or, if it is not signed with"), "{}", expired.out);
}

#[test]
fn the_usual_mistakes_with_a_secret_are_named() {
    let config = format!(
        "<?php\n// define( 'JWT_AUTH_SECRET_KEY', 'old' );\ndefine( 'JWT_AUTH_SECRET_KEY', '{SECRET}' );\n"
    );
    let of = |secret: &str| signed(&json!({ "alg": "HS256" }), "none", &Value::Null, secret);
    let table = [
        (format!("{SECRET}\n"), good(), 0, "a line end behind it was left out"),
        (config, good(), 0, "read from the line that defines JWT_AUTH_SECRET_KEY"),
        (SECRET.to_owned(), of(&format!("{SECRET}\n")), 1, "by this secret and a line end"),
        (format!("'{SECRET}'"), good(), 1, "but by it without the quotes around it"),
        (format!(" {SECRET}"), good(), 1, "but by it without the blanks around it"),
        ("your-top-secret-key".into(), of("your-top-secret-key"), 0, "it stands in manuals as an example"),
        ("short".into(), of("short"), 0, "Provided key is too short"),
        (String::new(), of("short"), 1, "403 jwt_auth_bad_config"),
        ("another".into(), good(), 1, "another secret, another site, or a damaged token"),
    ];
    for (place, (secret, input, code, words)) in table.into_iter().enumerate() {
        let path = file(&format!("secret-{place}"), &secret);
        let ended = token(&["--secret-file", path.to_str().unwrap()], input.as_bytes());
        assert!(ended.out.contains(words), "{words}\n{}", ended.out);
        assert_eq!(ended.code, Some(code), "{words}\n{}", ended.out);
    }
}

#[test]
fn what_cannot_be_examined_is_told_by_what_it_is() {
    let (one, two) = (good(), good());
    let garbage: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let table = [
        (Vec::new(), "nothing came"),
        (b"\n".to_vec(), "nothing came"),
        (garbage, "no text"),
        (vec![b'a'; 1 << 20], "longer than 64 KiB"),
        (format!("{one}\n{two}").into_bytes(), "several tokens"),
        (
            format!("Authorization: Bearer {one}\nAuthorization: Bearer {two}").into_bytes(),
            "two Authorization lines",
        ),
        (b"Basic dTpw".to_vec(), "is Basic and no token"),
        (
            br#"{"code":"[jwt_auth] incorrect_password","message":"x","data":{"status":403}}"#.to_vec(),
            "[jwt_auth] incorrect_password",
        ),
        (b"{}".to_vec(), "JSON without a token"),
    ];
    for (input, words) in table {
        let ended = token(&ALL, &input);
        assert!(
            ended.out.starts_with("not examined: ") && ended.out.contains(words),
            "{words}\n{}",
            ended.out
        );
        assert_eq!((ended.code, &*ended.err), (Some(3), ""));
        let machines = token(&["--output", "json"], &input);
        let told: Value = serde_json::from_str(&machines.out).unwrap();
        assert!(told["not_examined"].as_str().unwrap().contains(words));
        assert_eq!((machines.code, &told["refused"]), (Some(3), &Value::Null));
    }
}

#[test]
fn a_wrong_command_line_is_told_and_nothing_of_it_repeated() {
    let tok = good();
    let url = format!("https://u:{tok}@example.com");
    let assigned = format!("--token={tok}");
    let dashed = format!("-{tok}");
    let table: [(&[&str], &str); 11] = [
        (&[&tok], "does not belong on a command line"),
        (&["Bearer", &tok], "does not belong on a command line"),
        (&["--output", "json", &tok], "does not belong on a command line"),
        (&["--", &dashed], "does not belong on a command line"),
        (&["--token", &tok], "--token"),
        (&[&assigned], "--token"),
        (&[&dashed], "unexpected argument"),
        (&["--secret-env", &tok], "--secret-env: there is no such variable"),
        (&["--secret-file", &tok], "--secret-file: the file cannot be read: No such file"),
        (&["--site", &url], "has a user or password in it"),
        (&["--site", &tok], "has no scheme"),
    ];
    for (arguments, words) in table {
        let ended = token(arguments, b"");
        assert!(ended.err.contains(words), "{words}\n{}", ended.err);
        assert_eq!((ended.code, &*ended.out), (Some(2), ""));
        for part in tok.split('.') {
            assert!(!ended.err.contains(part), "{words}");
        }
    }
}

/// Marks in every place, and in none of the output.
#[test]
fn no_marked_secret_is_ever_written() {
    const MARKS: [&str; 5] = ["hunter2marked", "kidmarked", "namemarked", "issmarked", "usermarked"];
    let header = json!({ "alg": "algmarked", "typ": "typmarked", "kid": "kidmarked" });
    let claims = json!({ "user": { "id": "usermarked" }, "name": "namemarked" });
    let mut tokens = vec![
        good(),
        signed(&header, "data", &claims, "hunter2marked"),
        with("iss", &json!("https://issmarked:hunter2marked@example.com")),
        with("iss", &json!("issmarked")),
        with("exp", &json!("hunter2marked")),
        "hunter2marked.kidmarked.namemarked".to_owned(),
        "hunter2marked".to_owned(),
        "hunter2marked usermarked".to_owned(),
        "{{hunter2marked}}".to_owned(),
        json!({ "token": { "hunter2marked": 1 }, "message": "namemarked" }).to_string(),
        "one namemarked\ntwo hunter2marked".to_owned(),
    ];
    let around = [
        "Bearer \"{}\"",
        "bearer {}",
        "Authorization: {}",
        "Authorization: Digest {}",
        "X-Authorization: {}",
        "Bearer <{}>",
        "{}%0A",
    ];
    let wrapped: Vec<_> =
        tokens.iter().flat_map(|token| around.map(|form| form.replace("{}", token))).collect();
    tokens.extend(wrapped);
    let path = file("secret-marked", "hunter2marked\n");
    let file = ["--secret-file", path.to_str().unwrap()];
    for input in &tokens {
        for arguments in [&ALL[..], &[], &file, &["--output", "json", "--secret-env", "SITES_SECRET"]] {
            let ended = token(arguments, input.as_bytes());
            let all = ended.out + &ended.err;
            let parts =
                input.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|part| part.len() > 20);
            for mark in MARKS.into_iter().chain(["algmarked", "typmarked", SECRET]).chain(parts) {
                assert!(!all.contains(mark), "{mark}\n{input}\n{all}");
            }
        }
    }
}

/// The names of all fields, `a.b` for those below others.
fn names(value: &Value, below: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let path = if below.is_empty() { name.clone() } else { format!("{below}.{name}") };
                names(value, &path, out);
                out.push(path);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| names(value, &format!("{below}[]"), out)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_json_is_documented() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/token.md")).unwrap();
    let (_, page) = page.split_once("## `--output json`").unwrap();
    let path = file("secret-documented", "your-top-secret-key\n");
    let arguments = ["--site", SITE, "--secret-file", path.to_str().unwrap(), "--output", "json"];
    let input = format!("export TOKEN='{}'", with("iss", &json!("https://other.example")));
    let told = token(&arguments, input.as_bytes());
    let value: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(value["schema"], 1);
    let mut fields = Vec::new();
    names(&value, "", &mut fields);
    for field in fields.iter().filter(|field| !field.starts_with("findings[]")) {
        let last = field.rsplit('.').next().unwrap();
        let is_there =
            [format!("`{field}`"), format!("`{field}[]`"), format!("`{last}`"), format!("`{last}[]`")];
        let is_there =
            is_there.iter().any(|name| page.contains(name)) || page.contains(&format!("`{field}."));
        assert!(is_there, "{field} is not in docs/token.md");
    }
    let documented = [
        "given.form",
        "header.typ",
        "claims.issuer_differs",
        "secret[].remark",
        "route.checks[].outcome",
        "validate.status",
        "findings[].rule",
    ];
    for field in documented {
        assert!(fields.iter().any(|one| one == field), "{field}: {fields:?}");
    }
}

#[test]
fn what_was_pasted_is_said_and_its_token_found() {
    let good = good();
    for (around, code, words) in [
        ("headers: { \"Authorization\": \"Bearer {}\" }", 0, "a line of a program, and the token in it"),
        ("const token = '{}';", 0, "a line of a program, and the token in it"),
        ("Cookie: a=b; token={}", 1, "a line Cookie: …, and the plugin reads Authorization alone"),
        ("https://example.com/?jwt={}", 1, "an address with the token in its query"),
        ("'Authorization': `Bearer ${token}`", 3, "its token stands in a variable"),
        ("Bearer%20{}", 1, "it stands there as Bearer%20…"),
    ] {
        let ended = token(&["--site", "https://example.com"], around.replace("{}", &good).as_bytes());
        assert_eq!(ended.code, Some(code), "{around}: {}{}", ended.out, ended.err);
        let out = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains(words), "{around}: {}", ended.out);
        assert!(!ended.out.contains(&good), "{around}");
        assert!(code == 3 || ended.out.contains("alg HS256"), "the token is read: {}", ended.out);
    }
}
