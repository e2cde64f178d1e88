//! Whatever the file holds, it is answered in good time and without a panic.

use super::{FULL, Overrides, plan, plan_with, refused};
use proptest::prelude::{any, prop, proptest};

#[test]
fn aliases_are_followed_but_not_without_end() {
    let shared =
        "sites:\n  - &s\n    hosts: [a.com]\n    upstreams: &u [{ url: 'h:80' }]\n  - upstreams: *u\n";
    assert_eq!(plan(shared).sites.len(), 2);
    let hosts = "a.com, ".repeat(1000);
    let bomb = format!("sites:\n  - hosts: &h [{hosts}]\n{}", "  - hosts: *h\n".repeat(1000));
    assert!(refused(&bomb).contains("holds too many values"));
    assert!(refused(&"[".repeat(200_000)).contains("has more than 5000 brackets"));
    let deep = format!("sites: {}{}", "[".repeat(4000), "]".repeat(4000));
    assert!(!refused(&deep).is_empty());
    assert!(refused(&" ".repeat(2 << 20)).contains("is larger than 256KiB"));
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        drop(plan_with(&text, &Overrides::default()));
    }

    #[test]
    fn no_text_made_of_its_parts_panics(parts in prop::collection::vec(prop::sample::select(PARTS), 0..40)) {
        drop(plan_with(&parts.concat(), &Overrides::default()));
    }

    #[test]
    fn no_damage_to_the_example_panics(at in 0..FULL.len(), cut in 0_usize..40, part in prop::sample::select(PARTS)) {
        let damaged: String = FULL.chars().take(at).chain(part.chars()).chain(FULL.chars().skip(at + cut)).collect();
        drop(plan_with(&damaged, &Overrides::default()));
    }
}

/// What the file is made of, to be put together wrongly.
const PARTS: &[&str] = &[
    "listeners:",
    "sites:",
    "limits:",
    "drain:",
    "trail:",
    "hop:",
    "instance:",
    "key_file:",
    "after:",
    "ends_here:",
    "workers:",
    "log:",
    "hosts:",
    "trusted_proxies:",
    "authorization:",
    "recover_from:",
    "redirects:",
    "cors:",
    "allow_origins:",
    "max_age:",
    "mode:",
    "upstreams:",
    "url:",
    "address:",
    "delay:",
    " ",
    "  ",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "\n  - ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    ": ",
    "&a ",
    "*a",
    "!x ",
    "!!null ",
    "<<: ",
    "? ",
    "|",
    ">",
    "'",
    "\"",
    "#",
    "---",
    "...",
    "~",
    "null",
    "1",
    "1s",
    "h:80",
    "${",
    "${UPSTREAM}",
    "$${",
    "\u{feff}",
    "\0",
    "\t",
    "%",
    "@",
    "é",
];
