//! The report for eyes: verdicts, headers, steps, checklist, and what was not seen.

use super::Report;
use super::checklist::State;
use super::steps::{Outcome, Row};
use crate::report::{Page, verdict};

pub(super) fn write(report: &Report, page: Page) -> String {
    let mut out = String::with_capacity(4096);
    head(&mut out, report);
    for found in &report.verdicts {
        out.push('\n');
        out.push_str(&verdict(&found.finding, &found.scope, &found.event, page));
    }
    headers(&mut out, report);
    steps(&mut out, report);
    if !report.has_answers() {
        return out;
    }
    section(
        &mut out,
        "Beside",
        report
            .facts
            .iter()
            .map(|fact| format!("{} {:<9}{}", if fact.is_good { "✓" } else { "!" }, fact.name, fact.text)),
    );
    section(
        &mut out,
        "Redirects",
        report.redirects.iter().map(|led| {
            format!("{} ▸ {}: Authorization is lost by {}", led.from, led.to, led.losing.join(", "))
        }),
    );
    section(
        &mut out,
        "Checklist",
        report
            .checklist
            .iter()
            .map(|item| format!("{} {}: {}, {}", sign(item.state), item.title, item.state.word(), item.why)),
    );
    section(&mut out, "Not seen", report.unseen.iter().map(|words| (*words).to_owned()));
    out
}

/// What was examined, how, and why it ended early.
fn head(out: &mut String, report: &Report) {
    let methods =
        if report.methods.is_empty() { "no REST index".to_owned() } else { report.methods.join(", ") };
    line(out, &format!("{}: {methods}", report.site));
    if report.examined != report.site {
        line(out, &format!("  it leads to {}, which was examined", report.examined));
    }
    line(
        out,
        &format!(
            "  {} requests since {} UTC; proxies of the environment (HTTP_PROXY and its like) are not used",
            report.requests,
            report.began.clock()
        ),
    );
    for why in report.stopped.iter().map(String::as_str).chain(report.undone) {
        line(out, &format!("\n✗ not examined: {why}"));
    }
    if report.code() == 0 && report.verdicts.is_empty() {
        line(out, "\n✓ nothing wrong in what could be seen");
    }
}

fn headers(out: &mut String, report: &Report) {
    if report.hops.is_empty() {
        return;
    }
    line(out, "\nHeaders on the way");
    line(out, &format!("  {:<15}{:<34}{:<17}{}", "", "client", "between", "PHP"));
    for hop in &report.hops {
        line(out, &format!("  {:<15}{:<34}{:<17}{}", hop.header, hop.client, hop.between, hop.php));
    }
}

fn steps(out: &mut String, report: &Report) {
    let line_of = |(number, row): (usize, &Row)| {
        let mark = match row.outcome {
            Outcome::Done => "✓",
            Outcome::Failed => "✗",
            Outcome::Noted => "i",
            Outcome::Skipped => "·",
        };
        let way = if row.way == "public" { String::new() } else { format!(" ({})", row.way) };
        let mut text = format!("{mark} {number:>2} {}{way}: {} {}", row.title, row.method, row.target);
        match row.outcome {
            Outcome::Skipped => {}
            Outcome::Done => text.push_str(&format!("\n       got {}", row.got)),
            _ => text.push_str(&format!("\n       expected {}, got {}", row.expected, row.got)),
        }
        match (row.outcome, row.meaning.as_str()) {
            (_, "") => {}
            (Outcome::Done, meaning) => text.push_str(&format!("; {meaning}")),
            (_, meaning) => text.push_str(&format!("\n       {meaning}")),
        }
        text
    };
    let is_told = |(_, row): &(usize, &Row)| row.outcome != Outcome::Skipped || report.has_answers();
    section(out, "Steps", (1..).zip(&report.steps).filter(is_told).map(line_of));
}

const fn sign(state: State) -> &'static str {
    match state {
        State::Done => "✓",
        State::Failed => "✗",
        State::NotPossible => "·",
    }
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    line(out, &format!("\n{title}"));
    for text in lines {
        line(out, &format!("  {text}"));
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}
