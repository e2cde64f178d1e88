//! Names of files and folders by which they are kept back.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// The name of a file, in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePattern(pub(crate) String);

/// The name of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderName(pub(crate) String);

fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(|letter: char| letter == '/' || letter.is_control())
}

impl FromStr for FilePattern {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if !is_name(text) {
            let right = "write a name without a folder, in which * is any text, such as *.bak";
            return Err(Refused::new("is no name of files", right));
        }
        if text.bytes().all(|byte| byte == b'*') {
            return Err(Refused::new("is every file", "leave `root` out where none is to be served"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for FolderName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if !is_name(text) || text.contains('*') {
            let right = "write its name alone, which counts wherever it lies, such as uploads";
            return Err(Refused::new("is no name of a folder", right));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for FilePattern {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^[^/]+$", "examples": ["wp-config*", "*.bak"] })]
    }
}

impl Leaf for FolderName {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^[^/*]+$", "examples": ["uploads"] })]
    }
}

#[cfg(test)]
mod tests {
    use super::{FilePattern, FolderName};

    #[test]
    fn a_name_has_no_folder() {
        for text in ["*.bak", "wp-config*", "a b.sql"] {
            assert_eq!(text.parse::<FilePattern>().unwrap().to_string(), text);
        }
        for (text, wrong) in [
            ("a/b", "is no name of files; write a name"),
            ("", "is no name of files"),
            ("**", "is every file;"),
        ] {
            let refused = text.parse::<FilePattern>().unwrap_err().to_string();
            assert!(refused.starts_with(wrong), "{text}: {refused}");
        }
        assert_eq!("uploads".parse::<FolderName>().unwrap().to_string(), "uploads");
        for text in ["wp-content/uploads", "", "..", "up*"] {
            let refused = text.parse::<FolderName>().unwrap_err().to_string();
            assert!(refused.starts_with("is no name of a folder; write its name alone"), "{refused}");
        }
    }
}
