//! Any beginning of a connection: never a panic; what is a header stays one whatever follows, and no part of it is.

#![no_main]

use header_doctor::proxy_protocol::{Beginning, LONGEST, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Beginning::Complete(header)) = parse(bytes) else { return };
    assert!(header.length <= bytes.len().min(LONGEST));
    assert_eq!(parse(&bytes[..header.length]), Ok(Beginning::Complete(header)));
    for end in [header.length - 1, header.length / 2, 0] {
        assert_eq!(parse(&bytes[..end]), Ok(Beginning::Partial), "{end}");
    }
});
