//! The figures of `docs/data.md` are those of the code: each line of the page stands beside the declaration that it speaks of.
//!
//! Most constants are private to their module, as they should be; so their sources are read as text. Whoever changes one finds
//! here which words of the page it makes untrue.

use std::path::Path;

use super::{Page, top};

/// A source, declarations in it, and the words of the page.
const FIGURES: [(&str, &[&str], &str); 24] = [
    ("src/event/redact.rs", &["LONGEST: usize = 1024"], "cut after 1024 bytes"),
    ("src/exchange/record.rs", &["24 bits of IPv4, 48 of IPv6"], "24 bits of IPv4, 48 of IPv6"),
    ("src/event/complaint.rs", &["LONGEST: usize = 200"], "up to 200 characters"),
    (
        "src/history/memory.rs",
        &["TOKENS: usize = 8192", "MOST_OF_A_TOKEN: usize = 16", "MOST: usize = 128"],
        "8192 tokens, for each the last 16 verdicts and 128 refusals",
    ),
    ("src/history/memory.rs", &["REFRESH_TOKENS: usize = 4096"], "| 4096 | 5 minutes"),
    (
        "src/history/memory.rs",
        &["USERS: usize = 2048", "HABIT: Duration = Duration::from_secs(300)"],
        "| 2048 | 5 minutes",
    ),
    (
        "src/history/memory.rs",
        &[
            "NODES: usize = 256",
            "LATELY: Duration = Duration::from_secs(600)",
            "ASKED: Duration = Duration::from_secs(3600)",
            "SILENT: Duration = Duration::from_secs(86_400)",
        ],
        "| 256 | 10 minutes; the doctor's own question an hour, one without a clear answer a day",
    ),
    (
        "src/exchange/memory.rs",
        &["at: [AtomicU64; 6]", "CLEARS: Duration = Duration::from_secs(600)"],
        "| 6 times of day | 10 minutes",
    ),
    (
        "src/exchange/memory.rs",
        &["PROMISES: usize = 1024", "PROMISED: Duration = Duration::from_secs(600)", "of: u64"],
        "64 bits for client, page and path | 1024 | 10 minutes",
    ),
    ("src/exchange/memory.rs", &["MOST: usize = 64"], "| 64 in each worker"),
    ("src/exchange/replays.rs", &["PLACES: usize = 1 << 17", "AtomicU32"], "131072 numbers (512 KiB)"),
    (
        "src/report/repeats.rs",
        &["MOST: usize = 1024", "QUIET: Duration = Duration::from_secs(600)"],
        "for the summary | 1024 | 10 minutes",
    ),
    (
        "src/report/renewals.rs",
        &["MOST: usize = 1024", "PATIENCE: Duration = Duration::from_secs(30)"],
        "is renewed | 1024 | 30 seconds",
    ),
    ("src/exchange/record.rs", &["QUEUE: usize = 4096"], "| 4096, then they are dropped"),
    ("src/listen/tls/mod.rs", &["SESSIONS: usize = 1024"], "that take no ticket | 1024"),
    ("src/exchange/watch.rs", &["COPIED: usize = 64 * 1024"], "an error up to 64 KiB"),
    ("src/evidence/issue.rs", &["READ: usize = 16 * 1024"], "a token route up to 16 KiB"),
    ("config/php-fpm.yaml", &["memory: 256KiB"], "`spool.memory` (256KiB)"),
    ("config/php-fpm.yaml", &["total: 4GiB"], "`spool.total` (4GiB)"),
    ("config/php-fpm.yaml", &["directory: /tmp"], "`spool.directory` (`/tmp`)"),
    ("src/upstream/fastcgi/spool.rs", &["mode(0o600)", "remove_file(&path)"], "mode 0600 and loses its name"),
    ("src/evidence/php_hop/saw.rs", &["Twenty bits stand for it"], "20 bits that tell secrets apart"),
    ("src/cli/php_hop/place.rs", &["0o640 } else { 0o644"], "| `php-hop install` | 0640, or 0644 where"),
    ("config/header-doctor.yaml", &["mode 0600"], "| 0600; same user and root alone"),
];

#[test]
fn every_figure_is_that_of_the_code() {
    let page = Page::open(Path::new("docs/data.md")).text;
    let mut wrong = Vec::new();
    for (source, declarations, words) in FIGURES {
        let text = std::fs::read_to_string(top().join(source)).unwrap();
        let gone = declarations.iter().filter(|declaration| !text.contains(**declaration));
        wrong.extend(gone.map(|gone| format!("{source} no longer has `{gone}`: is `{words}` still so?")));
        if !page.contains(words) {
            wrong.push(format!("docs/data.md no longer says `{words}`"));
        }
    }
    assert!(wrong.is_empty(), "{}\nMend the page, and the table in this test.", wrong.join("\n"));
}
