//! A folder whose files are served.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// An absolute path, without `.` and `..`, and without a slash at its end; never the whole file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(pub(crate) PathBuf);

impl FromStr for Folder {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let is_odd =
            text.contains(char::is_control) || text.split('/').any(|part| matches!(part, "." | ".."));
        if !text.starts_with('/') || is_odd || text.len() > 4096 {
            let right = "write its whole path, without . and .., such as /var/www/html";
            return Err(Refused::new("is not a folder named from the root", right));
        }
        let trimmed = text.trim_end_matches('/');
        if trimmed.is_empty() {
            let right = "write the folder that holds WordPress's index.php, such as /var/www/html";
            return Err(Refused::new("is the whole file system, which nobody is to read", right));
        }
        Ok(Self(trimmed.into()))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Leaf for Folder {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^/.*[^/]", "examples": ["/var/www/html"] })]
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;

    #[test]
    fn a_folder_is_a_path_from_the_root_and_not_all_of_it() {
        for (text, folder) in [("/var/www/html", "/var/www/html"), ("/srv//www/", "/srv//www")] {
            assert_eq!(text.parse::<Folder>().unwrap().to_string(), folder);
        }
        for (text, wrong) in [
            ("", "is not a folder named from the root; write"),
            ("html", "is not a folder named from the root; write"),
            ("./html", "is not a folder named"),
            ("/var/../etc", "is not a folder named"),
            ("/var/./www", "is not a folder named"),
            ("/var\n", "is not a folder named"),
            ("/", "is the whole file system, which nobody is to read; write"),
            ("//", "is the whole file system"),
        ] {
            let refused = text.parse::<Folder>().unwrap_err().to_string();
            assert!(refused.starts_with(wrong), "{text}: {refused}");
        }
    }
}
