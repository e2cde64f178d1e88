//! What clients send: every byte arrives, and what breaks off is never run.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Call, Files, HOST, Site, Way};
use crate::judge::{ME, said};
use crate::stand::Stand;
use crate::token::basic;
use crate::world::until;

const SEEN: &str = "POST /wp-json/stand/v1/seen";
const MEDIA: &str = "POST /wp-json/wp/v2/media";

const MIB: usize = 1 << 20;

/// More promises than PHP-FPM has workers.
const PROMISES: usize = 12;

/// Bytes that do not repeat soon.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// What PHP itself calls it: no MD5 of ours is held against its own.
fn md5(path: &Path) -> String {
    let run = std::process::Command::new("md5sum").arg(path).output().unwrap();
    String::from_utf8(run.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn md5_of(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    md5(file.path())
}

#[test]
fn a_body_arrives_as_it_was_sent_and_measured() {
    let bodies = [1, 25, MIB, 9 * MIB].map(noise);
    let sums = bodies.each_ref().map(|body| md5_of(body));
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            for (body, sum) in bodies.iter().zip(&sums) {
                for (method, chunked) in
                    [("POST", false), ("POST", true), ("PUT", true), ("DELETE", false), ("GET", false)]
                {
                    let line = SEEN.replace("POST", method);
                    let call = Call { body, chunked, ..Call::new(&line, Vec::new()) };
                    let seen = site.ask(way, &call).json();
                    let expected =
                        json!({ "announced": body.len().to_string(), "length": body.len(), "md5": sum });
                    assert_eq!(seen["body"], expected, "{way:?} {method} chunked: {chunked}");
                    assert_eq!(seen["method"], method);
                }
            }
        }
        site.expect_silence();
    }
}

/// An attachment of WordPress; it is deleted with the test.
struct Attachment<'s> {
    site: &'s Site,
    id: u64,
    file: PathBuf,
}

impl<'s> Attachment<'s> {
    fn upload(site: &'s Site, way: Way, credential: &str, body: &[u8], chunked: bool) -> Self {
        let headers = vec![
            ("Authorization", credential.to_owned()),
            ("Content-Type", "application/zip".to_owned()),
            ("Content-Disposition", "attachment; filename=large.zip".to_owned()),
        ];
        let reply = site.ask(way, &Call { body, chunked, ..Call::new(MEDIA, headers) });
        assert_eq!(reply.status(), 201, "{way:?}: {reply:?}");
        let told = reply.json();
        let (_, path) = told["source_url"].as_str().unwrap().split_once(HOST).unwrap();
        let file = Path::new(Stand::up().get("SITE_ROOT")).join(path.trim_start_matches('/'));
        Self { site, id: told["id"].as_u64().unwrap(), file }
    }
}

impl Drop for Attachment<'_> {
    fn drop(&mut self) {
        let line = format!("DELETE /wp-json/wp/v2/media/{}?force=true", self.id);
        let reply = self.site.ask(Way::Http, &Call::by(&line, &Way::Http.bearer()));
        if !std::thread::panicking() {
            assert_eq!(reply.status(), 200, "{reply:?}");
            assert!(!self.file.exists());
        }
    }
}

#[test]
fn a_hundred_megabytes_are_uploaded() {
    let (stand, body) = (Stand::up(), noise(100_000_000));
    let sum = md5_of(&body);
    let site = Site::with(Files::Named);
    let app_password = basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"));
    for (way, credential, chunked) in [
        (Way::Http, Way::Http.bearer(), false),
        (Way::Https, app_password, true),
        (Way::H2, Way::H2.bearer(), false),
    ] {
        let attachment = Attachment::upload(&site, way, &credential, &body, chunked);
        assert_eq!(md5(&attachment.file), sum, "{way:?}");
    }
    site.expect_silence();
}

/// Each is one that PHP-FPM would wait for, or run with an empty body.
#[test]
fn a_promise_that_is_not_kept_runs_nothing_and_holds_nobody() {
    let bearer = Way::Http.bearer();
    let site = Site::with(Files::Named);
    let create = Call::by("POST /wp-json/wp/v2/posts?title=never&status=draft", &bearer).head();
    let promise = create.replace("Content-Length: 0", "Content-Length: 100");
    let chunks = create.replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let before = drafts(&site, &bearer);
    let descriptors = site.doctor.descriptors();
    let held: Vec<_> = (0..PROMISES)
        .map(|number| {
            let start =
                if number % 2 == 0 { format!("{promise}{{\"a\":") } else { format!("{chunks}5\r\n{{\"a\"") };
            site.doctor.connect().send(start)
        })
        .collect();
    assert_eq!(said(&site.ask(Way::Http, &Call::by(ME, &bearer))), "200 (user admin)");
    for (number, wire) in held.into_iter().enumerate() {
        if number % 3 == 0 {
            wire.reset();
            continue;
        }
        let reply = wire.finish().reply();
        assert_eq!(said(&reply), "400 header_doctor_body_cut_off");
    }
    for promise in ["-1", "25abc", "0x10", "1, 2", "+5", "99999999999999999999999"] {
        let odd = create.replace("Content-Length: 0", &format!("Content-Length: {promise}"));
        let reply = site.doctor.connect().send(odd).send("{}").reply();
        assert_eq!(reply.status(), 400, "{promise}: {reply:?}");
    }
    until("the doctor lets go of all", || site.doctor.descriptors() <= descriptors);
    assert_eq!(drafts(&site, &bearer), before, "a script ran");
    assert_eq!(said(&site.ask(Way::H2, &Call::by(ME, &Way::H2.bearer()))), "200 (user admin)");
}

fn drafts(site: &Site, bearer: &str) -> Value {
    let reply = site.ask(Way::Http, &Call::by("GET /wp-json/wp/v2/posts?status=draft&_fields=id", bearer));
    assert_eq!(reply.status(), 200);
    reply.json()
}

/// What is short of its length is no JSON, and what is beyond it is another request, and a bad one.
#[test]
fn a_length_that_is_too_small_cuts_and_runs_no_second_request() {
    let bearer = Way::Http.bearer();
    let site = Site::with(Files::Named);
    let ask = format!(
        "POST /wp-json/wp/v2/posts HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {bearer}\r\n\
         Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{{\"title\":\"never\"}} HTTP/1.1\r\n\r\n"
    );
    let mut wire = site.doctor.connect().send(ask);
    assert_eq!(said(&wire.reply()), "400 rest_invalid_json");
    assert!(wire.read_to_end().starts_with("HTTP/1.1 400 "));
}
