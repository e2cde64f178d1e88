//! What an operator writes, and what it means: the only module that knows the names in the file.
//!
//! A file per section holds the settings as the rest of the doctor uses them and the shape they have in the file.
//! The way from text to [`Plan`] has two steps. *Reading* makes a shape out of YAML: every value is parsed by its own
//! type (`values`) after its variables were replaced, and unknown keys are refused (`reading`).
//! *Checking* makes settings out of shapes: what concerns more than one value is decided there, and defaults are
//! filled in, so a setting never has an `Option` that means "default". Whatever is wrong ends as one [`Error`] with
//! file, line, path, what is wrong and what would be right; the first mistake is reported, not all.

mod admin;
mod admin_token;
mod authorization;
mod connections;
mod contents;
mod cores;
mod cors;
mod diagnosis;
mod drain;
mod entrances;
mod error;
mod file;
mod limits;
mod listeners;
mod log;
mod overrides;
mod php;
mod reading;
mod redirects;
mod sites;
mod spool;
mod tls;
mod trail;
mod trusted_proxies;
mod upgrade;
mod upstream_tls;
mod upstreams;
mod values;
mod via;
mod workers;

pub use admin::{Admin, AdminAddress};
pub use admin_token::Token;
pub use connections::Connections;
pub use contents::Unread;
pub(crate) use contents::{Sort, contents, contents_once};
pub use cores::cores;
pub use diagnosis::{Diagnosis, SecondOpinion};
pub use drain::Drain;
pub use entrances::Entrances;
pub use error::{Error, Mistake, Refused, name_of_missing};
pub use limits::Limits;
pub(crate) use listeners::clash;
pub use listeners::{Listener, ProxyProtocol};
pub use log::{ClientAddress, Exchanges, Format, Level, Log, PhpErrors};
pub use overrides::{Overrides, Surroundings};
pub use reading::Lookup;
pub use sites::{Hosts, Mode, Site};
pub use spool::Spool;
pub use tls::{Certificate, ClientCertificates, Tls};
pub use trail::{Keys, Trail};
pub use upgrade::{SocketPath, Upgrade};
pub use upstream_tls::UpstreamTls;
pub use upstreams::{Resolve, Upstream};
pub use values::{Address, Folder, HostHeader, PhpRoot, Speaks, Target};
pub(crate) use values::{Hop, KeyFile, Parsed, Timeout};

use crate::headers::Trusted;
use error::Problem;
use file::Shape;
use reading::{Found, Path};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The checked configuration in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where clients connect; at least one.
    pub listeners: Vec<Listener>,
    /// Whose word about a client is believed; by default nobody's.
    pub trusted_proxies: Trusted,
    /// What is answered; at least one, and no host belongs to two.
    pub sites: Vec<Site>,
    /// Who this doctor is among others.
    pub trail: Trail,
    /// What is added to what the doctor knows, and how verdicts are made surer.
    pub diagnosis: Diagnosis,
    /// What is asked of clients.
    pub limits: Limits,
    /// How bodies are held for PHP-FPM.
    pub spool: Spool,
    /// How to leave.
    pub drain: Drain,
    /// How many threads share the work.
    pub workers: NonZeroUsize,
    /// What is written.
    pub log: Log,
    /// Where those who run the doctor can ask it.
    pub admin: Admin,
    /// How a new process takes over.
    pub upgrade: Upgrade,
}

/// A configuration file that was read: what to call it, and what it says.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    /// Where names of files in it begin.
    folder: PathBuf,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is not text. A pipe that nobody writes to is waited for, for five seconds.
    pub fn open(path: &std::path::Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let read = match contents_once(path, reading::FILE) {
            Ok(read) => read,
            Err(wrong) => return Err(Error::Unread { file: name_of_missing(path), wrong }),
        };
        match String::from_utf8(read.bytes) {
            Ok(text) => Ok(Self { name, text, folder: folder_of(path) }),
            Err(_) => Err(Error::NoText { file: name }),
        }
    }

    /// A file that is already in memory; names of files in it begin where the process is.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), folder: PathBuf::new() }
    }

    fn mistake(&self, found: Found) -> Error {
        Error::Wrong(self.place(found))
    }

    /// Where a problem stands that was found after reading.
    fn located(&self, problem: Problem, lookup: &Lookup<'_>) -> Mistake {
        let position = reading::locate::<Shape>(&self.text, lookup, problem.path.clone());
        self.place((problem, position))
    }

    fn place(&self, (problem, position): Found) -> Mistake {
        let Problem { path, message } = problem;
        Mistake { file: self.name.clone(), position, path: path.to_string(), message }
    }
}

impl Plan {
    /// The plan that file, flags and surroundings make together; without a file, flags and defaults alone.
    ///
    /// # Errors
    /// When the file is wrong, or nothing names an upstream.
    pub fn new(
        source: Option<&Source>,
        lookup: &Lookup<'_>,
        overrides: &Overrides,
        around: Surroundings,
    ) -> Result<Self, Error> {
        let Some(source) = source else {
            let plan = Shape::default().plan(overrides, around);
            return plan.map_err(of_flags)?.ok_or(Error::NoUpstream);
        };
        let shape: Shape = reading::read(&source.text, lookup).map_err(|found| source.mistake(found))?;
        let problem = match shape.plan(overrides, around) {
            Ok(Some(plan)) => return Ok(plan.in_folder(&source.folder)),
            Ok(None) => no_sites(),
            Err(problem) => problem,
        };
        Err(Error::Wrong(source.located(problem, lookup)))
    }

    fn in_folder(mut self, folder: &std::path::Path) -> Self {
        self.listeners.iter_mut().for_each(|listener| listener.resolve(folder));
        let upstreams = self.sites.iter_mut().flat_map(|site| &mut site.upstreams);
        upstreams.for_each(|upstream| upstream.begin_in(folder));
        self.trail.begin_in(folder);
        self.admin.begin_in(folder);
        self.spool.begin_in(folder);
        self
    }

    /// Reads the files that the plan's upstreams name, and makes of them what `run` needs. `source` is the file the plan was
    /// made from, for the place of a mistake; nothing where flags named the upstream.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub fn read_files(&mut self, source: Option<&Source>, lookup: &Lookup<'_>) -> Result<(), Error> {
        let read = |(index, site): (usize, &mut Site)| {
            upstreams::read_files(&mut site.upstreams).map_err(|problem| problem.under(index).under("sites"))
        };
        self.sites.iter_mut().enumerate().try_for_each(read).map_err(|problem| {
            let Some(source) = source else {
                return of_flags(problem);
            };
            Error::Wrong(source.located(problem, lookup))
        })
    }

    /// The upstreams whose certificates are not verified: whoever answers in their place reads every credential.
    pub fn unverified(&self) -> impl Iterator<Item = Target> {
        let upstreams = self.sites.iter().flat_map(|site| &site.upstreams);
        let unverified = |upstream: &&Upstream| upstream.tls.as_ref().is_some_and(|tls| !tls.verify);
        upstreams.filter(unverified).map(Upstream::target)
    }

    /// Why the log may hold credentials; nothing where it does not.
    #[must_use]
    pub const fn unsafe_log(&self) -> Option<&'static str> {
        match self.log.php_errors {
            PhpErrors::Line => None,
            PhpErrors::Full => Some(
                "log.php_errors: full writes what scripts print, credentials too; keep it for a short look",
            ),
        }
    }

    /// The files that the plan names beside its own: when one changes, the plan is to be made anew.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let listeners = self.listeners.iter().filter_map(|listener| listener.tls.as_ref());
        let listeners = listeners.flat_map(Tls::files).map(std::path::Path::to_owned);
        let upstreams =
            self.sites.iter().flat_map(|site| &site.upstreams).filter_map(|upstream| upstream.tls.as_ref());
        let authorities = upstreams.filter_map(|tls| tls.ca.clone());
        let admin = self.admin.files().cloned();
        listeners.chain(authorities).chain(self.trail.key_file.clone()).chain(admin).collect()
    }

    /// The file that means this plan, every default written out.
    ///
    /// # Errors
    /// None in practice: every plan can be written.
    pub fn to_yaml(&self) -> Result<String, serde_yaml::Error> {
        serde_yaml::to_string(&Shape::from(self))
    }
}

/// The folder of a file, so named that it means the same wherever it is written.
fn folder_of(file: &std::path::Path) -> PathBuf {
    let folder = file.parent().unwrap_or(file);
    // Without a current folder, the name as given is the best there is.
    let here = || std::env::current_dir().map_or_else(|_| folder.to_owned(), |here| here.join(folder));
    if folder.is_absolute() { folder.to_owned() } else { here() }
}

/// A mistake in what the command line says.
fn of_flags(Problem { path, message }: Problem) -> Error {
    let flag = match &*path.to_string() {
        "admin.health_address" => "--health-address",
        "admin.address" => "--admin",
        _ => "--upstream",
    };
    Error::Wrong(Mistake { file: flag.to_owned(), position: None, path: String::new(), message })
}

fn no_sites() -> Problem {
    let message = "names no site, so there is nowhere to send requests; \
                   write `sites: [{ upstreams: [{ url: \"http://HOST:PORT\" }] }]`, or add `--upstream URL`";
    Problem { path: Path::default(), message: message.to_owned() }.under("sites")
}

/// The JSON Schema of the file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Shape).to_value()
}

#[cfg(test)]
mod tests;
