//! Marked secrets in every place a credential can stand, driven through everything that writes.

use std::time::{Duration, Instant};

use header_doctor::event::Event;
use header_doctor::message::Fields;
use header_doctor::report::Repeats;
use header_doctor::report::log::{Format, render, summary};

use crate::report::{COLOURED, LINK, PRETTY, exchange};
use crate::world::{Doctor, Origin};

const MARKS: [&str; 8] = [
    "hunter2marked",
    "s3cr3tm4rk3dt0k3n9",
    "eyJtYXJrZWQiOiJzZWNyZXQifQ",
    "bm9uY2VtYXJrZWQ",
    "cookiemarked",
    "querymarked",
    "messagemarked",
    "usermarked",
];

const CREDENTIALS: [&str; 8] = [
    "Bearer s3cr3tm4rk3dt0k3n9",
    "Bearer eyJhbGciOiJIUzI1NiJ9.eyJtYXJrZWQiOiJzZWNyZXQifQ.hunter2marked",
    "bearer hunter2marked",
    "hunter2marked",
    "hunter2marked s3cr3tm4rk3dt0k3n9",
    "Basic dXNlcm1hcmtlZDpodW50ZXIybWFya2Vk",
    "Bearer {{hunter2marked}}",
    "Bearer \"hunter2marked\"",
];

const REPLIES: [&str; 6] = [
    r#"{"code":"jwt_auth_no_auth_header","message":"messagemarked","data":{"status":403}}"#,
    r#"{"code":"jwt_auth_invalid_token","message":"Expired token","data":{"token":"hunter2marked"}}"#,
    r#"{"code":"s3cr3tm4rk3dt0k3n9","message":"messagemarked","data":{"status":403}}"#,
    r#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to messagemarked","data":{"status":403}}"#,
    r#"{"status":"error","error":"s3cr3tm4rk3dt0k3n9","code":"401","error_description":"messagemarked"}"#,
    "<html>messagemarked</html>",
];

const TARGETS: [&str; 4] = [
    "/wp-json/wp/v2/users/me?token=querymarked&_wpnonce=querymarked",
    "/reset/s3cr3tm4rk3dt0k3n9?querymarked",
    "http://usermarked:hunter2marked@api.example.com/wp-json/?a=querymarked",
    "/?rest_route=/x/s3cr3tm4rk3dt0k3n9",
];

#[test]
fn no_marked_secret_is_ever_written() {
    for credential in CREDENTIALS {
        for (reply, target) in REPLIES.iter().flat_map(|reply| TARGETS.map(|target| (reply, target))) {
            for status in [401, 403] {
                search(&sick(credential, target, status, reply));
            }
        }
    }
}

fn sick(credential: &str, target: &str, status: u16, reply: &str) -> Event {
    let request = Fields::from([
        ("Host", "usermarked:hunter2marked@api.example.com"),
        ("Authorization", credential),
        ("Cookie", "wordpress_logged_in_x=cookiemarked"),
        ("X-WP-Nonce", "bm9uY2VtYXJrZWQ"),
        ("Origin", "https://usermarked:hunter2marked@x"),
        ("traceparent", "hunter2marked"),
    ]);
    let server = Fields::from([LINK, ("Server", "hunter2marked"), ("WWW-Authenticate", "hunter2marked")]);
    exchange("hunter2marked", target, request, status, server, reply)
}

fn search(event: &Event) {
    let mut texts = vec![format!("{event:?}")];
    texts.extend([PRETTY, COLOURED, Format::Json].map(|format| render(event, format)));
    texts.extend(summed_up(event));
    for (text, mark) in texts.iter().flat_map(|text| MARKS.map(|mark| (text, mark))) {
        assert!(!text.contains(mark), "{mark} in {text}");
    }
}

/// What is written when the same comes twice, if anything was found.
fn summed_up(event: &Event) -> Vec<String> {
    let (mut repeats, now) = (Repeats::new(Duration::from_secs(60)), Instant::now());
    let news = [0; 2].map(|_| repeats.is_news(event, now));
    assert_eq!(news, [true, event.findings.is_empty()]);
    let mut texts = vec![format!("{repeats:?}")];
    for held_back in repeats.rest(now) {
        texts.extend([PRETTY, COLOURED, Format::Json].map(|format| summary(&held_back, event.at, format)));
    }
    texts
}

/// What a stranger, a proxy and a browser may say beside credentials, each with a mark in it.
const SAID: [&str; 12] = [
    "Authorization: Bearer undefined",
    "Cookie: wordpress_logged_in_x=cookiemarked",
    "Origin: https://usermarked:hunter2marked@x",
    "Origin: https://app.test",
    "Access-Control-Request-Headers: eyj0exaioijkv1qilcjhbgcioijiuzi1nij9-hunter2marked",
    "Access-Control-Request-Method: GET",
    "X-Request-Id: s3cr3tm4rk3dt0k3n9",
    "X-Authorization: Bearer s3cr3tm4rk3dt0k3n9",
    "X-Forwarded-For: usermarked",
    "X-Forwarded-Host: usermarked:hunter2marked@x",
    "Forwarded: for=_hunter2marked;by=querymarked",
    "Via: 1.1 hunter2marked (s3cr3tm4rk3dt0k3n9)",
];

#[test]
fn no_policy_writes_what_a_header_says() {
    let replies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: hunter2marked\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://usermarked:hunter2marked@blog.test/?t=querymarked\r\n\r\n",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://x.test/s3cr3tm4rk3dt0k3n9#hunter2marked\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm=\"hunter2marked\"\r\nVia: hunter2marked\r\n\r\n",
    ];
    let cors = "cors: { allow_origins: ['https://app.test'] }, redirects: rewrite";
    let recovery = "authorization: { recover_from: [x-authorization], mirror_to: [x-copy] }";
    let trusted = "trusted_proxies: [loopback]";
    for reply in replies {
        let origin = Origin::answering(reply);
        for (site, file) in [
            ("mode: observe", ""),
            (cors, ""),
            (recovery, trusted),
            ("authorization: { placeholder_tokens: refuse }", trusted),
        ] {
            let doctor = Doctor::with_file(&format!(
                "listeners: [{{ address: 127.0.0.1:0 }}]\nworkers: 1\n\
                 log: {{ format: json, exchanges: all, client_address: full }}\n{file}\n\
                 sites: [{{ upstreams: [{{ url: \"{origin}\" }}], {site} }}]\n"
            ));
            drive(&doctor);
        }
    }
}

/// One request without each of the fields in turn, so that none hides what another would give away.
fn drive(doctor: &Doctor) {
    for (method, left_out) in
        ["GET", "OPTIONS"].into_iter().flat_map(|m| (0..SAID.len()).map(move |at| (m, at)))
    {
        let said = SAID.iter().enumerate().filter(|(at, _)| *at != left_out);
        let fields: String = said.map(|(_, field)| format!("{field}\r\n")).collect();
        let head = format!(
            "{method} /wp-json/?t=querymarked HTTP/1.1\r\nHost: blog.test\r\nConnection: close\r\n{fields}\r\n"
        );
        doctor.connect().send(head).read_to_end();
        let event = doctor.event().to_string();
        let found = MARKS.iter().find(|mark| event.contains(*mark));
        assert_eq!(found, None, "{event}");
    }
}

#[test]
fn a_wrong_file_is_told_without_the_token_in_it() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJtYXJrZWQiOiJzZWNyZXQifQ.hunter2marked";
    for site in [
        "authorization: { recover_from: ['Bearer hunter2marked'] }".to_owned(),
        "authorization: { mirror_to: ['x-copy: Bearer hunter2marked'] }".to_owned(),
        "cors: { allow_origins: ['https://usermarked:hunter2marked@x'] }".to_owned(),
        format!("cors: {{ allow_origins: ['{token}'] }}"),
        format!("cors: {{ allow_origins: ['https://x.test/{token}'] }}"),
        format!("cors: {{ allow_origins: ['*'], allow_headers: ['authorization: Bearer {token}'] }}"),
        format!("cors: {{ allow_origins: ['*'], paths: ['{token}'] }}"),
        "cors: { allow_origins: ['*'], paths: ['/wp-json/?token=querymarked'] }".to_owned(),
        format!("redirects: {token}"),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("sites: [{{ upstreams: [{{ url: 'h:80' }}], {site} }}]\n"))
            .unwrap();
        let mut told = std::process::Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        let told =
            told.args(["config", "validate", "--config"]).arg(file.path()).env_clear().output().unwrap();
        let text = String::from_utf8(told.stderr).unwrap();
        assert_eq!((told.status.code(), text.contains("sites[0]")), (Some(2), true), "{text}");
        assert_eq!(MARKS.iter().find(|mark| text.contains(*mark)), None, "{text}");
    }
}
