//! WordPress's files answer, and there is no site behind them: everybody is sent to the installer.
//!
//! `wp_not_installed` (`wp-includes/load.php`) does so where the database has no tables of this site, and `wp-load.php` where there is no
//! wp-config.php. Both come before plugins and the REST server: no credential is looked at. A site that did work has lost sight of
//! its database or its configuration, and to install another one would not bring it back.

use super::super::told::is_meant;
use super::super::{Finding, Proof, Rule, Severity};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{AnsweredBy, RouteClass, Symptom, Trail};

pub(in super::super) struct WordpressNotInstalled;

impl Rule for WordpressNotInstalled {
    fn id(&self) -> &'static str {
        "wordpress-not-installed"
    }

    fn text(&self) -> &'static str {
        include_str!("wordpress_not_installed.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_rest = trail.route.class != RouteClass::NotRest;
        if symptom.answered_by != AnsweredBy::Installer || !is_rest || symptom.from_cache {
            return None;
        }
        // Scanners ask for the REST API of every site, of those that are just being made as well.
        let is_wanted = is_meant(trail) || trail.memory.probe || trail.route.class == RouteClass::Token;
        let summary = "WordPress is not installed there: it sends every request to its installer";
        Some(Finding {
            severity: if is_wanted { Severity::Error } else { Severity::Note },
            because:
                "a REST URL was led to the installer, which WordPress does only where it finds no site of its own"
                    .into(),
            path: until_php(trail, "not installed"),
            cleared: vec!["token", "secret", "expiry", "permissions", "CORS"],
            caution: NOT_JUDGED,
            ..Finding::of(self, Proof::Proved, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        super::OF_A_REPLY_TO_EVERYBODY
    }
}
