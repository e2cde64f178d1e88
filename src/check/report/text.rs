//! The report for eyes: verdicts, headers, steps, checklist, and what was not seen.

use super::Report;
use super::checklist::State;
use super::deep::Survivor;
use super::facts::Hop;
use super::steps::{Outcome, Row};
use crate::report::{Page, verdict, words};

/// Where the lines of a section begin, and where their text does.
const MARK: usize = 2;
const TEXT: usize = 7;

/// The columns of the table of headers, in characters.
const COLUMNS: [usize; 3] = [15, 34, 17];

/// Text that grows, laid out as wide as the page.
struct Sheet {
    out: String,
    page: Page,
}

pub(super) fn write(report: &Report, page: Page) -> String {
    let mut sheet = Sheet { out: String::with_capacity(4096), page };
    sheet.head(report);
    for found in &report.verdicts {
        sheet.out.push('\n');
        sheet.out.push_str(&verdict(&found.finding, &found.scope, &found.event, page));
    }
    sheet.headers(&report.hops);
    sheet.steps(report);
    if report.has_answers() {
        sheet.rest(report);
    }
    sheet.out
}

impl Sheet {
    /// A line at a column, which goes on at another.
    fn put(&mut self, column: usize, hang: usize, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', column));
        self.page.lay(&mut self.out, &words(text), column, hang);
    }

    fn title(&mut self, text: &str) {
        self.out.push('\n');
        self.put(0, 0, text);
    }

    /// What was examined, how, and why it ended early.
    fn head(&mut self, report: &Report) {
        let methods =
            if report.methods.is_empty() { "no REST index".to_owned() } else { report.methods.join(", ") };
        self.put(0, MARK, &format!("{}: {methods}", report.site));
        if report.examined != report.site {
            self.put(MARK, MARK, &format!("it leads to {}, which was examined", report.examined));
        }
        self.put(MARK, MARK, &format!("{} since {} UTC", report.count(), report.began.clock()));
        if !report.proxies.is_empty() {
            self.put(MARK, MARK, &format!("the proxy of {} was not used", report.proxies.join(" and ")));
        }
        for why in report.stopped.iter().map(String::as_str).chain(report.undone) {
            self.title(&format!("✗ not examined: {why}"));
        }
        for (title, what) in report.headlines() {
            self.title(&format!("✗ {title}: {what}"));
        }
        if report.code() == 0 && report.verdicts.is_empty() {
            self.title("✓ nothing wrong in what could be seen");
        }
    }

    /// A table stays a table whatever the width.
    fn headers(&mut self, hops: &[Hop]) {
        if hops.is_empty() {
            return;
        }
        self.title("Headers on the way");
        let [first, second, third] = COLUMNS;
        let mut row = |a: &str, b: &str, c: &str, d: &str| {
            let text = format!("  {a:<first$}{b:<second$}{c:<third$}{d}");
            self.out.push_str(text.trim_end());
            self.out.push('\n');
        };
        row("", "client", "between", "PHP");
        hops.iter().for_each(|hop| row(hop.header, &hop.client, hop.between, hop.php));
    }

    fn steps(&mut self, report: &Report) {
        self.title("Steps");
        for (number, row) in (1..).zip(&report.steps) {
            // Where nothing could be asked, what would have been tells nothing.
            if row.outcome != Outcome::Skipped || report.has_answers() {
                self.step(number, row);
            }
        }
    }

    fn step(&mut self, number: usize, row: &Row) {
        let mark = match row.outcome {
            Outcome::Done => "✓",
            Outcome::Failed => "✗",
            Outcome::Noted => "i",
            Outcome::Skipped => "·",
        };
        let way = if row.way == "public" { String::new() } else { format!(" ({})", row.way) };
        self.put(
            MARK,
            TEXT,
            &format!("{mark} {number:>2} {}{way}: {} {}", row.title, row.method, row.target),
        );
        let (got, meaning) = (row.got.as_str(), row.meaning.as_str());
        match (row.outcome, meaning) {
            (Outcome::Skipped, _) => self.put(TEXT, TEXT, &format!("not asked: {meaning}")),
            (Outcome::Done, "") => self.put(TEXT, TEXT, got),
            (Outcome::Done, _) => self.put(TEXT, TEXT, &format!("{got}: {meaning}")),
            (_, "") => self.put(TEXT, TEXT, &format!("{got}; expected {}", row.expected)),
            // Without a reply there is nothing to compare.
            (Outcome::Failed, _) if row.millis.is_none() => self.put(TEXT, TEXT, meaning),
            _ => {
                self.put(TEXT, TEXT, &format!("{got}; expected {}", row.expected));
                let rule = row.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
                self.put(TEXT, TEXT, &format!("{meaning}{rule}"));
            }
        }
    }

    /// What is worth knowing beside, the checklist, and what was not seen.
    fn rest(&mut self, report: &Report) {
        let facts = report.facts.iter().map(|fact| {
            let mark = if fact.is_good { "✓" } else { "!" };
            format!("{mark} {}: {}", fact.name, fact.text)
        });
        self.section("Beside", facts);
        let deep = report.deep.iter().flat_map(|deep| {
            let survivors = deep.survivors.iter().map(Survivor::line);
            let rest = deep.class.iter().map(|words| format!("i {words}"));
            survivors.chain([format!("{} {}", deep.limit.mark(), deep.limit.text())]).chain(rest)
        });
        self.section("Survives the way", deep);
        let redirects = report.redirects.iter().map(|led| {
            format!("{} ▸ {}: Authorization is lost by {}", led.from, led.to, led.losing.join(", "))
        });
        self.section("Redirects", redirects);
        let items = (1..).zip(&report.checklist).map(|(number, item): (usize, _)| {
            let mark = match item.state {
                State::Done => "✓",
                State::Failed => "✗",
                State::NotPossible => "·",
            };
            format!("{mark} {number} {}: {}, {}", item.title, item.state.word(), item.why)
        });
        self.section("Checklist", items);
        self.section("Not seen", report.unseen.iter().map(|words| format!("· {words}")));
    }

    fn section(&mut self, title: &str, lines: impl Iterator<Item = String>) {
        let mut lines = lines.peekable();
        if lines.peek().is_none() {
            return;
        }
        self.title(title);
        lines.for_each(|text| self.put(MARK, MARK + 2, &text));
    }
}
