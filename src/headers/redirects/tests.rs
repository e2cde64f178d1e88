//! Where a redirect leads, and when it may be kept at home.

use proptest::prelude::{any, prop, proptest};

use super::{Asked, Change, Kinship, Own, Redirect, rewrite};
use crate::headers::Scheme;
use crate::message::{Fields, Name, ReplyHead, RequestHead, Status};

fn request(url: &str) -> (RequestHead, Scheme) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    let fields = Fields::from([("Host", host), ("Authorization", "Bearer a")]);
    (RequestHead::build("GET", target, fields), Scheme::of(scheme.as_bytes()).unwrap())
}

fn reply(status: u16, location: &[u8]) -> ReplyHead {
    let mut fields = Fields::from([("Cache-Control", "max-age=3600")]);
    fields.append(b"Location", location);
    ReplyHead::build(Status::new(status).unwrap(), fields)
}

const SAME: Change = Change { scheme: false, host: Kinship::Same, port: false };

#[test]
fn a_redirect_is_judged_from_the_url_asked_for() {
    let host = |host| Change { host, ..SAME };
    let table = [
        ("http://a.test/x", "/y", Some(SAME)),
        ("http://a.test/x", "y", Some(SAME)),
        ("http://a.test/x", "?b=c:d", Some(SAME)),
        ("http://a.test/x", "http://A.test:80/y", Some(SAME)),
        ("http://a.test:8080/x", "//a.test:8080/y", Some(SAME)),
        ("http://a.test/x", "http://a.test./y", Some(SAME)),
        ("http://a.test/x", "HTTPS://a.test/y", Some(Change { scheme: true, ..SAME })),
        ("https://a.test/x", "http://a.test/y", Some(Change { scheme: true, ..SAME })),
        ("https://a.test:8443/x", "https://a.test/y", Some(Change { port: true, ..SAME })),
        ("http://a.test/x", "http://a.test:8080/y", Some(Change { port: true, ..SAME })),
        ("http://a.test:8080/x", "https://a.test/y", Some(Change { scheme: true, port: true, ..SAME })),
        ("http://a.test/x", "//www.a.test/y", Some(host(Kinship::Below))),
        ("http://www.a.test/x", "//a.test/y", Some(host(Kinship::Above))),
        ("http://a.test/x", "//xa.test/y", Some(host(Kinship::Other))),
        ("http://a.test/x", "//b.test", Some(host(Kinship::Other))),
        ("http://[::1]:80/x", "http://[::1]/y", Some(SAME)),
        ("http://a.test/x", "app://callback", None),
        ("http://a.test/x", "https:y", None),
        ("http://a.test/x", "http:/y", None),
        ("http://a.test/x", "/\\b.test/y", None),
        ("http://a.test/x", "//a.test:99999/", None),
        ("http://a.test/x", "//a.test:x/", None),
        ("http://a.test/x", "///b.test", None),
        ("http://a.test/x", "/a b", None),
        ("http://a.test/x", "", None),
    ];
    for (url, location, change) in table {
        let (head, scheme) = request(url);
        let reply = reply(301, location.as_bytes());
        let redirect = Redirect::read(&reply, &Asked::new(&head, scheme).unwrap());
        assert_eq!(redirect.map(|redirect| redirect.change()), change, "{url} {location}");
    }
}

#[test]
fn only_redirects_are_read() {
    let (head, scheme) = request("http://a.test/x");
    let asked = Asked::new(&head, scheme).unwrap();
    for (status, is_read) in
        [(200, false), (201, false), (300, false), (302, true), (304, false), (307, true)]
    {
        assert_eq!(Redirect::read(&reply(status, b"/y"), &asked).is_some(), is_read, "{status}");
    }
    let mut twice = reply(302, b"/y");
    twice.fields.append(b"Location", b"/z");
    assert_eq!(Redirect::read(&twice, &asked), None);
}

#[test]
fn the_way_back_and_the_loop_of_tls_are_recognised() {
    let table = [
        ("http://a.test/x?y", "https://a.test/x?y", false, true),
        ("http://a.test/x?y", "https://a.test/x?y#z", false, true),
        ("http://a.test/x?y", "https://a.test/x", false, false),
        ("http://a.test/x", "https://www.a.test/x", false, false),
        ("http://a.test/", "https://a.test", false, true),
        ("http://a.test:8443/x", "https://a.test:8443/x", false, true),
        ("https://a.test/x", "http://a.test/x", false, false),
        ("https://a.test/x", "https://a.test:443/x", true, false),
        ("https://a.test/x", "/x#z", true, false),
        ("https://a.test/x?y", "#z", true, false),
        ("https://a.test/x?y", "?y#z", true, false),
        ("https://a.test/x?y", "?z", false, false),
    ];
    for (url, location, back, tls) in table {
        let (head, scheme) = request(url);
        let reply = reply(302, location.as_bytes());
        let redirect = Redirect::read(&reply, &Asked::new(&head, scheme).unwrap()).unwrap();
        assert_eq!((redirect.leads_back(), redirect.only_adds_tls()), (back, tls), "{url} {location}");
    }
}

#[test]
fn a_password_is_noticed_and_nothing_is_printed() {
    let (head, scheme) = request("http://a.test/x?token=s3cret");
    let reply = reply(302, b"https://user:s3cret@b.test:444/y?token=s3cret");
    let asked = Asked::new(&head, scheme).unwrap();
    let redirect = Redirect::read(&reply, &asked).unwrap();
    assert!(redirect.has_password());
    assert_eq!((redirect.scheme(), redirect.host(), redirect.port()), (Scheme::Https, &b"b.test"[..], 444));
    assert!(!format!("{redirect:?} {asked:?}").contains("s3cret"));
}

fn rewritten(url: &str, location: &str) -> Option<String> {
    let (head, scheme) = request(url);
    with(&head, scheme, location)
}

fn with(head: &RequestHead, scheme: Scheme, location: &str) -> Option<String> {
    let hosts = ["api.test".to_owned(), "www.api.test".to_owned()];
    let own = Own { hosts: &hosts, upstreams: &["10.0.0.6:8080".to_owned(), "10.0.0.7:8080".to_owned()] };
    let mut reply = reply(301, location.as_bytes());
    let done = rewrite(&mut reply, &Asked::new(head, scheme).unwrap(), own);
    let text = |name| String::from_utf8_lossy(reply.fields.only(name).unwrap()).into_owned();
    assert_eq!(text(Name::CacheControl), if done { "no-store" } else { "max-age=3600" });
    assert!(done || text(Name::Location) == location);
    done.then(|| text(Name::Location))
}

#[test]
fn a_redirect_to_another_name_of_the_site_stays_at_home() {
    let table = [
        ("https://api.test/a", "http://api.test/a/", Some("/a/")),
        ("https://api.test/a", "https://www.api.test/a/?b#c", Some("/a/?b#c")),
        ("https://api.test/a", "http://10.0.0.7:8080/a/", Some("/a/")),
        ("https://api.test/a", "https://api.test:8443/b", Some("/b")),
        ("https://api.test/a", "https://www.api.test", Some("/")),
        ("https://api.test/a", "https://www.api.test?b", Some("/?b")),
        ("http://any.test/a", "http://any.test:8080/b", Some("/b")),
        // It would lead to the URL just asked for.
        ("https://api.test/a", "http://api.test/a", None),
        ("https://api.test/a", "https://www.api.test/a#b", None),
        // It would take TLS away.
        ("http://api.test/a", "https://api.test/b", None),
        ("http://api.test/a", "https://www.api.test/b", None),
        // It is not the site's.
        ("https://api.test/a", "https://login.test/b", None),
        ("https://api.test/a", "http://10.0.0.7:8081/b", None),
        ("https://api.test/a", "http://10.0.0.7/b", None),
        // It changes no origin, or cannot be said as a path.
        ("https://api.test/a", "https://api.test/b", None),
        ("https://api.test/a", "/b", None),
        ("https://api.test/a", "http://api.test//evil.test/", None),
        ("https://api.test/a", "http://user:pw@api.test/b", None),
        ("https://api.test/a", "app://api.test/b", None),
    ];
    for (url, location, expected) in table {
        assert_eq!(rewritten(url, location).as_deref(), expected, "{url} {location}");
    }
}

#[test]
fn only_requests_that_could_lose_something_are_kept_at_home() {
    let table = [
        ("/page", "", false),
        ("/page", "Bearer a", true),
        ("/wp-json/wp/v2/posts", "", true),
        ("/?rest_route=/wp/v2/posts", "", true),
    ];
    for (target, authorization, expected) in table {
        let fields = Fields::from([("Host", "api.test"), ("Authorization", authorization)]);
        let head = RequestHead::build("GET", target, fields);
        let done = with(&head, Scheme::Https, "http://api.test/other").is_some();
        assert_eq!(done, expected, "{target} {authorization}");
    }
}

#[test]
fn a_request_without_a_host_has_no_url() {
    for host in ["", "a b", "a/b", "u@a", "a:b"] {
        let head = RequestHead::build("GET", "/", Fields::from([("Host", host)]));
        assert!(Asked::new(&head, Scheme::Http).is_none(), "{host}");
    }
}

const PARTS: &[&str] = &[
    "http", "https", ":", "/", "//", "a.test", "b.test", "@", "u:p", "?", "#", "[::1]", ":80", ":443", "\\",
    "x", " ",
];

proptest! {
    #[test]
    fn any_location_is_read_or_left_alone(location in any::<Vec<u8>>(), target in any::<String>()) {
        let head = RequestHead::build("GET", &target, Fields::from([("Host", "a.test")]));
        let asked = Asked::new(&head, Scheme::Https).unwrap();
        let mut reply = reply(302, &location);
        rewrite(&mut reply, &asked, Own { hosts: &[], upstreams: &[] });
        assert!(!format!("{:?}", Redirect::read(&reply, &asked)).contains("target"));
    }

    #[test]
    fn what_is_rewritten_stays_at_the_origin_and_is_another_url(parts in prop::collection::vec(prop::sample::select(PARTS), 0..9)) {
        let (head, scheme) = request("https://a.test/x");
        let asked = Asked::new(&head, scheme).unwrap();
        let mut reply = reply(302, parts.concat().as_bytes());
        let hosts = ["a.test".to_owned(), "b.test".to_owned()];
        if rewrite(&mut reply, &asked, Own { hosts: &hosts, upstreams: &["[::1]:80".to_owned()] }) {
            let redirect = Redirect::read(&reply, &asked).unwrap();
            assert!(!redirect.change().leaves_origin() && !redirect.leads_back());
            let location = reply.fields.only(Name::Location).unwrap();
            assert!(location.starts_with(b"/") && !location.starts_with(b"//"));
        }
    }
}
