//! `token/validate` finds the token good, and another route does not know the caller.
//!
//! The plugin examines signature, times and issuer there, not whether the user still exists; and that route reads the header by
//! another way than the others. So the user was deleted, or the header is lost on that route: only possible, until somebody
//! looks.

use super::super::{Decision, Finding, Mark, Proof, Rule, Stop};
use super::{ago, is_refused_caller, untouched};
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct ValidateAcceptsRouteRefuses;

impl Rule for ValidateAcceptsRouteRefuses {
    fn id(&self) -> &'static str {
        "validate-accepts-route-refuses"
    }

    fn text(&self) -> &'static str {
        include_str!("validate_accepts_route_refuses.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let validated = trail.past.validated.filter(|_| trail.past.served.is_none())?;
        if !is_refused_caller(trail, symptom) {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let summary = "token/validate finds this token good, and this route takes its caller for anonymous: the user was deleted \
                       since, or the header is lost on this route";
        Some(Finding {
            because: format!(
                "the very same token was found good {} by the same upstream and form of URL; that examines no user",
                ago(validated)
            ),
            path,
            cleared: vec!["client", "doctor", "expiry"],
            caution: "Do not rotate secrets",
            decide: Some(Decision {
                command: "wp user list --fields=ID,user_login".into(),
                reading: "the token's user is missing: deleted after it was issued; is there: look for what differs between \
                          the two routes on the way",
            }),
            ..Finding::of(self, Proof::Possible, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["authorization-lost-before-php"]
    }
}
