//! Any text of a key file: never a panic; what is refused is not quoted, and keys that are read can be named and used.

#![no_main]

use header_doctor::secret::{Keyring, Parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<Keyring>() {
        Ok(keys) => {
            let key = keys.named(keys.signing().id().as_str()).expect("the one that signs is named");
            let parts = Parts::of(&[bytes]);
            assert!(key.has_sealed(&parts, &keys.signing().seal(&parts)));
        }
        Err(error) => {
            let told = error.to_string();
            let mut parts = text.split(|letter: char| letter.is_whitespace() || letter == ':');
            assert!(!parts.any(|part| part.len() >= 16 && told.contains(part)), "{told}");
        }
    }
});
