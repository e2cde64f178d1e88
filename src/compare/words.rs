//! What is said of a change that two logs show.
//!
//! The rules that judge what doctors sign speak of the same changes; their texts say how grave it is, whose desk it
//! is and what cures it.

use crate::diagnosis::{Decision, Finding, Lost, Mark, Proof, Severity, Stop, cure_between, rule};
use crate::evidence::{Change, Hop, HopName, Watched};

use super::judge::{Case, Kind};

const LOST: &str = "authorization-lost-between-doctors";
const ADDED: &str = "header-added-on-the-way";

/// Nothing when the rule's text is malformed, which a test forbids.
pub(super) fn finding(case: &Case, proof: Proof, names: [&str; 2], are_swapped: bool) -> Option<Finding> {
    let Kind { change, is_recovered, .. } = case.kind;
    let mut finding = ruled(case.kind, proof, names)?;
    finding.because = because(case, proof, names, are_swapped);
    finding.path = path(change, names);
    finding.lost = Some(lost(change, names));
    finding.decide = (proof == Proof::Possible).then(|| decision(are_swapped));
    if proof == Proof::Possible {
        finding.severity = finding.severity.min(Severity::Warning);
    }
    if is_recovered || !case.is_cause() {
        finding.severity = Severity::Note;
        finding.aside = true;
        return Some(finding);
    }
    if proof > Proof::Possible && change != Change::Added {
        finding.cleared = vec!["client", "web server", "PHP", "secret", "expiry"];
        finding.caution = "Token not judged. Do not rotate secrets";
    }
    Some(finding)
}

/// The finding with what its rule states.
fn ruled(kind: Kind, proof: Proof, [after, before]: [&str; 2]) -> Option<Finding> {
    let summary = format!("{} between {after} and {before}", happened(kind));
    let is_added = kind.change == Change::Added;
    let (id, heading) = if is_added { (ADDED, "Authorization") } else { (LOST, kind.change.word()) };
    let rule = rule(id)?;
    let cure = cure_between(rule.text(), heading, after, before);
    Some(Finding { cure, ..Finding::of(rule, proof, "any", summary)? })
}

const fn happened(kind: Kind) -> &'static str {
    match kind.change {
        Change::Missing => "Authorization is lost",
        Change::Emptied => "Authorization loses its value",
        Change::Duplicated => "one Authorization becomes several",
        Change::Folded => "several Authorization become one",
        Change::Added if kind.is_empty => "an empty Authorization is added",
        Change::Added => "an Authorization is added",
        _ => "Authorization is replaced by another",
    }
}

fn because(case: &Case, proof: Proof, [after, before]: [&str; 2], are_swapped: bool) -> String {
    let (sent, arrived) = facts(case.kind);
    let mut text = format!("{after} wrote that it sent {sent}, {before} that {arrived} arrived");
    if case.kind.is_recovered {
        text.push_str(&format!("; {before} recovered it from another header"));
    }
    if !case.is_cause() {
        text.push_str("; the replies do not say that it matters");
    }
    if are_swapped {
        return text + "; but on the whole requests came later in the first log, and none took longer there";
    }
    text + match (proof, case.sure) {
        (Proof::Possible, _) => "; few records show it, and they are joined by their likeness alone",
        (_, 0) => "; the records are joined by their likeness, and logs are not signed",
        _ => "; logs are not signed",
    }
}

const fn facts(kind: Kind) -> (&'static str, &'static str) {
    match kind.change {
        Change::Missing => ("Authorization", "none"),
        Change::Emptied => ("Authorization", "one without a value"),
        Change::Duplicated => ("one Authorization", "several"),
        Change::Folded => ("several Authorization", "one"),
        Change::Added if kind.is_empty => ("no Authorization", "one without a value"),
        Change::Added => ("no Authorization", "one"),
        _ => ("one Authorization", "another"),
    }
}

fn named(name: &str) -> Hop {
    HopName::new(name).map_or(Hop::Doctor, Hop::Named)
}

fn path(change: Change, [after, before]: [&str; 2]) -> Vec<Stop> {
    let note = match change {
        Change::Missing => "absent",
        Change::Emptied => "empty",
        _ => change.word(),
    };
    vec![
        Stop::new(Hop::Client, if change == Change::Added { Mark::Unknown } else { Mark::Good }),
        Stop::new(named(after), Mark::Good),
        Stop::new(named(before), Mark::Bad).noted(note),
    ]
}

fn lost(change: Change, [after, before]: [&str; 2]) -> Lost {
    Lost { header: Watched::Authorization, change, after: named(after), before: named(before) }
}

fn decision(are_swapped: bool) -> Decision {
    if are_swapped {
        return Decision {
            command: r#"header-doctor compare "$SIDECAR" "$EDGE""#.to_owned(),
            reading: "the other way round: if that does not call them swapped, this order was wrong",
        };
    }
    Decision {
        command: "curl -i \"$SITE/wp-json/wp/v2/users/me\" -H \"Authorization: Bearer header-doctor\" -H \"traceparent: \
                  00-$(openssl rand -hex 16)-$(openssl rand -hex 8)-01\""
            .to_owned(),
        reading: "then compare again: its trace joins the two records of it for sure",
    }
}
