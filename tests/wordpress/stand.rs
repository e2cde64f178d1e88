//! The running stand: its doors and its secrets.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

pub(crate) struct Stand(pub(crate) HashMap<String, String>);

impl Stand {
    /// The stand, started by the first test that asks. It goes on running: the next run of the tests finds it.
    pub(crate) fn up() -> &'static Self {
        static STAND: OnceLock<Stand> = OnceLock::new();
        STAND.get_or_init(|| {
            let project = Path::new(env!("CARGO_MANIFEST_DIR"));
            let up = Command::new(project.join("tests/stand/stand")).arg("up").output().unwrap();
            assert!(up.status.success(), "the stand does not start: {}", String::from_utf8_lossy(&up.stderr));
            let folder =
                std::env::var_os("STAND_DIR").map_or_else(|| project.join("target/stand"), Into::into);
            let doors = std::fs::read_to_string(folder.join("doors.env")).unwrap();
            let pairs = doors.lines().filter_map(|line| line.split_once('='));
            Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        })
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("doors.env has no {name}"))
    }
}
