//! What a script complained of, as one line that may be shown.
//!
//! PHP writes there what it likes: a path, a query with its values, a token in a stack trace. So only the first line is
//! kept, what stands in quotation marks goes unless it is a path, and so does every word that looks like a credential
//! or stands behind one that announces it.

use crate::secret::looks_secret;

/// The longest line, in characters.
const LONGEST: usize = 200;

/// Words behind which a secret may follow.
const ANNOUNCED: [&str; 13] = [
    "bearer",
    "basic",
    "authorization",
    "authorisation",
    "cookie",
    "password",
    "passwd",
    "pass",
    "pwd",
    "token",
    "key",
    "secret",
    "nonce",
];

/// Words that may stand between those and the secret.
const SMALL: [&str; 9] = ["is", "was", "are", "for", "of", "to", "with", "the", "a"];

/// What is said of a secret in its place: `key is too short`.
const JUDGEMENTS: [&str; 6] = ["too", "empty", "missing", "invalid", "wrong", "required"];

/// The first line of it; nothing where there is none.
#[must_use]
pub fn complaint(text: &[u8]) -> Option<String> {
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
    let line = line.filter(|line| !line.is_empty()).map(without_prefix).next()?;
    let text = String::from_utf8_lossy(line);
    let mut out = String::with_capacity(LONGEST);
    let (mut is_announced, mut quoted) = (false, None);
    for word in text.split_ascii_whitespace() {
        let shown = show(word, is_announced && !is_judgement(word), &mut quoted);
        is_announced = announces(word) || (is_announced && is_small(word));
        if shown.is_some_and(|shown| push(&mut out, shown).is_none()) {
            break;
        }
    }
    Some(out)
}

/// All of it, credentials too, on one line: for whoever asked for that.
#[must_use]
pub fn whole_complaint(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text.trim_ascii());
    let lines = text.lines().map(|line| line.replace(char::is_control, "\u{fffd}"));
    Some(lines.collect::<Vec<_>>().join(" ⏎ ")).filter(|text| !text.is_empty())
}

/// PHP's own words for a message of its own.
fn without_prefix(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"PHP message: ").unwrap_or(line)
}

/// What is shown of a word; nothing within what is left out already.
fn show<'w>(word: &'w str, is_announced: bool, quoted: &mut Option<char>) -> Option<&'w str> {
    const GONE: &str = "…";
    let marks = |mark: char| word.chars().filter(|c| *c == mark).count();
    if let Some(mark) = *quoted {
        if marks(mark) % 2 == 1 {
            *quoted = None;
        }
        return None;
    }
    let first = word.chars().find(|c| matches!(c, '\'' | '"' | '`'));
    if let Some(mark) = first {
        let inside = word.split(mark).nth(1).unwrap_or_default();
        let is_open = marks(mark) % 2 == 1;
        *quoted = is_open.then_some(mark);
        // `don't` opens nothing.
        if is_open && word.split(mark).next().is_some_and(|before| before.ends_with(char::is_alphanumeric)) {
            *quoted = None;
            return Some(GONE);
        }
        let is_path = inside.starts_with('/') && !is_open;
        return Some(if is_path && is_plain(word) { word } else { GONE });
    }
    Some(if !is_announced && is_plain(word) { word } else { GONE })
}

/// Whether nothing in a word could be a credential, a person, or a control of somebody's terminal.
fn is_plain(word: &str) -> bool {
    let is_shown = word.bytes().all(|byte| byte.is_ascii_graphic()) && !word.contains(['@', '=', '?', '&']);
    let looks_secret = |part: &str| looks_secret(part.as_bytes());
    is_shown && !tells(word) && !word.split(['/', '(', ')', ':', ',', ';']).any(looks_secret)
}

/// Whether a word announces a secret and holds it as well: `password:hunter2`, but not `Token::verify()`.
fn tells(word: &str) -> bool {
    let parts = || word.split(':');
    parts().zip(parts().skip(1)).any(|(before, behind)| announces(before) && !behind.is_empty())
}

fn is_judgement(word: &str) -> bool {
    JUDGEMENTS.contains(&word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
}

/// Whether a word only leads from what announces a secret to the secret: `password is`, `token was:`, `key =>`.
fn is_small(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.is_empty() || SMALL.iter().any(|small| word.eq_ignore_ascii_case(small))
}

/// Whether a secret may follow: a word says so, or the arrow of an array that was written out.
fn announces(word: &str) -> bool {
    if word == "=>" {
        return true;
    }
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    ANNOUNCED.iter().any(|announced| word.ends_with(announced))
}

/// Appends a word where there is room for it.
fn push(out: &mut String, word: &str) -> Option<()> {
    if out.chars().count() + word.chars().count() + 2 > LONGEST {
        out.push('…');
        return None;
    }
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{complaint, whole_complaint};

    #[test]
    fn all_of_a_complaint_is_one_line_that_moves_no_cursor() {
        let said = b"PHP message: PHP Fatal error: token 'abc'\nStack trace:\r\n#0 \x1b[2Jf()\n";
        let shown = whole_complaint(said).unwrap();
        assert_eq!(shown, "PHP message: PHP Fatal error: token 'abc' ⏎ Stack trace: ⏎ #0 \u{fffd}[2Jf()");
        assert_eq!(whole_complaint(b" \n"), None);
    }

    #[test]
    fn a_complaint_is_one_line_without_what_may_be_secret() {
        for (said, shown) in [
            ("Primary script unknown", "Primary script unknown"),
            (
                "Access to the script '/srv/www/a.css' has been denied (see security.limit_extensions)\nmore",
                "Access to the script '/srv/www/a.css' has been denied (see security.limit_extensions)",
            ),
            (
                "PHP message: PHP Fatal error:  Uncaught Error: Call to undefined function x() in /srv/www/a.php:3",
                "PHP Fatal error: Uncaught Error: Call to undefined function x() in /srv/www/a.php:3",
            ),
            (
                "\n\nWordPress database error for query SELECT * FROM wp_users WHERE user_login = 'jo doe' made by x",
                "WordPress database error for query SELECT * FROM wp_users WHERE user_login … … made by x",
            ),
            ("sent Authorization: Bearer hunter2 to", "sent Authorization: … … to"),
            ("the password is", "the password …"),
            ("the password is abc and more", "the password … … and more"),
            ("Provided key is too short in /a.php:3", "Provided key … too short in /a.php:3"),
            ("Array ( [user_login] => jo [pass] => abc )", "Array ( [user_login] … … [pass] … … )"),
            ("token was: abc, key => def", "token … … key … …"),
            ("login with password:hunter2, Authorization:abc or (pwd:x)", "login with … … or …"),
            ("Token::verify() in /srv/www/token:3", "Token::verify() in …"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJh.x in /a", "… in /a"),
            ("mail to jo@example.com failed: user=jo", "mail to … failed: …"),
            ("\x1b[31mred\x1b[0m", "…"),
            ("can't open 'x", "… open …"),
        ] {
            assert_eq!(complaint(said.as_bytes()).as_deref(), Some(shown), "{said}");
        }
        assert_eq!(complaint(b""), None);
        assert_eq!(complaint(b"\n \r\n"), None);
    }

    proptest! {
        #[test]
        fn any_complaint_is_one_short_line(said in vec(any::<u8>(), 0..600)) {
            if let Some(shown) = complaint(&said) {
                prop_assert!(shown.chars().count() <= 200);
                prop_assert!(shown.chars().all(|c| c == ' ' || c == '…' || c.is_ascii_graphic()));
            }
        }
    }
}
