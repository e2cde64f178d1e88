//! `docs/reference/log.md`: the fields of the JSON log, from the types that are written, and held to records that were.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use header_doctor::report::schemas;
use serde_json::Value;

use super::{MADE, cell, hold};
use crate::report::every_kind_of_line;

#[test]
fn the_page_tells_of_every_field() {
    hold("log", &page());
}

/// So the page says of real lines neither too little nor too much.
#[test]
fn every_field_of_a_record_is_described_and_every_description_is_of_a_field() {
    let lines = every_kind_of_line();
    for (schema, line) in schemas().iter().zip(lines) {
        let described = paths(schema.as_value()).into_iter().map(|(path, _)| path).collect();
        let mut written = BTreeSet::new();
        fields(&serde_json::from_str(&line).unwrap(), "", &mut written);
        assert_eq!(written, described);
    }
}

const HEAD: &str = "\
With `log.format: json` each line is an object. Lines about exchanges have these fields under these names, in this order; the names \
are a contract. A field is always there, `null` when it has nothing to say, unless the table says otherwise. New fields may come.

Which exchanges are written is said by `log.exchanges`: by default those with a finding, a refusal, a failure or another try. Of \
exchanges that are sick in the same way the first is written in full, and the others are summed up once in `log.repeats`. No \
credential is in any field: see [data.md](../data.md).

Lines about the doctor itself (start, reload, drain, warnings) have `timestamp`, `level`, `target` and `message`, and more fields by \
the message; their texts are for people and may change.
";

fn page() -> String {
    let mut out = format!("# The JSON log\n\n{MADE}\n\n{HEAD}");
    let titles = ["An exchange", "Exchanges summed up", "A gap"];
    for ((title, schema), line) in titles.iter().zip(schemas()).zip(every_kind_of_line()) {
        let schema = schema.as_value();
        write!(out, "\n## {title}\n\n{}\n\n", schema["description"].as_str().unwrap()).unwrap();
        out.push_str("| field | type | meaning |\n|---|---|---|\n");
        for (path, field) in in_order(paths(schema), &line) {
            let meaning = cell(field["description"].as_str().unwrap());
            writeln!(out, "| `{path}` | {} | {meaning} |", kind(&field, &path)).unwrap();
        }
    }
    out
}

/// As the line has them.
fn in_order(mut described: Vec<(String, Value)>, line: &str) -> Vec<(String, Value)> {
    let mut order = Vec::new();
    keys(&serde_yaml::from_str(line).unwrap(), "", &mut order);
    described.sort_by_key(|(path, _)| order.iter().position(|known| known == path));
    described
}

/// The paths of a record in the order in which they are written.
fn keys(value: &serde_yaml::Value, path: &str, out: &mut Vec<String>) {
    match value {
        serde_yaml::Value::Mapping(fields) => {
            for (name, value) in fields {
                let path = below(path, name.as_str().unwrap());
                if !out.contains(&path) {
                    out.push(path.clone());
                }
                keys(value, &path, out);
            }
        }
        serde_yaml::Value::Sequence(items) => {
            items.iter().for_each(|item| keys(item, &format!("{path}[]"), out));
        }
        _ => {}
    }
}

/// The paths of the fields of a value, those of its parts too.
fn fields(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields_of) => {
            for (name, value) in fields_of {
                let path = below(path, name);
                fields(value, &path, out);
                out.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, &format!("{path}[]"), out)),
        _ => {}
    }
}

/// The described paths of a schema, each with what is said of it.
fn paths(schema: &Value) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    described(schema, schema, "", &mut out);
    out
}

fn described(root: &Value, schema: &Value, path: &str, out: &mut Vec<(String, Value)>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, field) in properties {
        let path = below(path, name);
        out.push((path.clone(), field.clone()));
        let list = field.get("items");
        let choices = field["anyOf"].as_array().into_iter().flatten();
        for part in [field].into_iter().chain(list).chain(choices) {
            let Some(name) = part["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/")) else {
                continue;
            };
            let path = if list.is_some() { format!("{path}[]") } else { path.clone() };
            described(root, &root["$defs"][name], &path, out);
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Fields that are left out where they have nothing to say.
const LEFT_OUT: [&str; 2] = ["php", "findings[].scope.only"];

fn kind(field: &Value, path: &str) -> String {
    let named = match &field["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        _ if field.get("anyOf").is_some() => vec!["object".to_owned(), "null".to_owned()],
        _ => vec!["object".to_owned()],
    };
    let words = named.iter().map(|word| match (word.as_str(), field["items"].get("$ref")) {
        ("array", Some(_)) => "list of objects".to_owned(),
        ("array", None) => "list of strings".to_owned(),
        ("null", _) if LEFT_OUT.contains(&path) => "left out".to_owned(),
        (word, _) => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}
