//! From a request and its reply to the lines of the log.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use header_doctor::diagnosis::{Finding, Proof, diagnose};
use header_doctor::event::{
    Event, Events, ExchangeId, Failure, Refusal, Scoped, Side, Tally, Tried, Whence, bus,
};
use header_doctor::evidence::{Symptom, Trail, Watched, look};
use header_doctor::message::{Fields, ReplyHead, RequestHead, Status};
use header_doctor::moment::Moment;
use header_doctor::report::log::{Format, render, run, summary};
use header_doctor::report::{Page, Paint, Repeats, Summary};
use header_doctor::secret::Key;

/// 2026-11-23T15:10:00Z.
const NOW: Moment = Moment::from_seconds(1_795_446_600);
pub(crate) const PRETTY: Format = Format::Pretty(Page::PLAIN);
pub(crate) const COLOURED: Format = Format::Pretty(Page { paint: Paint::Colour, width: None });
/// `{"exp":1795450200}`, an hour later.
const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3OTU0NTAyMDB9.c2ln";
pub(crate) const LINK: (&str, &str) =
    ("Link", "<https://api.example.com/wp-json/>; rel=\"https://api.w.org/\"");

/// What the exchange will do, without I/O.
pub(crate) fn exchange(
    method: &str,
    target: &str,
    request: Fields,
    status: u16,
    reply: Fields,
    body: &str,
) -> Event {
    let head = RequestHead::build(method, target, request);
    let seen = look(&head.fields);
    let tally = Tally::new(NOW);
    let has_credential = seen.has(Watched::Authorization);
    (0..17).for_each(|_| tally.count(has_credential));
    let mut event = Event::of(&head, ExchangeId::new(255), NOW, "doctor".into());
    event.duration = Duration::from_millis(12);
    event.upstream = Some("http://10.0.0.7:8080".into());
    let trail = Trail::read(&head, &seen, &seen, &Key::from_bytes(&[5; 32]));
    let reply = ReplyHead::build(Status::new(status).unwrap(), reply);
    let symptom = Symptom::read(&head, &reply, body.as_bytes(), NOW);
    let scoped = |finding: Finding| Scoped { scope: tally.find(finding.rule, has_credential), finding };
    event.diagnosed(&trail, &symptom, diagnose(&trail, &symptom).into_iter().map(scoped).collect());
    event
}

fn lost() -> Event {
    exchange(
        "POST",
        "/wp-json/jwt-auth/v1/token/validate",
        Fields::from([("Host", "api.example.com"), ("Authorization", TOKEN)]),
        403,
        Fields::from([("Server", "Apache"), LINK]),
        r#"{"code":"jwt_auth_no_auth_header","message":"Authorization header not found.","data":{"status":403}}"#,
    )
}

fn placeholder() -> Event {
    exchange(
        "GET",
        "/wp-json/wp/v2/users/me",
        Fields::from([("Host", "api.example.com"), ("Authorization", "Bearer undefined")]),
        403,
        Fields::from([("Server", "nginx"), LINK]),
        r#"{"code":"jwt_auth_invalid_token","message":"Wrong number of segments","data":{"status":403}}"#,
    )
}

#[test]
fn a_proved_finding_is_six_lines() {
    assert_eq!(
        render(&placeholder(), PRETTY),
        r#"2026-11-23T15:10:00.000Z GET api.example.com/wp-json/wp/v2/users/me 403 12 ms 00000000000000ff
! 403 jwt_auth_invalid_token "Wrong number of segments": the client sent the word undefined as its token
  where   client ✗ "Bearer undefined"  doctor ✓ unchanged  PHP ✓
  sure    proved: seen on arrival, and WordPress refused it in these words
  scope   1 of 17 requests with a credential since 15:10
  cleared proxies, web server, secret, expiry, CORS
  fix     client: send no Authorization until the token is loaded
"#
    );
}

#[test]
fn a_lost_header_shows_between_its_hops() {
    assert_eq!(
        render(&lost(), PRETTY),
        r#"2026-11-23T15:10:00.000Z POST api.example.com/wp-json/jwt-auth/v1/token/validate 403 12 ms 00000000000000ff
✗ 403 jwt_auth_no_auth_header: WordPress never saw the token; it is lost between doctor and PHP
  where   client ✓  doctor ✓  ── LOST ──  Apache ·  PHP ✗
  sure    likely: the doctor sent "Bearer, 57 B" on, and WordPress says that it found no Authorization
  scope   1 of 17 requests with a credential since 15:10
  cleared client, doctor, secret, expiry. Token not judged. Do not rotate secrets
  fix     Apache (PHP-FPM): `CGIPassAuth On` in the virtual host, the directory or .htaccess (Apache 2.4.13 or later)
"#
    );
}

#[test]
fn a_possible_finding_says_what_would_decide_it() {
    // As long as a signature by HS256 is.
    let whole = format!("{TOKEN}{}", "A".repeat(39));
    let event = exchange(
        "GET",
        "/wp-json/wp/v2/users/me",
        Fields::from([("Authorization", &*whole)]),
        401,
        Fields::from([LINK]),
        r#"{"code":"rest_not_logged_in","message":"You are not currently logged in.","data":{"status":401}}"#,
    );
    let text = render(&event, PRETTY);
    assert!(text.contains("── LOST? ──  web server ·  PHP ·"), "{text}");
    assert!(
        text.contains(
            r#"To decide: curl -i -X POST "$SITE/wp-json/jwt-auth/v1/token/validate" -H "Authorization: Bearer header-doctor""#
        ),
        "{text}"
    );
}

#[test]
fn an_exchange_that_took_another_try_says_who_did_not_answer_and_is_no_news_twice() {
    let mut event = exchange("GET", "/", Fields::from([("Host", "a")]), 200, Fields::new(), "");
    event.findings.clear();
    event.tried = vec![Tried {
        upstream: "http://10.0.0.6:8080".into(),
        code: "header_doctor_upstream_unreachable",
        what: "the upstream cannot be connected to: connection refused".to_owned(),
    }];
    let pretty = render(&event, PRETTY);
    let end = " tried http://10.0.0.6:8080: the upstream cannot be connected to: connection refused; \
               then http://10.0.0.7:8080\n";
    assert!(pretty.ends_with(end), "{pretty}");
    let json: serde_json::Value = serde_json::from_str(&render(&event, Format::Json)).unwrap();
    assert_eq!(
        (&json["level"], &json["message"]),
        (&"WARN".into(), &"Exchange answered at another try".into())
    );
    assert_eq!(json["tried"][0]["code"], "header_doctor_upstream_unreachable");
    let (mut repeats, now) = (Repeats::new(Duration::from_secs(60)), Instant::now());
    assert!(repeats.is_news(&event, now) && !repeats.is_news(&event, now));
    let summed_up = repeats.rest(now);
    assert_eq!(summed_up[0].code, Some("header_doctor_upstream_unreachable"));
}

#[test]
fn json_has_every_field_under_its_stable_name() {
    let line = render(&lost(), Format::Json);
    assert_eq!(line.matches('\n').count(), 1);
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    let expected = serde_json::json!({
        "timestamp": "2026-11-23T15:10:00.000Z",
        "level": "ERROR",
        "target": "header_doctor::exchange",
        "message": "Exchange diagnosed",
        "exchange": "00000000000000ff",
        "trace_id": null,
        "hop": "doctor",
        "client": null,
        "method": "POST",
        "host": "api.example.com",
        "path": "/wp-json/jwt-auth/v1/token/validate",
        "status": 403,
        "wordpress_code": "jwt_auth_no_auth_header",
        "wordpress_message": "Authorization header not found.",
        "authorization": {
            "scheme": "Bearer",
            "fingerprint": Key::from_bytes(&[5; 32]).fingerprint(TOKEN.as_bytes()).to_string(),
            "key_id": null,
            "arrived": "once",
            "recovered_from": null,
            "sent": "once",
            "seen_by_php": null,
        },
        "lost": [{
            "header": "authorization",
            "change": "missing",
            "after": "doctor", "before": "php",
            "proof": "likely",
        }],
        "findings": [{
            "rule": "authorization-lost-before-php",
            "place": "web-server",
            "desk": "platform",
            "severity": "error",
            "proof": "likely",
            "summary": "WordPress never saw the token; it is lost between doctor and PHP",
            "because": "the doctor sent \"Bearer, 57 B\" on, and WordPress says that it found no Authorization",
            "cleared": ["client", "doctor", "secret", "expiry"],
            "scope": {
                "count": 1,
                "of": 17,
                "population": "requests with a credential",
                "since": "2026-11-23T15:10:00.000Z",
            },
            "cure": "Apache (PHP-FPM): `CGIPassAuth On` in the virtual host, the directory or .htaccess (Apache 2.4.13 or later)",
            "decide": null,
        }],
        "upstream": "http://10.0.0.7:8080",
        "tried": [],
        "duration_ms": 12,
        "refusal": null,
        "failure": null,
        "cut_off": false,
        "client_gone": false,
    });
    assert_eq!(record, expected);
}

/// A line of an exchange, of those like it summed up, and of a gap, each with every field that it can have.
pub(crate) fn every_kind_of_line() -> [String; 3] {
    let mut whole = lost();
    let only = Whence { upstream: Some("http://10.0.0.7:8080".into()), ..Whence::default() };
    whole.findings[0].scope.only = Some(Arc::new(only));
    whole.tried = vec![Tried {
        upstream: "http://10.0.0.6:8080".into(),
        code: "header_doctor_upstream_unreachable",
        what: "the upstream cannot be connected to: connection refused".to_owned(),
    }];
    whole.refusal =
        Some(Refusal { code: "header_doctor_host_missing", reason: "the request has no Host".into() });
    whole.failure = Some(Failure {
        who: Side::Upstream,
        code: "header_doctor_upstream_unreachable",
        what: "connection refused".into(),
    });
    whole.php = Some("PHP Fatal error: Uncaught Error".to_owned());
    let summaries = held_back(&vec![lost(); 2]);
    let (bus, events) = bus(1);
    (0..2).for_each(|_| bus.send(lost()));
    drop(bus);
    let text = text_written(events, Duration::ZERO);
    let gap = text.lines().next().unwrap().to_owned();
    [render(&whole, Format::Json), summary(&summaries[0], NOW, Format::Json), gap]
}

#[test]
fn what_has_no_finding_is_one_line() {
    let mut event = Event::unread(ExchangeId::new(1), NOW, "doctor".into());
    event.status = Status::new(400);
    event.refusal =
        Some(Refusal { code: "header_doctor_host_missing", reason: "the request has no Host".into() });
    assert_eq!(
        render(&event, PRETTY),
        "2026-11-23T15:10:00.000Z unread  400 0 ms 0000000000000001 refused header_doctor_host_missing: \
         the request has no Host\n"
    );
    event.refusal = None;
    event.status = None;
    event.failure = Some(Failure {
        who: Side::Upstream,
        code: "header_doctor_upstream_unreachable",
        what: "connection refused".into(),
    });
    event.upstream = Some("http://10.0.0.7:8080".into());
    let text = render(&event, PRETTY);
    assert!(text.ends_with(" upstream http://10.0.0.7:8080: connection refused\n"), "{text}");
    event.upstream = None;
    event.client_gone = true;
    let text = render(&event, PRETTY);
    assert!(
        text.ends_with(" - 0 ms 0000000000000001 upstream: connection refused (the client went away)\n"),
        "{text}"
    );
    assert!(
        render(&event, Format::Json).contains(r#""failure":{"who":"upstream","code":"header_doctor_upstream_unreachable","what":"connection refused"}"#)
    );
}

#[test]
fn colour_changes_no_word() {
    let coloured = render(&lost(), COLOURED);
    assert!(coloured.contains("\x1b[31m✗\x1b[0m 403"));
    let mut plain = String::new();
    let mut escape = false;
    for c in coloured.chars() {
        match (escape, c) {
            (_, '\x1b') => escape = true,
            (true, 'm') => escape = false,
            (true, _) => {}
            (false, c) => plain.push(c),
        }
    }
    assert_eq!(plain, render(&lost(), PRETTY));
}

#[test]
fn a_terminal_gets_long_lines_under_their_text() {
    let page = Page { paint: Paint::Plain, width: Some(72) };
    let text = render(&lost(), Format::Pretty(page));
    assert_eq!(
        text.split_once('\n').unwrap().1,
        r#"✗ 403 jwt_auth_no_auth_header: WordPress never saw the token; it is lost
          between doctor and PHP
  where   client ✓  doctor ✓  ── LOST ──  Apache ·  PHP ✗
  sure    likely: the doctor sent "Bearer, 57 B" on, and WordPress says
          that it found no Authorization
  scope   1 of 17 requests with a credential since 15:10
  cleared client, doctor, secret, expiry. Token not judged. Do not
          rotate secrets
  fix     Apache (PHP-FPM): `CGIPassAuth On` in the virtual host, the
          directory or .htaccess (Apache 2.4.13 or later)
"#
    );
}

fn held_back(events: &[Event]) -> Vec<Summary> {
    let (mut repeats, start) = (Repeats::new(Duration::from_secs(60)), Instant::now());
    let news = events.iter().filter(|event| repeats.is_news(event, start)).count();
    assert_eq!(news, 1);
    repeats.due(start + Duration::from_secs(60))
}

#[test]
fn repeats_are_summed_up_in_a_line() {
    let summaries = held_back(&vec![lost(); 412]);
    let later = NOW.after(Duration::from_secs(60));
    assert_eq!(
        summary(&summaries[0], later, PRETTY),
        "2026-11-23T15:11:00.000Z · 411 more like this in the last minute: 403 jwt_auth_no_auth_header \
         authorization-lost-before-php at api.example.com via http://10.0.0.7:8080 (412 since 15:10)\n"
    );
    let record: serde_json::Value =
        serde_json::from_str(&summary(&summaries[0], later, Format::Json)).unwrap();
    let expected = serde_json::json!({
        "timestamp": "2026-11-23T15:11:00.000Z",
        "level": "ERROR",
        "target": "header_doctor::exchange",
        "message": "Exchanges summarised",
        "rule": "authorization-lost-before-php",
        "code": null,
        "status": 403,
        "wordpress_code": "jwt_auth_no_auth_header",
        "host": "api.example.com",
        "upstream": "http://10.0.0.7:8080",
        "suppressed": 411,
        "within_ms": 60_000,
        "since": "2026-11-23T15:10:00.000Z",
        "total": 412,
    });
    assert_eq!(record, expected);
}

#[test]
fn a_surer_verdict_is_not_hidden_behind_a_weaker_one() {
    let mut weaker = lost();
    weaker.findings[0].finding.proof = Proof::Possible;
    let mut repeats = Repeats::new(Duration::from_secs(60));
    let now = Instant::now();
    assert!(repeats.is_news(&weaker, now) && repeats.is_news(&lost(), now));
    assert!(!repeats.is_news(&weaker, now) && !repeats.is_news(&lost(), now));
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log writes until the bus ends.
fn text_written(events: Events, repeats: Duration) -> String {
    let paper = Paper::default();
    run(events, paper.clone(), Format::Json, Repeats::new(repeats));
    String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
}

fn written(events: Events, repeats: Duration) -> Vec<serde_json::Value> {
    text_written(events, repeats).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_held_back_at_the_end_is_summed_up() {
    let (bus, events) = bus(8);
    [placeholder(), lost(), placeholder(), placeholder()].into_iter().for_each(|event| bus.send(event));
    drop(bus);
    let lines = written(events, Duration::from_secs(3600));
    let rules: Vec<_> = lines[..2].iter().map(|line| &line["findings"][0]["rule"]).collect();
    assert_eq!(rules, ["placeholder-token", "authorization-lost-before-php"]);
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[2]["rule"], &lines[2]["suppressed"]), (&"placeholder-token".into(), &2.into()));
}

#[test]
fn a_summary_comes_in_its_time_although_nothing_else_happens() {
    let (bus, events) = bus(8);
    (0..2).for_each(|_| bus.send(lost()));
    let (paper, repeats) = (Paper::default(), Repeats::new(Duration::from_millis(1)));
    let log = std::thread::spawn({
        let paper = paper.clone();
        move || run(events, paper, Format::Json, repeats)
    });
    let lines = || paper.0.lock().unwrap().iter().filter(|byte| **byte == b'\n').count();
    while lines() < 2 {
        std::thread::yield_now();
    }
    drop(bus);
    log.join().unwrap();
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert!(text.lines().nth(1).unwrap().contains("\"suppressed\":1"), "{text}");
}

#[test]
fn the_writer_ends_with_the_bus_and_tells_of_gaps() {
    let (bus, events) = bus(2);
    (0..5).for_each(|_| bus.send(placeholder()));
    drop(bus);
    let lines = written(events, Duration::ZERO);
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["level"], &lines[0]["dropped"]), (&"WARN".into(), &3.into()));
    assert_eq!(lines[2]["findings"][0]["rule"], "placeholder-token");
}

#[test]
fn a_full_disk_stops_the_log_and_nothing_else() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (bus, events) = bus(8);
    (0..3).for_each(|_| bus.send(lost()));
    let reader = std::thread::spawn(|| run(events, Full, PRETTY, Repeats::new(Duration::ZERO)));
    while bus.dropped() == 0 {
        std::thread::yield_now();
    }
    drop(bus);
    reader.join().unwrap();
}
