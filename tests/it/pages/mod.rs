//! The pages for readers, held to what they speak of: links lead somewhere, commands are understood, configurations are valid,
//! and figures are those of the code.
//!
//! In a page, ```` ```yaml config ```` marks a configuration as a file has it (one without `sites` is given one), and
//! ```` ```yaml config upstream ```` the keys of one upstream, or a list of upstreams.

mod commands;
mod configurations;
mod figures;
mod links;
mod words;

use std::path::{Path, PathBuf};

/// Folders whose pages are looked at, with all below.
const FOLDERS: [&str; 3] = ["docs", "deploy", "tests"];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page: where it lies, from the top of the project on, and its text.
struct Page {
    name: PathBuf,
    text: String,
}

/// A block of a page that stands as it is: what its fence says, its text, and the line of the page before its first.
struct Block<'p> {
    info: &'p str,
    text: String,
    line: usize,
}

impl Page {
    fn open(name: &Path) -> Self {
        Self { name: name.to_owned(), text: std::fs::read_to_string(top().join(name)).unwrap() }
    }

    /// All pages there are.
    fn all() -> Vec<Self> {
        let mut names = Vec::new();
        find(Path::new(""), false, &mut names);
        FOLDERS.iter().for_each(|folder| find(Path::new(folder), true, &mut names));
        names.sort();
        assert!(names.len() > 20, "{names:?}");
        names.iter().map(|name| Self::open(name)).collect()
    }

    /// The blocks between fences, and those that are only indented.
    fn blocks(&self) -> Vec<Block<'_>> {
        let (mut out, mut open, mut is_apart) = (Vec::<Block<'_>>::new(), None::<Block<'_>>, true);
        for (line, text) in self.text.lines().enumerate() {
            let fence = text.trim_start().strip_prefix("```");
            match (&mut open, fence) {
                (Some(block), Some("")) if block.line > 0 => out.extend(open.take()),
                (None, Some(info)) => open = Some(Block { info, text: String::new(), line: line + 1 }),
                (Some(block), _) => block.text.push_str(&format!("{text}\n")),
                (None, None) if is_apart && text.starts_with("    ") => {
                    out.push(Block { info: "", text: format!("{}\n", &text[4..]), line });
                }
                (None, None) => {}
            }
            is_apart = open.is_none() && (text.trim().is_empty() || (is_apart && text.starts_with("    ")));
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.name.display());
        out
    }
}

/// The pages in a folder, from the top of the project on.
fn find(folder: &Path, with_below: bool, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(top().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            let is_ours = with_below && entry.file_name() != "node_modules";
            is_ours.then(|| find(&name, true, out));
        } else if name.extension().is_some_and(|extension| extension == "md") {
            out.push(name);
        }
    }
}

#[test]
fn blocks_are_found_between_fences_and_by_their_indent() {
    let text = "a\n```yaml config\nb: 1\n```\n\n    c\n      d\ne\n    f\n- g\n\n  ```\n  h\n  ```\n";
    let page = Page { name: "a.md".into(), text: text.to_owned() };
    let blocks: Vec<_> =
        page.blocks().into_iter().map(|block| (block.info, block.text, block.line)).collect();
    let block = |info, text: &str, line| (info, text.to_owned(), line);
    assert_eq!(
        blocks,
        [
            block("yaml config", "b: 1\n", 2),
            block("", "c\n", 5),
            block("", "  d\n", 6),
            block("", "  h\n", 12)
        ]
    );
}
