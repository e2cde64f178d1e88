//! Any preflight: never a panic; browsers accept what is granted, and nothing raw is repeated in a refusal.

#![no_main]

use header_doctor::browser::{Ask, Browser, Credentials, Origin, judge_preflight};
use header_doctor::headers::cors::{Decision, Policy, Settings};
use header_doctor::message::{Fields, RequestHead};
use libfuzzer_sys::fuzz_target;

// Three lines: origin, method, header names; the rest is the path.
fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let mut fields = Fields::new();
    fields.append(b"Origin", line());
    fields.append(b"Access-Control-Request-Method", line());
    fields.append(b"Access-Control-Request-Headers", line());
    let Ok(path) = std::str::from_utf8(line()) else { return };
    let head = RequestHead::build("OPTIONS", path, fields);

    let origins = ["https://app.test", "https://*.b.test", "null"].map(|text| text.parse().expect("a pattern"));
    let policy = Policy::new(Settings::new(origins.to_vec())).expect("it holds together");
    let Some(decision) = policy.preflight(&head) else { return };
    if let Decision::Refused(denial) = &decision {
        let console = Browser::ALL.map(|browser| denial.console(browser, "https://api.test/").unwrap_or_default());
        for text in console.iter().chain([&denial.message()]) {
            assert!(text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{text}");
        }
    }
    let is_granted = matches!(decision, Decision::Granted(_));
    if is_granted {
        let origin = Origin::of(&head.fields).expect("it was granted");
        let text = origin.as_str().to_ascii_lowercase();
        assert!(text == "null" || text.starts_with("https://app.test") || text.contains(".b.test"), "{text}");
    }
    if let Some(ask) = Ask::of_preflight(&head) {
        let ask = Ask { credentials: Credentials::Omit, ..ask };
        assert_eq!(judge_preflight(&ask, &decision.reply().head).is_ok(), is_granted);
    }
});
