//! What the comparison of two logs says: verdicts, then what they rest on. The JSON form is described in docs/compare.md.

use serde_json::{Value, json};

use crate::compare::{Joins, Judged, Log, Sign, Verdicts, WINDOW};
use crate::event::{Event, ExchangeId};
use crate::report::{Page, found, verdict};

/// Two logs and what is known from them; the doctor in front comes first.
pub(super) struct Compared<'l> {
    pub(super) files: [String; 2],
    pub(super) logs: &'l [Log; 2],
    pub(super) joins: Joins<'l>,
    pub(super) verdicts: Verdicts,
}

impl Compared<'_> {
    /// For eyes.
    pub(super) fn text(&self, page: Page) -> String {
        let verdicts = self.verdicts.findings.iter().map(|judged| {
            let Judged { scoped, after, status, .. } = judged;
            let mut event = Event::unread(ExchangeId::new(0), scoped.scope.since, after.as_str().into());
            event.status = *status;
            verdict(&scoped.finding, &scoped.scope, &event, page) + "\n"
        });
        let mut out: String = verdicts.collect();
        out.push_str(&self.in_short());
        for (file, log) in self.files.iter().zip(self.logs) {
            out.push_str(&of_log(file, log));
        }
        out.push_str(&self.joined());
        out
    }

    /// The line that says whether anything is wrong, or why that cannot be said.
    fn in_short(&self) -> String {
        if let Some(reason) = self.reason() {
            return format!("could not be compared: {reason}\n\n");
        }
        let Verdicts { with_credential, unharmed, compared, since, are_swapped, .. } = &self.verdicts;
        let mut out = String::new();
        if *are_swapped {
            out.push_str(
                "the logs may be swapped: on the whole requests came later in the first, and none took longer there\n",
            );
        }
        if *with_credential == 0 {
            out.push_str("no joined request was sent with Authorization\n");
        } else {
            out.push_str(&format!(
                "Authorization arrived in {unharmed} of {with_credential} joined requests that were sent with it since {}{}\n",
                since.clock(),
                of_values(*unharmed, *compared),
            ));
        }
        out.push('\n');
        out
    }

    /// Why the logs say nothing of one another.
    fn reason(&self) -> Option<String> {
        if self.verdicts.seen > 0 {
            return None;
        }
        for (file, log) in self.files.iter().zip(self.logs) {
            if log.told().exchanges == 0 {
                return Some(format!(
                    "{file} has no record of an exchange; set `log.exchanges: all` on both for an hour"
                ));
            }
            if log.requests().is_empty() {
                return Some(format!("{file} has only exchanges that its doctor answered itself"));
            }
        }
        if !self.joins.pairs.is_empty() {
            return Some(
                "of no joined request do both logs say what became of Authorization; was it sent on, by this version or a \
                 later one?"
                    .to_owned(),
            );
        }
        Some(self.why_nothing_joined())
    }

    fn why_nothing_joined(&self) -> String {
        if let [Some(edge), Some(sidecar)] = [self.logs[0].span(), self.logs[1].span()]
            && (edge.to.after(WINDOW) < sidecar.from || sidecar.to.after(WINDOW) < edge.from)
        {
            return format!(
                "the logs are of different times, {} to {} and {} to {}",
                edge.from, edge.to, sidecar.from, sidecar.to
            );
        }
        if self.joins.ambiguous > 0 {
            return format!(
                "{} requests could each be several of the other log; ask the same path more than {} s apart, or each time with a \
                 `traceparent` of its own, where the hop passes it on",
                self.joins.ambiguous,
                WINDOW.as_secs()
            );
        }
        format!(
            "no request of one is in the other; set `log.exchanges: all` on both for an hour, and see that their clocks agree \
             to {} s and that host and path are the same at both",
            WINDOW.as_secs()
        )
    }

    fn joined(&self) -> String {
        let Joins { pairs, ambiguous, left_of_edge, left_of_sidecar } = &self.joins;
        let by = |sign| self.joins.by(sign);
        format!(
            "joined: {}: {} by exchange, {} by trace, {} by fingerprint, {} by method, host, path, status and time within {} s\n\
             not joined: {left_of_edge} of {}, {ambiguous} of them ambiguous; {left_of_sidecar} of {}\n",
            pairs.len(),
            by(Sign::Exchange),
            by(Sign::Trace),
            by(Sign::Fingerprint),
            by(Sign::Likeness),
            WINDOW.as_secs(),
            self.files[0],
            self.files[1],
        )
    }

    /// For machines.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        let Joins { pairs, ambiguous, left_of_edge, left_of_sidecar } = &self.joins;
        let by = |sign| self.joins.by(sign);
        let log = |place: usize| {
            self.files.get(place).zip(self.logs.get(place)).map(|(file, log)| described(file, log))
        };
        Ok(json!({
            "schema": 1,
            "edge": log(0),
            "sidecar": log(1),
            "joined": {
                "total": pairs.len(),
                "exchange": by(Sign::Exchange),
                "trace": by(Sign::Trace),
                "fingerprint": by(Sign::Fingerprint),
                "likeness": by(Sign::Likeness),
            },
            "unjoined": { "edge": left_of_edge, "sidecar": left_of_sidecar, "ambiguous": ambiguous },
            "authorization": {
                "seen": self.verdicts.seen,
                "sent": self.verdicts.with_credential,
                "arrived": self.verdicts.unharmed,
                "values_compared": self.verdicts.compared,
            },
            "findings": self.verdicts.findings.iter().map(finding).collect::<anyhow::Result<Vec<_>>>()?,
            "may_be_swapped": self.verdicts.are_swapped,
            "not_compared": self.reason(),
        }))
    }
}

/// The finding as it stands in a log, with what happened and between whom.
fn finding(judged: &Judged) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(found(&judged.scoped))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("header".into(), "authorization".into());
        fields.insert("change".into(), judged.change.word().into());
        fields.insert("after".into(), judged.after.as_str().into());
        fields.insert("before".into(), judged.before.as_str().into());
        fields.insert("status".into(), judged.status.map(|status| status.code()).into());
    }
    Ok(value)
}

/// How much is known of those that arrived.
fn of_values(unharmed: u64, compared: u64) -> String {
    match (unharmed, compared) {
        (0, _) => String::new(),
        (_, 0) => {
            "; that the values are the same can be seen when both doctors have the same `trail.key_file`"
                .to_owned()
        }
        _ => format!("; {compared} values were compared"),
    }
}

fn hops(log: &Log) -> Vec<&str> {
    log.hops().iter().flatten().map(|hop| hop.as_str()).collect()
}

fn described(file: &str, log: &Log) -> Value {
    let (told, span) = (log.told(), log.span());
    json!({
        "file": file,
        "hops": hops(log),
        "from": span.map(|span| span.from.to_string()),
        "to": span.map(|span| span.to.to_string()),
        "lines": told.lines,
        "exchanges": told.exchanges,
        "answered_itself": told.own,
        "left_out": told.left_out,
        "summed_up": told.summed_up,
        "dropped": told.dropped,
        "other_lines": told.others,
        "unreadable_lines": told.unreadable,
        "unreadable_at": told.unreadable_at,
    })
}

/// `edge.jsonl: lines 812, exchanges 800 (edge), other lines 12`
fn of_log(file: &str, log: &Log) -> String {
    let told = log.told();
    let hops = hops(log).join(", ");
    let whose = if hops.is_empty() { String::new() } else { format!(" ({hops})") };
    let mut out = format!("{file}: lines {}, exchanges {}{whose}", told.lines, told.exchanges);
    let counts = [
        ("answered by the doctor itself", told.own),
        ("other lines", told.others),
        ("first exchanges left out", told.left_out),
        ("exchanges only summed up (`log.repeats: 0s` writes each)", told.summed_up),
        ("events dropped by the log", told.dropped),
        ("unreadable", told.unreadable),
    ];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        out.push_str(&format!(", {what} {count}"));
    }
    if let [first, ..] = &*told.unreadable_at {
        let rest = told.unreadable_at.iter().skip(1).map(|number| format!(", {number}"));
        let more = if told.unreadable > told.unreadable_at.len() as u64 { ", …" } else { "" };
        out.push_str(&format!(" (line {first}{}{more})", rest.collect::<String>()));
    }
    out.push('\n');
    out
}
