//! `docs/reference/metrics.md`: every family that `/metrics` tells, from the list that its text is made of.

use std::fmt::Write as _;

use header_doctor::report::metrics::{FAMILIES, Family};

use super::{MADE, cell, hold};

#[test]
fn every_family_is_described() {
    hold("metrics", &page());
}

/// The page in docs/reference.
fn page() -> String {
    let mut page = format!(
        "# Metrics\n\n{MADE}\n\n\
         What `/metrics` tells, at the health listener (`admin.health_address`), in Prometheus's text format. Names and labels are a\n\
         contract. No label is taken from a request: no path, no host that a client sent, no credential.\n\n\
         Where all values of a label are known, all series are there from the start with 0. Rules, losses and codes of failures appear\n\
         when they first count, so `increase()` does not see the first of them: [alerts.yaml](../../deploy/observability/alerts.yaml)\n\
         shows how to catch it all the same, and [alerts.md](../alerts.md) says what to do about each alert.\n\n\
         Counts begin at zero with the process and outlive a reload. With `--upgrade` the new process begins anew, as after a restart.\n"
    );
    for family in FAMILIES {
        let Family { name, kind, help, labels } = family;
        let _written = write!(page, "\n## `{name}`\n\n{}. {help}\n", capital(kind.word()));
        if !labels.is_empty() {
            page.push_str("\n| label | values |\n|---|---|\n");
        }
        for (label, values) in *labels {
            let _written = writeln!(page, "| `{label}` | {} |", cell(values));
        }
    }
    page
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
