//! The connections to PHP-FPM: how long one lives, how many there are at a time, and who waits for one.

use crate::world::fastcgi::{answer, request, url};
use crate::world::{Doctor, H2, Origin, Wire};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";

/// A doctor before PHP, with these keys of its upstream beside `url`.
fn doctor(origin: &Origin, keys: &str) -> Doctor {
    let upstream = format!("upstreams: [{{ url: '{}', php_root: /srv/www{keys} }}]", url(origin));
    Doctor::with_site(&upstream, "")
}

/// PHP that works until nobody wants its reply any more.
fn endless() -> Origin {
    Origin::playing(|mut wire, tell| {
        request(&mut wire);
        tell("asked".to_owned());
        tell(if wire.is_at_end() { "given up" } else { "told more" }.to_owned());
    })
}

#[test]
fn a_client_that_leaves_takes_the_script_along() {
    let origin = endless();
    let doctor = doctor(&origin, "");
    for ask in [GET, POST, CHUNKED] {
        let client = doctor.connect().send(ask);
        assert_eq!(origin.request(), "asked");
        client.reset();
        assert_eq!(origin.request(), "given up", "{ask}");
        let event = doctor.event();
        assert_eq!(event["failure"]["code"], "header_doctor_client_gone", "{event}");
    }
    let mut client = H2::to(doctor.address());
    let ask = http::Request::post("http://a/").body(()).unwrap();
    let (reply, mut body) = client.send(ask, false);
    body.send_data("abc".into(), true).unwrap();
    assert_eq!(origin.request(), "asked");
    drop((reply, body));
    assert_eq!(origin.request(), "given up");
    assert_eq!(doctor.event()["client_gone"], true);
    doctor.expect_no_other_event();
}

#[test]
fn a_client_that_only_asks_for_more_or_says_that_it_sends_no_more_has_not_left() {
    let origin = Origin::playing(|mut wire, tell| {
        request(&mut wire);
        tell(String::new());
        let _more = wire.has_come_within(std::time::Duration::from_millis(100));
        wire.put(answer(HELLO));
    });
    let doctor = doctor(&origin, "");
    for ask in [GET, POST, CHUNKED] {
        let mut client = doctor.connect().send(ask);
        origin.request();
        client.put(GET);
        let mut client: Wire = client.finish();
        for _ in 0..2 {
            assert_eq!(client.reply().body, b"hello", "{ask}");
        }
    }
}
