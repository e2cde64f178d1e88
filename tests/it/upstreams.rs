//! Origins that misbehave. Whatever one does, the client sees a status or that the reply was cut off, one event says
//! whose side broke, and the next client is served.

use std::io;

use crate::world::{Doctor, Origin, Wire};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// What an origin does, once it has read the request.
struct Row {
    what: &'static str,
    says: String,
    then: Then,
    client_sees: Seen,
}

#[derive(Clone, Copy)]
enum Then {
    Closes,
    Resets,
    /// Says nothing more, and keeps the connection.
    Waits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The reply, whole.
    Whole,
    /// 502 or 504 with this code.
    Refused(u16, &'static str),
    /// Something that cannot be taken for a whole reply.
    CutOff,
}

fn row(what: &'static str, says: impl Into<String>, then: Then, client_sees: Seen) -> Row {
    Row { what, says: says.into(), then, client_sees }
}

const MALFORMED: Seen = Seen::Refused(502, "header_doctor_upstream_malformed");
const TRUNCATED: Seen = Seen::Refused(502, "header_doctor_upstream_truncated");
const TIMEOUT: Seen = Seen::Refused(504, "header_doctor_upstream_timeout");

fn silences() -> Vec<Row> {
    use Then::{Closes, Resets, Waits};
    let closed = Seen::Refused(502, "header_doctor_upstream_closed");
    let reset = Seen::Refused(502, "header_doctor_upstream_connection");
    vec![
        row("reset", "", Resets, reset),
        row("close", "", Closes, closed),
        row("silence", "", Waits, TIMEOUT),
        row("half a head, then reset", "HTTP/1.1 200 OK\r\nContent-Le", Resets, TRUNCATED),
        row("half a head, then close", "HTTP/1.1 200 OK\r\nContent-Le", Closes, TRUNCATED),
        row("half a head, then silence", "HTTP/1.1 200 OK\r\nContent-Le", Waits, TIMEOUT),
    ]
}

fn cuts() -> Vec<Row> {
    let chunked = |rest: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{rest}");
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart";
    let mut rows = Vec::new();
    for (then, short) in [
        (Then::Closes, "a body shorter than its length, then close"),
        (Then::Resets, "a body shorter than its length, then reset"),
        (Then::Waits, "a body shorter than its length, then silence"),
    ] {
        rows.push(row(short, long, then, Seen::CutOff));
        rows.push(row("chunks without an end", chunked("4\r\npart\r\n"), then, Seen::CutOff));
        rows.push(row("an end without its last line", chunked("4\r\npart\r\n0\r\n"), then, Seen::CutOff));
        rows.push(row("a first chunk of no size", chunked("zz\r\npart\r\n0\r\n\r\n"), then, Seen::CutOff));
        rows.push(row("a later chunk of no size", chunked("4\r\npart\r\n-4\r\n"), then, Seen::CutOff));
        rows.push(row(
            "a chunk longer than its size",
            chunked("4\r\nparts\r\n0\r\n\r\n"),
            then,
            Seen::CutOff,
        ));
        rows.push(row("a chunk of 2^64 bytes", chunked("10000000000000000\r\n"), then, Seen::CutOff));
    }
    rows.push(row(
        "a reset where the end was to be",
        "HTTP/1.1 200 OK\r\n\r\npart",
        Then::Resets,
        Seen::CutOff,
    ));
    rows
}

fn nonsense() -> Vec<Row> {
    let fields = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
    let cases = [
        ("256 KiB of one field", fields(&format!("X: {}", "a".repeat(1 << 18)))),
        ("2000 fields", fields(&["X: y"; 2000].join("\r\n"))),
        ("garbage", "garbage\r\n\r\n".into()),
        ("binary garbage", "\0\x01\x02\u{7f}\r\n\r\n".into()),
        ("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n".into()),
        ("a space before a colon", fields("X : y")),
        ("no name", fields(": y")),
        ("no colon", fields("X")),
        ("NUL in a value", fields("X: \0")),
        ("CR in a value", fields("X: y\rz")),
        ("a folded field", fields("X: y\r\n z")),
        ("lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n".into()),
        ("two lengths", fields("Content-Length: 1\r\nContent-Length: 2")),
        ("a negative length", fields("Content-Length: -1")),
        ("a signed length", fields("Content-Length: +1")),
        ("a length of 2^64", fields("Content-Length: 18446744073709551616")),
        ("an empty length", fields("Content-Length:")),
        ("an unknown coding", fields("Transfer-Encoding: gzip")),
        ("status 99", "HTTP/1.1 99 Low\r\n\r\n".into()),
        ("status 1000", "HTTP/1.1 1000 High\r\n\r\n".into()),
        ("no status", "HTTP/1.1 OK\r\n\r\n".into()),
        ("101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".into()),
        ("100 continues", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100) + OK),
    ];
    let malformed = cases.map(|(what, says)| row(what, says, Then::Closes, MALFORMED));
    let old = row("HTTP/0.9", "<html>HTTP/0.9</html>", Then::Closes, MALFORMED);
    malformed.into_iter().chain([old]).collect()
}

fn tolerable() -> Vec<Row> {
    let both = "Content-Length: 3\r\nTransfer-Encoding: chunked";
    let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    vec![
        row("50 continues", "HTTP/1.1 100 Continue\r\n\r\n".repeat(50) + OK, Then::Waits, Seen::Whole),
        row(
            "a length beside a coding",
            format!("HTTP/1.1 200 OK\r\n{both}\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
            Then::Waits,
            Seen::Whole,
        ),
        row("bytes behind its reply", format!("{OK}{smuggled}"), Then::Waits, Seen::Whole),
        row(
            "a body where none may be",
            format!("HTTP/1.1 204 No\r\n\r\n{smuggled}"),
            Then::Waits,
            Seen::Whole,
        ),
        row("a body behind 304", format!("HTTP/1.1 304 Same\r\n\r\n{smuggled}"), Then::Waits, Seen::Whole),
    ]
}

/// Plays the row that the target names; anything else is answered in order.
fn origin(rows: &[Row]) -> Origin {
    let acts: Vec<_> = rows.iter().map(|row| (row.says.clone(), row.then)).collect();
    Origin::playing(move |mut wire, _| {
        loop {
            let request = wire.message();
            let number = request.split(['/', ' ']).find_map(|part| part.parse::<usize>().ok());
            let Some((says, then)) = number.and_then(|number| acts.get(number)) else {
                wire.put(OK);
                continue;
            };
            wire.put(says);
            match then {
                Then::Closes => return,
                Then::Resets => return wire.reset(),
                Then::Waits => {}
            }
        }
    })
}

#[test]
fn whatever_an_origin_does_the_client_can_tell_and_the_next_one_is_served() {
    let rows: Vec<Row> = [silences(), cuts(), nonsense(), tolerable()].into_iter().flatten().collect();
    let origin = origin(&rows);
    // Whoever is to be seen doing something else than nothing has time for it.
    let [patient, impatient] = ["1m", "700ms"].map(|patience| {
        Doctor::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ upstreams: [{{ url: \"{origin}\", response_timeout: {patience}, idle_timeout: 300ms }}] }}]\n\
             workers: 1\n\
             log: {{ format: json, exchanges: all }}\n"
        ))
    });
    for (number, Row { what, client_sees, .. }) in rows.iter().enumerate() {
        let doctor = if *client_sees == TIMEOUT { &impatient } else { &patient };
        for version in ["1.1", "1.0"] {
            let request = format!("GET /{number} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n");
            let outcome = doctor.connect().send(request).try_read_to_end();
            assert_eq!(seen(outcome), *client_sees, "{what}, HTTP/{version}");
            let event = doctor.event();
            assert_eq!(event["path"], format!("/{number}"), "{what}: {event}");
            let failure = match client_sees {
                Seen::Whole => None,
                Seen::Refused(_, code) => Some(*code),
                Seen::CutOff => Some("header_doctor_reply_cut_off"),
            };
            assert_eq!(event["failure"]["code"].as_str(), failure, "{what}: {event}");
            assert_eq!(event["failure"]["who"].as_str(), failure.map(|_| "upstream"), "{what}: {event}");
            let next = doctor.connect().send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n").reply();
            assert_eq!((next.status(), next.body.as_slice()), (200, b"hi".as_slice()), "{what}");
            assert_eq!(doctor.event()["path"], "/next", "{what}: one event each");
        }
    }
    patient.expect_no_other_event();
    impatient.expect_no_other_event();
}

/// What a client makes of all that came.
fn seen(outcome: io::Result<Vec<u8>>) -> Seen {
    let all = match outcome {
        Ok(all) => all,
        // A reset may outrun what was sent before it.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Seen::CutOff,
        Err(error) => panic!("{error}"),
    };
    let text = String::from_utf8(all).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Seen::CutOff;
    };
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let is_whole = match (field("Content-Length: "), field("Transfer-Encoding: ")) {
        _ if matches!(status, 204 | 304) => body.is_empty(),
        (Some(length), None) => body.len() == length.parse::<usize>().unwrap(),
        (None, Some("chunked")) => body.ends_with("0\r\n\r\n"),
        // It ends with its connection, and that ended in order.
        (None, None) => true,
        both => panic!("{both:?}"),
    };
    if !is_whole {
        return Seen::CutOff;
    }
    if status < 500 {
        assert!(matches!(body, "" | "hi" | "2\r\nhi\r\n0\r\n\r\n"), "{body}");
        return Seen::Whole;
    }
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let codes = silences().into_iter().chain(nonsense()).map(|row| row.client_sees);
    let known =
        codes.into_iter().find(|seen| matches!(seen, Seen::Refused(_, code) if json["code"] == *code));
    assert_eq!(json["data"]["status"], status);
    known.unwrap_or_else(|| panic!("an unknown code: {json}"))
}

#[test]
fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let origin = Origin::playing(|mut wire, tell| {
        if wire.head().starts_with("GET") {
            // Kept, this connection might be taken for the next POST while its end is on its way.
            return wire.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        }
        wire.put("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch");
        tell(if wire.is_at_end() { "let go".into() } else { pour(wire) });
    });
    let doctor = Doctor::before(&origin);
    for end in
        ["\r\nContent-Length: 1000000000\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n"]
    {
        let mut client = doctor.connect().send("POST / HTTP/1.1\r\nHost: a").send(end);
        // 16 MiB, unless the doctor has closed before.
        let _refused = (0..256).any(|_| client.try_put(&[b'x'; 1 << 16]).is_err());
        let reply = client.reply();
        assert_eq!((reply.status(), reply.field("connection")), (413, Some("close")));
        assert_eq!(reply.body, b"much");
        assert_eq!(origin.request(), "let go");
        assert_eq!(doctor.event()["status"], 413);
        assert_eq!(doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").reply().status(), 200);
        assert_eq!(doctor.event()["status"], 200);
    }
    doctor.expect_no_other_event();
}

/// Reads to the end, whatever comes.
fn pour(wire: Wire) -> String {
    drop(wire.try_read_to_end());
    "let go".into()
}
