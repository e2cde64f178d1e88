//! What the proxy writes, answers and tells while it serves, by its settings.

use std::io::ErrorKind;

use super::marks::{PASSWORD, TOKEN, found};
use super::origin::{Said, origin, replies};
use super::requests::requests;
use super::running::{Left, Running, assert_clean};
use crate::world::Wire;

/// Sends every request, each on a connection of its own, and gives what came back and was not the origin's.
fn drive(doctor: &Running, said: &Said) -> Vec<Left> {
    let ask = |request: &Vec<u8>| said.left(request, &answer(Wire::to(doctor.address()), request));
    requests(replies().len()).iter().map(ask).collect()
}

/// All that comes back; a connection that was reset ends there.
fn answer(wire: Wire, request: &[u8]) -> Vec<u8> {
    let (mut wire, mut reply) = (wire.send(request).finish(), Vec::new());
    loop {
        match wire.try_read_some() {
            Ok(more) if more.is_empty() => return reply,
            Ok(more) => reply.extend(more),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return reply,
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(request)),
        }
    }
}

/// Drives a doctor with these sections, and searches everything.
fn search(site: &str, sections: &str) {
    let said = Said::default();
    let origin = origin(&said);
    let sections = format!("sites: [{{ upstreams: [{{ url: \"{origin}\" }}]{site} }}]\n{sections}");
    let doctor = Running::start("", &sections);
    let mut left = drive(&doctor, &said);
    left.extend(doctor.end());
    assert_clean(&left);
    // What was not asked about proves nothing.
    assert!(said.asked() > 250, "the origin was asked {} times", said.asked());
}

#[test]
fn sick_exchanges_for_eyes() {
    search("", "log: { format: pretty, level: info, exchanges: sick, client_address: full, repeats: 0s }");
}

#[test]
fn all_exchanges_for_machines_where_nothing_is_changed() {
    search(
        ", mode: observe",
        "trusted_proxies: [loopback]\n\
         log: { format: json, level: trace, exchanges: all, client_address: full }",
    );
}

#[test]
fn every_policy_at_once() {
    search(
        ", cors: { allow_origins: ['https://app.test', 'https://*.app.test'], allow_credentials: true }, redirects: rewrite, \
         authorization: { recover_from: [x-authorization, x-amzn-remapped-authorization], mirror_to: [x-copy], placeholder_tokens: refuse }",
        "trusted_proxies: [loopback]\n\
         log: { format: json, level: debug, exchanges: all, client_address: network }",
    );
}

#[test]
fn a_second_opinion_and_summaries() {
    search(
        ", cors: { allow_origins: ['*'] }",
        "diagnosis: { second_opinion: auto }\n\
         log: { format: json, level: trace, exchanges: sick, client_address: none, repeats: 1s }",
    );
}

#[test]
fn nothing_is_judged_and_all_is_written() {
    search("", "diagnosis: { enabled: false }\nlog: { format: pretty, level: trace, exchanges: all }");
}

#[test]
fn what_an_origin_echoes_is_found_where_it_is_not_known_as_its_own() {
    let said = Said::default();
    let origin = origin(&said);
    let doctor = Running::start("", &format!("sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]"));
    let request = format!(
        "GET /?token={PASSWORD} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-Reply: 2\r\nAuthorization: Bearer {}\r\n\r\n",
        *TOKEN
    );
    let reply = answer(Wire::to(doctor.address()), request.as_bytes());
    let is_found = |text: &[u8]| found(text).iter().any(|(mark, _)| *mark == "a token's signature");
    assert!(is_found(&reply), "{}", String::from_utf8_lossy(&reply));
    assert!(is_found(&Said::default().without(&reply)));
    assert!(found(&said.without(&reply)).is_empty());
    assert_clean(&doctor.end());
}
