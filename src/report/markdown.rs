//! Markdown as a terminal shows it: its paragraphs are filled to the terminal's width, and all else stays.

use super::page::{Page, words};

/// The text with its paragraphs and list items as wide as the page; on a page without an end, the text as it is.
/// Headings, tables, code and whatever else is set off stay as they are.
#[must_use]
pub fn fill(markdown: &str, page: Page) -> String {
    if page.width.is_none() {
        return markdown.to_owned();
    }
    let mut out = String::with_capacity(markdown.len() + 64);
    let mut paragraph = String::new();
    let mut fenced = false;
    for line in markdown.lines() {
        let is_fence = line.starts_with("```");
        if fenced || is_fence || is_set_off(line) {
            flush(&mut out, &mut paragraph, page);
            out.push_str(line);
            out.push('\n');
            fenced ^= is_fence;
            continue;
        }
        if hang(line) > 0 {
            flush(&mut out, &mut paragraph, page);
        }
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(line.trim());
    }
    flush(&mut out, &mut paragraph, page);
    out
}

/// A line that belongs to no paragraph.
fn is_set_off(line: &str) -> bool {
    line.is_empty() || line.starts_with(['#', '|', '>']) || line.starts_with("    ")
}

/// How far the lines after the first of a list item stand to the right; nothing for other lines.
fn hang(line: &str) -> usize {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && line.get(digits..).is_some_and(|rest| rest.starts_with(". ")) {
        return digits + 2;
    }
    if line.starts_with("- ") { 2 } else { 0 }
}

fn flush(out: &mut String, paragraph: &mut String, page: Page) {
    if !paragraph.is_empty() {
        page.lay(out, &words(paragraph), 0, hang(paragraph));
        paragraph.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, fill};
    use crate::report::Paint;

    const TEXT: &str = "# the-rule\n\nA paragraph that was\nbroken for an editor, not for this terminal.\n\n\
        - an item that is long enough to go on below\n- `location / { auth_basic off; }` stays whole\n\n\
        1. one\n2. two\n\n```\ncode   that is left   exactly as it was written by its author\n```\n";

    #[test]
    fn paragraphs_are_as_wide_as_the_page_and_all_else_stays() {
        let page = Page { paint: Paint::Plain, width: Some(40) };
        assert_eq!(
            fill(TEXT, page),
            "# the-rule\n\nA paragraph that was broken for an\neditor, not for this terminal.\n\n\
             - an item that is long enough to go on\n  below\n- `location / { auth_basic off; }` stays\n  whole\n\n\
             1. one\n2. two\n\n```\ncode   that is left   exactly as it was written by its author\n```\n"
        );
        assert_eq!(fill(TEXT, Page::PLAIN), TEXT);
    }
}
