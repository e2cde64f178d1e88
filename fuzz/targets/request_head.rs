//! Any head: never a panic; what is accepted is read back the same by this parser and by httparse.

#![no_main]

use header_doctor::http1::{Framing, Scan, head_end, of_request, parse_request, request_head};
use header_doctor::message::Name;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Scan::Complete(end) = head_end(bytes, 0) else { return };
    let Ok(head) = parse_request(&bytes[..end]) else { return };
    // An old client may leave the host out; whoever forwards its request adds one.
    if !head.fields.has(Name::Host) {
        return;
    }
    let mut written = Vec::new();
    request_head(&mut written, &head, Framing::Length(0));
    assert_eq!(head_end(&written, 0), Scan::Complete(written.len()));
    let again = parse_request(&written).expect("what is written can be read");
    assert_eq!((again.method_text(), again.target()), (head.method_text(), head.target()));
    assert!(again.fields.iter().eq(head.fields.iter()));
    if again.version == head.version {
        assert_eq!(of_request(&again), of_request(&head));
    }

    let mut slots = [httparse::EMPTY_HEADER; 256];
    let mut second = httparse::Request::new(&mut slots);
    assert!(second.parse(&written).expect("httparse reads it").is_complete());
    let names = second.headers.iter().map(|header| (header.name.as_bytes(), header.value));
    assert!(names.eq(head.fields.iter().map(|field| (field.name, field.value))));
});
