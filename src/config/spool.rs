//! Section `spool`: where the bodies of requests wait for PHP-FPM until they are whole.

use super::reading::Scalar;
use super::values::{Bytes, FileName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How bodies are held for an upstream that is PHP-FPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// The most bytes of one body in memory.
    pub memory: u64,
    /// The most bytes of all bodies in files.
    pub total: u64,
    /// Where the files are made.
    pub directory: PathBuf,
}

impl Default for Spool {
    fn default() -> Self {
        Self { memory: 256 << 10, total: 4 << 30, directory: PathBuf::from("/tmp") }
    }
}

impl Spool {
    /// Names its folder as seen from anywhere.
    pub(super) fn begin_in(&mut self, folder: &Path) {
        self.directory = folder.join(&self.directory);
    }
}

/// `spool` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Spool")]
pub(super) struct Shape {
    /// The most bytes of one request's body that wait in memory; 256KiB when absent. A longer one waits in a file.
    memory: Option<Scalar<Bytes>>,
    /// The most bytes of bodies in files, of all requests together; 4GiB when absent.
    total: Option<Scalar<Bytes>>,
    /// The folder for those files, which have no name there; /tmp when absent.
    directory: Option<Scalar<FileName>>,
}

impl From<Shape> for Spool {
    fn from(shape: Shape) -> Self {
        let default = Self::default();
        Self {
            memory: shape.memory.map_or(default.memory, |set| set.0.0),
            total: shape.total.map_or(default.total, |set| set.0.0),
            directory: shape.directory.map_or(default.directory, |set| set.0.0),
        }
    }
}

impl From<&Spool> for Shape {
    fn from(spool: &Spool) -> Self {
        Self {
            memory: Some(Scalar(Bytes(spool.memory))),
            total: Some(Scalar(Bytes(spool.total))),
            directory: Some(Scalar(FileName(spool.directory.clone()))),
        }
    }
}
