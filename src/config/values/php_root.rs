//! The folder of WordPress as PHP sees it.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// An absolute path, without `.` and `..`, and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhpRoot(pub(crate) String);

impl FromStr for PhpRoot {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let is_odd =
            text.contains(char::is_control) || text.split('/').any(|part| matches!(part, "." | ".."));
        if !text.starts_with('/') || is_odd || text.len() > 4096 {
            let right = "write the folder of WordPress from the root, as PHP sees it, such as /var/www/html";
            return Err(Refused::new("is not a folder PHP could find", right));
        }
        let trimmed = text.trim_end_matches('/');
        Ok(Self(if trimmed.is_empty() { "/" } else { trimmed }.to_owned()))
    }
}

impl fmt::Display for PhpRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for PhpRoot {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^/", "examples": ["/var/www/html"] })]
    }
}

#[cfg(test)]
mod tests {
    use super::PhpRoot;

    #[test]
    fn a_root_is_a_path_from_the_root() {
        for (text, root) in [("/var/www/html", "/var/www/html"), ("/srv//www/", "/srv//www"), ("/", "/")] {
            assert_eq!(text.parse::<PhpRoot>().unwrap().to_string(), root);
        }
        for text in ["", "html", "./html", "/var/../etc", "/var/./www", "/var\n"] {
            let refused = text.parse::<PhpRoot>().unwrap_err().to_string();
            assert!(refused.starts_with("is not a folder PHP could find; write"), "{text}: {refused}");
        }
    }
}
