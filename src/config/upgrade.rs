//! Section `upgrade`: how a new process takes over from the running one.

use super::error::Refused;
use super::reading::{Leaf, Scalar};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where the running process hands its sockets over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upgrade {
    /// The Unix socket on which it does; nowhere when absent.
    pub socket: Option<SocketPath>,
}

/// The path of a Unix socket that we make ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPath(PathBuf);

/// The longest path, in bytes: Linux allows 107, and a few are needed for the name the socket is made under.
const LONGEST: usize = 100;

impl AsRef<Path> for SocketPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl FromStr for SocketPath {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let right = "write it from the root, such as /run/header-doctor.sock";
        let path = text.strip_prefix("unix:").unwrap_or(text);
        if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
            return Err(Refused::new("is not the path of a socket", right));
        }
        if path.len() > LONGEST {
            return Err(Refused::new("is too long for a socket", "write at most 100 bytes"));
        }
        Ok(Self(PathBuf::from(path)))
    }
}

impl fmt::Display for SocketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Leaf for SocketPath {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^(unix:)?/.*[^/]$", "maxLength": LONGEST + 5, "examples": ["/run/header-doctor.sock"] }),
        ]
    }
}

/// `upgrade` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Upgrade")]
pub(super) struct Shape {
    /// The Unix socket on which a process started with `--upgrade` is given the listening sockets; no hand-over when
    /// absent. Its mode is 0600, and only the same user and root are answered.
    socket: Option<Scalar<SocketPath>>,
}

impl From<Shape> for Upgrade {
    fn from(shape: Shape) -> Self {
        Self { socket: shape.socket.map(|Scalar(path)| path) }
    }
}

impl From<&Upgrade> for Shape {
    fn from(upgrade: &Upgrade) -> Self {
        Self { socket: upgrade.socket.clone().map(Scalar) }
    }
}

#[cfg(test)]
mod tests {
    use super::SocketPath;

    #[test]
    fn a_path_from_the_root_is_a_socket() {
        let cases = [("/run/a.sock", true), ("unix:/run/a.sock", true), ("a.sock", false), ("/run/", false)];
        for (text, is_good) in cases {
            assert_eq!(text.parse::<SocketPath>().is_ok(), is_good, "{text}");
        }
        let long = format!("/{}", "a".repeat(100));
        assert!(long.parse::<SocketPath>().is_err() && long[..100].parse::<SocketPath>().is_ok());
    }
}
