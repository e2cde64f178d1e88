//! The pages of `docs/reference` are made from what the program itself is made of, so that none says what is no longer so.
//!
//! Each page has a module, which makes its text. `make references` writes the pages anew; without it they are
//! compared, and the first line that differs is told.

mod command_line;
mod configuration;
mod log;
mod metrics;
mod rules;

use std::path::Path;

/// The variable that has the pages written instead of compared.
const WRITE: &str = "WRITE_REFERENCE";

/// What stands below the title of every page.
pub(crate) const MADE: &str = "<!-- Written by `make references`; change the source instead. -->";

/// Holds `docs/reference/<name>.md` to this text, or writes it there.
pub(crate) fn hold(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name).with_extension("md");
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(&path, text).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = crate::verdicts::difference(&stands, text);
    assert!(
        difference.is_none(),
        "{}:{}\nWrite the page anew with `make references` and review what git shows.",
        path.display(),
        difference.unwrap_or_default()
    );
}

/// Text as it may stand in a cell of a table.
pub(crate) fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn a_cell_is_one_line_and_ends_where_it_should() {
    assert_eq!(cell("pretty|json,\n  or  none"), "pretty\\|json, or none");
}
