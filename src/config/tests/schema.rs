//! The schema knows the keys that reading knows, and says something about each.

use super::{FULL, HTTPS, PHP, TLS, plan};
use serde_json::Value;

/// Every key below `schema`, with the way to it.
fn described(root: &Value, schema: &Value, path: &str, keys: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return described(root, root.pointer(name.trim_start_matches('#')).expect(name), path, keys);
    }
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        described(root, alternative, path, keys);
    }
    if schema["items"].is_object() {
        described(root, &schema["items"], path, keys);
    }
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        assert_eq!(schema["additionalProperties"], false, "{path}");
        assert!(below["description"].is_string(), "{path}.{key}");
        keys.push(format!("{path}.{key}"));
        described(root, below, &format!("{path}.{key}"), keys);
    }
}

/// Every key in `value`, with the way to it.
fn written(value: &Value, path: &str, keys: &mut Vec<String>) {
    for item in value.as_array().into_iter().flatten() {
        written(item, path, keys);
    }
    for (key, below) in value.as_object().into_iter().flatten() {
        keys.push(format!("{path}.{key}"));
        written(below, &format!("{path}.{key}"), keys);
    }
}

#[test]
fn the_schema_describes_the_keys_of_the_full_examples_and_no_others() {
    let schema = crate::config::schema();
    let [mut described_keys, mut written_keys] = [const { Vec::new() }; 2];
    described(&schema, &schema, "", &mut described_keys);
    described_keys.sort();
    let shown = [FULL, TLS, HTTPS, PHP].map(|text| plan(text).to_yaml().unwrap());
    for texts in [[FULL, TLS, HTTPS, PHP], shown.each_ref().map(String::as_str)] {
        written_keys.clear();
        for text in texts {
            written(&serde_yaml::from_str(text).unwrap(), "", &mut written_keys);
        }
        written_keys.sort();
        written_keys.dedup();
        assert_eq!(written_keys, described_keys);
    }
}

#[test]
fn the_schema_lists_the_words_of_a_choice() {
    let schema = crate::config::schema();
    let text = schema["$defs"]["Site"]["properties"]["mode"].to_string();
    for part in ["treat", "observe", "only reports", r"\\$\\{"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
