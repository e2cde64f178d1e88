//! The commands that end by themselves: what they print of a site, a token, logs and files that hold secrets, and what they say of
//! wrong usage and wrong files.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::marks::{
    API_KEY, APP_PASSWORD, BASIC, COOKIE, EMAIL, EXPIRED, FOREIGN, GATE, KEY_ID, LOGIN, NONCE, OPAQUE,
    OTHER_PASSWORD, PASSWORD, PHP_PASSWORD, REFRESH, RESET_KEY, SESSION, SIGNATURE, SITE_SECRET, TOKEN,
    TOKEN_ID,
};
use super::requests::requests;
use super::running::{Left, assert_clean, program, rest, said};
use crate::world::{Authority, Origin, SecureOrigin, Wire};

/// The secrets that commands are given in the environment.
fn environment() -> [(&'static str, &'static str); 5] {
    [
        ("HEADER_DOCTOR_PASSWORD", PASSWORD),
        ("HEADER_DOCTOR_APP_PASSWORD", APP_PASSWORD),
        ("HEADER_DOCTOR_TOKEN", &TOKEN),
        ("SITES_SECRET", SITE_SECRET),
        ("WRONG_PLACE", OPAQUE),
    ]
}

/// All that a command says, with this on its standard input.
fn told(arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> [Left; 2] {
    let mut command = program();
    command.args(arguments).envs(environment.iter().copied());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have seen enough before all is written.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some_and(|code| code <= 3), "{arguments:?}: {output:?}");
    said(&format!("{arguments:?}"), output)
}

fn text(left: &[Left]) -> String {
    left.iter().map(|left| String::from_utf8_lossy(&left.bytes)).collect()
}

/// What `run` and `check` read from the environment, each behind `HEADER_DOCTOR_`.
const VARIABLES: [&str; 18] = [
    "CONFIG",
    "LISTEN",
    "UPSTREAM",
    "ROOT",
    "PHP_ROOT",
    "OBSERVE",
    "TRUSTED_PROXY",
    "CORS_ORIGIN",
    "TRAIL_KEY_FILE",
    "HOP",
    "LOG_FORMAT",
    "ADMIN",
    "HEALTH_ADDRESS",
    "UPGRADE_SOCKET",
    "UPGRADE",
    "PASSWORD",
    "APP_PASSWORD",
    "TOKEN",
];

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn wrong_usage_is_told_and_not_what_was_typed() {
    let url = format!("http://{LOGIN}:{PASSWORD}@host");
    let query = format!("https://host/?token={OTHER_PASSWORD}");
    let (bearer, basic) = (format!("Authorization: Bearer {}", *TOKEN), format!("Basic {}", *BASIC));
    let [flag, option] = [format!("--{OPAQUE}"), format!("--observe={PASSWORD}")];
    let user = format!("jo:{PASSWORD}");
    let header = format!("X-{OPAQUE} {PASSWORD}");
    let run = ["run", "--upstream", "h:80"];
    let over = |more: &[&'static str]| [&run[..], more].concat();
    let mut usages: Vec<Vec<&str>> = vec![
        vec![&url],
        vec![OPAQUE],
        vec![PASSWORD],
        vec![&flag],
        vec!["run", &url],
        vec!["run", "--upstream", &url],
        vec!["run", "--upstreem", &url],
        vec!["run", "--upstream", OPAQUE, PASSWORD],
        vec!["run", "--listen", &url],
        vec!["run", &flag],
        vec!["run", "--observe", OPAQUE],
        vec!["run", &option],
        vec!["check", &url],
        vec!["check", &query],
        vec!["check", "https://host", PASSWORD],
        vec!["check", "https://host", &bearer],
        vec!["check", "https://host", "--token", &TOKEN],
        vec!["check", "https://host", "--password", PASSWORD],
        vec!["check", "https://host", "--user", &user],
        vec!["check", "https://host", "--header", &bearer],
        vec!["check", "https://host", "--header", &header],
        vec!["check", "https://host", "--header", OPAQUE],
        vec!["check", "https://host", "--origin", &url],
        vec!["check", "https://host", "--endpoint", &query],
        vec!["check", "https://host", "--browser-origin", &url],
        vec!["check", "https://host", "--timeout", OPAQUE],
        vec!["check", "https://host", "--output", PASSWORD],
        vec!["check", "https://host", "--trail-key-file", OPAQUE],
        vec!["token", &TOKEN],
        vec!["token", PASSWORD],
        vec!["token", "--token", &TOKEN],
        vec!["token", "--secret", SITE_SECRET],
        vec!["token", "--secret-env", SITE_SECRET],
        vec!["token", "--secret-env", PASSWORD],
        vec!["token", "--secret-file", SITE_SECRET],
        vec!["token", "--site", &url],
        vec!["token", "--site", &TOKEN],
        vec!["token", "--output", PASSWORD],
        vec!["explain", &TOKEN],
        vec!["explain", &bearer],
        vec!["explain", &basic],
        vec!["explain", OPAQUE],
        vec!["explain", RESET_KEY],
        vec!["explain", API_KEY],
        vec!["explain", "Authorization:", "Bearer", &TOKEN],
        vec!["explain", "--output", PASSWORD],
        vec!["compare", "a", "b", PASSWORD],
        vec!["compare", OPAQUE, "b"],
        vec!["compare", PASSWORD, "b"],
        vec!["run", "--config", OPAQUE],
        vec!["run", "--config", PASSWORD],
        vec!["config", "validate", &TOKEN],
        vec!["config", "validate", PASSWORD],
        vec!["config", "show", "--config", OPAQUE],
        vec!["health", "--config", OPAQUE],
        vec!["php-hop", "remove", OPAQUE],
        vec!["php-hop", "remove", PASSWORD],
        vec!["config", PASSWORD],
        vec!["config", "show", PASSWORD],
        vec!["php-hop", OPAQUE],
        vec!["php-hop", "print", PASSWORD],
        vec!["php-hop", "print", "--key-file", OPAQUE],
        vec!["health", PASSWORD],
        vec!["health", "--health-address", OPAQUE],
        vec!["demo", "--once", PASSWORD],
        vec!["demo", "--listen", OPAQUE],
        vec!["completions", PASSWORD],
        vec!["man", PASSWORD],
    ];
    for name in [
        "--trusted-proxy",
        "--cors-origin",
        "--log-format",
        "--listen",
        "--health-address",
        "--admin",
        "--upstream",
    ] {
        usages.extend([OPAQUE, PASSWORD].map(|value| over(&[name, value])));
    }
    // A word may be the name of a doctor or of a file, and is shown.
    usages.extend(["--hop", "--trail-key-file"].map(|name| over(&[name, OPAQUE])));
    let mut left: Vec<_> = usages.iter().flat_map(|usage| told(usage, "", &[])).collect();
    for name in [
        "CONFIG",
        "PHP_ROOT",
        "CORS_ORIGIN",
        "HEALTH_ADDRESS",
        "LISTEN",
        "UPSTREAM",
        "OBSERVE",
        "TRUSTED_PROXY",
        "HOP",
        "LOG_FORMAT",
        "TRAIL_KEY_FILE",
        "UPGRADE",
        "ADMIN",
        "ROOT",
    ] {
        let name = format!("HEADER_DOCTOR_{name}");
        // A flag beats a variable, so that this one is not to have its flag beside it.
        let arguments = if name.ends_with("_UPSTREAM") { &run[..1] } else { &run };
        left.extend(told(arguments, "", &[(&name, OPAQUE)]));
        left.extend(told(&["run", "--help"], "", &[(&name, OPAQUE)]));
    }
    // Pages that tell of variables, and a configuration that is made of them.
    let all: Vec<_> = VARIABLES.iter().map(|name| format!("HEADER_DOCTOR_{name}")).collect();
    let all: Vec<_> = all.iter().map(|name| (&**name, OPAQUE)).collect();
    for arguments in [
        &["man"][..],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["check", "--help"],
        &["php-hop", "install", "--help"],
        &["health"],
        &["config", "show"],
        &["config", "validate"],
    ] {
        left.extend(told(arguments, "", &all));
    }
    // The doors are named by what was typed.
    let left: Vec<_> = left.into_iter().map(|left| Left::by("usage", left.bytes)).collect();
    assert!(left.iter().filter(|left| !left.bytes.is_empty()).count() >= usages.len());
    assert_clean(&left);
}

/// Files of configuration that are wrong.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn wrong_files(folder: &Path) -> Vec<String> {
    let site = "sites: [{ upstreams: [{ url: 'h:80' }] }]";
    let upstream = |keys: &str| format!("sites: [{{ upstreams: [{{ {keys} }}] }}]");
    let of_site = |keys: &str| format!("sites: [{{ upstreams: [{{ url: 'h:80' }}], {keys} }}]");
    let of_file = |keys: &str| format!("{site}\n{keys}");
    let tls = |certificate: &str, key: &str| {
        let folder = folder.display();
        of_file(&format!(
            "listeners: [{{ address: '127.0.0.1:0', tls: [{{ certificate: '{folder}/{certificate}', private_key: '{folder}/{key}' }}] }}]"
        ))
    };
    let keys =
        |name: &str| of_file(&format!("trail: {{ hop: edge, key_file: '{}/{name}' }}", folder.display()));
    let mut files = vec![
        OPAQUE.to_owned(),
        format!("- {PASSWORD}"),
        format!("sites: {PASSWORD}"),
        format!("sites: [{PASSWORD}]"),
        of_file(&format!("password: {PASSWORD}")),
        of_file(&format!("{OPAQUE}: 1")),
        of_file(&format!("? [{PASSWORD}]\n: 1")),
        of_file(&format!("log: {{ {OPAQUE}: {PASSWORD} }}")),
        of_file(&format!("log: {{ format: [{PASSWORD}], level: {{ {PASSWORD}: 1 }} }}")),
        of_file(&format!("log: \"{PASSWORD}")),
        of_file(&format!("log: {{ level: *{PASSWORD} }}")),
        of_file(&format!("log: !{OPAQUE} {{ level: {OPAQUE} }}")),
        of_file(&format!("log: {{ level: '${{{PASSWORD} {OPAQUE}}}' }}")),
        of_file(&format!("log: {{ level: '${{NOT_SET:-{OPAQUE}}}' }}")),
        of_file(&format!("log: {{ level: 'Bearer {PASSWORD}' }}")),
        of_file(&format!("log: {{ level: '{}' }}", *TOKEN)),
        upstream(&format!("url: 'http://{LOGIN}:{PASSWORD}@h'")),
        upstream(&format!("url: 'http://h/?token={PASSWORD}'")),
        upstream(&format!("url: 'fastcgi://{LOGIN}:{PASSWORD}@h:9000', root: /")),
        upstream(&format!("url: 'unix:{LOGIN}:{PASSWORD}@/x'")),
        upstream(&format!("url: 'h:80', headers: {{ Authorization: 'Bearer {PASSWORD}' }}")),
        upstream(&format!("url: 'h:80', host: '{LOGIN}:{PASSWORD}@h'")),
        of_site(&format!("hosts: ['{LOGIN}:{PASSWORD}@h']")),
        of_site(&format!("cors: {{ allow_origins: ['https://{LOGIN}:{PASSWORD}@h'] }}")),
        of_site(&format!("authorization: {{ recover_from: ['Bearer {PASSWORD}'] }}")),
        tls("private.key", "private.key"),
        tls("certificate.crt", "certificate.crt"),
        tls("broken.key", "private.key"),
        tls("certificate.crt", "broken.key"),
        tls("certificate.crt", "encrypted.key"),
        tls("certificate.crt", "secrets.txt"),
        tls("secrets.txt", "private.key"),
    ];
    files.extend(
        ["short.keys", "words.keys", "four.keys", "twice.keys", "secrets.txt", "private.key"].map(keys),
    );
    // In place of the name of a file, and by variables in every place.
    let pair = STANDARD.encode(SITE_SECRET);
    files.push(of_file(&format!("trail: {{ hop: edge, key_file: 'k1:{pair}' }}")));
    files.push(of_file(&format!("{PASSWORD}: 1")));
    for value in ["${WRONG_PLACE}", OPAQUE, PASSWORD] {
        for key in ["workers: '?'", "log: { level: '?' }", "drain: { delay: '?' }", "trusted_proxies: ['?']"]
        {
            files.push(of_file(&key.replace('?', value)));
        }
    }
    for key in [
        "url: '${WRONG_PLACE}'",
        "url: 'h:80', connect_timeout: '${WRONG_PLACE}'",
        "url: 'http://${WRONG_PLACE}@h'",
    ] {
        files.push(upstream(key));
        files.push(upstream(&key.replace("${WRONG_PLACE}", OPAQUE)));
    }
    files
}

/// Writes a file that only its owner may read.
fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A folder of files that hold secrets, right ones and wrong ones. The private key is marked by a comment before it.
fn files() -> TempDir {
    let folder = TempDir::new().unwrap();
    let authority = Authority::of_a_test();
    let read = |name: &str| fs::read_to_string(authority.file(name)).unwrap();
    let put = |name: &str, text: &str| write(folder.path(), name, text);
    put("private.key", &format!("{OPAQUE}\n{}", read("a.key")));
    put("certificate.crt", &read("a.crt"));
    let pem = |what: &str, body: &str| format!("-----BEGIN {what}-----\n{body}\n-----END {what}-----\n");
    put("broken.key", &pem("PRIVATE KEY", &format!("{SITE_SECRET}!{OPAQUE}")));
    put("encrypted.key", &pem("ENCRYPTED PRIVATE KEY", &STANDARD.encode(SITE_SECRET.repeat(3))));
    put("secrets.txt", &format!("password={PASSWORD}\n{OPAQUE}\n{}\n", *TOKEN));
    let key = STANDARD.encode(SITE_SECRET);
    put("trail.keys", &format!("k1:{key}\n"));
    put("short.token", NONCE);
    put("two.token", &format!("{OPAQUE}\n{OPAQUE}\n"));
    put("spaces.token", &format!("{OPAQUE} {OPAQUE}"));
    put("short.keys", &format!("k1:{SITE_SECRET}\n"));
    put("words.keys", &format!("{OPAQUE} {PASSWORD}\n{key}\n"));
    put("four.keys", &format!("a:{key}\nb:{key}\nc:{key}\nd:{key}\n"));
    put("twice.keys", &format!("{OPAQUE}:{key}\n{OPAQUE}:{key}\n"));
    put(
        "wp-config.php",
        &format!(
            "<?php\ndefine('DB_PASSWORD', '{PHP_PASSWORD}');\ndefine('AUTH_KEY', '{OPAQUE}');\n\
             define('JWT_AUTH_SECRET_KEY', '{SITE_SECRET}');\n"
        ),
    );
    put(
        "wp-config-two.php",
        &format!("<?php define('JWT_AUTH_SECRET_KEY', '{SITE_SECRET}' . getenv('{PHP_PASSWORD}'));\n"),
    );
    put(".env", &format!("DB_PASSWORD={PHP_PASSWORD}\nJWT_AUTH_SECRET_KEY=\"{SITE_SECRET}\nX={OPAQUE}\n"));
    folder
}

#[test]
fn a_wrong_file_is_told_by_its_place_and_not_by_what_stands_there() {
    let folder = files();
    let place = folder.path().join("doctor.yaml");
    let path = place.to_str().unwrap();
    let mut left = Vec::new();
    for (number, yaml) in wrong_files(folder.path()).iter().enumerate() {
        fs::write(&place, yaml).unwrap();
        let told = told(&["config", "validate", path], "", &environment());
        assert!(!text(&told).is_empty(), "{yaml}");
        left.extend(told.map(|left| Left::by(format!("file {number}"), left.bytes)));
        let other = if number % 2 == 0 { &["config", "show"][..] } else { &["health"] };
        let told = self::told(&[other, &["--config", path]].concat(), "", &environment());
        left.extend(told.map(|left| Left::by(format!("file {number} by {other:?}"), left.bytes)));
    }
    assert_clean(&left);
}

#[test]
fn a_right_file_is_shown_without_what_its_files_hold() {
    let folder = files();
    let (place, keys) = (folder.path().join("doctor.yaml"), folder.path().join("trail.keys"));
    let yaml = format!(
        "sites: [{{ upstreams: [{{ url: 'h:80' }}] }}]\ntrail: {{ hop: edge, key_file: '{}' }}",
        keys.display()
    );
    fs::write(&place, yaml).unwrap();
    let path = place.to_str().unwrap();
    let mut left: Vec<_> = told(&["config", "show", "--config", path], "", &environment()).into();
    left.extend(told(&["config", "validate", path], "", &environment()));
    left.extend(told(&["config", "schema"], "", &environment()));
    assert!(text(&left).contains("key_file"));
    assert_clean(&left);
}

/// A site that echoes everything, in all places: it is WordPress enough to be asked on.
fn echo(request: &str, lets_in: bool) -> String {
    let line = request.lines().next().unwrap_or_default();
    let sent = serde_json::to_string(request).unwrap();
    let sent = sent.trim_matches('"');
    let one_line: String = request.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    let token = &*TOKEN;
    let (status, body) = match line {
        line if line.contains("_fields") => (
            "200 OK",
            format!(
                r#"{{"name":"{sent}","description":"{token}","home":"http://{LOGIN}:{PASSWORD}@localhost/?{token}","url":"{sent}","namespaces":["wp/v2","jwt-auth/v1","{OPAQUE}"],"authentication":{{"application-passwords":{{"endpoints":{{"authorization":"http://{LOGIN}:{PASSWORD}@h/{OPAQUE}"}}}}}}}}"#
            ),
        ),
        line if line.contains("/jwt-auth/v1 HTTP") => (
            "200 OK",
            format!(
                r#"{{"namespace":"jwt-auth/v1","routes":{{"/jwt-auth/v1/token":{{}},"/jwt-auth/v1/token/validate":{{}},"/{OPAQUE}":{{}}}}}}"#
            ),
        ),
        line if line.contains("readme.txt") => {
            ("200 OK", format!("=== JWT ===\nStable tag: {OPAQUE}\n{sent}"))
        }
        line if lets_in && line.starts_with("POST") && line.contains("/token HTTP") => {
            ("200 OK", format!(r#"{{"token":"{token}","user_email":"{EMAIL}","user_nicename":"{sent}"}}"#))
        }
        line if lets_in && line.contains("users/me") => {
            ("200 OK", format!(r#"{{"id":7,"name":"{sent}","slug":"{LOGIN}"}}"#))
        }
        _ if request.contains("\r\nAuthorization: ") => (
            "403 Forbidden",
            format!(
                r#"{{"code":"jwt_auth_invalid_token","message":"Expired token {sent}","data":{{"status":403,"{OPAQUE}":"{token}"}}}}"#
            ),
        ),
        _ => {
            ("403 Forbidden", format!(r#"{{"code":"{OPAQUE}","message":"{sent}","data":{{"status":403}}}}"#))
        }
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nLink: <http://localhost/wp-json/>; rel=\"https://api.w.org/\"\r\nContent-Type: application/json\r\n\
         Server: {OPAQUE}\r\nX-Echo: {one_line}\r\nX-{OPAQUE}: {PASSWORD}\r\nSet-Cookie: {one_line}\r\nLocation: http://{LOGIN}:{PASSWORD}@h/?{token}\r\n\
         WWW-Authenticate: Basic realm=\"{PASSWORD}\"\r\nAccess-Control-Allow-Origin: https://{LOGIN}:{PASSWORD}@app.test\r\n\
         Access-Control-Allow-Headers: {OPAQUE}, {token}\r\nAccess-Control-Allow-Methods: {OPAQUE}\r\nVia: 1.1 {OPAQUE} ({PASSWORD})\r\n\
         X-Cache: {token}\r\nHeader-Doctor-Report: {OPAQUE};a=\"{PASSWORD}\"\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Sites that show what they were sent in other ways: redirects, pages, nonsense.
fn hostile(number: usize, request: &str) -> String {
    let one_line: String = request.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    let token = &*TOKEN;
    match number {
        0 => echo(request, true),
        1 => echo(request, false),
        2 => format!(
            "HTTP/1.1 301 Moved\r\nLocation: http://{LOGIN}:{PASSWORD}@localhost:1/{RESET_KEY}?token={token}\r\nContent-Length: 0\r\n\r\n"
        ),
        3 => format!(
            "HTTP/1.1 403 No\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><title>{OPAQUE}</title><pre>{request}</pre>{token}"
        ),
        4 => format!("HTTP/1.1 200 {one_line}\0\r\n\r\n"),
        5 => format!("{token} {one_line}\r\n\r\n"),
        6 => format!(
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"{PASSWORD} {token}\"\r\nContent-Length: 0\r\n\r\n"
        ),
        _ => format!("HTTP/1.1 200 OK\r\nX-{OPAQUE} : {one_line}\r\n\r\n"),
    }
}

fn hostile_site(number: usize) -> Origin {
    Origin::playing(move |mut wire: Wire, tell| {
        loop {
            let request = wire.message();
            wire.put(hostile(number, &request));
            tell(request);
            // What has no length ends with its connection.
            if number == 3 {
                return;
            }
        }
    })
}

#[test]
fn a_hostile_site_makes_check_repeat_nothing() {
    let folder = files();
    let keys = folder.path().join("trail.keys");
    let gate = format!("X-Gate: {GATE}");
    let cookie = format!("Cookie: gate={COOKIE}; PHPSESSID={SESSION}");
    let endpoint = format!("/wp-json/my/v1/reports?token={OTHER_PASSWORD}&_wpnonce={NONCE}");
    let sites: Vec<_> = (0..8).map(hostile_site).collect();
    let mut left = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let outputs = if number < 2 { &["text", "json", "markdown", "junit"][..] } else { &["text", "json"] };
        for (turn, output) in outputs.iter().enumerate() {
            let address = site.to_string().replace("127.0.0.1", "localhost");
            let mut arguments = vec![
                "check", &address, "--user", "jo", "--output", output, "--header", &gate, "--header", &cookie,
            ];
            arguments.extend([
                "--endpoint",
                &endpoint,
                "--browser-origin",
                "https://app.test",
                "--timeout",
                "5s",
            ]);
            if turn % 2 == 0 {
                arguments.extend(["--trail-key-file", keys.to_str().unwrap(), "--origin", "127.0.0.1:1"]);
            }
            if turn == 3 {
                arguments.push("--deep");
            }
            let secrets = environment();
            // With a login, with an application password alone, with a token that was given.
            let given = match turn {
                0 => &secrets[..2],
                1 => &secrets[1..2],
                2 => &secrets[..3],
                _ => &secrets[..1],
            };
            left.extend(
                told(&arguments, "", given)
                    .map(|left| Left::by(format!("check of {number} as {output}"), left.bytes)),
            );
        }
    }
    assert_is_told(&sites[0]);
    let typed = ["check", &sites[1].to_string(), "--user", "jo"];
    left.extend(
        told(&typed, &format!("{PASSWORD}\n"), &[])
            .map(|left| Left::by("a check by standard input", left.bytes)),
    );
    let dry = ["check", "localhost", "--user", "jo", "--dry-run", "--header", &gate, "--endpoint", &endpoint];
    let proxy = format!("http://{LOGIN}:{OTHER_PASSWORD}@proxy.test:3128");
    let given = [&environment()[..], &[("https_proxy", &proxy), ("http_proxy", &proxy)]].concat();
    left.extend(told(&dry, "", &given).map(|left| Left::by("a dry run", left.bytes)));
    let behind = ["check", &sites[1].to_string()];
    left.extend(told(&behind, "", &given).map(|left| Left::by("a check behind a proxy", left.bytes)));
    assert_clean(&left);
}

/// What a check does not send can nobody repeat: the site must have been told all of it.
fn assert_is_told(site: &Origin) {
    let told: String = std::iter::from_fn(|| site.next_request()).collect();
    for secret in [PASSWORD, &TOKEN, GATE, COOKIE, OTHER_PASSWORD] {
        assert!(told.contains(secret), "{secret}: {told}");
    }
}

#[test]
fn a_hostile_site_under_tls_is_not_repeated_either() {
    let (authority, gate) = (Authority::new(), format!("X-Gate: {GATE}"));
    let site = SecureOrigin::playing(authority.server("localhost"), |mut wire, tell| {
        while let Some(head) = wire.head() {
            wire.put(&echo(&head, false));
            tell(head);
        }
    });
    let address = format!("https://localhost:{}", site.port());
    let arguments =
        ["check", &address, "--insecure", "--all-addresses", "--timeout", "5s", "--header", &gate];
    let left = told(&arguments, "", &[]);
    assert!(site.told().contains(GATE));
    assert_clean(&left.map(|left| Left::by("a check under TLS", left.bytes)));
}

#[test]
fn a_certificate_with_a_secret_for_a_name_is_told_without_it() {
    let authority = Authority::new();
    let name = format!("{OPAQUE}.{PASSWORD}.test");
    let site =
        SecureOrigin::answering(authority.server(&name), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let address = format!("https://localhost:{}", site.port());
    let arguments = ["check", &address, "--timeout", "5s"];
    assert_clean(&told(&arguments, "", &environment()[..1]));
}

#[test]
fn no_part_of_a_token_is_shown_by_those_who_examine_it() {
    let folder = files();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let token = &*TOKEN;
    let (header, _) = token.split_once('.').unwrap();
    let inputs = [
        token.clone(),
        EXPIRED.clone(),
        FOREIGN.clone(),
        format!("Authorization: Bearer {token}"),
        format!("bearer \"{token}\""),
        format!("Bearer Bearer {token}"),
        format!("Basic {}", *BASIC),
        format!("Authorization: Basic {LOGIN}:{PASSWORD}"),
        format!(
            "curl -u {LOGIN}:{PASSWORD} -H 'Authorization: Bearer {token}' -b 'a={COOKIE}' https://{LOGIN}:{PASSWORD}@a.test/?token={PASSWORD}"
        ),
        format!(r#"{{"token":"{token}","user_email":"{EMAIL}","refresh_token":"{REFRESH}"}}"#),
        format!(r#"{{"code":"{OPAQUE}","message":"{token}"}}"#),
        format!("TOKEN={OPAQUE}"),
        OPAQUE.to_owned(),
        PASSWORD.to_owned(),
        format!("{header}.{SIGNATURE}"),
        format!("{header}.{header}.{header}"),
        format!(
            "GET /?token={PASSWORD} HTTP/1.1\r\nHost: {LOGIN}:{PASSWORD}@a\r\nCookie: a={COOKIE}\r\nAuthorization: Bearer {token}\r\nX: {OPAQUE}\r\n\r\n"
        ),
        format!("X-Authorization: Bearer {token}"),
        odd(&format!(
            r#"{{"iss":"http://{LOGIN}:{PASSWORD}@a.test/{OPAQUE}?{TOKEN_ID}","exp":"{OPAQUE}","iat":"{PASSWORD}","nbf":"{EMAIL}","data":{{"user":{{"id":"{OPAQUE}"}}}},"{OPAQUE}":1,"sub":"{LOGIN}","aud":"{EMAIL}"}}"#
        )),
        odd(&format!(r#"{{"iss":"{OPAQUE}","exp":4102444800,"data":"{PASSWORD}","{KEY_ID}":"{PASSWORD}"}}"#)),
        odd(&format!(
            r#"{{"iss":["{OPAQUE}"],"exp":[{{"{PASSWORD}":1}}],"data":{{"user":{{"id":["{PASSWORD}"]}}}}}}"#
        )),
        odd(&format!(r#"{{"iss":"http://a.test","{OPAQUE}": {PASSWORD}"#)),
    ];
    let mut left = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        for output in ["text", "json"] {
            let usual = ["token", "--output", output];
            for more in [
                &["--secret-env", "SITES_SECRET", "--site", "http://a.test"][..],
                &["--secret-file", &file("wp-config.php")],
            ] {
                let told = told(&[&usual[..], more].concat(), input, &environment());
                assert!(!text(&told).is_empty(), "{number}");
                left.extend(told.map(|left| Left::by(format!("token {number} as {output}"), left.bytes)));
            }
        }
    }
    for name in ["wp-config-two.php", ".env", "secrets.txt", "private.key", "broken.key", "trail.keys"] {
        let told = told(&["token", "--secret-file", &file(name)], token, &environment());
        left.extend(told.map(|left| Left::by(format!("the secret in {name}"), left.bytes)));
    }
    assert_clean(&left);
}

/// A token with these claims, and a header that is as odd.
fn odd(claims: &str) -> String {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header = format!(r#"{{"typ":"{OPAQUE}","alg":"{PASSWORD}","kid":"{KEY_ID}","{OPAQUE}":1}}"#);
    format!("{}.{}.{SIGNATURE}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The record of an exchange whose token got lost between the two, with this value in a field.
fn record(hop: &str, field: &str, value: &str) -> String {
    let mut record = serde_json::json!({
        "timestamp": "2026-01-01T00:00:00.000Z", "level": "WARN", "target": "header_doctor::exchange", "message": "Exchange diagnosed",
        "exchange": "0011223344556677", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "hop": hop, "client": "192.0.2.1",
        "method": "GET", "host": "a.test", "path": "/wp-json/wp/v2/users/me", "status": 401, "wordpress_code": "rest_not_logged_in",
        "wordpress_message": null, "lost": [], "findings": [], "upstream": "http://h:80", "tried": [], "duration_ms": 3,
        "authorization": { "scheme": "Bearer", "fingerprint": "0a1b2c3d", "key_id": null, "arrived": "once", "recovered_from": null, "sent": if hop == "edge" { "once" } else { "absent" }, "seen_by_php": null },
        "refusal": null, "failure": null, "cut_off": false, "client_gone": false,
    });
    if hop != "edge" {
        record["authorization"]["arrived"] = "absent".into();
    }
    let field = format!("/{field}");
    if let Some(place) = record.pointer_mut(&field) {
        *place = value.into();
    }
    format!("{record}\n")
}

#[test]
fn logs_that_hold_secrets_are_compared_without_them() {
    let fields = [
        "timestamp",
        "level",
        "message",
        "exchange",
        "trace_id",
        "hop",
        "client",
        "method",
        "host",
        "path",
        "status",
        "wordpress_code",
        "wordpress_message",
        "upstream",
        "lost",
        "findings",
        "authorization/scheme",
        "authorization/fingerprint",
        "authorization/key_id",
        "authorization/arrived",
        "authorization/sent",
        "authorization/recovered_from",
        "authorization",
        "failure",
        "refusal",
    ];
    let folder = TempDir::new().unwrap();
    let names = ["edge.jsonl", "sidecar.jsonl"].map(|name| folder.path().join(name));
    let [edge, sidecar] = names.each_ref().map(|name| name.to_str().unwrap());
    let mut left = Vec::new();
    let mut compare = |door: &str, logs: [String; 2]| {
        fs::write(edge, &logs[0]).unwrap();
        fs::write(sidecar, &logs[1]).unwrap();
        for output in ["text", "json"] {
            let told = told(&["compare", edge, sidecar, "--output", output], "", &[]);
            assert!(!text(&told).is_empty());
            left.extend(told.map(|left| Left::by(format!("compare {door} as {output}"), left.bytes)));
        }
        let told = told(&["compare", "-", sidecar], &logs[0], &[]);
        left.extend(told.map(|left| Left::by(format!("compare {door} from standard input"), left.bytes)));
    };
    for field in fields {
        for value in [OPAQUE, &TOKEN] {
            let healthy = ["edge", "sidecar"].map(|hop| record(hop, "none", ""));
            let odd = ["edge", "sidecar"].map(|hop| record(hop, field, value));
            compare(field, [format!("{}{}", healthy[0], odd[0]), format!("{}{}", healthy[1], odd[1])]);
        }
    }
    let lines = format!("{OPAQUE}\n{{\"{OPAQUE}\":\n{{\"target\":\"{}\",\"x\":\"{PASSWORD}\"}}\n", *TOKEN);
    compare("lines", [lines.clone(), lines]);
    assert_clean(&left);
}

#[test]
fn the_plugin_is_put_beside_secrets_and_takes_none_along() {
    let folder = files();
    fs::create_dir_all(folder.path().join("wp-content/mu-plugins")).unwrap();
    fs::create_dir_all(folder.path().join("wp-content/plugins")).unwrap();
    write(folder.path(), "wp-content/mu-plugins/other.php", format!("<?php // {PHP_PASSWORD}"));
    let (place, keys) = (folder.path().to_str().unwrap(), folder.path().join("trail.keys"));
    let keys = keys.to_str().unwrap();
    let mut left: Vec<Left> = Vec::new();
    for arguments in [
        &["php-hop", "install", place, "--key-file", keys][..],
        &["php-hop", "install", place, "--key-file", keys],
        &["php-hop", "print", "--key-file", keys],
        &["php-hop", "print", "--key-file", &format!("{place}/words.keys")],
        &["php-hop", "install", place, "--key-file", &format!("{place}/short.keys")],
        &["php-hop", "install", place, "--key-file", &format!("{place}/secrets.txt")],
    ] {
        let told = told(arguments, "", &environment());
        assert!(!text(&told).is_empty(), "{arguments:?}");
        left.extend(told);
    }
    let plugin = fs::read(folder.path().join("wp-content/mu-plugins/header-doctor.php"));
    let plugin = plugin.unwrap_or_else(|_| panic!("not installed: {}", text(&left)));
    left.push(Left::by("the plugin", plugin));
    left.extend(told(&["php-hop", "remove", place], "", &environment()));
    assert_clean(&left);
}

#[test]
fn whoever_answers_in_the_doctors_place_is_not_repeated_with_what_he_says() {
    let odd = Origin::answering(format!(
        "HTTP/1.1 503 {OPAQUE}\r\nContent-Length: 20\r\nX-{OPAQUE}: {PASSWORD}\r\n\r\n{OPAQUE}"
    ));
    let nonsense = Origin::answering(format!("{} {PASSWORD}\r\n\r\n", *TOKEN));
    let mut left = Vec::new();
    for origin in [odd, nonsense] {
        let address = origin.to_string().replace("http://", "");
        left.extend(told(&["health", "--health-address", &address], "", &environment()));
    }
    assert_clean(&left);
}

#[test]
fn the_demo_shows_nothing_of_its_surroundings() {
    let left = told(&["demo", "--once"], OPAQUE, &environment());
    assert!(text(&left).contains("Every verdict was the expected one."));
    assert_clean(&left);
}

#[test]
fn the_demo_shows_nothing_of_what_it_is_tried_with() {
    let mut child = program()
        .args(["demo", "--listen", "127.0.0.1:0"])
        .envs(environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = String::new();
    let mut until = |words: &str| {
        loop {
            let line = lines.next().expect("it goes on").unwrap();
            // The one that it makes up for its own WordPress.
            let own = line.find("TOKEN=").unwrap_or(line.len());
            told += &format!("{}\n", &line[..own]);
            if line.contains(words) {
                return line;
            }
        }
    };
    let place = until("stays up at http://localhost:");
    let port = place.split(':').nth(2).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    until("appears here");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut left = Vec::new();
    for request in requests(1).iter().step_by(7) {
        let reply = rest(Wire::to(address).send(request).finish());
        let first = String::from_utf8_lossy(request.split(|byte| *byte == b'\n').next().unwrap_or_default())
            .into_owned();
        left.push(Left::by(format!("the demo's reply to {first:.80}"), reply));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let count = lines.map_while(Result::ok).map(|line| told += &format!("{line}\n")).count();
    assert!(count > 30, "{count} lines: {told}");
    left.extend(said("the demo", child.wait_with_output().unwrap()));
    left.push(Left::by("the demo", told));
    assert_clean(&left);
}
