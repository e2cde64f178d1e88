//! Every link of a page that stays in the project leads to a file, or a folder, and to a heading in it where it names one.

use std::path::{Component, Path, PathBuf};

use super::{Page, top};

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for page in Page::all() {
        for link in links(&page.text) {
            wrong.extend(breach(&page, &link).map(|why| format!("{}: ({link}) {why}", page.name.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_of_docs_stands_in_the_index() {
    let index = Page::open(Path::new("docs/README.md"));
    let listed: Vec<_> = links(&index.text).iter().map(|link| plain(&Path::new("docs").join(link))).collect();
    let pages = Page::all();
    let docs = pages.iter().map(|page| &page.name).filter(|name| name.starts_with("docs"));
    let missing: Vec<_> = docs
        .filter(|name| **name != index.name && !listed.contains(name))
        .map(|name| name.display())
        .collect();
    assert!(missing.is_empty(), "docs/README.md says nothing of {missing:?}");
}

#[test]
fn links_and_headings_are_found() {
    assert_eq!(links("[a](b.md#c) `[d](e)` ![f](g.png)\n```\n[h](i)\n```\n[j]\n(k)"), ["b.md#c", "g.png"]);
    assert_eq!(headings("# The `a_b` of: c\n```\n# d\n```\n## e\n## e\n"), ["the-a_b-of-c", "e", "e-1"]);
    assert_eq!(plain(Path::new("docs/use/../../config/a")), Path::new("config/a"));
}

/// Why a link leads nowhere.
fn breach(page: &Page, link: &str) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = match path {
        "" => page.name.clone(),
        path => plain(&page.name.parent().unwrap().join(path)),
    };
    if !top().join(&target).exists() {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor?;
    let found = headings(&std::fs::read_to_string(top().join(&target)).unwrap());
    let is_there = found.iter().any(|heading| heading == anchor);
    (!is_there).then(|| format!("there is no such heading, but {found:?}"))
}

/// Where the links of a text lead, without those in code.
fn links(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in prose(text) {
        let spoken = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let mut rest = &*spoken;
        while let Some((_, after)) = rest.split_once("](") {
            let (link, more) = after.split_once(')').unwrap_or((after, ""));
            out.push(link.split(' ').next().unwrap_or_default().to_owned());
            rest = more;
        }
    }
    out
}

/// The names by which links find the headings of a text: of several alike the later ones are numbered.
fn headings(text: &str) -> Vec<String> {
    let mut bare = Vec::new();
    let lines = prose(text).into_iter().filter(|line| line.starts_with('#'));
    for title in lines.filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').map(str::trim)) {
        let is_kept = |sign: &char| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_');
        let name: String = title.to_lowercase().chars().filter(is_kept).collect();
        bare.push(name.replace(' ', "-"));
    }
    let before = |at: usize| bare[..at].iter().filter(|name| **name == bare[at]).count();
    let numbered = |at: usize| match before(at) {
        0 => bare[at].clone(),
        again => format!("{}-{again}", bare[at]),
    };
    (0..bare.len()).map(numbered).collect()
}

/// The lines outside of fences.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut out = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            out.push(line);
        }
    }
    out
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}
