//! A network of sites (multisite) has no site for the host that it was asked for.
//!
//! `ms_load_current_site_and_network` (`wp-includes/ms-load.php`) sends such a request to `wp-signup.php` of the main site, with the host's
//! name as that of a new site; before plugins, so no credential is looked at. Either the client uses another name, or a hop put its own in
//! the place of `Host`. A network that names another place for it (`NOBLOGREDIRECT`), or has its sites in folders, leads elsewhere and is
//! not recognised.

use super::super::told::is_meant;
use super::super::{Finding, Proof, Rule, Severity};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{AnsweredBy, RouteClass, Symptom, Trail};

pub(in super::super) struct SiteUnknownToNetwork;

impl Rule for SiteUnknownToNetwork {
    fn id(&self) -> &'static str {
        "site-unknown-to-network"
    }

    fn text(&self) -> &'static str {
        include_str!("site_unknown_to_network.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_rest = trail.route.class != RouteClass::NotRest;
        if symptom.answered_by != AnsweredBy::Network || !is_rest || symptom.from_cache {
            return None;
        }
        // Scanners ask by address.
        let is_wanted = is_meant(trail) || trail.memory.probe || trail.route.class == RouteClass::Token;
        let summary =
            "WordPress is a network of sites and has none for this host: it offers to register a new one";
        Some(Finding {
            severity: if is_wanted { Severity::Error } else { Severity::Note },
            because:
                "a REST URL was led to wp-signup.php with the name of a new site, as WordPress does with a host it does not know"
                    .into(),
            path: until_php(trail, "no such site"),
            cleared: vec!["token", "secret", "expiry", "permissions", "CORS"],
            caution: NOT_JUDGED,
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        super::OF_A_REPLY_TO_EVERYBODY
    }
}
