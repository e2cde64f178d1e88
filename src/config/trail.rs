//! Section `trail`: what this doctor is called, and with whom it compares notes.
//!
//! Doctors believe one another by a key that they share. The plan holds the name of its file and never what stands in it:
//! [`Plan::keys`] reads that, as often as it is asked, and so the plan can be shown. Nothing in the file is ever repeated.

use super::contents::{Contents, Sort, Unread, contents, contents_once};
use super::error::{Error, Mistake, Problem, quoted};
use super::overrides::Overrides;
use super::reading::{Lookup, Scalar};
use super::values::{Hop, KeyFile, Switch, Which};
use super::{Plan, Source};
use crate::evidence::{HopName, Instance};
use crate::secret::Keyring;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The largest file of keys, in bytes: three lines and a page of comments.
const FILE: Sort = Sort { name: "file of keys", most: 4 << 10 };

/// Who this doctor is among others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// What it is called on the path.
    pub hop: HopName,
    /// Which of several of this name it is; may be empty.
    pub instance: Instance,
    /// The file of the keys that the doctors share; nothing where it compares notes with nobody.
    pub key_file: Option<PathBuf>,
    /// The doctor whose trail every request should bring; nothing where requests may come from anywhere.
    pub after: Option<HopName>,
    /// Whether nobody behind this doctor reads a trail, so that none is sent on.
    pub ends_here: bool,
    /// Whether PHP is asked what it saw, by the plugin that `php-hop install` puts there.
    pub php: bool,
}

impl Trail {
    /// Names its file as seen from anywhere.
    pub(super) fn begin_in(&mut self, folder: &Path) {
        if let Some(file) = &mut self.key_file {
            *file = folder.join(&*file);
        }
    }
}

/// What stands in the file of keys.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The keys; nothing where no file is named.
    pub ring: Option<Keyring>,
    /// What is no mistake, and not right either: others may read the file.
    pub warnings: Vec<Mistake>,
}

impl Keys {
    /// Reads a file of keys for somebody who has a name already. `flag` is what named the file.
    ///
    /// # Errors
    /// The file cannot be read, or holds no keys.
    pub fn of_file(path: &Path, flag: &str) -> Result<Self, Error> {
        let name = quoted(&path.display().to_string());
        let at = |words: String| Mistake {
            file: flag.to_owned(),
            position: None,
            path: String::new(),
            message: format!("{name} {words}"),
        };
        let read = keyring(contents_once(path, FILE));
        let (ring, reach) = read.map_err(|wrong| Error::Wrong(at(wrong.to_string())))?;
        let exposed = (reach == Reach::Everybody).then(|| at(EXPOSED.to_owned()));
        Ok(Self { ring: Some(ring), warnings: exposed.into_iter().collect() })
    }
}

impl Plan {
    /// Reads the file of keys. `source` and `lookup` are those the plan was made from, and `flag` is what named the file over
    /// them, a flag or its variable; they serve to say where a mistake stands.
    ///
    /// # Errors
    /// The file cannot be read, or holds no keys.
    pub fn keys(
        &self,
        source: Option<&Source>,
        flag: Option<&str>,
        lookup: &Lookup<'_>,
    ) -> Result<Keys, Error> {
        let Some(path) = &self.trail.key_file else {
            return Ok(Keys::default());
        };
        let name = quoted(&path.display().to_string());
        let at = |message: String| {
            let problem = Problem::here(message).under("key_file").under("trail");
            match (flag, source) {
                (None, Some(source)) => source.located(problem, lookup),
                (flag, _) => {
                    let file = flag.unwrap_or("--trail-key-file").to_owned();
                    Mistake { file, position: None, path: String::new(), message: problem.message }
                }
            }
        };
        let read = keyring(contents(path, FILE));
        let (ring, reach) = read.map_err(|wrong| Error::Wrong(at(format!("{name} {wrong}"))))?;
        let exposed = (reach == Reach::Everybody).then_some(EXPOSED);
        let unnamed = (self.trail.hop == HopName::default()).then_some(UNNAMED);
        let warnings =
            exposed.into_iter().chain(unnamed).map(|wrong| at(format!("{name} {wrong}"))).collect();
        Ok(Keys { ring: Some(ring), warnings })
    }
}

/// What is told of a file that anybody on the machine may read. A secret in Kubernetes is mounted so by default, hence no
/// refusal.
const EXPOSED: &str = "may be read by every user of this machine, and whoever has a key can forge a trail; \
                       use `chmod o-r`, or `defaultMode: 0440` with an `fsGroup` in Kubernetes";

/// What is told where nobody named this doctor: a trail that bears its own name is not believed.
const UNNAMED: &str = "is shared with other doctors, and this one is called `doctor`, as any that nobody named; \
                       give each a name of its own: `hop: edge` or `--hop edge`";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Few,
    Everybody,
}

/// Why a file of keys is of no use. Ends a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Unread(#[from] Unread),
    #[error("is not text; a file of keys has lines `NAME:KEY`, is it the right one?")]
    NoText,
    #[error("is no file of keys: {0}")]
    Bad(#[from] crate::secret::BadKeys),
}

fn keyring(read: Result<Contents, Unread>) -> Result<(Keyring, Reach), Unusable> {
    let Contents { bytes, is_exposed } = read?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Unusable::NoText)?;
    Ok((text.parse()?, if is_exposed { Reach::Everybody } else { Reach::Few }))
}

/// `trail` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Trail")]
pub(super) struct Shape {
    /// What this doctor is called on the path, in its log and by the others; `doctor` when absent. Each doctor of a path
    /// needs a name of its own.
    hop: Option<Scalar<Hop>>,
    /// Which of several doctors of this name it is, `${POD_NAME:-}` for example; none when absent.
    instance: Option<Scalar<Which>>,
    /// The file of the keys that the doctors of a path share, a line `NAME:KEY` each; the first signs, all are believed. One
    /// key is made by `printf 'k1:%s\n' "$(openssl rand -base64 32)"`. No trail is sent or believed when absent.
    key_file: Option<Scalar<KeyFile>>,
    /// The doctor in front, whose trail every request should bring, so that one without is reported; none when absent.
    after: Option<Scalar<Hop>>,
    /// Whether this is the last doctor before WordPress, which then gets no trail and takes no time for one; `false` when absent.
    ends_here: Option<Scalar<Switch>>,
    /// Whether PHP is asked what it saw, which needs the plugin that `header-doctor php-hop install` puts into WordPress; for the
    /// last doctor before it. `false` when absent.
    php: Option<Scalar<Switch>>,
}

/// The settings of the file, with those of flags over them.
pub(super) fn check(shape: Shape, overrides: &Overrides) -> Result<Trail, Problem> {
    let trail = Trail {
        hop: overrides.hop.clone().or(shape.hop.map(|Scalar(Hop(name))| name)).unwrap_or_default(),
        instance: shape.instance.map(|Scalar(Which(instance))| instance).unwrap_or_default(),
        key_file: overrides.trail_key_file.clone().or(shape.key_file.map(|Scalar(KeyFile(path))| path)),
        after: shape.after.map(|Scalar(Hop(name))| name),
        ends_here: shape.ends_here.is_some_and(|Scalar(Switch(on))| on),
        php: shape.php.is_some_and(|Scalar(Switch(on))| on),
    };
    if trail.hop.is_php() {
        return Err(Problem::here("is what PHP itself is called; give the doctor a name of its own")
            .under("hop")
            .under("trail"));
    }
    if trail.php && trail.key_file.is_none() {
        let wrong = "needs a key that the plugin in PHP has too, and there is none; write `key_file: FILE` beside it, or leave it out";
        return Err(Problem::here(wrong).under("php").under("trail"));
    }
    let wrong = match &trail.after {
        Some(_) if trail.key_file.is_none() => {
            "needs a key that both doctors have, and there is none; write `key_file: FILE` beside it, or leave it out"
        }
        Some(after) if *after == trail.hop => {
            "is what this doctor itself is called (`hop` or `--hop`); write the name of the doctor in front"
        }
        _ => return Ok(trail),
    };
    Err(Problem::here(wrong).under("after").under("trail"))
}

impl From<&Trail> for Shape {
    fn from(trail: &Trail) -> Self {
        Self {
            hop: Some(Scalar(Hop(trail.hop.clone()))),
            instance: Some(Scalar(Which(trail.instance.clone()))),
            key_file: trail.key_file.clone().map(KeyFile).map(Scalar),
            after: trail.after.clone().map(Hop).map(Scalar),
            ends_here: Some(Scalar(Switch(trail.ends_here))),
            php: Some(Scalar(Switch(trail.php))),
        }
    }
}
