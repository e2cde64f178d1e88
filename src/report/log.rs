//! The log: one record per event, as text for people or as JSON for machines.
//!
//! One thread writes, fed by the bus; workers never touch the file. When the queue is empty the text is flushed, so
//! a quiet log is never behind. A line that cannot be written is counted like one that was dropped: a full disk
//! stops the log, not the site.

use std::io::{BufWriter, Write};

use super::json::Record;
use super::verdict::{Paint, append, headline, verdict};
use crate::diagnosis::Severity;
use crate::event::{Event, Events};
use crate::moment::Moment;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty(Paint),
    /// For machines: one object per line.
    Json,
}

/// Writes every event until the bus ends. This blocks; it is the body of the log's own thread.
pub fn run(mut events: Events, out: impl Write, format: Format) {
    let mut out = BufWriter::new(out);
    while let Some(event) = events.wait() {
        write(&mut out, &mut events, &event, format);
        while let Ok(event) = events.at_hand() {
            write(&mut out, &mut events, &event, format);
        }
        if out.flush().is_err() {
            events.count_unwritten();
        }
    }
}

fn write(out: &mut impl Write, events: &mut Events, event: &Event, format: Format) {
    let dropped = events.newly_dropped();
    let gap = if dropped > 0 { gap(event.at, dropped, format) } else { String::new() };
    if out.write_all(gap.as_bytes()).and_then(|()| out.write_all(render(event, format).as_bytes())).is_err() {
        events.count_unwritten();
    }
}

/// The text of one event, with its line ends.
#[must_use]
pub fn render(event: &Event, format: Format) -> String {
    match format {
        Format::Pretty(paint) => pretty(event, paint),
        Format::Json => Record::of(event).line(),
    }
}

/// What stands where events were lost.
fn gap(at: Moment, dropped: u64, format: Format) -> String {
    match format {
        Format::Pretty(paint) => {
            let sign = paint.sign(Severity::Warning);
            format!("{sign} {dropped} events were dropped: the log is slower than the traffic\n")
        }
        Format::Json => super::json::gap(at, dropped),
    }
}

/// One line for the exchange, then its findings: the first in full, those it explains in a line each.
fn pretty(event: &Event, paint: Paint) -> String {
    let mut out = String::with_capacity(1024);
    exchange(&mut out, event, paint);
    let mut findings = event.findings.iter();
    if let Some(root) = findings.next() {
        out.push_str(&verdict(&root.finding, &root.scope, event, paint));
    }
    for other in findings {
        out.push_str("  also    ");
        headline(&mut out, &other.finding, event, paint);
    }
    out
}

/// `2026-11-23T15:10:00.000Z GET api.example.com/wp-json/ 401 12 ms 00000000000000ff`
fn exchange(out: &mut String, event: &Event, paint: Paint) {
    let host = event.host.as_ref().map(|host| host.as_str()).unwrap_or_default();
    let status = event.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let words = format!(
        "{} {} {host}{} {status} {} ms {}",
        event.at,
        event.method,
        event.path,
        event.duration.as_millis(),
        event.exchange,
    );
    out.push_str(&paint.dim(&words));
    if let Some(refusal) = &event.refusal {
        append(out, format_args!(" refused {}: {}", refusal.code, refusal.reason));
    }
    if let Some(failure) = &event.failure {
        append(out, format_args!(" {}: {}", paint.red(failure.who.word()), failure.what));
    }
    if event.cut_off {
        out.push_str(" (the reply was cut off)");
    }
    if event.client_gone {
        out.push_str(" (the client went away)");
    }
    out.push('\n');
}
