//! Hops that spoil nothing: whatever else is right or wrong with a request, no doctor speaks of the other, and the client and
//! WordPress see nothing of either.

use serde_json::json;

use super::hop::Server::{self, HaProxy, Nginx, Varnish};
use super::{Pair, Way, rules};
use crate::judge::{Ask, ME, REPORTS, TOKEN, VALIDATE, directly, said};
use crate::stand::Stand;
use crate::token::{bearer_of, changed, claims, now, sign};
use crate::world::Reply;

const CLEAN: [(Server, &[&str]); 3] = [
    (HaProxy, &["CLEAN", "CLEAN_HTTP2"]),
    (Nginx, &["CLEAN", "CLEAN_HTTP2", "HOST_WITHOUT_PORT"]),
    (Varnish, &["CLEAN"]),
];

fn with_token<'a>(line: &'a str, token: &str) -> Ask<'a> {
    Ask::new(line, vec![("Authorization", token.to_owned())])
}

/// Does this before each clean door.
fn at_each_clean_door(what: impl Fn(&Pair)) {
    for (server, doors) in CLEAN {
        let way = Way::through(server);
        for door in doors {
            what(&way.pair(door));
        }
    }
}

/// What doctors and hops have to leave alone.
fn end_to_end(reply: &Reply) -> [Option<&str>; 5] {
    ["cache-control", "content-type", "access-control-allow-origin", "allow", "x-wp-total"]
        .map(|name| reply.field(name))
}

/// A request, and what the good door itself answers.
struct Measured<'a> {
    ask: Ask<'a>,
    direct: Reply,
}

impl<'a> Measured<'a> {
    fn of(ask: Ask<'a>, status: u16) -> Self {
        let direct = directly(&ask);
        assert_eq!(direct.status(), status, "{}", ask.line);
        Self { ask, direct }
    }

    /// The client gets the same through a pair of doctors.
    fn holds_behind(&self, pair: &Pair) {
        let (direct, reply) = (&self.direct, pair.ask(&self.ask));
        let what = format!("{} {}", pair.door, self.ask.line);
        assert_eq!(reply.status(), direct.status(), "{what}");
        assert_eq!(end_to_end(&reply), end_to_end(direct), "{what}: {}", reply.head);
        assert_eq!(String::from_utf8_lossy(&reply.body), String::from_utf8_lossy(&direct.body), "{what}");
    }
}

#[test]
fn what_is_in_order_is_silence_in_both_logs() {
    let (token, stand) = (bearer_of("ADMIN"), Stand::up());
    let measured = [ME, VALIDATE, REPORTS].map(|line| Measured::of(with_token(line, &token), 200));
    let login = ["ADMIN_USER", "ADMIN_PASSWORD"].map(|name| stand.get(name));
    let login = json!({ "username": login[0], "password": login[1] }).to_string();
    at_each_clean_door(|pair| {
        measured.iter().for_each(|measured| measured.holds_behind(pair));
        let json = vec![("Content-Type", "application/json".to_owned())];
        let reply = pair.ask(&Ask { body: &login, ..Ask::new(TOKEN, json) });
        assert_eq!(said(&reply), "200 (token)", "{}", pair.door);
        pair.expect_silence();
    });
}

/// A cache may keep what is nobody's, and answer for WordPress.
#[test]
fn pages_for_anybody_show_nothing_and_are_silence_in_both_logs() {
    let rows = [
        ("GET /", 200),
        ("GET /wp-json/", 200),
        ("GET /wp-json/wp/v2/posts", 200),
        ("GET /no/such/page", 404),
        ("GET /wp-json/no/such/route", 404),
        ("GET /wp-includes/css/buttons.css", 200),
        (ME, 401),
    ];
    let measured = rows.map(|(line, status)| Measured::of(Ask::new(line, vec![]), status));
    at_each_clean_door(|pair| {
        measured.iter().chain(&measured).for_each(|measured| measured.holds_behind(pair));
        pair.expect_silence();
    });
}

/// A cache may ask with GET for what the client asked with HEAD.
#[test]
fn a_request_for_the_head_alone_is_no_finding_in_either_log() {
    let token = format!("Authorization: {}\r\n", bearer_of("ADMIN"));
    at_each_clean_door(|pair| {
        for (path, credential, status) in
            [("/", "", 200), ("/no/such/page", "", 404), ("/wp-json/wp/v2/users/me", &*token, 200)]
        {
            let head = format!(
                "HEAD {path} HTTP/1.1\r\nHost: wordpress.test\r\n{credential}Connection: close\r\n\r\n"
            );
            let reply = Reply { head: pair.edge.connect().send(head).head(), body: Vec::new() };
            assert_eq!(reply.status(), status, "{} {path}", pair.door);
            super::assert_shows_nothing(&pair.door, &reply);
        }
        pair.expect_no_finding();
    });
}

#[test]
fn a_preflight_is_silence_in_both_logs() {
    let fields = [
        ("Origin", "https://app.test"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let line = ME.replace("GET", "OPTIONS");
    let headers = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
    let measured = Measured::of(Ask::new(&line, headers), 200);
    assert_eq!(measured.direct.field("access-control-allow-origin"), Some("https://app.test"));
    at_each_clean_door(|pair| {
        measured.holds_behind(pair);
        pair.expect_silence();
    });
}

/// What is wrong with a token is the client's, in the same words in both logs.
#[test]
fn a_bad_token_is_the_clients_and_both_logs_say_so() {
    let stand = Stand::up();
    let good = claims(stand, 1, now());
    let expired = sign(&changed(&good, "exp", json!(now() - 60)), stand.get("SECRET"));
    let forged = sign(&good, "another secret");
    let rows = [
        ("undefined", "placeholder-token"),
        (&*expired, "token-expired"),
        (&*forged, "token-signature-refused"),
    ];
    let measured =
        rows.map(|(token, rule)| (Measured::of(with_token(ME, &format!("Bearer {token}")), 403), rule));
    at_each_clean_door(|pair| {
        for (measured, rule) in &measured {
            measured.holds_behind(pair);
            for event in pair.events() {
                assert_eq!(rules(&event), [*rule], "{}: {event}", pair.door);
                assert!(event["lost"].as_array().is_none_or(Vec::is_empty), "{}: {event}", pair.door);
            }
        }
        pair.expect_silence();
    });
}

/// The seal covers the host: of a request for another one the sidecar knows nothing, and so says nothing.
#[test]
fn a_hop_that_rewrites_the_host_is_no_finding() {
    let way = Way::through(Nginx);
    let pair = way.pair("HOST_OF_UPSTREAM");
    for line in [ME, VALIDATE] {
        Measured::of(with_token(line, &bearer_of("ADMIN")), 200).holds_behind(&pair);
    }
    Measured::of(Ask::new(ME, vec![]), 401).holds_behind(&pair);
    pair.expect_silence();
}

/// The last doctor cannot know that it is the last: it signs a trail for one that may follow. PHP sees that one alone, whatever
/// a client sends, and no report.
#[test]
fn php_sees_one_trail_and_no_report() {
    let lists = ["Header-Doctor-Trail", "Header-Doctor-Report"].map(|name| (name, "edge;i=\"\"".to_owned()));
    let headers = lists.into_iter().chain([("Authorization", bearer_of("ADMIN"))]).collect();
    let ask = Ask::new("GET /wp-json/stand/v1/seen", headers);
    at_each_clean_door(|pair| {
        // PHP names the headers, so this reply may.
        let seen = ask.over(pair.edge.connect()).json();
        let names =
            seen["headers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_lowercase());
        let ours: Vec<_> = names.filter(|name| name == "authorization" || name.contains("doctor")).collect();
        assert_eq!(ours.len(), 2, "{}: {ours:?}", pair.door);
        assert!(!ours.contains(&"header-doctor-report".to_owned()), "{}: {ours:?}", pair.door);
        pair.expect_silence();
    });
}

/// A client that has a trace keeps it, and both doctors tell of it by that.
#[test]
fn both_logs_have_the_trace_of_the_client() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = vec![
        ("Authorization", "Bearer undefined".to_owned()),
        ("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")),
    ];
    at_each_clean_door(|pair| {
        pair.ask(&Ask::new(ME, headers.clone()));
        for event in pair.events() {
            assert_eq!(event["trace_id"], trace, "{}: {event}", pair.door);
        }
    });
}
