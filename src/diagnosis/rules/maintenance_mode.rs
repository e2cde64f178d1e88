//! WordPress is being updated and answers nobody.
//!
//! `wp_maintenance` (`wp-includes/load.php`) answers 503 with `Retry-After: 600` before plugins are loaded: no credential is looked
//! at, and no CORS header is sent, so a browser reports a CORS error. It is by design, and passes.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct MaintenanceMode;

impl Rule for MaintenanceMode {
    fn id(&self) -> &'static str {
        "maintenance-mode"
    }

    fn text(&self) -> &'static str {
        include_str!("maintenance_mode.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_rest = trail.route.class != RouteClass::NotRest;
        if symptom.answered_by != AnsweredBy::Maintenance || !is_rest || symptom.from_cache {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Good).noted("maintenance"));
        let summary =
            "WordPress is under maintenance: it is being updated, and answers no request until that is done";
        Some(Finding {
            because: "503 with Retry-After: 600, and the page that WordPress sends meanwhile".into(),
            path,
            cleared: vec!["client", "proxies", "web server", "token", "secret", "CORS"],
            caution: "Nothing was judged. Do not change anything for this reply",
            ..Finding::of(self, Proof::Proved, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["cors-headers-missing-on-error", "preflight-blocked"]
    }
}
