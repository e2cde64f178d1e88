//! "Did you mean …?": the word that a misspelt one was probably meant to be.

/// The known word nearest to `word`, when it is near enough to be worth a suggestion.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let (distance, found) =
        known.iter().map(|known| (strsim::damerau_levenshtein(&word, known), *known)).min()?;
    let part = found.len() > 3 && word.len() > 3 && (found.starts_with(&word) || word.starts_with(found));
    (part || distance <= word.len().max(found.len()) / 3).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: &[&str] = &["hosts", "mode", "upstreams"];

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(nearest("upstream", KNOWN), Some("upstreams"));
        assert_eq!(nearest("Upstraems", KNOWN), Some("upstreams"));
        assert_eq!(nearest("host", KNOWN), Some("hosts"));
        assert_eq!(nearest("keep-alive-timeout", &["keep_alive_timeout"]), Some("keep_alive_timeout"));
    }

    #[test]
    fn another_word_gets_no_suggestion() {
        assert_eq!(nearest("backend", KNOWN), None);
        assert_eq!(nearest("", KNOWN), None);
    }
}
