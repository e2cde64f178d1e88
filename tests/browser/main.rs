//! What a real Chromium lets a page of another origin see, and the words its console shows otherwise.
//!
//! `header_doctor::browser` foretells both, and no server ever learns whether it was right: so a browser is asked.
//! A case is one row: who answers, what the page asks for, what comes of it. The words are Chromium 156's.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

#[path = "../it/world/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::allow_attributes,
    reason = "the world serves another test program too"
)]
mod world;

#[path = "../wordpress/stand.rs"]
mod stand;

mod chromium;
mod site;
mod stub;

use chromium::{Chromium, Fetch};
use stand::Stand;
use stub::{Answer, Stub};
use world::Doctor;

const ME: &str = "/wp-json/wp/v2/users/me";

/// A page that sends no cookies, and one that would.
const PLAIN: Fetch = Fetch { page: 0, method: "GET", credentials: "same-origin" };
const INCLUDE: Fetch = Fetch { credentials: "include", ..PLAIN };
const ELSEWHERE: Fetch = Fetch { page: 1, ..PLAIN };
const DELETE: Fetch = Fetch { method: "DELETE", ..PLAIN };

/// What a page gets.
#[derive(Clone, Copy)]
enum Outcome {
    /// It can read the reply, which has this status.
    Reads(u16),
    /// It hears of a failure only; the console says these words of the preflight.
    Preflight(&'static str),
    /// The same, of the reply itself.
    Reply(&'static str),
}
use Outcome::{Preflight, Reads, Reply};

const NONE: &str = "No 'Access-Control-Allow-Origin' header is present on the requested resource.";
const OTHER: &str = "The 'Access-Control-Allow-Origin' header has a value 'https://app.test' that is not equal to the supplied origin.";
const WILDCARD: &str = "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' \
     when the request's credentials mode is 'include'.";
const TWO: &str = "The 'Access-Control-Allow-Origin' header contains multiple values '{origin}, *', but only one is allowed.";
const NOT_TRUE: &str = "The value of the 'Access-Control-Allow-Credentials' header in the response is '' which must be \
     'true' when the request's credentials mode is 'include'.";
const REDIRECT: &str = "Redirect is not allowed for a preflight request.";
const NOT_OK: &str = "It does not have HTTP ok status.";
const NO_HEADER: &str = "Request header field authorization is not allowed by Access-Control-Allow-Headers in preflight response.";
const NO_METHOD: &str = "Method DELETE is not allowed by Access-Control-Allow-Methods in preflight response.";

/// Holds what the page saw, and what the console said, to the outcome.
fn check(name: &str, origin: &str, seen: &chromium::Seen, outcome: Outcome) {
    let (stage, words) = match outcome {
        Reads(status) => {
            assert_eq!((seen.ok, seen.status), (true, status), "{name}: {seen:?}");
            return;
        }
        // Chromium says so itself where the list is to blame, and not the check.
        Preflight(words) if words.contains("in preflight response") => ("", words),
        Preflight(words) => ("Response to preflight request doesn't pass access control check: ", words),
        Reply(words) => ("", words),
    };
    assert!(!seen.ok, "{name}: {seen:?}");
    let words = words.replace("{origin}", origin);
    let expected = format!("from origin '{origin}' has been blocked by CORS policy: {stage}{words}");
    assert!(seen.console.iter().any(|line| line.contains(&expected)), "{name}: {seen:?}");
}

#[test]
fn what_a_reply_must_say_and_what_the_console_shows() {
    const GOOD: Answer = Answer(204, &["Allow-Origin: {origin}", "Allow-Headers: authorization"]);
    const DATA: Answer = Answer(200, &["Allow-Origin: {origin}"]);
    const BARE: Answer = Answer(200, &[]);
    const STAR: Answer =
        Answer(200, &["Allow-Origin: *", "Allow-Headers: authorization", "Allow-Credentials: true"]);
    const OPEN: Answer =
        Answer(204, &["Allow-Origin: {origin}", "Allow-Headers: authorization", "Allow-Credentials: true"]);
    const BOTH: Answer =
        Answer(204, &["Allow-Origin: {origin}", "Allow-Origin: *", "Allow-Headers: authorization"]);
    const FOREIGN: Answer = Answer(204, &["Allow-Origin: https://app.test", "Allow-Headers: authorization"]);
    const fn status(status: u16) -> Answer {
        Answer(status, &["Allow-Origin: {origin}", "Allow-Headers: authorization"])
    }

    let rows: [(&str, Answer, Answer, Fetch, Outcome); 22] = [
        ("all is well", GOOD, DATA, PLAIN, Reads(200)),
        ("all is well, with credentials", OPEN, OPEN, INCLUDE, Reads(204)),
        ("a refusal can be read", GOOD, status(401), PLAIN, Reads(401)),
        ("no ACAO at all", BARE, BARE, PLAIN, Preflight(NONE)),
        ("no ACAO on the reply", GOOD, BARE, PLAIN, Reply(NONE)),
        ("*", STAR, STAR, PLAIN, Reads(200)),
        ("* with credentials", STAR, STAR, INCLUDE, Preflight(WILDCARD)),
        ("* with credentials on the reply", OPEN, STAR, INCLUDE, Reply(WILDCARD)),
        ("credentials not allowed", GOOD, DATA, INCLUDE, Preflight(NOT_TRUE)),
        ("credentials not allowed on the reply", OPEN, DATA, INCLUDE, Reply(NOT_TRUE)),
        ("two ACAO", BOTH, BOTH, PLAIN, Preflight(TWO)),
        ("two ACAO on the reply", GOOD, BOTH, PLAIN, Reply(TWO)),
        ("another origin", FOREIGN, DATA, PLAIN, Preflight(OTHER)),
        ("another origin on the reply", GOOD, FOREIGN, PLAIN, Reply(OTHER)),
        ("preflight redirected", Answer(301, &["Allow-Origin: {origin}"]), DATA, PLAIN, Preflight(REDIRECT)),
        ("preflight redirected, no ACAO", Answer(308, &[]), DATA, PLAIN, Preflight(REDIRECT)),
        ("preflight 405", status(405), DATA, PLAIN, Preflight(NOT_OK)),
        ("preflight 405, no ACAO", Answer(405, &[]), DATA, PLAIN, Preflight(NONE)),
        ("preflight 401", status(401), DATA, PLAIN, Preflight(NOT_OK)),
        ("preflight 401, no ACAO", Answer(401, &[]), DATA, PLAIN, Preflight(NONE)),
        ("Authorization not listed", DATA, DATA, PLAIN, Preflight(NO_HEADER)),
        ("DELETE not listed", GOOD, DATA, DELETE, Preflight(NO_METHOD)),
    ];
    let mut chromium = Chromium::start();
    let origin = chromium.origin(0).to_owned();
    for (name, preflight, reply, fetch, outcome) in rows {
        let stub = Stub::start(preflight, reply);
        let url = format!("{stub}{ME}");
        let seen = chromium.fetch(&url, fetch);
        check(name, &origin, &seen, outcome);
        // The page's credentials mode is not told to a server: what holds only with them is foretold for both.
        let foretold = stub.foretold(&url, fetch.credentials == "include");
        match foretold {
            None => assert!(seen.ok, "{name}: nothing was foretold: {seen:?}"),
            Some(words) => assert!(seen.console[0].starts_with(&words), "{name}: {words} but {seen:?}"),
        }
    }
}

/// Who answers.
enum At {
    Door(&'static str),
    /// A doctor before a door, its file with a `cors` section that allows `{origin}`, the page's, or with none.
    Doctor(&'static str, &'static str),
}

#[test]
fn wordpress_before_and_behind_the_doctor() {
    const ALLOWED: &str = "cors: { allow_origins: [\"{origin}\"] }";
    const TRUSTED: &str = "cors: { allow_origins: [\"{origin}\"], allow_credentials: true }";
    const READ_ONLY: &str = "cors: { allow_origins: [\"{origin}\"], allow_methods: [GET] }";
    let rows: [(At, Fetch, Outcome); 20] = [
        (At::Door("NGINX_GOOD"), PLAIN, Reads(403)),
        (At::Door("NGINX_GOOD"), INCLUDE, Reads(403)),
        (At::Door("DUPLICATE_ACAO"), PLAIN, Preflight(TWO)),
        (At::Door("WILDCARD_ACAO"), PLAIN, Reads(403)),
        (At::Door("WILDCARD_ACAO"), INCLUDE, Preflight(WILDCARD)),
        (At::Door("OPTIONS_405"), PLAIN, Preflight(NONE)),
        (At::Door("REDIRECT_PORT"), PLAIN, Preflight(REDIRECT)),
        (At::Doctor("NGINX_GOOD", ""), PLAIN, Reads(403)),
        (At::Doctor("DUPLICATE_ACAO", ""), PLAIN, Preflight(TWO)),
        (At::Doctor("NGINX_GOOD", ALLOWED), PLAIN, Reads(403)),
        (At::Doctor("NGINX_GOOD", ALLOWED), ELSEWHERE, Preflight(NONE)),
        (At::Doctor("NGINX_GOOD", ALLOWED), INCLUDE, Preflight(NOT_TRUE)),
        (At::Doctor("NGINX_GOOD", TRUSTED), INCLUDE, Reads(403)),
        (At::Doctor("NGINX_GOOD", READ_ONLY), DELETE, Preflight(NONE)),
        // What the origin gets wrong is replaced.
        (At::Doctor("DUPLICATE_ACAO", ALLOWED), PLAIN, Reads(403)),
        (At::Doctor("WILDCARD_ACAO", TRUSTED), INCLUDE, Reads(403)),
        (At::Doctor("WILDCARD_ACAO", ALLOWED), ELSEWHERE, Preflight(NONE)),
        (At::Doctor("OPTIONS_405", ALLOWED), PLAIN, Reads(403)),
        (At::Doctor("GATE_STRIPPING", ALLOWED), PLAIN, Reads(401)),
        (At::Doctor("HEADER_LIMIT", ALLOWED), PLAIN, Reads(403)),
    ];
    let mut chromium = Chromium::start();
    for (at, fetch, outcome) in rows {
        let (door, doctor) = match at {
            At::Door(door) => (door, None),
            At::Doctor(door, cors) => {
                (door, Some(doctor(door, &cors.replace("{origin}", chromium.origin(0)))))
            }
        };
        let address = Stand::up().get(door).to_owned();
        let address = doctor.as_ref().map_or(address, |doctor| doctor.address().to_string());
        let seen = chromium.fetch(&format!("http://{address}{ME}"), fetch);
        let origin = chromium.origin(fetch.page).to_owned();
        let name = format!("{door}, doctor: {}, {fetch:?}", doctor.is_some());
        check(&name, &origin, &seen, outcome);
        if let (Some(doctor), Preflight(words) | Reply(words)) = (doctor, outcome) {
            foretold(&name, &doctor, &words.replace("{origin}", &origin));
        }
    }
}

/// The doctor's finding says what the console says. What depends on the page's credentials mode, which no server
/// learns, is not found.
fn foretold(name: &str, doctor: &Doctor, words: &str) {
    if words == NOT_TRUE {
        return;
    }
    let event = doctor.event();
    let findings = event["findings"].as_array().unwrap();
    // What the finding goes on with stands behind a semicolon.
    let words = words.trim_end_matches('.');
    let says = |finding: &serde_json::Value| finding["because"].as_str().unwrap().contains(words);
    assert!(findings.iter().any(says), "{name}: {words} is not in {event}");
}

/// A doctor whose site has these further settings, as one line of YAML.
fn doctor(door: &str, settings: &str) -> Doctor {
    let url = Stand::up().get(door);
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{url}\" }}], {settings} }}]\n\
         workers: 1\nlog: {{ format: json }}\n"
    ))
}
