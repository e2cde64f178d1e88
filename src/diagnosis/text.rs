//! The form of a rule's Markdown, and its reader.
//!
//! The text is the one source of what `explain`, the dashboard and the documentation say, and of the cure that a
//! finding quotes, so it cannot drift from the rule. Its form is fixed:
//!
//! ```text
//! # the-slug-of-the-rule
//!
//! What it means: one paragraph.
//!
//! severity: error (a remark) · place: web-server · desk: platform
//!
//! ## How it is recognised
//!
//! Any text.
//!
//! ## What is innocent
//!
//! Any text.
//!
//! ## Cure
//!
//! ### nginx
//!
//! The cure in one line: this is what a finding quotes.
//!
//! Any text.
//!
//! ### any
//!
//! …
//! ```

use super::finding::{Desk, Place, Severity};

/// A rule's text, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'t> {
    /// The slug.
    pub id: &'t str,
    /// What it means, one paragraph.
    pub meaning: &'t str,
    /// How grave its findings are at worst.
    pub severity: Severity,
    /// What its findings blame.
    pub place: Place,
    /// Who can cure it.
    pub desk: Desk,
    /// How it is recognised.
    pub recognised: &'t str,
    /// What is innocent.
    pub innocent: &'t str,
    /// The cures, by product.
    pub cures: Vec<Cure<'t>>,
}

/// The cure for one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cure<'t> {
    /// The product: `nginx`, `Apache (mod_php)`, `client`, `any`.
    pub product: &'t str,
    /// The cure in one line.
    pub line: &'t str,
    /// What more there is to say.
    pub more: &'t str,
}

/// A text that is not of the fixed form; the word says which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rule's text lacks, or has malformed: {0}")]
pub struct Malformed(&'static str);

impl<'t> Text<'t> {
    /// Takes a text apart.
    ///
    /// # Errors
    /// The text is not of the fixed form.
    pub fn parse(text: &'t str) -> Result<Self, Malformed> {
        let (head, text) = split(text, "\n## How it is recognised\n", "how it is recognised")?;
        let (recognised, text) = split(text, "\n## What is innocent\n", "what is innocent")?;
        let (innocent, cures) = split(text, "\n## Cure\n", "cure")?;
        let mut parts = head.split("\n\n").map(str::trim);
        let id = parts.next().and_then(|title| title.strip_prefix("# ")).ok_or(Malformed("title"))?;
        let meaning = parts.next().filter(|text| !text.is_empty()).ok_or(Malformed("meaning"))?;
        let facts = parts.next().ok_or(Malformed("facts"))?;
        if parts.any(|part| !part.is_empty()) {
            return Err(Malformed("facts as the last paragraph of the head"));
        }
        Ok(Self {
            id,
            meaning,
            severity: fact(facts, "severity: ").and_then(Severity::of).ok_or(Malformed("severity"))?,
            place: fact(facts, "place: ").and_then(Place::of).ok_or(Malformed("place"))?,
            desk: fact(facts, "desk: ").and_then(Desk::of).ok_or(Malformed("desk"))?,
            recognised: recognised.trim(),
            innocent: innocent.trim(),
            cures: cures.split("\n### ").skip(1).map(Cure::parse).collect::<Result<_, _>>()?,
        })
    }

    /// The cure for a product, or else the one for any.
    #[must_use]
    pub fn cure(&self, product: &str) -> Option<Cure<'t>> {
        let of = |product: &str| self.cures.iter().copied().find(|cure| cure.product == product);
        of(product).or_else(|| of("any"))
    }
}

impl<'t> Cure<'t> {
    fn parse(section: &'t str) -> Result<Self, Malformed> {
        let (product, text) = section.split_once('\n').ok_or(Malformed("cure"))?;
        let text = text.trim();
        let (line, more) = text.split_once("\n\n").unwrap_or((text, ""));
        if line.is_empty() || line.contains('\n') {
            return Err(Malformed("cure in one line"));
        }
        Ok(Self { product: product.trim(), line, more: more.trim() })
    }
}

/// The line a finding quotes: the product, where it is known, and its cure. Empty when the text is malformed, which a test forbids.
pub(super) fn cure(text: &str, product: &str) -> String {
    let cure = Text::parse(text).ok().and_then(|text| text.cure(product));
    let line = |cure: Cure<'_>| match cure.product {
        "any" => cure.line.to_owned(),
        product => format!("{product}: {}", cure.line),
    };
    cure.map(line).unwrap_or_default()
}

fn split<'t>(text: &'t str, at: &str, name: &'static str) -> Result<(&'t str, &'t str), Malformed> {
    text.split_once(at).ok_or(Malformed(name))
}

/// The first word of a fact; a remark may follow it.
fn fact<'t>(facts: &'t str, name: &str) -> Option<&'t str> {
    facts.split(" · ").find_map(|fact| fact.strip_prefix(name))?.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::{Desk, Malformed, Place, Severity, Text, cure};

    const TEXT: &str = "# a-rule\n\nIt means\nthis.\n\nseverity: error (often) · place: web-server · desk: platform\n\n\
        ## How it is recognised\n\nSo.\n\n## What is innocent\n\nAll else.\n\n## Cure\n\n### nginx\n\n`a;`\n\n\
        More.\n\n### any\n\nLook.\n";

    #[test]
    fn a_text_is_taken_apart() {
        let text = Text::parse(TEXT).unwrap();
        assert_eq!((text.id, text.meaning), ("a-rule", "It means\nthis."));
        let facts = (text.severity, text.place, text.desk);
        assert_eq!(facts, (Severity::Error, Place::WebServer, Desk::Platform));
        assert_eq!((text.recognised, text.innocent), ("So.", "All else."));
        assert_eq!(text.cures.iter().map(|cure| cure.more).collect::<Vec<_>>(), ["More.", ""]);
    }

    #[test]
    fn a_finding_quotes_the_products_line_or_the_one_for_any() {
        assert_eq!(cure(TEXT, "nginx"), "nginx: `a;`");
        assert_eq!(cure(TEXT, "Caddy"), "Look.");
    }

    #[test]
    fn each_part_is_missed() {
        let without = |part: &str| Text::parse(&TEXT.replacen(part, "", 1)).unwrap_err();
        assert_eq!(without("# a-rule"), Malformed("title"));
        assert_eq!(without("## What is innocent\n"), Malformed("what is innocent"));
        assert_eq!(without("place: web-server · "), Malformed("place"));
        assert_eq!(without("`a;`\n\nMore."), Malformed("cure in one line"));
    }
}
