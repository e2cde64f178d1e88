//! The JWT plugin has no secret, so it can neither issue nor examine a token.
//!
//! `jwt_auth_bad_config` is the plugin's own word for it. JWT Authentication for WP REST API sends it with 403,
//! usefulteam/jwt-auth with 401, and with 500 from the token route; so the status is not asked. It is one fact, hence
//! never more than likely.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, Symptom, Trail};

pub(in super::super) struct JwtSecretMissing;

impl Rule for JwtSecretMissing {
    fn id(&self) -> &'static str {
        "jwt-secret-missing"
    }

    fn text(&self) -> &'static str {
        include_str!("jwt_secret_missing.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
        let is_known = matches!(symptom.status.code(), 401 | 403 | 500);
        if !by_rest || !is_known || symptom.from_cache || symptom.code() != "jwt_auth_bad_config" {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("no secret"));
        let summary = "WordPress's JWT plugin has no secret: it can neither issue nor examine tokens";
        Some(Finding {
            because:
                "the plugin says that it is not configured, and says so when its secret is missing or empty"
                    .into(),
            path,
            cleared: vec!["client", "proxies", "web server", "token", "expiry", "CORS"],
            ..Finding::of(self, Proof::Likely, "wp-config.php", summary)?
        })
    }
}
