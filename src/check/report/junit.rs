//! The report for a pipeline: a test case a step, in the form that Jenkins, GitLab and GitHub read.

use super::Report;
use super::deep::Survivor;
use super::steps::{Outcome, Row};

pub(super) fn write(report: &Report) -> String {
    let count = |outcome| report.steps.iter().filter(|row| row.outcome == outcome).count();
    let errors = usize::from(report.stopped.is_some() || report.undone.is_some());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"header-doctor check {}\" tests=\"{}\" \
         failures=\"{}\" skipped=\"{}\" errors=\"{errors}\" timestamp=\"{}\">\n",
        escaped(&report.site),
        report.steps.len() + errors,
        count(Outcome::Failed),
        count(Outcome::Skipped),
        report.began,
    );
    report.steps.iter().for_each(|row| out.push_str(&case(row)));
    for why in report.stopped.iter().map(String::as_str).chain(report.undone).take(1) {
        let why = escaped(why);
        out.push_str(&format!(
            "    <testcase classname=\"check\" name=\"the examination\"><error message=\"{why}\"/></testcase>\n"
        ));
    }
    if let Some(deep) = &report.deep {
        let mut lines: Vec<String> = deep.survivors.iter().map(Survivor::line).collect();
        lines.push(deep.limit.text());
        lines.extend(deep.class.iter().cloned());
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        out.push_str(&format!("    <system-out>{}</system-out>\n", lines.join("\n")));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(row: &Row) -> String {
    let name = escaped(&format!("{} ({} {}, {})", row.title, row.method, row.target, row.way));
    let millis = row.millis.unwrap_or_default();
    let time = format!("{}.{:03}", millis / 1000, millis % 1000);
    let begin = format!("    <testcase classname=\"check.{}\" name=\"{name}\" time=\"{time}\"", row.step);
    let message = escaped(&format!("expected {}, got {}", row.expected, row.got));
    match row.outcome {
        Outcome::Done | Outcome::Noted => format!("{begin}/>\n"),
        Outcome::Skipped => format!("{begin}><skipped message=\"{}\"/></testcase>\n", escaped(&row.meaning)),
        Outcome::Failed => {
            let kind = row.rule.unwrap_or("unexplained");
            let meaning = escaped(&row.meaning);
            format!("{begin}><failure type=\"{kind}\" message=\"{message}\">{meaning}</failure></testcase>\n")
        }
    }
}

/// Text in XML; what XML cannot hold becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            char if char.is_control() => out.push('?'),
            char => out.push(char),
        }
    }
    out
}
