//! Any reply's head: never a panic; what is accepted is read back the same.

#![no_main]

use header_doctor::http1::{Framing, Persistence, Scan, head_end, of_reply, parse_reply, reply_head};
use header_doctor::message::Method;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Scan::Complete(end) = head_end(bytes, 0) else { return };
    let Ok(head) = parse_reply(&bytes[..end]) else { return };
    let framing = of_reply(Method::Get, &head);
    let mut written = Vec::new();
    reply_head(&mut written, &head, Framing::Length(0), Persistence::Unsaid);
    let again = parse_reply(&written).expect("what is written can be read");
    assert_eq!((again.status, again.reason()), (head.status, head.reason()));
    assert!(again.fields.iter().eq(head.fields.iter()));
    assert_eq!(of_reply(Method::Get, &again), framing);
});
