//! Two doctors on one path: they prove where a header went, say so alike, and tell nobody else.

use serde_json::Value;

use crate::world::pair::{Alter, KEY, Setup};
use crate::world::{Doctor, H2, Origin, Pair, Reply, Wire, read};

/// The token, and what must never be seen of it.
const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwOi8vYS50ZXN0IiwiZXhwIjo0MTAyNDQ0ODAwfQ.m4rk3d";

const ANONYMOUS: &str = "{\"code\":\"rest_not_logged_in\",\"message\":\"You are not currently logged in.\",\"data\":{\"status\":401}}";

const NONE: Value = Value::Array(Vec::new());

fn request(line: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\n{more}\r\n")
}

fn with_token() -> String {
    request("GET /wp-json/wp/v2/users/me", &format!("Authorization: {TOKEN}\r\n"))
}

/// A WordPress that knows nobody without `Authorization: Bearer …`, however it is spelled.
fn wordpress() -> Origin {
    Origin::playing(|mut wire, tell| {
        loop {
            let request = wire.message();
            let knows =
                request.to_lowercase().contains(&format!("\r\nauthorization: {}\r\n", TOKEN.to_lowercase()));
            tell(request);
            let (status, body) = if knows { ("200 OK", "{}") } else { ("401 Unauthorized", ANONYMOUS) };
            let link = "Link: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\nContent-Type: application/json; charset=UTF-8";
            let length = body.len();
            wire.put(format!(
                "HTTP/1.1 {status}\r\n{link}\r\nCache-Control: max-age=60\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    })
}

/// Replaces the line of `Authorization`.
fn line(request: &str, by: impl Fn(&str) -> String) -> String {
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").map(|line| match line.split_once(": ") {
        Some((name, value)) if name.eq_ignore_ascii_case("authorization") => by(value),
        _ => format!("{line}\r\n"),
    });
    lines.collect::<String>() + "\r\n"
}

fn deleting(request: &str) -> String {
    line(request, |_| String::new())
}

fn clean(request: &str) -> String {
    request.to_owned()
}

fn change(event: &Value, proof: &str) -> String {
    let lost = &event["lost"][0];
    assert_eq!((&lost["header"], &lost["proof"]), (&"authorization".into(), &proof.into()), "{event}");
    assert_eq!((&lost["after"], &lost["before"]), (&"edge".into(), &"sidecar".into()), "{event}");
    assert_eq!(event["findings"][0]["rule"], "authorization-lost-between-doctors", "{event}");
    lost["change"].as_str().unwrap().to_owned()
}

fn shows_nothing(reply: &Reply) {
    let text = format!("{}{}", reply.head, String::from_utf8_lossy(&reply.body)).to_lowercase();
    assert!(!text.contains("header-doctor"), "{text}");
}

#[test]
fn both_doctors_prove_what_happened_between_them() {
    let table: [(&str, Alter); 8] = [
        ("missing", deleting),
        ("emptied", |request| line(request, |_| "Authorization:\r\n".to_owned())),
        ("moved", |request| line(request, |value| format!("X-Legacy-Auth: {value}\r\n"))),
        ("replaced", |request| line(request, |_| "Authorization: Basic dTpw\r\n".to_owned())),
        ("duplicated", |request| {
            line(request, |value| format!("Authorization: {value}\r\nAuthorization: {value}\r\n"))
        }),
        ("folded", |request| line(request, |value| format!("Authorization: {value}, {value}\r\n"))),
        ("truncated", |request| line(request, |value| format!("Authorization: {}\r\n", &value[..100]))),
        ("re-spelled", |request| line(request, |value| format!("AUTHORIZATION: {value}\r\n"))),
    ];
    let origin = wordpress();
    for (kind, alter) in table {
        let pair = Pair::with_hop(&origin, alter);
        shows_nothing(&pair.ask(&with_token()));
        let (edge, sidecar) = (pair.edge.event(), pair.sidecar.event());
        for event in [&edge, &sidecar] {
            assert_eq!(change(event, "proved"), kind, "{event}");
            assert!(!event.to_string().contains("m4rk3d"), "{event}");
        }
        assert_eq!((&edge["exchange"], &edge["trace_id"]), (&sidecar["exchange"], &sidecar["trace_id"]));
        assert_eq!((&edge["hop"], &sidecar["hop"]), (&"edge".into(), &"sidecar".into()));
        assert_eq!(edge["findings"].as_array().unwrap().len(), 1, "{edge}");
        assert_eq!(sidecar["findings"].as_array().unwrap().len(), 1, "{sidecar}");
    }
}

#[test]
fn a_clean_way_is_passed_over_in_silence() {
    let origin = wordpress();
    let small: Alter = |request| {
        let (line, rest) = request.split_once("\r\n").unwrap();
        let small = |line: &str| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
            None => line.to_owned(),
        };
        format!("{line}\r\n{}", rest.split("\r\n").map(small).collect::<Vec<_>>().join("\r\n"))
    };
    for alter in [clean as Alter, small] {
        let pair = Pair::with_hop(&origin, alter);
        let reply = pair.ask(&with_token());
        assert_eq!(
            (reply.status(), reply.field("cache-control")),
            (200, Some("max-age=60")),
            "{}",
            reply.head
        );
        shows_nothing(&reply);
        let (edge, sidecar) = (pair.edge.event(), pair.sidecar.event());
        assert_eq!((&edge["findings"], &sidecar["findings"]), (&Value::Array(vec![]), &Value::Array(vec![])));
        assert_eq!((&edge["exchange"], &edge["trace_id"]), (&sidecar["exchange"], &sidecar["trace_id"]));
        let upstream = origin.request();
        assert!(
            !upstream.contains("Header-Doctor-Report") && upstream.contains("Header-Doctor-Trail: edge;"),
            "{upstream}"
        );
        assert!(pair.passed().contains("Header-Doctor-Trail: edge;") || alter as usize == small as usize);
    }
}

#[test]
fn behind_the_last_doctor_there_is_no_trail_and_both_tell_the_same() {
    let origin = wordpress();
    let setup = Setup { sidecar_trail: ", ends_here: true", ..Setup::default() };
    for (alter, kind) in [(clean as Alter, None), (deleting, Some("missing"))] {
        let pair = Pair::set_up(&origin, alter, &setup);
        shows_nothing(&pair.ask(&with_token()));
        assert!(pair.passed().contains("Header-Doctor-Trail: edge;"));
        let upstream = origin.request();
        assert!(!upstream.contains("Header-Doctor"), "{upstream}");
        let (edge, sidecar) = (pair.edge.event(), pair.sidecar.event());
        assert_eq!((&edge["exchange"], &edge["trace_id"]), (&sidecar["exchange"], &sidecar["trace_id"]));
        for event in [edge, sidecar] {
            match kind {
                Some(kind) => assert_eq!(change(&event, "proved"), kind),
                None => assert_eq!(event["findings"], Value::Array(vec![]), "{event}"),
            }
        }
    }
}

/// Passes on what is asked for first, and takes the token off what comes then.
fn deleting_later(request: &str) -> String {
    if request.contains("/later") { deleting(request) } else { clean(request) }
}

/// A healthy request's trail is not even read. What is wrong with a later one is told as if it were.
#[test]
fn what_is_told_is_told_alike_behind_many_healthy_requests() {
    let origin = wordpress();
    let setup = Setup { sidecar_trail: ", ends_here: true", exchanges: "sick", ..Setup::default() };
    let pair = Pair::set_up(&origin, deleting_later, &setup);
    let asked = |line: &str, token: &str| {
        for _ in 0..3 {
            assert_eq!(pair.ask(&with_token()).status(), 200);
            assert!(!origin.request().contains("Header-Doctor"));
        }
        let reply = pair.ask(&request(line, token));
        shows_nothing(&reply);
        assert_eq!((reply.status(), reply.field("cache-control")), (401, Some("max-age=60")));
        drop(origin.request());
        let (edge, sidecar) = (pair.edge.event(), pair.sidecar.event());
        assert_eq!((&edge["exchange"], &edge["trace_id"]), (&sidecar["exchange"], &sidecar["trace_id"]));
        (edge, sidecar)
    };
    let token = format!("Authorization: {TOKEN}\r\n");
    let (edge, sidecar) = asked("GET /wp-json/later", &token);
    assert_eq!([change(&edge, "proved"), change(&sidecar, "proved")], ["missing", "missing"]);
    let (edge, sidecar) = asked("GET /wp-json/wp/v2/users/me", "Authorization: Bearer undefined\r\n");
    for event in [edge, sidecar] {
        assert_eq!(event["findings"][0]["rule"], "placeholder-token", "{event}");
        assert_eq!(event["lost"], Value::Array(vec![]), "{event}");
    }
}

/// A report keeps its reply out of caches, so not every good one has it. What the browser misses in the others is blamed on
/// nobody else.
#[test]
fn a_stripped_origin_is_blamed_on_nobody_between_two_reports() {
    let stripping: Alter = |request| request.replace("Origin: https://app.test\r\n", "");
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, stripping);
    let with_origin = request(
        "GET /wp-json/wp/v2/users/me",
        &format!("Authorization: {TOKEN}\r\nOrigin: https://app.test\r\n"),
    );
    for round in 0..6 {
        assert_eq!(pair.ask(&with_origin).status(), 200);
        let event = pair.edge.event();
        let findings = event["findings"].as_array().unwrap();
        assert!(findings.iter().all(|finding| finding["rule"] == "origin-header-stripped"), "{event}");
        assert!(round > 0 || !findings.is_empty(), "{event}");
    }
}

#[test]
fn a_trace_that_was_begun_before_is_kept() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, deleting);
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    pair.ask(&request("GET /wp-json/", &format!("{trace}Authorization: {TOKEN}\r\n")));
    for event in [pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(event["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{event}");
    }
}

#[test]
fn who_has_no_key_is_told_nothing() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, deleting);
    let forged = [
        "Header-Doctor-Trail: edge;i=\"\";k=\"k1\";x=\"0123456789abcdef\";t=@1764090512;m=:AAAAAAAAAAAAAAAAAAAAAA==:\r\n",
        "Header-Doctor-Trail: nonsense, \"\r\nHeader-Doctor-Trail: \r\n",
        "Header-Doctor-Report: edge\r\n",
    ];
    let long = format!("Header-Doctor-Trail: {}\r\n", "edge;k=\"k1\", ".repeat(900));
    for forged in forged.into_iter().chain([long.as_str(), ""]) {
        let reply = pair.sidecar.connect().send(request("GET /wp-json/wp/v2/users/me", forged)).reply();
        assert_eq!(reply.status(), 401);
        assert_eq!(reply.field("cache-control"), Some("max-age=60"));
        shows_nothing(&reply);
        let event = pair.sidecar.event();
        assert_eq!(event["findings"], Value::Array(vec![]), "{event}");
        let upstream = origin.request();
        assert!(
            upstream.contains("Header-Doctor-Trail: sidecar;") && !upstream.contains("edge"),
            "{upstream}"
        );
    }
}

/// The line of the trail as it passed the hop.
fn trail(passed: &str) -> String {
    let line = passed.split("\r\n").find(|line| line.starts_with("Header-Doctor-Trail: ")).unwrap();
    format!("{line}\r\n")
}

#[test]
fn a_trail_counts_once_and_for_its_own_request() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, clean);
    assert_eq!(pair.ask(&with_token()).status(), 200);
    let used = trail(&pair.passed());
    drop((pair.sidecar.event(), origin.request()));
    // A trail that the sidecar has not seen: the hop keeps it to itself.
    let keeper = Origin::closing_after("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let other = Doctor::with_sections(
        &keeper,
        &format!("trail: {{ hop: edge, key_file: {} }}", keys.path().display()),
    );
    other.connect().send(with_token()).reply();
    let fresh = trail(&keeper.request());
    let table = [
        ("GET /wp-json/wp/v2/users/me", "a.test", &used),
        ("POST /wp-json/wp/v2/users/me", "a.test", &fresh),
        ("GET /wp-json/wp/v2/users/me", "b.test", &fresh),
    ];
    for (line, host, trail) in table {
        let replayed = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{trail}\r\n");
        let reply = pair.sidecar.connect().send(replayed).reply();
        assert_eq!(reply.status(), 401);
        shows_nothing(&reply);
        let event = pair.sidecar.event();
        assert_eq!(event["findings"], NONE, "{line} {host}: {event}");
        assert_ne!(event["exchange"], Value::Null);
    }
    let first = format!("GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: A.test:8080\r\n{fresh}\r\n");
    let reply = pair.sidecar.connect().send(first).reply();
    assert!(
        reply.head.contains("Header-Doctor-Report: sidecar;"),
        "who proves the key is answered: {}",
        reply.head
    );
    assert_eq!(reply.field("cache-control"), Some("private, no-store, max-age=60"));
    assert_eq!(change(&pair.sidecar.event(), "proved"), "missing");
}

#[test]
fn a_stored_reply_betrays_the_cache() {
    let origin = wordpress();
    let pair = Pair::set_up(&origin, clean, &Setup { is_cache: true, ..Setup::default() });
    assert_eq!(pair.ask(&with_token()).status(), 200);
    assert_eq!(pair.edge.event()["findings"], Value::Array(vec![]));
    let stranger = request("GET /wp-json/wp/v2/users/me", "Authorization: Bearer x.y.z\r\n");
    let reply = pair.ask(&stranger);
    assert_eq!((reply.status(), reply.field("cache-control")), (200, Some("max-age=60")));
    shows_nothing(&reply);
    let event = pair.edge.event();
    assert_eq!(event["findings"][0]["rule"], "report-of-another-exchange", "{event}");
    assert_eq!(
        (&event["findings"][0]["proof"], &event["findings"][0]["place"]),
        (&"proved".into(), &"cache".into())
    );
}

/// Varnish says the age of what it just fetched. That the token before was accepted is known to both doctors nevertheless, so
/// both lay a refused one to the client.
#[test]
fn a_cache_that_passes_on_makes_no_other_story_in_front() {
    const GOOD: &str = "s0m3s1gnatur3s0m3s1gnatur3s0m3s1gnatur3s0m3"; // as long as HS256 makes it
    let origin = Origin::playing(|mut wire, _| {
        loop {
            let is_known = wire.message().contains(GOOD);
            let refused = r#"{"code":"jwt_auth_invalid_token","message":"Signature verification failed","data":{"status":403}}"#;
            let (status, body) = if is_known { ("200 OK", "{}") } else { ("403 Forbidden", refused) };
            let length = body.len();
            wire.put(format!(
                "HTTP/1.1 {status}\r\nLink: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\n\
                 Content-Type: application/json; charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    });
    let pair = Pair::set_up(&origin, clean, &Setup { adds: "Age: 0\r\n", ..Setup::default() });
    let ask = |signature: &str| {
        let token = TOKEN.replace("m4rk3d", signature);
        pair.ask(&request("GET /wp-json/wp/v2/users/me", &format!("Authorization: {token}\r\n"))).status()
    };
    assert_eq!(ask(GOOD), 200);
    assert_eq!((&pair.edge.event()["findings"], &pair.sidecar.event()["findings"]), (&NONE, &NONE));
    assert_eq!(ask(&GOOD.replace('s', "x")), 403);
    for event in [pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(event["findings"][0]["rule"], "token-signature-refused", "{event}");
        assert_eq!(event["findings"][0]["place"], "client", "{event}");
    }
}

#[test]
fn a_key_is_replaced_without_a_gap() {
    let origin = wordpress();
    let new = KEY.replace("k1:AQ", "k2:Bg");
    let stages = [
        (KEY.to_owned(), format!("{KEY}\n{new}")),
        (KEY.to_owned(), format!("{new}\n{KEY}")),
        (format!("{new}\n{KEY}"), format!("{KEY}\n{new}")),
        (new.clone(), format!("{new}\n{KEY}")),
    ];
    for (edge, sidecar) in &stages {
        let setup = Setup { edge_keys: edge, sidecar_keys: sidecar, ..Setup::default() };
        let pair = Pair::set_up(&origin, deleting, &setup);
        pair.ask(&with_token());
        assert_eq!(change(&pair.edge.event(), "proved"), "missing");
        assert_eq!(change(&pair.sidecar.event(), "proved"), "missing");
    }
    let setup = Setup { edge_keys: KEY, sidecar_keys: &new, ..Setup::default() };
    let pair = Pair::set_up(&origin, deleting, &setup);
    pair.ask(&with_token());
    for event in [pair.edge.event(), pair.sidecar.event()] {
        let is_it = |finding: &Value| finding["rule"] == "authorization-lost-between-doctors";
        assert!(!event["findings"].as_array().unwrap().iter().any(is_it), "they share no key: {event}");
    }
}

#[test]
fn a_client_of_http2_is_told_about_alike() {
    let origin = wordpress();
    for (alter, kind) in [(deleting as Alter, Some("missing")), (clean, None)] {
        let pair = Pair::with_hop(&origin, alter);
        let request = http::Request::builder()
            .version(http::Version::HTTP_2)
            .uri("http://a.test/wp-json/wp/v2/users/me")
            .header("authorization", TOKEN)
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(())
            .unwrap();
        let reply = H2::to(pair.edge.address()).ask(request).unwrap();
        assert!(!format!("{:?}", reply.headers()).contains("header-doctor"), "{reply:?}");
        drop(read(reply.into_body()));
        for event in [pair.edge.event(), pair.sidecar.event()] {
            match kind {
                Some(kind) => assert_eq!(change(&event, "proved"), kind),
                None => assert_eq!(event["findings"], Value::Array(vec![]), "{event}"),
            }
        }
    }
}

#[test]
fn a_host_that_is_rewritten_on_the_way_is_known_from_a_trusted_proxy() {
    let origin = wordpress();
    let pair =
        Pair::with_hop(&origin, |request| deleting(request).replace("\r\nHost: a.test", "\r\nHost: backend"));
    pair.ask(&with_token());
    assert_eq!(change(&pair.edge.event(), "proved"), "missing");
    assert_eq!(change(&pair.sidecar.event(), "proved"), "missing");
}

#[test]
fn a_trail_that_should_come_and_does_not_is_told() {
    let origin = wordpress();
    let setup = Setup { sidecar_trail: ", after: edge", ..Setup::default() };
    let allow_list: Alter = |request| {
        let lines = request.split("\r\n").filter(|line| !line.starts_with("Header-Doctor-"));
        lines.collect::<Vec<_>>().join("\r\n")
    };
    let pair = Pair::set_up(&origin, allow_list, &setup);
    let asked = 8;
    let events: Vec<_> = (0..asked)
        .map(|_| {
            assert_eq!(pair.ask(&with_token()).status(), 200);
            pair.sidecar.event()
        })
        .collect();
    let told: Vec<_> = events.iter().filter(|event| event["findings"] != Value::Array(vec![])).collect();
    assert!(told.iter().all(|event| event["findings"][0]["rule"] == "trail-lost"), "{told:?}");
    assert!(
        (1..=2).contains(&told.len()),
        "of healthy ones once in a while in each of two workers: {told:?}"
    );
}

#[test]
fn three_doctors_know_where_it_was() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, deleting);
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let trail = format!("trail: {{ hop: first, key_file: {} }}", keys.path().display());
    let first = Doctor::with_sections(format!("http://{}", pair.edge.address()), &trail);
    let reply: Reply = Wire::to(first.address()).send(with_token()).reply();
    assert_eq!(reply.status(), 401);
    shows_nothing(&reply);
    for event in [first.event(), pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(change(&event, "proved"), "missing", "{event}");
    }
}

/// A WordPress that knows the caller by `Authorization` and says in no words that it did.
fn forbidding() -> Origin {
    Origin::playing(|mut wire, tell| {
        loop {
            tell(wire.message());
            let body = "{\"code\":\"rest_forbidden\",\"message\":\"Sorry, you are not allowed to do that.\",\"data\":{\"status\":403}}";
            let link = "Link: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\nContent-Type: application/json; charset=UTF-8";
            wire.put(format!(
                "HTTP/1.1 403 Forbidden\r\n{link}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
        }
    })
}

#[test]
fn what_the_doctor_behind_put_back_is_no_cause_for_the_doctor_in_front() {
    let origin = forbidding();
    let setup =
        Setup { sidecar_site: ", authorization: { recover_from: [x-legacy-auth] }", ..Setup::default() };
    let moving: Alter = |request| line(request, |value| format!("X-Legacy-Auth: {value}\r\n"));
    let pair = Pair::set_up(&origin, moving, &setup);
    assert_eq!(pair.ask(&with_token()).status(), 403);
    assert!(origin.request().contains(&format!("Authorization: {TOKEN}")));
    for event in [pair.edge.event(), pair.sidecar.event()] {
        let findings = event["findings"].as_array().unwrap();
        let is_blamed = |finding: &&Value| {
            finding["rule"] == "authorization-lost-between-doctors" && finding["severity"] != "note"
        };
        assert_eq!(findings.iter().find(is_blamed), None, "{event}");
    }
}

#[test]
fn a_copy_that_the_doctor_in_front_made_is_not_where_a_lost_header_went() {
    let origin = wordpress();
    let setup = Setup { edge_site: ", authorization: { mirror_to: [x-authorization] }", ..Setup::default() };
    let pair = Pair::set_up(&origin, deleting, &setup);
    pair.ask(&with_token());
    assert!(pair.passed().to_lowercase().contains("\r\nx-authorization: bearer"));
    for event in [pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(change(&event, "proved"), "missing", "{event}");
    }
}

#[test]
fn a_copy_that_the_client_sent_is_not_where_a_lost_header_went() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, deleting);
    pair.ask(&request(
        "GET /wp-json/wp/v2/users/me",
        &format!("Authorization: {TOKEN}\r\nX-Authorization: {TOKEN}\r\n"),
    ));
    for event in [pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(change(&event, "proved"), "missing", "{event}");
    }
}

#[test]
fn the_host_that_the_doctor_in_front_writes_itself_is_the_one_it_signs() {
    let origin = wordpress();
    for sidecar_trusts in ["loopback", "192.0.2.1"] {
        let setup = Setup { edge_upstream: ", host: backend.test", sidecar_trusts, ..Setup::default() };
        let pair = Pair::set_up(&origin, deleting, &setup);
        pair.ask(&with_token());
        assert!(pair.passed().contains("\r\nHost: backend.test\r\n"));
        for event in [pair.edge.event(), pair.sidecar.event()] {
            assert_eq!(change(&event, "proved"), "missing", "{sidecar_trusts}: {event}");
        }
        let pair = Pair::set_up(&origin, clean, &setup);
        pair.ask(&with_token());
        let trail = trail(&pair.passed());
        assert_eq!(pair.sidecar.event()["findings"], Value::Array(vec![]));
        assert!(!origin.request().contains("host=replaced"), "{trail}");
    }
}

#[test]
fn the_first_of_several_forwarded_hosts_is_the_one_that_was_signed() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, |request| {
        deleting(request)
            .replace("\r\nHost: a.test", "\r\nHost: backend")
            .replace("\r\nX-Forwarded-Host: a.test", "\r\nX-Forwarded-Host: a.test, a.test:8080")
    });
    pair.ask(&with_token());
    assert!(pair.passed().contains("X-Forwarded-Host: a.test, a.test:8080"));
    for event in [pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(change(&event, "proved"), "missing", "{event}");
    }
}

/// WordPress sees the trail of the last doctor, and a page of it may show what it sees.
#[test]
fn a_trail_that_passed_here_before_counts_for_nothing() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, clean);
    assert_eq!(pair.ask(&with_token()).status(), 200);
    let shown = trail(&origin.request());
    drop((pair.edge.event(), pair.sidecar.event()));
    let reply = pair.ask(&request("GET /wp-json/wp/v2/users/me", &shown));
    assert_eq!(reply.status(), 401);
    shows_nothing(&reply);
    for event in [pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(event["findings"], Value::Array(vec![]), "{event}");
    }
}

#[test]
fn an_interim_reply_tells_nothing_either() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.message());
        let report = "Header-Doctor-Report: edge\r\nHeader-Doctor-Trail: edge\r\n";
        wire.put(format!("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n{report}\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    });
    let doctor = Doctor::before(&origin);
    let wire = doctor.connect();
    let head = wire.send(request("GET /", "")).head();
    assert!(head.starts_with("HTTP/1.1 103") && !head.contains("Header-Doctor"), "{head}");
}

#[test]
fn a_stored_error_for_anybody_is_no_alarm() {
    let origin = Origin::playing(|mut wire, tell| {
        loop {
            tell(wire.message());
            wire.put("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno");
        }
    });
    for cookie in ["", "Cookie: _ga=GA1.1.1\r\n"] {
        let pair = Pair::set_up(&origin, clean, &Setup { is_cache: true, ..Setup::default() });
        for _ in 0..2 {
            assert_eq!(pair.ask(&request("GET /no/such/page", cookie)).status(), 404);
        }
        let events = [pair.edge.event(), pair.edge.event()];
        let loud: Vec<_> = events
            .iter()
            .flat_map(|event| event["findings"].as_array().unwrap())
            .filter(|finding| finding["severity"] != "note")
            .collect();
        assert!(loud.is_empty(), "{cookie}: {loud:?}");
    }
}

#[test]
fn a_hop_that_writes_small_letters_hides_no_loss_behind_the_next_doctor() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, deleting);
    let edge = pair.edge.address();
    let small = Origin::playing(move |mut wire, _| {
        loop {
            let request = line(&wire.message(), |value| format!("authorization: {value}\r\n"));
            let reply = Wire::to(edge).send(request).reply();
            wire.put([reply.head.as_bytes(), &reply.body].concat());
        }
    });
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let trail = format!("trail: {{ hop: first, key_file: {} }}", keys.path().display());
    let first = Doctor::with_sections(&small, &trail);
    assert_eq!(Wire::to(first.address()).send(with_token()).reply().status(), 401);
    for event in [first.event(), pair.edge.event(), pair.sidecar.event()] {
        assert_eq!(change(&event, "proved"), "missing", "{event}");
    }
}

#[test]
fn a_redirect_to_the_host_that_the_client_asked_is_no_harm_of_a_rewritten_one() {
    let origin = Origin::playing(|mut wire, tell| {
        loop {
            tell(wire.message());
            wire.put("HTTP/1.1 301 Moved Permanently\r\nLocation: http://a.test/page/\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let pair = Pair::with_hop(&origin, |request| request.replace("\r\nHost: a.test", "\r\nHost: backend"));
    for more in ["", &format!("Authorization: {TOKEN}\r\n")] {
        assert_eq!(pair.ask(&request("GET /page", more)).status(), 301);
        for event in [pair.edge.event(), pair.sidecar.event()] {
            assert_eq!(event["findings"], Value::Array(vec![]), "{event}");
        }
    }
}

#[test]
fn upstreams_that_are_told_different_hosts_are_no_hop_that_rewrites_one() {
    let origin = wordpress();
    let pair = Pair::with_hop(&origin, clean);
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let port = pair.sidecar.address().port();
    let site = format!(
        "upstreams: [{{ url: \"http://127.0.0.1:{port}\", host: one.test }}, {{ url: \"http://localhost:{port}\" }}]"
    );
    let trail = format!("trail: {{ hop: edge, key_file: {} }}", keys.path().display());
    let edge = Doctor::with_site(&site, &trail);
    for _ in 0..2 {
        assert_eq!(edge.connect().send(with_token()).reply().status(), 200);
        let (edge, sidecar) = (edge.event(), pair.sidecar.event());
        assert_eq!(edge["exchange"], sidecar["exchange"]);
        for event in [edge, sidecar] {
            assert_eq!(event["findings"], Value::Array(vec![]), "{event}");
        }
        let upstream = origin.request();
        assert!(
            upstream.contains("Header-Doctor-Trail: edge;") && !upstream.contains("host=replaced"),
            "{upstream}"
        );
    }
}

#[test]
fn a_switch_of_protocols_and_a_request_that_waits_are_silence() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.message());
        wire.put("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    });
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let trail = |hop| format!("trail: {{ hop: {hop}, key_file: {} }}", keys.path().display());
    let sidecar = Doctor::with_sections(&origin, &trail("sidecar"));
    let edge = Doctor::with_sections(format!("http://{}", sidecar.address()), &trail("edge"));
    let upgrade = format!("Authorization: {TOKEN}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n");
    let head = edge.connect().send(request("GET /", &upgrade)).head();
    assert!(
        head.starts_with("HTTP/1.1 101") && !head.contains("Header-Doctor") && !head.contains("no-store"),
        "{head}"
    );
    for event in [edge.event(), sidecar.event()] {
        assert_eq!(event["findings"], Value::Array(vec![]), "{event}");
    }
}
