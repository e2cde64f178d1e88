//! The report for machines. Its names are a contract, see docs/check.md: every field is always there.

use serde_json::{Value, json};

use super::super::deep::Size;
use super::deep::Deep;
use super::{Report, Verdict};
use crate::event::Scoped;
use crate::report::{found, lost};

pub(super) fn write(report: &Report) -> String {
    let value = json!({
        "schema": 1,
        "doctor": env!("CARGO_PKG_VERSION"),
        "site": report.site,
        "examined": report.examined,
        "began": report.began.to_string(),
        "requests": report.requests,
        "proxies_ignored": report.proxies,
        "methods": report.methods,
        "exit": report.code(),
        "stopped": report.stopped,
        "undone": report.undone,
        "verdicts": report.verdicts.iter().map(verdict).collect::<Vec<_>>(),
        "headers": report.hops.iter().map(|hop| json!({
            "header": hop.header, "client": hop.client, "between": hop.between, "php": hop.php,
        })).collect::<Vec<_>>(),
        "facts": report.facts.iter().map(|fact| json!({
            "name": fact.name, "text": fact.text, "good": fact.is_good,
        })).collect::<Vec<_>>(),
        "redirects": report.redirects.iter().map(|led| json!({
            "from": led.from, "to": led.to, "losing": led.losing, "keeping": led.keeping,
        })).collect::<Vec<_>>(),
        "steps": steps(report),
        "deep": report.deep.as_ref().map(deep),
        "checklist": report.checklist.iter().map(|item| json!({
            "title": item.title, "state": item.state.word(), "why": item.why,
        })).collect::<Vec<_>>(),
        "unseen": report.unseen,
    });
    format!("{value:#}\n")
}

/// A finding as the log has it, with the reply it is about.
fn verdict(verdict: &Verdict) -> Value {
    let scoped = Scoped { finding: verdict.finding.clone(), scope: verdict.scope.clone() };
    let mut value = serde_json::to_value(found(&scoped)).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("status".to_owned(), json!(verdict.event.status.map(|status| status.code())));
        let code = verdict.event.wordpress.as_ref().map(|error| error.code.as_str());
        fields.insert("wordpress_code".to_owned(), json!(code));
        fields.insert("lost".to_owned(), json!(lost(&verdict.finding)));
        fields.insert("path".to_owned(), json!(verdict.target));
        fields.insert("steps".to_owned(), json!(verdict.steps));
    }
    value
}

fn steps(report: &Report) -> Vec<Value> {
    let step = |row: &super::Row| {
        json!({
            "step": row.step, "title": row.title, "way": row.way, "method": row.method, "path": row.target,
            "carries": row.carries.words(), "outcome": row.outcome.word(), "expected": row.expected, "got": row.got,
            "meaning": row.meaning, "rule": row.rule, "duration_ms": row.millis,
        })
    };
    report.steps.iter().map(step).collect()
}

fn deep(deep: &Deep) -> Value {
    let limit = &deep.limit;
    json!({
        "headers": deep.survivors.iter().map(|survivor| json!({
            "header": survivor.header, "fate": survivor.fate.word(), "how": survivor.how,
        })).collect::<Vec<_>>(),
        "limit": {
            "takes": limit.takes.map(Size::bytes), "refuses": limit.refuses.map(Size::bytes),
            "by": limit.by, "sure": limit.is_sure, "text": limit.text(),
        },
        "class": deep.class,
    })
}
