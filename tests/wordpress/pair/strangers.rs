//! Trails and reports that no doctor of this path has signed for this request: they change no verdict and go no further.

use super::hop::Server::HaProxy;
use super::{KEY, OTHER_KEY, Way, assert_shows_nothing, doctor, rules};
use crate::judge::{Ask, ME};
use crate::stand::Stand;
use crate::token::bearer_of;
use crate::world::{Doctor, Origin};

const NOTHING: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const SEAL: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// A member as a doctor writes it, but for what it signs with.
fn member(seal: &str) -> String {
    format!(
        "edge;i=\"web-1\";k=\"stand\";s=:AQAAAAAA:;c=\"authorization=missing\";x=\"0123456789abcdef\";t=@{};m=:{seal}:",
        crate::token::now()
    )
}

/// The value of a list in a head.
fn list(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name}")).1.to_owned()
}

/// A trail that a doctor with these keys signed for `GET` and this host, of a request with a token.
fn trail_of(keys: &str, host: &str) -> String {
    let origin = Origin::answering(NOTHING);
    let (edge, _keys) = doctor("edge", keys, &format!("{{ url: \"{origin}\" }}"), "");
    let head = format!("{ME} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\n\r\n", bearer_of("ADMIN"));
    edge.connect().send(head).head();
    list(&origin.request(), "header-doctor-trail")
}

fn strangers() -> Vec<(&'static str, String)> {
    vec![
        ("empty", String::new()),
        ("garbage", "}{;;=,\"".to_owned()),
        ("a name alone", "edge".to_owned()),
        ("forged", member(SEAL)),
        ("a seal too short", member("AAAA")),
        ("nine members", vec![member(SEAL); 9].join(", ")),
        ("4 KiB", vec!["edge;i=\"a\""; 400].join(", ")),
        ("signed with a foreign key", trail_of(OTHER_KEY, "wordpress.test")),
        ("signed for another host", trail_of(KEY, "other.test")),
        ("signed for this host, and changed", trail_of(KEY, "wordpress.test").replacen("edge;", "edgy;", 1)),
        ("signed for this host, and twice", vec![trail_of(KEY, "wordpress.test"); 2].join(", ")),
    ]
}

fn bringing<'a>(list: &str, authorization: Option<&str>) -> Ask<'a> {
    let lists = ["Header-Doctor-Trail", "Header-Doctor-Report"].map(|name| (name, list.to_owned()));
    let credential = authorization.map(|value| ("Authorization", value.to_owned()));
    Ask::new(ME, lists.into_iter().chain(credential).collect())
}

#[test]
fn lists_of_a_client_change_no_verdict() {
    let (token, way) = (bearer_of("ADMIN"), Way::through(HaProxy));
    let [clean, deletes] = ["CLEAN", "DELETES"].map(|door| way.pair(door));
    // One that no trail has come to: else it would miss it, and rightly.
    let (alone, _keys) =
        doctor("sidecar", KEY, &format!("{{ url: \"http://{}\" }}", Stand::up().get("NGINX_GOOD")), "");
    for (name, list) in strangers() {
        assert_eq!(clean.ask(&bringing(&list, Some(&token))).status(), 200, "{name}");
        assert_eq!(clean.ask(&bringing(&list, None)).status(), 401, "{name}");
        clean.expect_silence();
        assert_eq!(deletes.ask(&bringing(&list, Some(&token))).status(), 401, "{name}");
        for event in deletes.events() {
            assert_eq!(rules(&event), ["authorization-lost-between-doctors"], "{name}: {event}");
        }

        let straight = |authorization| {
            let reply = bringing(&list, authorization).over(alone.connect());
            assert_shows_nothing(name, &reply);
            reply.status()
        };
        assert_eq!((straight(Some(&token)), straight(None)), (200, 401), "{name}");
        alone.expect_no_other_event();
        assert_eq!(straight(Some("Bearer undefined")), 403, "{name}");
        let event = alone.event();
        assert_eq!(rules(&event), ["placeholder-token"], "{name}: {event}");
    }
}

/// Whoever got hold of a trail can use it once, as if it were on its way; then it is known.
#[test]
fn a_trail_that_comes_again_is_not_believed() {
    let way = Way::through(HaProxy);
    let trail = trail_of(KEY, "wordpress.test");
    let straight = || bringing(&trail, None).over(way.sidecar.connect());
    assert_eq!(straight().status(), 401);
    let event = way.sidecar.event();
    assert_eq!(rules(&event), ["authorization-lost-between-doctors"], "{event}");
    for _ in 0..2 {
        let reply = straight();
        assert_eq!(reply.status(), 401);
        assert_shows_nothing("replayed", &reply);
        way.sidecar.expect_no_other_event();
    }
}

/// Doctors without a key in common are strangers to each other: each says what it would say alone.
#[test]
fn doctors_with_different_keys_say_nothing_of_each_other() {
    let (token, way) = (bearer_of("ADMIN"), Way::through(HaProxy));
    let pair = way.pair_with("CLEAN", OTHER_KEY);
    assert_eq!(pair.ask(&bringing("", Some(&token))).status(), 200);
    pair.expect_silence();
    let pair = way.pair_with("DELETES", OTHER_KEY);
    assert_eq!(pair.ask(&bringing("", Some(&token))).status(), 401);
    let event = pair.edge.event();
    assert_eq!(rules(&event), ["authorization-lost-before-php"], "{event}");
    assert_eq!(event["findings"][0]["proof"], "possible", "{event}");
    pair.expect_silence();
}

/// What an origin says in the name of a doctor goes no further, and is no finding.
#[test]
fn reports_of_an_origin_change_no_verdict() {
    for (name, list) in strangers() {
        let origin = Origin::answering(format!(
            "HTTP/1.1 200 OK\r\nHeader-Doctor-Report: {list}\r\nHeader-Doctor-Trail: {list}\r\nCache-Control: no-cache\r\nContent-Length: 2\r\n\r\nok"
        ));
        let (edge, _keys) = doctor("edge", KEY, &format!("{{ url: \"{origin}\" }}"), "");
        let reply = Ask::new(ME, vec![("Authorization", bearer_of("ADMIN"))]).over(edge.connect());
        assert_eq!((reply.status(), reply.field("cache-control")), (200, Some("no-cache")), "{name}");
        assert_shows_nothing(name, &reply);
        edge.expect_no_other_event();
    }
}

/// A doctor without a key lets neither list pass, whoever sends it.
#[test]
fn a_doctor_without_a_key_passes_no_list_on() {
    let list = member(SEAL);
    let origin = Origin::answering(format!(
        "HTTP/1.1 200 OK\r\nHeader-Doctor-Report: {list}\r\nHeader-Doctor-Trail: {list}\r\nContent-Length: 0\r\n\r\n"
    ));
    let doctor = Doctor::before(&origin);
    let reply = bringing(&list, None).over(doctor.connect());
    assert_shows_nothing("without a key", &reply);
    let request = origin.request().to_lowercase();
    assert!(!request.contains("header-doctor-"), "{request}");
    assert_eq!(doctor.event()["findings"], serde_json::json!([]));
}
