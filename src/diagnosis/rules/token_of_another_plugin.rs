//! The token is signed by this site's secret and names this site, but no user where the JWT plugin looks for one.
//!
//! `jwt_auth_bad_request` is the plugin's word for it; signature, times and issuer were checked before. So another plugin of the
//! same site issued the token, with the same secret, and keeps the user elsewhere than in `data.user.id`.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{agreed, sent_wrong};
use crate::evidence::{Claims, Credential, Hop, Symptom, Trail};

pub(in super::super) struct TokenOfAnotherPlugin;

impl Rule for TokenOfAnotherPlugin {
    fn id(&self) -> &'static str {
        "token-of-another-plugin"
    }

    fn text(&self) -> &'static str {
        include_str!("token_of_another_plugin.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_token = matches!(trail.credential, Credential::Bearer(_));
        if !is_token || !symptom.refused_with("jwt_auth_bad_request") {
            return None;
        }
        let (proof, because) = match trail.claims.as_ref().map(Claims::has_user) {
            Some(false) => (
                agreed(symptom),
                "our reading of the token finds no data.user.id, and WordPress says the same",
            ),
            Some(true) => (
                Proof::Possible,
                "WordPress says so, though the token that was sent on names one: another may have arrived",
            ),
            None => (Proof::Likely, "WordPress says so; the token could not be read here"),
        };
        let mut path = sent_wrong(trail, "no user in it".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary =
            "the token names no user where the JWT plugin looks: another plugin of the site issued it";
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["secret", "expiry", "permissions", "CORS"],
            caution: "The signature was accepted. Do not rotate secrets",
            ..Finding::of(self, proof, "any", summary)?
        })
    }
}
