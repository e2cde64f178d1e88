//! The report for a ticket or a support thread.

use super::Report;
use crate::report::{Page, verdict};

pub(super) fn write(report: &Report) -> String {
    let mut out = format!("# header-doctor check {}\n\n", report.site);
    let methods =
        if report.methods.is_empty() { "no REST index".to_owned() } else { report.methods.join(", ") };
    push(&mut out, &format!("{methods}. {}, {}.\n", report.count(), report.began));
    for why in report.stopped.iter().map(String::as_str).chain(report.undone) {
        push(&mut out, &format!("**Not examined:** {why}\n"));
    }
    for (title, what) in report.headlines() {
        push(&mut out, &format!("**{title}:** {what}\n"));
    }
    if report.code() == 0 && report.verdicts.is_empty() {
        push(&mut out, "Nothing wrong in what could be seen.\n");
    }
    for found in &report.verdicts {
        let text = verdict(&found.finding, &found.scope, &found.event, Page::PLAIN);
        push(&mut out, &format!("```text\n{text}```\n"));
    }
    tables(&mut out, report);
    push(&mut out, "## Not seen\n");
    report.unseen.iter().for_each(|words| push(&mut out, &format!("- {words}")));
    out
}

fn tables(out: &mut String, report: &Report) {
    table(
        out,
        "Headers on the way",
        &["header", "client", "between", "PHP"],
        report.hops.iter().map(|hop| {
            vec![hop.header.to_owned(), hop.client.clone(), hop.between.to_owned(), hop.php.to_owned()]
        }),
    );
    table(
        out,
        "Steps",
        &["", "step", "asked", "expected", "got", "meaning"],
        report.steps.iter().map(|row| {
            let asked = format!("{} {} ({})", row.method, row.target, row.way);
            let outcome = row.outcome.word().to_owned();
            vec![
                outcome,
                row.title.clone(),
                asked,
                row.expected.to_owned(),
                row.got.clone(),
                row.meaning.clone(),
            ]
        }),
    );
    table(
        out,
        "Beside",
        &["", "what", ""],
        report.facts.iter().map(|fact| {
            vec![if fact.is_good { "✓" } else { "!" }.to_owned(), fact.name.to_owned(), fact.text.clone()]
        }),
    );
    table(
        out,
        "Redirects",
        &["from", "to", "Authorization is lost by"],
        report.redirects.iter().map(|led| vec![led.from.clone(), led.to.clone(), led.losing.join(", ")]),
    );
    survivors(out, report);
    table(
        out,
        "Checklist",
        &["item", "", "why"],
        report
            .checklist
            .iter()
            .map(|item| vec![item.title.to_owned(), item.state.word().to_owned(), item.why.clone()]),
    );
}

/// Text that stays text: paths come from the site, and a ticket must not load a picture or bear a link of its making.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '|' | '[' | ']' | '<' | '`' | '\\') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// What was tried, and what follows from it.
fn survivors(out: &mut String, report: &Report) {
    table(
        out,
        "Survives the way",
        &["header", "", "how it shows"],
        report.deep.iter().flat_map(|deep| &deep.survivors).map(|survivor| {
            vec![survivor.header.to_owned(), survivor.fate.word().to_owned(), survivor.how.clone()]
        }),
    );
    let Some(deep) = &report.deep else { return };
    push(out, &format!("- {}", escaped(&deep.limit.text())));
    deep.class.iter().for_each(|words| push(out, &format!("- {}", escaped(words))));
    out.push('\n');
}

fn push(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn table(out: &mut String, title: &str, names: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return;
    }
    push(out, &format!("## {title}\n"));
    push(out, &format!("| {} |", names.join(" | ")));
    push(out, &format!("|{}", "---|".repeat(names.len())));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| escaped(cell)).collect();
        push(out, &format!("| {} |", cells.join(" | ")));
    }
    out.push('\n');
}
