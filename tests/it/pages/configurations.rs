//! Every configuration of a page is one that the program takes.

use std::num::NonZeroUsize;

use header_doctor::config::{Overrides, Plan, Source, Surroundings};

use super::Page;

/// What a page leaves out that speaks of another section.
const SITES: &str = "sites: [{ upstreams: [{ url: 'http://127.0.0.1:8081' }] }]\n";

#[test]
fn every_configuration_is_valid() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in Page::all() {
        for block in page.blocks().into_iter().filter(|block| block.info.starts_with("yaml config")) {
            count += 1;
            let text = match block.info {
                "yaml config" => whole(&block.text),
                "yaml config upstream" => around(&block.text),
                other => panic!("{}: what is ```{other}?", page.name.display()),
            };
            let place = format!("{}:{}", page.name.display(), block.line + 1);
            wrong.extend(mistake(&text).map(|why| format!("{place}: {why}\n{text}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 10, "{count}");
}

#[test]
fn a_mistake_is_seen() {
    assert!(mistake(&whole("trail: { hop: edge }\n")).is_none());
    assert!(mistake(&whole("trail: { hob: edge }\n")).is_some());
    assert!(mistake(&around("  - url: a:1\n    resolve: all\n")).is_none());
    assert!(mistake(&around("    keep_alive: 4\n")).is_none());
    assert!(mistake(&around("    keep_alife: 4\n")).is_some());
}

fn mistake(text: &str) -> Option<String> {
    let around = Surroundings { terminal: false, cores: NonZeroUsize::MIN };
    let plan = Plan::new(Some(&Source::new("page", text)), &|_| None, &Overrides::default(), around);
    plan.err().map(|error| error.to_string())
}

fn whole(text: &str) -> String {
    let has_sites = text.lines().any(|line| line.starts_with("sites:"));
    if has_sites { text.to_owned() } else { format!("{text}{SITES}") }
}

/// A file around the keys of an upstream, or a list of upstreams.
fn around(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let indent = first.len() - first.trim_start().len();
    let lines = text.lines().map(|line| format!("      {}\n", line.get(indent..).unwrap_or_default()));
    let text: String = lines.collect();
    if first.trim_start().starts_with('-') {
        return format!("sites:\n  - upstreams:\n{text}");
    }
    let has = |key: &str| text.lines().any(|line| line.trim_start().starts_with(key));
    let url = if has("url:") { "" } else { "      url: fastcgi://php:9000\n" };
    let root = if has("root:") { "" } else { "      root: /var/www/html\n" };
    format!("sites:\n  - upstreams:\n    -\n{url}{root}{text}")
}
