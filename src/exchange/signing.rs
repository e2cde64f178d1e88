//! What a doctor needs to compare notes with others. It comes from the configuration, and a reload replaces it; what was told
//! of lately goes from one to the next.

use std::sync::Arc;

use super::replays::Replays;
use super::stripped::Stripped;
use crate::evidence::{HopName, Instance};
use crate::secret::Keyring;

/// See the module.
#[derive(Clone, Debug)]
pub struct Signing {
    /// This doctor's name on the path.
    pub hop: HopName,
    /// Which of several of this name it is.
    pub instance: Instance,
    /// The keys that the doctors share.
    pub keys: Keyring,
    /// The doctor whose trail every request should bring; nothing where requests may come from anywhere.
    pub after: Option<HopName>,
    /// Whether nobody behind this doctor reads a trail, so that none is sent on.
    pub ends_here: bool,
    /// Whether PHP is asked what it saw: the plugin there has the same keys.
    pub asks_php: bool,
    /// What was told of lately, by whatever configuration.
    pub replays: Arc<Replays>,
    /// Whether `Origin` was lost behind this doctor lately, likewise.
    pub stripped: Arc<Stripped>,
}
