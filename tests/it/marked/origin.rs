//! An origin that quotes what it was sent, complains in every way that WordPress and its plugins do, and breaks off.
//!
//! What it says passes through to the client, and that is no leak: so it remembers each line, and what a client got is searched
//! without them.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::marks::{
    API_KEY, BASIC, COOKIE, EMAIL, EXPIRED, LOGIN, NONCE, OPAQUE, OTHER_PASSWORD, PASSWORD, REFRESH,
    SIGNATURE, TOKEN,
};
use super::running::Left;
use crate::world::{Origin, Wire, fastcgi};

/// Lines that the origin said, in small letters, and how often it was asked.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<HashSet<Vec<u8>>>>, Arc<AtomicUsize>);

impl Said {
    /// From now on this is what it says, too.
    pub(super) fn note(&self, reply: &[u8]) {
        let mut said = self.0.lock().unwrap();
        said.extend(lines(reply).map(|line| line.to_ascii_lowercase()));
    }

    /// It was asked once more.
    pub(super) fn count(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }

    /// What is left of a reply without what the origin said.
    pub(super) fn without(&self, reply: &[u8]) -> Vec<u8> {
        let said = self.0.lock().unwrap();
        let ours = lines(reply).filter(|line| !said.contains(&line.to_ascii_lowercase()));
        ours.flat_map(|line| [line, b"\n"].concat()).collect()
    }

    /// What a client got that the origin did not say.
    pub(super) fn left(&self, asked: &[u8], reply: &[u8]) -> Left {
        let first = asked.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first).chars().take(200).collect::<String>();
        Left::by(format!("reply to {first:?}"), self.without(reply))
    }
}

fn lines(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    reply.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The link by which WordPress is known.
const LINK: &str = "Link: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\n";

fn json(status: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{LINK}Content-Type: application/json; charset=UTF-8\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn error(status: u16, code: &str, message: &str) -> Vec<u8> {
    let body = format!(r#"{{"code":"{code}","message":"{message}","data":{{"status":{status}}}}}"#);
    json(&format!("{status} No"), "", &body)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Everything it can say.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn replies() -> Vec<Vec<u8>> {
    let token = &*TOKEN;
    let refused = format!(
        r#"{{"code":"jwt_auth_invalid_token","message":"Expired token {token}","data":{{"status":403,"token":"{token}"}}}}"#
    );
    let zipped = |bytes: &[u8]| {
        let head = format!(
            "HTTP/1.1 403 Forbidden\r\n{LINK}Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            bytes.len()
        );
        [head.as_bytes(), bytes].concat()
    };
    let moved =
        |to: &str| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes();
    let bare =
        |fields: &str| format!("HTTP/1.1 401 Unauthorized\r\n{fields}Content-Length: 0\r\n\r\n").into_bytes();
    vec![
        error(401, "rest_not_logged_in", "You are not currently logged in."),
        error(403, "jwt_auth_no_auth_header", &format!("Authorization header not found: {token}")),
        error(403, "jwt_auth_invalid_token", &format!("Expired token {token}")),
        error(403, "jwt_auth_invalid_token", "Signature verification failed"),
        error(403, "jwt_auth_bad_auth_header", &format!("Authorization header malformed: {OPAQUE}")),
        error(403, OPAQUE, &format!("{LOGIN} may not, said {EMAIL}")),
        error(403, token, "A code that is a token"),
        error(403, "rest_cookie_invalid_nonce", &format!("Cookie check failed: {NONCE} {COOKIE}")),
        error(401, "incorrect_password", &format!("The password {PASSWORD} for {LOGIN} is wrong")),
        error(400, "jwt_auth_bad_request", &format!("{REFRESH} in {API_KEY}")),
        error(400, "rest_invalid_param", &format!("Invalid parameter(s): {OTHER_PASSWORD}")),
        error(500, "internal_server_error", &format!("Uncaught {token}")),
        json("403 No", "", &format!(r#"{{"success":false,"statusCode":403,"code":"{OPAQUE}","message":"{token}","data":[]}}"#)),
        json("401 No", "", &format!(r#"{{"error":"{OPAQUE}","error_description":"{REFRESH} of {LOGIN}","status":"error"}}"#)),
        json("403 No", &format!("Set-Cookie: wordpress_logged_in_a={COOKIE}; path=/\r\n"), &refused),
        json(
            "401 No",
            &format!("WWW-Authenticate: Basic realm=\"{PASSWORD}\"\r\nWWW-Authenticate: Bearer error=\"{OPAQUE}\", error_description=\"{token}\"\r\n"),
            "{}",
        ),
        json(
            "403 No",
            &format!("X-{OPAQUE}: 1\r\nX-Token: {token}\r\nServer: {OPAQUE}\r\nX-Powered-By: {API_KEY}\r\nVia: 1.1 {PASSWORD} ({OPAQUE})\r\nX-Cache: {OPAQUE}\r\nCF-Ray: {OPAQUE}\r\nAge: {OPAQUE}\r\nDate: {OPAQUE}\r\nCache-Control: {OPAQUE}=\"{PASSWORD}\"\r\nVary: {OPAQUE}\r\nAllow: {OPAQUE}\r\n"),
            &refused,
        ),
        json("200 OK", "", &format!(r#"{{"token":"{token}","refresh_token":"{REFRESH}","user_email":"{EMAIL}","user_nicename":"{LOGIN}"}}"#)),
        json(
            "200 OK",
            &format!("Set-Cookie: refresh_token={REFRESH}; HttpOnly\r\nX-JWT-Refreshed: {}\r\nX-WP-Nonce: {NONCE}\r\n", *EXPIRED),
            &format!(r#"{{"success":true,"data":{{"token":"{token}","jwt":"{}"}}}}"#, *EXPIRED),
        ),
        json(
            "200 OK",
            &format!("Access-Control-Allow-Origin: https://{LOGIN}:{PASSWORD}@app.test\r\nAccess-Control-Allow-Headers: {OPAQUE}, x-{API_KEY}\r\nAccess-Control-Allow-Credentials: {OPAQUE}\r\nAccess-Control-Allow-Methods: {OPAQUE}\r\nAccess-Control-Expose-Headers: {OPAQUE}\r\n"),
            "{}",
        ),
        zipped(&gzip(&refused)),
        zipped(&zipped_half(&refused)),
        zipped(refused.as_bytes()),
        format!("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 4000\r\n\r\n<html><title>{OPAQUE}</title><p>Request {token} blocked by {PASSWORD}").into_bytes(),
        format!("HTTP/1.1 403 Forbidden\r\n{LINK}Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n{}", &refused[..refused.len() / 2]).into_bytes(),
        format!("HTTP/1.1 403 Forbidden\r\n{LINK}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x};{OPAQUE}={PASSWORD}\r\n{refused}\r\n0\r\nX-{API_KEY}: {token}\r\n\r\n", refused.len()).into_bytes(),
        moved(&format!("https://a.test/wp-json/?token={PASSWORD}&jwt={token}")),
        moved(&format!("http://{LOGIN}:{PASSWORD}@www.a.test/{RESET}/?key={OPAQUE}#access_token={token}", RESET = super::marks::RESET_KEY)),
        moved(&format!("//{LOGIN}:{OTHER_PASSWORD}@evil.test/{OPAQUE}")),
        moved(&format!("https://{OPAQUE}.a.test/wp-login.php?redirect_to=https%3A%2F%2Fa.test%2F%3Ftoken%3D{OTHER_PASSWORD}&reauth=1")),
        bare(&format!("WWW-Authenticate: {OPAQUE}\r\nServer: cloudflare\r\n")),
        bare(&format!("WWW-Authenticate: Basic realm={}\r\nServer: nginx\r\n", *BASIC)),
        bare(&format!("Header-Doctor-Report: {OPAQUE};a=\"{PASSWORD}\"\r\nHeader-Doctor-Answer: {token}\r\n")),
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_vec(),
        // What is no reply at all.
        format!("HTTP/1.1 200 OK\r\nX-{OPAQUE} : {PASSWORD}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\n{token}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 {PASSWORD}\0\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 {OPAQUE} OK\r\n\r\n").into_bytes(),
        format!("{token} {PASSWORD}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {OPAQUE}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {OPAQUE}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 101 Switching\r\nUpgrade: {OPAQUE}\r\nConnection: upgrade\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{SIGNATURE}\r\n").into_bytes(),
        Vec::new(),
    ]
}

fn zipped_half(text: &str) -> Vec<u8> {
    let whole = gzip(text);
    whole[..whole.len() / 2].to_vec()
}

/// The number of the reply that a request asks for.
pub(super) fn asked_for(request: &str) -> usize {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    let number = lines.find(|(name, _)| name.eq_ignore_ascii_case("x-reply")).map(|(_, number)| number);
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// An origin that says what the field `X-Reply` asks for, one reply on each connection.
pub(super) fn origin(said: &Said) -> Origin {
    let (replies, said) = (replies(), said.clone());
    replies.iter().for_each(|reply| said.note(reply));
    Origin::playing(move |mut wire: Wire, _| {
        let number = asked_for(&wire.head());
        said.count();
        wire.put(&replies[number % replies.len()]);
    })
}

/// PHP-FPM that says it, and complains of it in its log as scripts do.
pub(super) fn php(said: &Said, complaints: Vec<String>) -> Origin {
    let (replies, said) = (replies(), said.clone());
    replies.iter().for_each(|reply| said.note(reply));
    Origin::playing(move |mut wire: Wire, _| {
        let told = fastcgi::request(&mut wire);
        said.count();
        let number: usize =
            told["HTTP_X_REPLY"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
        let reply = String::from_utf8_lossy(&replies[number % replies.len()]).into_owned();
        let reply = reply.replacen("HTTP/1.1 ", "Status: ", 1);
        let complaint = &complaints[number % complaints.len()];
        wire.put([fastcgi::record(7, complaint.as_bytes()), fastcgi::answer(&reply)].concat());
    })
}
