//! Questions, answers, and where a value stands in PHP.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Arrived, By, MOST_BYTES, PhpSaw, Reached, SiteSecret, answered, hex, question, sealed};
use crate::evidence::signed::{Bound, Direction};
use crate::evidence::{Change, ExchangeId, Scheme, Sighting, Skew, Spelling, Watched, look};
use crate::message::{Fields, Method};
use crate::moment::Moment;
use crate::secret::{KeyId, Keyring, TrailKey};

const NOON: Moment = Moment::from_seconds(1_764_072_000);

const TOKEN: &str = "Bearer a.b.c";

fn key(byte: u8) -> TrailKey {
    TrailKey::new(KeyId::new("k1").unwrap(), &[byte; 32])
}

fn bound(direction: Direction) -> Bound<'static> {
    Bound::new(direction, Method::Get, b"GET", b"API.example.com:8080")
}

/// As the plugin answers.
fn answer(exchange: u64, said: &str, key: &TrailKey) -> String {
    let text = format!("1;k1;{};{};{said}", ExchangeId::new(exchange), NOON.millis());
    let seal = hex(&key.php().seal(&sealed(&bound(Direction::Back), text.as_bytes())));
    format!("{text};m={seal}")
}

fn heard(line: &str) -> Option<PhpSaw> {
    answered([line.as_bytes()], &Keyring::of_one(key(7)), ExchangeId::new(1), &bound(Direction::Back))
}

/// A value as PHP tells it.
fn told(value: &str, scheme: &str) -> String {
    let print = key(7).php().fingerprint(value.as_bytes());
    format!("{}.{scheme}.{:016x}", value.len(), print.bits())
}

#[test]
fn a_question_is_sealed_over_method_host_exchange_and_time() {
    let text = question(&key(7), ExchangeId::new(1), NOON, &bound(Direction::There));
    let text = String::from_utf8(text).unwrap();
    let (said, seal) = text.rsplit_once(';').unwrap();
    assert_eq!(said, "1;k1;0000000000000001;1764072000");
    let whole = format!("header-doctor question v1\nGET\napi.example.com\n{said}");
    assert_eq!(seal, hex(&key(7).php().seal(whole.as_bytes())));
    assert_ne!(text.as_bytes(), question(&key(8), ExchangeId::new(1), NOON, &bound(Direction::There)));
}

#[test]
fn an_answer_counts_by_its_seal_and_for_its_exchange_alone() {
    let good = answer(1, "s=fpm-fcgi;a=e", &key(7));
    let saw = heard(&good).unwrap();
    assert_eq!((saw.clock, saw.server), (NOON, Sighting::Empty));
    for bad in [
        answer(2, "s=fpm-fcgi", &key(7)),
        answer(1, "s=fpm-fcgi", &key(8)),
        good.replace("a=e", "a=-"),
        good.replace("1;k1", "1;k2"),
        good.replace("1;k1", "2;k1"),
        good.to_uppercase(),
        good.replace(";m=", ";n="),
        answer(1, &"x".repeat(MOST_BYTES), &key(7)),
        String::new(),
    ] {
        assert_eq!(heard(&bad), None, "{bad}");
    }
    let other = Bound::new(Direction::Back, Method::Post, b"POST", b"api.example.com");
    assert_eq!(answered([good.as_bytes()], &Keyring::of_one(key(7)), ExchangeId::new(1), &other), None);
    let back = Bound::new(Direction::There, Method::Get, b"GET", b"api.example.com");
    assert_eq!(answered([good.as_bytes()], &Keyring::of_one(key(7)), ExchangeId::new(1), &back), None);
}

#[test]
fn what_the_plugin_says_is_read_as_far_as_it_goes() {
    let said = format!(
        "s=apache2handler;a={};rr=e;g={}.l;l={};u=1;y=Bearer;o=x-auth:{};h=1;k=4a40f;i=3,password,editor,shop_manager;\
         n=https://a.test/blog;e=production;j=jwt-auth:3.0.2,x:;p=/wp/v2/posts/(?P%3Cid%3E%5B%5Cd%5D+);f=rest_forbidden;\
         c=WP_REST_Posts_Controller;z=1;new=1;a=-",
        told(TOKEN, "b"),
        told(TOKEN, "b"),
        told("Basic dTpw", "s"),
        told(TOKEN, "b"),
    );
    let saw = heard(&answer(1, &said, &key(7))).unwrap();
    let seen = saw.server.once().unwrap();
    assert_eq!((seen.length, seen.scheme), (12, Some(Scheme::Bearer)));
    assert_eq!((saw.redirected, saw.redirected_twice), (Sighting::Absent, Sighting::Empty));
    assert_eq!(saw.all_headers.once().unwrap().spelling, Spelling::Lower);
    assert_eq!(saw.login.once().unwrap().scheme, Some(Scheme::Basic));
    assert!(saw.is_mod_php() && saw.is_ssl && saw.has_remote_user && saw.has_token_routes && !saw.has_digest);
    assert_eq!(saw.site_secret, SiteSecret::There(0x4_a40f));
    let user = saw.user.clone().unwrap();
    assert_eq!((user.id, user.by, user.roles.len()), (3, By::ApplicationPassword, 2));
    assert!(saw.knows_user() && saw.has_plugin("jwt-auth") && !saw.has_plugin("jwt"));
    let word = |word: Option<super::Word>| word.map(|word| word.to_string()).unwrap_or_default();
    assert_eq!(word(saw.route), "/wp/v2/posts/(?P<id>[\\d]+)");
    assert_eq!(word(saw.home), "https://a.test/blog");
    assert_eq!(
        (word(saw.refusal), word(saw.handler)),
        ("rest_forbidden".into(), "WP_REST_Posts_Controller".into())
    );
    assert_eq!(saw.others[0].0.as_str(), "x-auth");
}

#[test]
fn what_is_not_understood_of_a_credential_is_not_taken_for_absent() {
    for said in ["a=12.b", "r=12.b.0123456789abcdef01", "rr=?", "l=", "g=12.b.0123456789abcdef.z"] {
        assert_eq!(heard(&answer(1, &format!("s=cli;{said};i=0,none"), &key(7))), None, "{said}");
    }
    let sent = [("Cookie", "a=1"), ("Origin", "https://a.test")];
    for said in ["s=cli", "w=", "w=1.longer,2.longer"] {
        assert!(judged(&sent, said).changes.is_empty(), "{said}");
    }
}

fn judged(sent: &[(&str, &str)], said: &str) -> Arrived {
    let mut fields = Fields::new();
    sent.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
    let (look, key) = (look(&fields), key(7));
    let seen = look.sightings(&fields, key.fingerprints());
    Arrived::judge(PhpSaw::read(NOON, said), &look, &fields, &seen, &key)
}

#[test]
fn where_a_value_stands_in_php_is_told_by_its_name() {
    let (token, other) = (told(TOKEN, "b"), told("Basic dTpw", "s"));
    let seen = |value: &str| PhpSaw::read(NOON, &format!("a={value}")).server;
    let name = |text: &str| crate::evidence::OtherName::new(text.as_bytes()).unwrap();
    let table: [(String, Reached, Option<Change>); 17] = [
        (format!("a={token}"), Reached::InPlace, None),
        (format!("a={token};r={token}"), Reached::InPlace, None),
        (format!("r={token}"), Reached::Redirected, None),
        (format!("a=e;r={token}"), Reached::RedirectedAndHidden, None),
        (format!("rr={token}"), Reached::RedirectedTwice, Some(Change::Moved)),
        (format!("g={token}.c"), Reached::OnlyInAllHeaders(Spelling::Canonical), Some(Change::Missing)),
        (format!("g={token}.l"), Reached::OnlyInAllHeaders(Spelling::Lower), Some(Change::Missing)),
        (format!("o=x-auth:{token}"), Reached::Elsewhere(name("x-auth")), Some(Change::Moved)),
        (format!("o=x-auth:{other}"), Reached::Missing, Some(Change::Missing)),
        ("y=Bearer".to_owned(), Reached::OnlyItsType, Some(Change::Missing)),
        (format!("a={other}"), Reached::Replaced(seen(&other)), Some(Change::Replaced)),
        (format!("r={other}"), Reached::Replaced(seen(&other)), Some(Change::Replaced)),
        (format!("l={other}"), Reached::Replaced(seen(&other)), Some(Change::Replaced)),
        (format!("l={other};g={token}.c"), Reached::Replaced(seen(&other)), Some(Change::Replaced)),
        ("a=e;r=e".to_owned(), Reached::Emptied, Some(Change::Emptied)),
        ("g=e.c".to_owned(), Reached::Emptied, Some(Change::Emptied)),
        (String::new(), Reached::Missing, Some(Change::Missing)),
    ];
    for (said, reached, change) in table {
        let arrived = judged(&[("Authorization", TOKEN)], &said);
        assert_eq!(arrived.reached, Some(reached), "{said}");
        assert_eq!(arrived.changes.first().map(|changed| changed.change), change, "{said}");
    }
}

#[test]
fn a_login_that_php_took_apart_arrived() {
    let login = told("Basic dTpw", "s");
    for sent in ["Basic dTpw", "basic  dTpw"] {
        let arrived = judged(&[("Authorization", sent)], &format!("l={login}"));
        assert_eq!((arrived.reached, arrived.changes.len()), (Some(Reached::InPlace), 0), "{sent}");
    }
    let other = judged(&[("Authorization", "Basic dTpx")], &format!("l={login}"));
    assert!(matches!(other.reached, Some(Reached::Replaced(_))));
}

#[test]
fn of_other_headers_only_their_absence_is_told() {
    let sent = [("Cookie", "a=1"), ("Origin", "https://a.test"), ("User-Agent", "x"), ("Host", "a.test")];
    let cookie = told("a=1", "");
    let arrived = judged(&sent, &format!("w={cookie},-,e,e,-,{},{}", told("b.test", ""), told("https", "")));
    let changes: Vec<_> = arrived.changes.iter().map(|changed| (changed.header, changed.change)).collect();
    assert_eq!(changes, [(Watched::Origin, Change::Emptied)]);
    assert_eq!(arrived.reached, None);
    let key = key(7);
    let same = arrived.seen.of(Watched::Cookie).once().unwrap();
    assert_eq!(
        same.fingerprint,
        key.fingerprints().fingerprint(b"a=1"),
        "what is equal looks as it was sent"
    );
}

#[test]
fn a_clock_is_off_by_what_no_delay_explains() {
    let at = |seconds: i64| Moment::from_seconds(NOON.seconds() + seconds);
    let skew = |asked, came| judged(&[], "").between(at(asked), at(came)).skew();
    assert_eq!(skew(-1, 1), None);
    assert_eq!(skew(0, 0), None);
    assert_eq!(skew(-20, -10), Some(Skew::Theirs(Duration::from_secs(10))));
    assert_eq!(skew(5, 9), Some(Skew::Ours(Duration::from_secs(5))));
}

proptest! {
    #[test]
    fn any_line_is_no_answer(line in vec(any::<u8>(), 0..1200)) {
        let keys = Keyring::of_one(key(7));
        prop_assert!(answered([&line[..]], &keys, ExchangeId::new(1), &bound(Direction::Back)).is_none());
    }

    #[test]
    fn anything_sealed_is_read_within_bounds(said in "[ -~]{0,900}") {
        let Some(saw) = heard(&answer(1, &said, &key(7))) else { return Ok(()) };
        prop_assert!(saw.others.len() <= 3 && saw.plugins.len() <= 2);
        let words = [saw.sapi, saw.auth_type, saw.home, saw.environment, saw.route, saw.handler, saw.refusal];
        for word in words.into_iter().flatten() {
            prop_assert!(word.as_str().len() <= 120 && word.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn any_damage_is_refused(place in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let good = answer(1, "s=fpm-fcgi;a=e", &key(7));
        let mut line = good.clone().into_bytes();
        let place = place.index(line.len());
        line[place] = byte;
        let keys = Keyring::of_one(key(7));
        let read = answered([&line[..]], &keys, ExchangeId::new(1), &bound(Direction::Back));
        prop_assert_eq!(read.is_some(), line == good.as_bytes());
    }
}
