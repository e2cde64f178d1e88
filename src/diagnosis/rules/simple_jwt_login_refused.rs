//! Simple JWT Login says no, by one of its numbers.
//!
//! The plugin has its own secret, its own list of places where it looks for a token, and numbers for errors. What they mean stands in
//! the tables; that a client's address is refused is a rule of its own. Its routes print their error and exit before WordPress's
//! CORS step, so a browser shows an error of CORS instead.

use super::super::codes::{self, Emitter};
use super::super::told::{is_bare, told};
use super::super::{Finding, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct SimpleJwtLoginRefused;

impl Rule for SimpleJwtLoginRefused {
    fn id(&self) -> &'static str {
        "simple-jwt-login-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("simple_jwt_login_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = codes::of(symptom).filter(|known| known.emitter == Emitter::SimpleJwtLogin)?;
        // Anybody may number errors: the route or words that we know must say whose number it is.
        let is_its = trail.is_simple_jwt_login || codes::are_of_a_token(symptom);
        let is_ours = is_its && known.rules.contains(&self.id());
        if !is_ours || !symptom.status.is_error() || symptom.from_cache {
            return None;
        }
        let found_none = known.codes.iter().any(|code| NONE.contains(code));
        // A probe knows that its word is no token, and may stand in another place than the plugin is set to look in.
        if found_none && trail.memory.probe {
            return None;
        }
        let finding = told(self, trail, symptom, known)?;
        Some(match (found_none, is_bare(trail)) {
            (true, true) => Finding { severity: Severity::Note, ..finding },
            (true, false) => Finding {
                because: "Authorization was sent on, and the plugin says that it found no token; it may be set to look elsewhere"
                    .into(),
                cleared: vec!["secret", "expiry"],
                ..finding
            },
            (false, _) => finding,
        })
    }

    fn yields(&self) -> bool {
        true
    }
}

/// The numbers that say that no token was found.
const NONE: [&str; 4] = ["23", "51", "53", "75"];
