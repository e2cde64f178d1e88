//! What is neither served nor run, by its name.

use super::Layout;
use super::path::{parts, split};

/// The only hidden folder that the world may read, directly below the root (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What a site keeps from being served and run.
#[derive(Debug)]
pub(super) struct Rules {
    never_serve: Vec<Pattern>,
    never_run: Vec<String>,
}

impl Rules {
    pub(super) fn new(layout: &Layout) -> Self {
        let says_more = |text: &&String| !text.eq_ignore_ascii_case("*.php");
        Self {
            never_serve: layout.never_serve.iter().filter(says_more).map(|text| Pattern::new(text)).collect(),
            never_run: layout.never_run.clone(),
        }
    }

    /// Whether a path below the root may be served or run, so far as its names go: no part is hidden, and none is named
    /// by a pattern.
    pub(super) fn allow(&self, path: &[u8]) -> bool {
        parts(path).enumerate().all(|(at, part)| {
            let is_hidden = part.starts_with(b".") && !(at == 0 && part == WELL_KNOWN);
            !is_hidden && self.allow_name(part)
        })
    }

    /// Whether no pattern names this file or folder.
    pub(super) fn allow_name(&self, name: &[u8]) -> bool {
        !self.never_serve.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether a script with this path may run: none of its folders is one below which nothing runs.
    pub(super) fn allow_to_run(&self, path: &[u8]) -> bool {
        !parts(split(path).0).any(|folder| self.never_runs(folder))
    }

    /// Whether nothing runs below a folder of this name.
    pub(super) fn never_runs(&self, folder: &[u8]) -> bool {
        self.never_run.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(folder))
    }
}

/// Whether a file is one that php-fpm runs: it looks at the end of its name, and minds the case.
pub(super) fn is_script(name: &[u8]) -> bool {
    name.len() > b".php".len() && name.ends_with(b".php")
}

/// Whether a file holds the source of a program by its name, be it an old copy or a careless spelling: `a.php`, `a.PHP5`,
/// `a.php.bak`, `a.php~`, `a.phtml`, `a.phar`. Not `a.php_.jpg`, which WordPress makes of an upload.
pub(super) fn is_source(name: &[u8]) -> bool {
    let is_one = |extension: &[u8]| {
        let begins =
            |text: &[u8]| extension.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
        begins(b"pht") || begins(b"phar") || (begins(b"php") && extension.get(3) != Some(&b'_'))
    };
    name.split(|byte| *byte == b'.').skip(1).any(is_one)
}

/// A name in which `*` stands for any text; case does not matter.
#[derive(Debug)]
struct Pattern(Vec<u8>);

impl Pattern {
    fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase().into_bytes())
    }

    /// Between its first and its last piece, each is looked for as early as possible, so no name takes long.
    fn matches(&self, name: &[u8]) -> bool {
        let mut pieces = self.0.split(|byte| *byte == b'*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = strip_start(name, first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            let Some(at) = position(rest, piece) else { return false };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        rest.len() >= last.len()
            && rest.get(rest.len() - last.len()..).is_some_and(|end| end.eq_ignore_ascii_case(last))
    }
}

fn strip_start<'n>(name: &'n [u8], start: &[u8]) -> Option<&'n [u8]> {
    let (head, rest) = name.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

fn position(name: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    name.windows(piece.len()).position(|window| window.eq_ignore_ascii_case(piece))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Pattern, is_script, is_source};

    #[test]
    fn a_star_stands_for_any_text() {
        let cases = [
            ("wp-config*", "wp-config.php", true),
            ("wp-config*", "WP-CONFIG", true),
            ("wp-config*", "my-wp-config.php", false),
            ("*.bak", ".bak", true),
            ("*.bak", "a.BAK", true),
            ("*.bak", "a.bak.txt", false),
            ("*.sql.*", "dump.sql.gz", true),
            ("*.sql.*", "dump.sql", false),
            ("*~", "a~", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a", "A", true),
            ("a", "ab", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*a*b*", "xbxaxb", true),
            ("*a*b*", "xbxa", false),
            ("a**b", "ab", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Pattern::new(pattern).matches(name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn source_is_known_in_every_spelling() {
        for name in [
            "a.php",
            "a.PHP",
            "a.php5",
            "a.php7",
            "a.phps",
            "a.phtml",
            "a.pht",
            "a.phar",
            "a.PhAr",
            "a.php.txt",
            "a.php.jpg",
            "a.php~",
            "a.php.",
            "a.php ",
            "a.php.bak",
            "a.php-old",
            "a.phpbak",
            ".php",
            "a.min.php",
        ] {
            assert!(is_source(name.as_bytes()), "{name}");
        }
        for name in [
            "a.css",
            "php",
            "php.css",
            "a.php_.jpg",
            "a.photo.jpg",
            "a.ph",
            "phpinfo.txt",
            "aphp",
            "graph.svg",
            "",
        ] {
            assert!(!is_source(name.as_bytes()), "{name}");
        }
        assert!(is_script(b"a.php") && !is_script(b".php") && !is_script(b"a.PHP") && !is_script(b"a.php5"));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_one_that_tries_everything(pattern in "[aB*]{0,7}", name in "[Ab]{0,9}") {
            fn slow(pattern: &[u8], name: &[u8]) -> bool {
                match pattern.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|at| slow(rest, &name[at..])),
                    Some((first, rest)) => name.split_first().is_some_and(|(byte, behind)| byte == first && slow(rest, behind)),
                }
            }
            let (low, small) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
            prop_assert_eq!(Pattern::new(&pattern).matches(name.as_bytes()), slow(low.as_bytes(), small.as_bytes()));
        }
    }
}
