//! The page that text for people is written on: with colour or without, as wide as a terminal or without an end.
//!
//! A line that is too long goes on under its own text, so that the names at the left stay alone in their column.
//! What will be copied is never parted, neither a command nor a line of configuration: where it is wider than the
//! page, the terminal breaks it in a way that copying undoes.

use textwrap::core::Word;
use textwrap::wrap_algorithms::wrap_first_fit;

use super::Paint;

/// Where the text of a named line begins, and where it goes on.
pub(super) const COLUMN: usize = 10;

/// A page narrower than this is written as if it were so wide.
const LEAST: u16 = 40;

/// How text for people is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Whether there is colour.
    pub paint: Paint,
    /// How many columns a line may have; nothing for any number.
    pub width: Option<u16>,
}

impl Page {
    /// Without colour, and a line for a line: what a pipe or a file gets.
    pub const PLAIN: Self = Self { paint: Paint::Plain, width: None };

    /// Writes words as a paragraph that goes on at the column `hang`. Its first line has `used` columns already.
    pub(crate) fn lay(self, out: &mut String, words: &[Word<'_>], used: usize, hang: usize) {
        let room = |used: usize| {
            let width = self.width.map_or(f64::INFINITY, |width| f64::from(width.max(LEAST)));
            width - f64::from(u16::try_from(used).unwrap_or(u16::MAX))
        };
        for (number, line) in wrap_first_fit(words, &[room(used), room(hang)]).into_iter().enumerate() {
            if number > 0 {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', hang));
            }
            push(out, line);
        }
        out.push('\n');
    }
}

/// A line, without the blanks at its end.
fn push(out: &mut String, line: &[Word<'_>]) {
    for (place, word) in line.iter().enumerate() {
        out.push_str(word.word);
        if place + 1 < line.len() {
            out.push_str(word.whitespace);
        }
    }
}

/// The words of a text. What stands between backquotes is one.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    let mut quoted = false;
    let blanks = text.match_indices(|char| {
        quoted ^= char == '`';
        char == ' ' && !quoted
    });
    let mut start = 0;
    let ends: Vec<_> = blanks.map(|(at, _)| at + 1).chain([text.len()]).collect();
    let words = ends.into_iter().filter_map(|end| {
        let word = text.get(start..end)?;
        start = end;
        (!word.is_empty()).then(|| Word::from(word))
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::{COLUMN, Page, Paint, words};
    use textwrap::core::display_width;

    fn laid(text: &str, width: Option<u16>) -> String {
        let mut out = String::new();
        Page { paint: Paint::Plain, width }.lay(&mut out, &words(text), COLUMN, COLUMN);
        out
    }

    #[test]
    fn a_long_line_goes_on_under_its_text() {
        let text = "nobody sent the header that everybody asked for";
        assert_eq!(laid(text, None), format!("{text}\n"));
        assert_eq!(laid(text, Some(40)), "nobody sent the header that\n          everybody asked for\n");
        assert_eq!(laid(text, Some(1)), laid(text, Some(40)));
        assert_eq!(laid("", Some(40)), "\n");
    }

    #[test]
    fn what_will_be_copied_is_never_parted() {
        let text = "nginx: `fastcgi_param HTTP_AUTHORIZATION $http_authorization;` in the location";
        assert_eq!(
            laid(text, Some(70)),
            "nginx:\n          `fastcgi_param HTTP_AUTHORIZATION $http_authorization;` in\n          the location\n"
        );
        let narrow = laid(text, Some(40));
        assert!(
            narrow.contains("\n          `fastcgi_param HTTP_AUTHORIZATION $http_authorization;`\n"),
            "{narrow}"
        );
    }

    #[test]
    fn colour_takes_no_room() {
        let red = Paint::Colour.red("header");
        assert_eq!(display_width(&red), 6);
        let text = format!("nobody sent the {red} that everybody asked for");
        assert_eq!(laid(&text, Some(40)).lines().count(), 2);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_whatever_the_width(text in "[a-zé✓` ]{0,80}", width in proptest::option::of(0u16..100)) {
            let bare = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            assert_eq!(bare(&laid(&text, width)), bare(&text));
        }
    }
}
