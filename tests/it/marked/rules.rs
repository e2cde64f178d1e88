//! What the rules say: of every case in `tests/corpus`, with a secret in the place of each field in turn and within the body.

use std::collections::BTreeSet;

use serde_yaml::Value;

use super::marks::{OPAQUE, PASSWORD, TOKEN};
use super::running::{Left, assert_clean};
use crate::corpus::{cases_altered_by, judge};

#[test]
fn no_rule_quotes_what_stands_in_a_field_or_in_a_body() {
    let cases = cases_altered_by(altered);
    let count = cases.len();
    // Most cases say the same, whatever was altered.
    let told: BTreeSet<_> = cases
        .iter()
        .flat_map(|(path, case)| judge(case).into_iter().map(move |found| (path, format!("{found:?}"))))
        .collect();
    assert!(count > 5000 && told.len() > 500, "{count} cases, {} findings", told.len());
    let left: Vec<_> = told.into_iter().map(|(path, text)| Left::by(path, text)).collect();
    assert_clean(&left);
}

/// The case with one thing altered, in all ways.
fn altered(case: &Value) -> Vec<Value> {
    let mut altered = Vec::new();
    for part in ["request", "reply"] {
        let count = case[part]["fields"].as_sequence().map_or(0, Vec::len);
        for number in 0..count {
            let mut other = case.clone();
            let field = other[part]["fields"][number].as_mapping_mut().unwrap();
            let (name, value) =
                field.iter().next().map(|(name, value)| (name.clone(), value.clone())).unwrap();
            let value = value.as_str().unwrap_or_default();
            // Names of hosts and of types are no place for a secret, and are shown.
            let (name_text, is_whole) =
                (name.as_str().unwrap_or_default().to_ascii_lowercase(), (number + value.len()) % 2 == 0);
            if ["host", "content-type"].contains(&&*name_text) {
                continue;
            }
            let new = if is_whole {
                format!("{PASSWORD} {OPAQUE}")
            } else {
                format!("{value} {OPAQUE}, {}", *TOKEN)
            };
            field.insert(name, new.into());
            altered.push(other);
        }
    }
    let Some(body) = case["reply"]["body"].as_str() else { return altered };
    for (sign, more) in [
        ("\"message\":\"", format!("\"message\":\"{PASSWORD} {OPAQUE} ")),
        ("\"code\":\"", format!("\"code\":\"{OPAQUE}")),
        ("<title>", format!("<title>{OPAQUE} {PASSWORD} ")),
        ("{", format!("{{\"{OPAQUE}\":\"{PASSWORD}\",\"token\":\"{}\",", *TOKEN)),
    ] {
        if body.contains(sign) {
            let mut other = case.clone();
            other["reply"]["body"] = body.replacen(sign, &more, 1).into();
            altered.push(other);
        }
    }
    altered
}
