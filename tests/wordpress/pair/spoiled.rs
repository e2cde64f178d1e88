//! Hops that spoil a header: both doctors name it, what happened to it, and the two names between which it happened.

use serde_json::Value;

use super::hop::Server::{self, HaProxy, Nginx, Varnish};
use super::hop::login_of_hop;
use super::{KEY, OTHER_KEY, Pair, Way, rules};
use crate::judge::{Ask, ME, VALIDATE, said};
use crate::token::bearer_of;

const LOST: &str = "authorization-lost-between-doctors";
const ADDED: &str = "header-added-on-the-way";
const STRIPPED: &str = "origin-header-stripped";
const CACHE: &str = "report-of-another-exchange";
const FORGOTTEN: &str = "trail-lost";

const ANONYMOUS: &str = "401 rest_not_logged_in";
const NO_HEADER: &str = "403 jwt_auth_no_auth_header";

fn with_token<'a>(line: &'a str, token: &str) -> Ask<'a> {
    Ask::new(line, vec![("Authorization", token.to_owned())])
}

/// Both logs have this one finding, proved.
fn expect_finding(pair: &Pair, rule: &str) -> [Value; 2] {
    let events = pair.events();
    for event in &events {
        assert_eq!(rules(event), [rule], "{}: {event}", pair.door);
        assert_eq!(event["findings"][0]["proof"], "proved", "{}: {event}", pair.door);
        assert_eq!(event["lost"].as_array().map_or(0, Vec::len), 1, "{}: {event}", pair.door);
    }
    events
}

/// Both logs say that this became of a header between the edge and the sidecar.
fn expect_lost(pair: &Pair, rule: &str, header: &str, change: &str) -> [Value; 2] {
    let events = expect_finding(pair, rule);
    for event in &events {
        let lost = &event["lost"][0];
        let told = ["header", "change", "after", "before", "proof"].map(|name| lost[name].as_str());
        let expected = [header, change, "edge", "sidecar", "proved"].map(Some);
        assert_eq!(told, expected, "{}: {event}", pair.door);
    }
    events
}

fn expect_authorization_lost(server: Server, rows: &[(&str, &str, &str, &str)]) {
    let (token, way) = (bearer_of("ADMIN"), Way::through(server));
    for (door, line, answer, change) in rows {
        let pair = way.pair(door);
        assert_eq!(said(&pair.ask(&with_token(line, &token))), *answer, "{server:?} {door} {line}");
        let events = expect_lost(&pair, LOST, "authorization", change);
        let [edge, sidecar] = events.each_ref().map(|event| &event["findings"][0]["summary"]);
        assert_eq!(edge, sidecar, "{server:?} {door} {line}");
        pair.expect_silence();
    }
}

#[test]
fn haproxy_is_named_with_what_it_did_to_authorization() {
    expect_authorization_lost(
        HaProxy,
        &[
            ("DELETES", ME, ANONYMOUS, "missing"),
            ("DELETES", VALIDATE, NO_HEADER, "missing"),
            ("DELETES_HTTP2", ME, ANONYMOUS, "missing"),
            ("RENAMES", ME, ANONYMOUS, "moved"),
            ("RENAMES", VALIDATE, NO_HEADER, "moved"),
            ("REPLACES", ME, ANONYMOUS, "replaced"),
            ("REPLACES", VALIDATE, "403 jwt_auth_bad_auth_header", "replaced"),
            ("DOUBLES", ME, "400 header_doctor_authorization_twice", "duplicated"),
            ("FOLDS", ME, ANONYMOUS, "folded"),
            ("FOLDS", VALIDATE, "403 jwt_auth_bad_auth_header", "folded"),
            ("TRUNCATES", ME, "403 jwt_auth_invalid_token", "truncated"),
            ("EMPTIES", ME, ANONYMOUS, "emptied"),
            ("EMPTIES", VALIDATE, NO_HEADER, "emptied"),
        ],
    );
}

#[test]
fn nginx_is_named_with_what_it_did_to_authorization() {
    expect_authorization_lost(
        Nginx,
        &[
            ("BLANKS", ME, ANONYMOUS, "missing"),
            ("BLANKS", VALIDATE, NO_HEADER, "missing"),
            ("BLANKS_HTTP2", ME, ANONYMOUS, "missing"),
        ],
    );
}

#[test]
fn varnish_is_named_with_what_it_did_to_authorization() {
    expect_authorization_lost(
        Varnish,
        &[("UNSETS", ME, ANONYMOUS, "missing"), ("UNSETS", VALIDATE, NO_HEADER, "missing")],
    );
}

/// Names are the same in any spelling, and PHP-FPM knows none: capitals are worth a note, and explain nothing.
#[test]
fn another_spelling_is_a_note_and_no_excuse() {
    let way = Way::through(HaProxy);
    let pair = way.pair("SHOUTS");
    assert_eq!(said(&pair.ask(&with_token(ME, &bearer_of("ADMIN")))), "200 (user admin)");
    for event in expect_lost(&pair, LOST, "authorization", "re-spelled") {
        assert_eq!(event["findings"][0]["severity"], "note", "{event}");
    }
    assert_eq!(pair.ask(&with_token(ME, "Bearer undefined")).status(), 403);
    for event in pair.events() {
        assert_eq!(rules(&event), ["placeholder-token", LOST], "{event}");
    }
    pair.expect_silence();
}

/// What is lost behind both doctors is no fault of what lies between them. nginx in between puts its own name in `Server`: the
/// edge takes nobody for the web server then, and the sidecar knows it.
#[test]
fn a_loss_behind_the_sidecar_is_told_by_both_as_such() {
    let token = bearer_of("ADMIN");
    for (door, cure) in [("NGINX_BLANK", "nginx: remove what blanks it"), ("MOD_PHP_LOST", "Apache (")] {
        let way = Way::with(Nginx, door, KEY, "");
        let pair = way.pair("CLEAN");
        assert_eq!(said(&pair.ask(&with_token(VALIDATE, &token))), NO_HEADER);
        let events = pair.events();
        for (event, cure) in events.iter().zip(["Apache: `CGIPassAuth On`; ", cure]) {
            assert_eq!(rules(event), ["authorization-lost-before-php"], "{door}: {event}");
            let (lost, finding) = (&event["lost"][0], &event["findings"][0]);
            let told = ["header", "change", "after", "before", "proof"].map(|name| lost[name].as_str());
            assert_eq!(
                told,
                ["authorization", "missing", "sidecar", "php", "likely"].map(Some),
                "{door}: {event}"
            );
            assert!(finding["cure"].as_str().unwrap().starts_with(cure), "{door}: {event}");
        }
        pair.expect_silence();
    }
}

#[test]
fn a_login_that_the_hop_adds_is_named() {
    let way = Way::through(HaProxy);
    let pair = way.pair("ADDS");
    assert_eq!(said(&pair.ask(&Ask::new(ME, vec![]))), ANONYMOUS);
    expect_lost(&pair, ADDED, "authorization", "added");
    // It leaves a client's own in peace.
    assert_eq!(pair.ask(&with_token(ME, &bearer_of("ADMIN"))).status(), 200);
    pair.expect_silence();
}

#[test]
fn an_origin_that_the_hop_strips_is_named() {
    let way = Way::through(HaProxy);
    let origin = ("Origin", "https://app.test".to_owned());
    let ask = Ask::new(ME, vec![("Authorization", bearer_of("ADMIN")), origin]);
    let pair = way.pair("STRIPS_ORIGIN");
    let reply = pair.ask(&ask);
    assert_eq!((reply.status(), reply.field("access-control-allow-origin")), (200, None));
    expect_lost(&pair, STRIPPED, "origin", "missing");

    let control = way.pair("CLEAN");
    assert_eq!(control.ask(&ask).field("access-control-allow-origin"), Some("https://app.test"));
    control.expect_silence();
}

/// The next one gets what the first one got, a login or a refusal. The sidecar is not asked: the edge alone can say so.
#[test]
fn a_cache_that_gives_one_users_reply_to_the_next_is_named() {
    let [admin, subscriber] = ["ADMIN", "SUBSCRIBER"].map(bearer_of);
    let (way, again) = (Way::through(Varnish), format!("{ME}?again"));
    let pair = way.pair("IGNORES");
    let anonymous = |line| Ask::new(line, vec![]);
    let rows = [
        (with_token(ME, &admin), vec![with_token(ME, &subscriber), anonymous(ME)], "200 (user admin)"),
        (anonymous(&again), vec![with_token(&again, &admin)], ANONYMOUS),
    ];
    for (first, nexts, answer) in rows {
        assert_eq!(said(&pair.ask(&first)), answer);
        pair.expect_silence();
        for next in nexts {
            assert_eq!(said(&pair.ask(&next)), answer, "{:?}", next.line);
            let event = pair.edge.event();
            assert_eq!(rules(&event), [CACHE], "{event}");
            assert_eq!(event["findings"][0]["proof"], "proved", "{event}");
        }
        pair.expect_silence();
    }
}

/// Where a trail is expected, that none comes is itself the finding, and nobody is accused of what was not seen.
#[test]
fn a_trail_that_the_hop_forgets_is_missed_where_it_is_expected() {
    let way = Way::with(HaProxy, "NGINX_GOOD", KEY, ", after: edge");
    let pair = way.pair("FORGETS");
    assert_eq!(said(&pair.ask(&Ask::new(ME, vec![]))), ANONYMOUS);
    let event = pair.sidecar.event();
    assert_eq!(rules(&event), [FORGOTTEN], "{event}");
    pair.expect_silence();
    let control = way.pair("CLEAN");
    assert_eq!(said(&control.ask(&Ask::new(ME, vec![]))), ANONYMOUS);
    control.expect_silence();
}

/// A key is replaced in three steps, and doctors that are a step apart understand each other.
#[test]
fn doctors_believe_one_another_while_a_key_is_replaced() {
    let (old, new) = (KEY, OTHER_KEY);
    let steps = [old.to_owned(), format!("{old}\n{new}"), format!("{new}\n{old}"), new.to_owned()];
    let token = bearer_of("ADMIN");
    for apart in steps.windows(2) {
        for (edge, sidecar) in [(&apart[0], &apart[1]), (&apart[1], &apart[0])] {
            let way = Way::with(HaProxy, "NGINX_GOOD", sidecar, "");
            let pair = way.pair_with("DELETES", edge);
            assert_eq!(said(&pair.ask(&with_token(ME, &token))), ANONYMOUS);
            expect_lost(&pair, LOST, "authorization", "missing");
        }
    }
}

/// A summary that names a value would give it away.
#[test]
fn no_credential_of_client_or_hop_reaches_a_log() {
    let (token, way) = (bearer_of("ADMIN"), Way::through(HaProxy));
    let parts: Vec<&str> = token["Bearer ".len()..].split('.').collect();
    let of_hop = login_of_hop().replace("Basic ", "");
    for door in ["RENAMES", "REPLACES", "FOLDS", "TRUNCATES"] {
        let pair = way.pair(door);
        pair.ask(&with_token(ME, &token));
        for event in pair.events() {
            let text = event.to_string();
            assert!(parts.iter().chain([&&*of_hop]).all(|part| !text.contains(part)), "{door}: {text}");
            assert!(!text.contains(KEY.split(':').nth(1).unwrap()), "{door}");
        }
    }
}
