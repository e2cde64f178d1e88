//! `token/validate` refuses a token that other routes take: it carries percent-escapes.
//!
//! Other routes clean the header with `sanitize_text_field`, which removes `%XX`; `token/validate` reads it as it came. So a client
//! that asks there first throws a good token away.

use super::super::{Finding, Mark, Rule, Stop};
use super::{ago, agreed, sent_wrong};
use crate::evidence::{Credential, Hop, RouteClass, Symptom, Token, Trail, Wrapping};

pub(in super::super) struct ValidateRefusesRouteAccepts;

impl Rule for ValidateRefusesRouteAccepts {
    fn id(&self) -> &'static str {
        "validate-refuses-route-accepts"
    }

    fn text(&self) -> &'static str {
        include_str!("validate_refuses_route_accepts.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let served = trail.past.served?;
        let Credential::Bearer(Token::Wrapped(around @ Wrapping::Escapes(_))) = trail.credential else {
            return None;
        };
        let is_validate = trail.route.class == RouteClass::Validate;
        if !is_validate || !symptom.refused_with("jwt_auth_invalid_token") {
            return None;
        }
        let mut path = sent_wrong(trail, around.form().into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = "token/validate refuses a token that other routes take, for it carries percent-escapes";
        Some(Finding {
            because: format!(
                "another route took the very same value {}; such routes remove the escapes, token/validate does not",
                ago(served)
            ),
            path,
            cleared: vec!["proxies", "web server", "secret", "expiry", "permissions"],
            caution: "The token is good. Do not rotate secrets",
            ..Finding::of(self, agreed(symptom), "client", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-wrapped"]
    }
}
