//! WordPress cannot use its database, so it cannot know any user.
//!
//! `dead_db` (`wp-includes/functions.php`) says so with 500, before plugins and the REST server: no credential is looked at, and no CORS
//! header is sent. It says the same of a server that is down, of a login that is refused, of a database that is not there, and in a
//! network of a site that is not in its tables; the words are translated, and only the English ones are known.

use super::super::{Finding, Proof, Rule};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{AnsweredBy, RouteClass, Symptom, Trail};

pub(in super::super) struct DatabaseUnreachable;

impl Rule for DatabaseUnreachable {
    fn id(&self) -> &'static str {
        "database-unreachable"
    }

    fn text(&self) -> &'static str {
        include_str!("database_unreachable.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_rest = trail.route.class != RouteClass::NotRest;
        if symptom.answered_by != AnsweredBy::NoDatabase || !is_rest || symptom.from_cache {
            return None;
        }
        let summary = "WordPress cannot use its database: it does not reach it, is refused there, or does not find its tables, or its \
                       network's site, in it";
        Some(Finding {
            because: "WordPress says so in its own page or JSON".into(),
            path: until_php(trail, "no database"),
            cleared: vec!["token", "secret", "expiry", "permissions", "CORS"],
            caution: NOT_JUDGED,
            ..Finding::of(self, Proof::Proved, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        super::OF_A_REPLY_TO_EVERYBODY
    }
}
