//! How many clients there may be: one too many is told so, and running out of file descriptors is survived.

use std::time::{Duration, Instant};

use crate::world::{Doctor, Origin, Reply, Wire, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A client that has been let in and stays.
fn guest(doctor: &Doctor) -> Wire {
    let mut client = doctor.connect().send(GET);
    assert_eq!(client.reply().status(), 200);
    assert_eq!(doctor.event()["status"], 200);
    client
}

fn assert_turned_away(reply: &Reply, code: &str) {
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (503, Some(code)));
    assert_eq!(reply.json()["data"]["status"], 503);
    assert_eq!((reply.field("retry-after"), reply.field("connection")), (Some("5"), Some("close")));
    assert_eq!(reply.field("cache-control"), Some("no-store"));
}

#[test]
fn one_connection_too_many_is_told_so_until_another_ends() {
    const CODE: &str = "header_doctor_too_many_connections";
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, "limits: { connections: 2 }");
    let (mut first, second) = (guest(&doctor), guest(&doctor));
    for _ in 0..3 {
        let mut client = doctor.connect().send(GET);
        assert_turned_away(&client.reply(), CODE);
        assert!(client.finish().is_at_end());
        let event = doctor.event();
        assert_eq!(
            (event["status"].as_u64(), event["refusal"]["code"].as_str()),
            (Some(503), Some(CODE)),
            "{event}"
        );
    }
    first.put(GET);
    assert_eq!(first.reply().status(), 200, "those that are in are served");
    assert_eq!(doctor.event()["status"], 200);
    drop(second);
    until("there is room again", || doctor.connect().send(GET).reply().status() == 200);
}

#[test]
fn one_too_many_that_asks_for_nothing_is_told_all_the_same() {
    let origin = Origin::answering(OK);
    // Whoever waited for its request would wait for longer than this test.
    let doctor = Doctor::with_sections(&origin, "limits: { connections: 1, header_timeout: 1h }");
    let _guest = guest(&doctor);
    let mut silent = doctor.connect();
    assert_turned_away(&silent.reply(), "header_doctor_too_many_connections");
    assert!(silent.is_at_end(), "and not waited for");
}

#[test]
fn those_that_are_turned_away_cannot_pile_up() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, "limits: { connections: 1 }");
    let mut guest = guest(&doctor);
    let before = doctor.descriptors();
    let crowd: Vec<Wire> = (0..500).map(|_| doctor.connect()).collect();
    let events: Vec<_> = crowd.iter().map(|_| doctor.event()).collect();
    let told = events.iter().filter(|event| event["status"] == 503).count();
    assert!(events.iter().all(|event| event["refusal"]["code"] == "header_doctor_too_many_connections"));
    assert!((64..500).contains(&told), "{told} were told, the others closed at once");
    until("all are gone", || doctor.descriptors() <= before);
    guest.put(GET);
    assert_eq!(guest.reply().status(), 200);
}

#[test]
fn an_address_may_have_its_own_limit_and_trusted_proxies_have_none() {
    const CODE: &str = "header_doctor_too_many_connections_from_address";
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, "limits: { connections_per_address: 1 }");
    let guest_of_one = guest(&doctor);
    assert_turned_away(&doctor.connect().send(GET).reply(), CODE);
    assert_eq!(doctor.event()["refusal"]["code"], CODE);
    drop(guest_of_one);
    until("there is room again", || doctor.connect().send(GET).reply().status() == 200);

    let doctor =
        Doctor::with_sections(&origin, "limits: { connections_per_address: 1 }\ntrusted_proxies: [loopback]");
    let _guests = [guest(&doctor), guest(&doctor), guest(&doctor)];
}

fn yaml(upstream: impl std::fmt::Display) -> String {
    format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\n\
         workers: 1\n\
         log: {{ format: json, exchanges: all }}\n"
    )
}

/// A new client may be accepted before all that have gone are noticed, and then none is left for the origin.
fn serves_again(doctor: &Doctor) {
    until("it serves again", || doctor.connect().send(GET).reply().status() == 200);
}

#[test]
fn too_few_file_descriptors_are_told_before_a_connection_takes_one() {
    let doctor = Doctor::starting_with_descriptors(64, &yaml("127.0.0.1:9"));
    let warned = doctor.says("Too few file descriptors");
    assert_eq!(
        (&warned["level"], &warned["limit"], &warned["connections"], &warned["needed"]),
        (&"WARN".into(), &64.into(), &10_000.into(), &20_000.into())
    );
    doctor.listens();
    let enough = yaml("127.0.0.1:9") + "limits: { connections: 32 }\n";
    let doctor = Doctor::starting_with_descriptors(64, &enough);
    let until =
        |last| std::iter::from_fn(|| Some(doctor.word())).take_while(move |word| word["message"] != last);
    let mut words: Vec<_> = until("Listening").collect();
    doctor.terminate();
    words.extend(until("Stopped"));
    assert!(words.iter().all(|word| word["level"] != "WARN"), "{words:?}");
}

#[test]
fn without_file_descriptors_it_waits_without_spinning_and_recovers() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_descriptors(64, &yaml(&origin));
    let crowd: Vec<Wire> = (0..100).map(|_| doctor.connect()).collect();
    assert_eq!(doctor.says("Cannot accept")["level"], "WARN");
    let (start, before) = (Instant::now(), doctor.ticks());
    until("a second has passed", || start.elapsed() > Duration::from_secs(1));
    let spent = doctor.ticks() - before;
    assert!(spent <= 20, "{spent} hundredths of a second on a processor");
    let said = doctor.said();
    assert!(said.is_empty(), "it was said, and not at every attempt: {said:?}");
    drop(crowd);
    serves_again(&doctor);
}

#[test]
fn an_origin_that_no_descriptor_is_left_for_is_not_blamed() {
    const CODE: &str = "header_doctor_out_of_file_descriptors";
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_descriptors(64, &yaml(&origin));
    let mut crowd: Vec<Wire> = (0..100).map(|_| doctor.connect()).collect();
    doctor.says("Cannot accept");
    let mut first = crowd.remove(0).send(GET);
    assert_turned_away(&first.reply(), CODE);
    let event = doctor.event();
    assert_eq!(
        (event["status"].as_u64(), event["failure"]["who"].as_str(), event["failure"]["code"].as_str()),
        (Some(503), Some("doctor"), Some(CODE)),
        "{event}"
    );
    drop(crowd);
    serves_again(&doctor);
}
