//! `docs/reference/configuration.md`: every key of the file, from its schema, with the defaults that a plan really has.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use header_doctor::config::{Overrides, Plan, Source, Surroundings, schema};
use serde_json::Value;
use serde_yaml::Value as Yaml;

use super::{MADE, cell, hold};

/// Every section with no more than it needs: what a plan adds to it are the defaults.
const LEAST: &str = "
listeners:
  - address: 127.0.0.1:8080
    tls: [{ certificate: tls.crt, private_key: tls.key }]
    client_certificates: { authorities: clients.pem }
sites:
  - hosts: [a.example]
    upstreams: [{ url: 'https://b.example' }]
    cors: { allow_origins: ['https://app.example.com'] }
  - upstreams:
      - url: fastcgi://php:9000
        root: /var/www/html
        aliases: [{ path: /wp-content/, root: /srv }]
diagnosis: { codes: [{ code: my_plugin_denied, means: the plugin refuses }] }
";

/// Every key that a plan otherwise leaves out, for the order in which they stand in a file.
const WHOLE: &str = "
listeners:
  - address: 127.0.0.1:8080
    tls: [{ certificate: tls.crt, private_key: tls.key }]
    client_certificates: { authorities: clients.pem, require: false }
sites:
  - hosts: [a.example]
    upstreams: [{ url: 'https://b.example', tls: { ca: ca.pem } }]
    cors: { allow_origins: ['https://app.example.com'] }
  - upstreams:
      - url: fastcgi://php:9000
        root: /var/www/html
        php_root: /var/www/html
        aliases: [{ path: /wp-content/, root: /srv, php_root: /srv }]
diagnosis: { codes: [{ code: my_plugin_denied, status: 403, means: the plugin refuses, do: ask }] }
";

/// Defaults that depend on something else, or that a plan does not show.
const DEPENDS: [(&str, &str); 6] = [
    ("listeners", "one, on `127.0.0.1:8080`"),
    ("sites[].hosts", "any other host"),
    ("sites[].upstreams[].tls.server_name", "the host of `url`"),
    ("workers", "`auto`"),
    ("log.format", "`pretty` on a terminal, else `json`"),
    ("diagnosis.codes[].do", "a pointer to this entry"),
];

const HEAD: &str = "\
One YAML file, named with `--config FILE` or `HEADER_DOCTOR_CONFIG`; [the examples](../../config) are commented, and \
[header-doctor.yaml](../../config/header-doctor.yaml) holds nearly every key. Without a file, flags make the whole configuration \
([command-line.md](command-line.md)).

- `header-doctor config validate FILE` says whether it is right, and if not, where it is wrong and what would be right.
- `header-doctor config show --config FILE` prints it with every default, variable and flag resolved.
- `header-doctor config schema` prints its JSON Schema, for editors.

Unknown keys are errors. Any single value may hold `${VAR}` or `${VAR:-default}`; `$${` stands for the characters `${`. Times have a \
unit: `500ms`, `5s`, `2m`, `1h`. Sizes are bytes, or have one: `64KiB`, `10MB`. Names of files begin in the folder of the \
configuration, unless absolute. The file, and those it names, are read again when they change.

`[]` in a name stands for each entry of a list.
";

#[test]
fn the_page_tells_of_every_key() {
    hold("configuration", &page());
}

/// Else the page would call what was only given for it a default.
#[test]
fn what_the_least_file_gives_is_no_default() {
    let page = page();
    for line in [
        "| `root` | text such as `/var/www/html` | none |",
        "| `url` | text such as",
        "| `connect_timeout` | text such as `500ms`, `5s`, `2m`, `1h` | `5s` |",
        "| `require` | `true` or `false` | `true` |",
        "| `workers` | `auto` or number from 1 to 1024 | `auto` |",
    ] {
        assert!(page.contains(line), "{line}");
    }
}

fn page() -> String {
    let mut page = Page {
        schema: schema(),
        order: paths(&shown(WHOLE)),
        defaults: shown(LEAST),
        given: paths(&serde_yaml::from_str(LEAST).unwrap()),
        out: format!("# The configuration file\n\n{MADE}\n\n{HEAD}"),
    };
    let root = page.schema.clone();
    page.section(&root, "");
    page.out
}

/// What the file means, with every default.
fn shown(text: &str) -> Yaml {
    let around = Surroundings { terminal: false, cores: NonZeroUsize::MIN };
    let plan = Plan::new(Some(&Source::new("least.yaml", text)), &|_| None, &Overrides::default(), around);
    serde_yaml::from_str(&plan.unwrap().to_yaml().unwrap()).unwrap()
}

struct Page {
    schema: Value,
    /// The paths of all keys in the order of a file.
    order: Vec<String>,
    defaults: Yaml,
    /// The paths that stand in the least file.
    given: Vec<String>,
    out: String,
}

impl Page {
    /// A table of the keys of one section, then the sections in it.
    fn section(&mut self, section: &Value, path: &str) {
        let mut keys: Vec<_> = section["properties"].as_object().unwrap().iter().collect();
        // What a plan does not show comes last.
        let place = |name: &str| self.order.iter().position(|known| *known == below(path, name));
        keys.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        let title = if path.is_empty() { "The sections".to_owned() } else { format!("`{path}`") };
        write!(self.out, "\n## {title}\n\n").unwrap();
        self.out.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
        let mut inner = Vec::new();
        for (name, key) in keys {
            let path = below(path, name);
            let required =
                section["required"].as_array().is_some_and(|names| names.contains(&Value::from(&**name)));
            let row = self.row(name, key, &path, required);
            self.out.push_str(&row);
            inner.extend(self.section_in(key, &path));
        }
        for (section, path) in inner {
            self.section(&section, &path);
        }
    }

    fn row(&self, name: &str, key: &Value, path: &str, required: bool) -> String {
        let (kind, default) = match self.section_in(key, path) {
            Some((_, path)) => {
                let list = if path.ends_with("[]") { "list of " } else { "" };
                (
                    format!("{list}[`{path}`](#{})", anchor(&path)),
                    self.default(path.trim_end_matches("[]"), true),
                )
            }
            None => (kind(key), self.default(path, false)),
        };
        let default = if required { "**required**".to_owned() } else { default };
        format!("| `{name}` | {} | {} | {} |\n", cell(&kind), cell(&default), cell(&meaning(key)))
    }

    /// What a plan has where the file says nothing.
    fn default(&self, path: &str, is_section: bool) -> String {
        if let Some((_, words)) = DEPENDS.iter().find(|(known, _)| *known == path) {
            return (*words).to_owned();
        }
        if is_section {
            return String::new();
        }
        let is_given = self.given.iter().any(|given| given == path);
        match first(&self.defaults, path).filter(|_| !is_given) {
            Some(value) => inline(value),
            None => "none".to_owned(),
        }
    }

    /// The section that is this key's value, or each entry of it, with its path.
    fn section_in(&self, key: &Value, path: &str) -> Option<(Value, String)> {
        let of = |part: &Value| {
            let name = part["$ref"].as_str()?.strip_prefix("#/$defs/")?;
            Some(self.schema["$defs"][name].clone())
        };
        if let Some(section) = of(&key["items"]) {
            return Some((section, format!("{path}[]")));
        }
        let section = key["anyOf"].as_array()?.iter().find_map(of)?;
        Some((section, path.to_owned()))
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The name by which a link finds a heading.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '_').collect()
}

/// Every path of a file, each once, in its order.
fn paths(value: &Yaml) -> Vec<String> {
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out
}

fn walk(value: &Yaml, path: &str, out: &mut Vec<String>) {
    match value {
        Yaml::Mapping(keys) => {
            for (name, value) in keys {
                let path = below(path, name.as_str().unwrap());
                if !out.contains(&path) {
                    out.push(path.clone());
                }
                walk(value, &path, out);
            }
        }
        Yaml::Sequence(entries) => entries.iter().for_each(|entry| walk(entry, &format!("{path}[]"), out)),
        _ => {}
    }
}

/// The first value at a path: of several entries the first that has it.
fn first<'y>(value: &'y Yaml, path: &str) -> Option<&'y Yaml> {
    if path.is_empty() {
        return Some(value);
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match name.strip_suffix("[]") {
        None => first(value.get(name)?, rest),
        Some(name) => value.get(name)?.as_sequence()?.iter().find_map(|entry| first(entry, rest)),
    }
}

fn inline(value: &Yaml) -> String {
    match value {
        Yaml::Null => "none".to_owned(),
        Yaml::String(text) if text.is_empty() => "none".to_owned(),
        Yaml::Sequence(entries) if entries.is_empty() => "none".to_owned(),
        Yaml::Sequence(entries) => entries.iter().map(inline).collect::<Vec<_>>().join(", "),
        Yaml::String(text) => format!("`{text}`"),
        Yaml::Bool(value) => format!("`{value}`"),
        Yaml::Number(value) => format!("`{value}`"),
        other => panic!("{other:?} is no default that fits a table"),
    }
}

// === Values ===

/// The forms that a value may have: without `null`, which is the key left out, and without variables.
fn forms(key: &Value) -> Vec<&Value> {
    let is_variable = |form: &Value| form["pattern"] == "\\$\\{";
    match key["anyOf"].as_array() {
        Some(forms_of) => forms_of.iter().flat_map(forms).collect(),
        None if is_variable(key) || key["type"] == "null" => Vec::new(),
        None => vec![key],
    }
}

fn kind(key: &Value) -> String {
    if let Some(items) = key.get("items") {
        return format!("list of {}", kind(items));
    }
    let forms = forms(key);
    let has_number = forms.iter().any(|form| form["type"] == "integer");
    // A number may stand in quotation marks: that is no form worth telling.
    let is_quoted = |form: &&&Value| has_number && form["type"] == "string" && form.get("examples").is_none();
    let (texts, others): (Vec<&Value>, Vec<&Value>) =
        forms.iter().filter(|form| !is_quoted(form)).partition(|form| form.get("examples").is_some());
    let mut kinds: Vec<String> = others.into_iter().flat_map(form_in_words).collect();
    let examples: Vec<_> = texts.into_iter().flat_map(examples).collect();
    if !examples.is_empty() {
        kinds.insert(0, format!("text such as {}", examples.join(", ")));
    }
    let last = kinds.pop().unwrap();
    if kinds.is_empty() { last } else { format!("{} or {last}", kinds.join(", ")) }
}

fn form_in_words(form: &Value) -> Vec<String> {
    if let Some(word) = form.get("const") {
        return vec![format!("`{}`", word.as_str().unwrap())];
    }
    if let Some(words) = form["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", word.as_str().unwrap())).collect();
    }
    match (form["type"].as_str().unwrap(), form["maximum"].as_u64(), form["maxLength"].as_u64()) {
        ("boolean", ..) => vec!["`true`".to_owned(), "`false`".to_owned()],
        ("integer", Some(most), _) => vec![format!("number from {} to {most}", form["minimum"])],
        ("integer", None, _) => vec!["number".to_owned()],
        ("string", _, Some(most)) => vec![format!("text of up to {most} characters")],
        (other, ..) => panic!("no words for a value of the type {other}: {form}"),
    }
}

fn examples(form: &Value) -> impl Iterator<Item = String> {
    form["examples"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|example| format!("`{}`", example.as_str().unwrap()))
}

/// What is said of the key, and of each word it may be.
fn meaning(key: &Value) -> String {
    let mut out = key["description"].as_str().unwrap().to_owned();
    for form in forms(key.get("items").unwrap_or(key)) {
        if let (Some(word), Some(about)) = (form["const"].as_str(), form["description"].as_str()) {
            write!(out, " `{word}`: {about}").unwrap();
        }
    }
    out
}
