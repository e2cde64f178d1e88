//! What arrives behind each hop, without any doctor: the ground on which the verdicts of a pair stand.

use super::hop::{Hop, Server, login_of_hop};
use crate::world::{Origin, Wire};

use Server::{HaProxy, Nginx, Varnish};

/// Longer than what `TRUNCATES` leaves, with a comma as no token has it.
const SENT: &str = "Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.cc,cc";

/// The names under which a credential arrives.
const CREDENTIALS: [&str; 4] =
    ["authorization", "x-legacy-auth", "x-forwarded-authorization", "x-amzn-remapped-authorization"];

/// A door, and the lines that arrive behind it.
type Row = (&'static str, Vec<String>);

/// The lines of a head whose names are these, however spelled.
fn lines<'a>(head: &'a str, names: &[&str]) -> Vec<&'a str> {
    let is_it =
        |line: &&str| line.split_once(':').is_some_and(|(name, _)| names.contains(&&*name.to_lowercase()));
    head.lines().skip(1).filter(is_it).map(str::trim_end).collect()
}

struct Behind {
    origin: Origin,
    hop: Hop,
}

impl Behind {
    fn of(server: Server) -> Self {
        let origin = Origin::answering(
            "HTTP/1.1 200 OK\r\nCache-Control: private, no-store\r\nContent-Length: 0\r\n\r\n",
        );
        let address = origin.to_string().trim_start_matches("http://").parse().unwrap();
        Self { origin, hop: Hop::before(address, server) }
    }

    /// The head that arrives when this one was sent.
    fn arrives(&self, door: &str, line: &str, fields: &str) -> String {
        let head =
            format!("{line} HTTP/1.1\r\nHost: WordPress.test:8080\r\n{fields}Connection: close\r\n\r\n");
        Wire::to(self.hop.door(door)).send(head).head();
        self.origin.request()
    }
}

#[test]
fn each_hop_does_to_authorization_what_its_configuration_says() {
    let basic = login_of_hop();
    let small = format!("authorization: {SENT}");
    let usual = format!("Authorization: {SENT}");
    let rows: [(Server, &[Row]); 3] = [
        (
            HaProxy,
            &[
                ("CLEAN", vec![small.clone()]),
                ("STRIPS_ORIGIN", vec![small.clone()]),
                ("FORGETS", vec![small.clone()]),
                ("ADDS", vec![small.clone()]),
                ("DELETES", vec![]),
                ("RENAMES", vec![format!("x-legacy-auth: {SENT}")]),
                ("REPLACES", vec![format!("authorization: {basic}")]),
                ("DOUBLES", vec![small.clone(), small]),
                ("FOLDS", vec![format!("authorization: {basic}, {SENT}")]),
                ("TRUNCATES", vec![format!("authorization: {}", &SENT[..64])]),
                ("SHOUTS", vec![format!("AUTHORIZATION: {SENT}")]),
                ("EMPTIES", vec!["authorization:".to_owned()]),
            ],
        ),
        (
            Nginx,
            &[
                ("CLEAN", vec![usual.clone()]),
                ("HOST_WITHOUT_PORT", vec![usual.clone()]),
                ("HOST_OF_UPSTREAM", vec![usual.clone()]),
                ("ERROR_PAGES", vec![usual.clone()]),
                ("BLANKS", vec![]),
                ("MOVES", vec![format!("X-Forwarded-Authorization: {SENT}")]),
                ("REMAPS", vec![format!("x-amzn-Remapped-Authorization: {SENT}")]),
            ],
        ),
        (Varnish, &[("CLEAN", vec![usual.clone()]), ("UNSETS", vec![]), ("IGNORES", vec![usual])]),
    ];
    for (server, doors) in rows {
        let behind = Behind::of(server);
        for (door, expected) in doors {
            let head = behind.arrives(door, "GET /a", &format!("Authorization: {SENT}\r\n"));
            assert_eq!(&lines(&head, &CREDENTIALS), expected, "{server:?} {door}");
        }
    }
}

#[test]
fn each_hop_does_to_other_headers_what_its_configuration_says() {
    let haproxy = Behind::of(HaProxy);
    let fields = "Origin: https://app.test\r\nHeader-Doctor-Trail: a\r\n";
    let arrives = |door| haproxy.arrives(door, "GET /a", fields);
    let names = ["origin", "header-doctor-trail", "authorization"];
    let [origin, trail] = ["origin: https://app.test", "header-doctor-trail: a"];
    let added = format!("authorization: {}", login_of_hop());
    assert_eq!(lines(&arrives("CLEAN"), &names), [origin, trail]);
    assert_eq!(lines(&arrives("STRIPS_ORIGIN"), &names), [trail]);
    assert_eq!(lines(&arrives("FORGETS"), &names), [origin]);
    assert_eq!(lines(&arrives("ADDS"), &names), [origin, trail, &added]);
    assert_eq!(lines(&haproxy.arrives("RENAMES", "GET /a", ""), &["x-legacy-auth"]), ["x-legacy-auth:"]);

    let nginx = Behind::of(Nginx);
    let host = |door| nginx.arrives(door, "GET /a", "");
    assert_eq!(lines(&host("CLEAN"), &["host"]), ["Host: WordPress.test:8080"]);
    assert_eq!(lines(&host("HOST_WITHOUT_PORT"), &["host"]), ["Host: wordpress.test"]);
    assert_eq!(
        lines(&host("HOST_OF_UPSTREAM"), &["host"]),
        [format!("Host: {}", nginx.origin).replace("http://", "")]
    );
}

#[test]
fn a_cache_asks_with_another_method_and_gives_one_users_reply_to_the_next() {
    let varnish = Behind::of(Varnish);
    assert!(varnish.arrives("CLEAN", "HEAD /a", "").starts_with("GET /a "));
    let credential = format!("Authorization: {SENT}\r\n");
    assert!(varnish.arrives("CLEAN", "HEAD /a", &credential).starts_with("HEAD /a "));

    varnish.arrives("IGNORES", "GET /b", &credential);
    let next = "GET /b HTTP/1.1\r\nHost: WordPress.test:8080\r\nAuthorization: Bearer other\r\n\r\n";
    let reply = Wire::to(varnish.hop.door("IGNORES")).send(next).head();
    assert!(reply.contains("Age: "), "{reply}");
    assert!(varnish.origin.was_not_asked());
}

#[test]
fn an_edge_answers_in_the_place_of_who_stands_behind_it() {
    let origin = Origin::answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}");
    let hop = Hop::before(origin.to_string().trim_start_matches("http://").parse().unwrap(), Nginx);
    let ask = |door: &str| {
        let head = "GET /wp-json/a HTTP/1.1\r\nHost: wordpress.test\r\nConnection: close\r\n\r\n";
        let reply = Wire::to(hop.door(door)).send(head).reply();
        (reply.status(), String::from_utf8_lossy(&reply.body).into_owned())
    };
    assert_eq!(ask("CLEAN"), (401, "{}".to_owned()));
    let (status, page) = ask("ERROR_PAGES");
    assert!(status == 401 && page.contains("Something went wrong"), "{page}");
    origin.request();
    origin.request();
    let (status, page) = ask("FORBIDS");
    assert!(status == 403 && page.contains("nginx"), "{page}");
    assert!(origin.was_not_asked());
}
