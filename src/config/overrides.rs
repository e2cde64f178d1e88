//! What beats the file, and what fills the gaps it leaves.

use super::admin::Door;
use super::listeners::Listener;
use super::log::Format;
use super::upgrade::SocketPath;
use super::values::{Folder, PhpRoot, Target};
use crate::evidence::HopName;
use crate::headers::Range;
use crate::headers::cors::OriginPattern;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What the command line says over the file. The file must be right nevertheless: a mistake in a part that is
/// replaced is still reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Replaces all `listeners` when not empty.
    pub listeners: Vec<Listener>,
    /// Replaces all `sites` by one for any host, with these upstreams and default times, when not empty.
    pub upstreams: Vec<Target>,
    /// Where the files of WordPress are, for those of them that are PHP-FPM.
    pub root: Option<Folder>,
    /// Where PHP finds WordPress, for those of them that are PHP-FPM.
    pub php_root: Option<PhpRoot>,
    /// Sets the mode of every site, from the file or not, to observe.
    pub observe: bool,
    /// Replaces `trusted_proxies` when not empty.
    pub trusted_proxies: Vec<Range>,
    /// Replaces `cors.allow_origins` of every site, from the file or not, when not empty; a site without the section
    /// gets one with its defaults.
    pub cors_origins: Vec<OriginPattern>,
    /// Replaces `trail.hop`.
    pub hop: Option<HopName>,
    /// Replaces `trail.key_file`; from the root, as it does not begin in the folder of the file.
    pub trail_key_file: Option<PathBuf>,
    /// Replaces `log.format`.
    pub log_format: Option<Format>,
    /// Replaces `admin.address`.
    pub(crate) admin: Option<Door>,
    /// Replaces `admin.health_address`.
    pub health_address: Option<SocketAddr>,
    /// Replaces `upgrade.socket`.
    pub upgrade_socket: Option<SocketPath>,
}

/// What the plan depends on beside file and flags, given so that a plan is a function of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether the log goes to a terminal; decides its format where nobody does.
    pub terminal: bool,
    /// How many cores there are to use; decides `workers: auto`.
    pub cores: NonZeroUsize,
}
