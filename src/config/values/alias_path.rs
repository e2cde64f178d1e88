//! The path that a folder elsewhere stands for.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// A path of URLs below `/`, decoded, with one slash at both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AliasPath(pub(crate) String);

impl FromStr for AliasPath {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let refused =
            || Refused::new("is not the path of a folder in URLs", "write one such as /wp-content/");
        let parts = text.strip_prefix('/').map(|path| path.strip_suffix('/').unwrap_or(path));
        let parts = parts.filter(|parts| !parts.is_empty()).ok_or_else(refused)?;
        let is_odd = |part: &str| matches!(part, "" | "." | "..");
        let is_no_name = |letter: char| letter.is_control() || matches!(letter, '%' | '?' | '#' | '*' | '\\');
        if parts.split('/').any(is_odd) || parts.contains(is_no_name) {
            return Err(refused());
        }
        Ok(Self(format!("/{parts}/")))
    }
}

impl fmt::Display for AliasPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for AliasPath {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^/[^/]", "examples": ["/wp-content/"] })]
    }
}

#[cfg(test)]
mod tests {
    use super::AliasPath;

    #[test]
    fn a_path_has_a_slash_at_both_ends() {
        for (text, path) in
            [("/wp-content/", "/wp-content/"), ("/wp-content", "/wp-content/"), ("/a/ü", "/a/ü/")]
        {
            assert_eq!(text.parse::<AliasPath>().unwrap().to_string(), path);
        }
        for text in
            ["", "/", "//", "wp-content/", "/a//b", "/a/../b", "/./a", "/a%20b", "/a*", "/a?b", "/a\\b"]
        {
            let refused = text.parse::<AliasPath>().unwrap_err().to_string();
            assert_eq!(
                refused, "is not the path of a folder in URLs; write one such as /wp-content/",
                "{text}"
            );
        }
    }
}
