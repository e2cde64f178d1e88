//! WPGraphQL JWT Authentication says no, with a status that shows it.
//!
//! Most of its refusals come with 200, and the body of a reply that succeeds is not read: those are not seen here. What comes with 400, 401
//! or 403 is the missing secret, the issuer, the user's own secret, and permissions.

use super::super::codes::{self, Emitter};
use super::super::told::told;
use super::super::{Finding, Rule};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct WpgraphqlJwtRefused;

impl Rule for WpgraphqlJwtRefused {
    fn id(&self) -> &'static str {
        "wpgraphql-jwt-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("wpgraphql_jwt_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = codes::of(symptom).filter(|known| known.emitter == Emitter::WpGraphQl)?;
        if !symptom.status.is_error() || symptom.from_cache {
            return None;
        }
        told(self, trail, symptom, known)
    }

    fn yields(&self) -> bool {
        true
    }
}
