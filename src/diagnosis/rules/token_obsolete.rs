//! The user's password or device changed after the token was issued.
//!
//! JWT Auth (usefulteam) puts both into its tokens and compares them: `jwt_auth_obsolete_token`. Signature, times and issuer were examined
//! before and are in order.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{Credential, Hop, Symptom, Trail};

pub(in super::super) struct TokenObsolete;

impl Rule for TokenObsolete {
    fn id(&self) -> &'static str {
        "token-obsolete"
    }

    fn text(&self) -> &'static str {
        include_str!("token_obsolete.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_bearer = matches!(trail.credential, Credential::Bearer(_));
        if !is_bearer || !symptom.refused_with("jwt_auth_obsolete_token") {
            return None;
        }
        let mut path = sent_wrong(trail, "obsolete token".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = "the token is obsolete: the user's password or device changed after it was issued";
        Some(Finding {
            because: "JWT Auth (usefulteam) says so, and looks at it after signature, times and issuer"
                .into(),
            path,
            cleared: vec!["proxies", "web server", "secret", "expiry", "issuer", "CORS"],
            caution: "The signature was accepted. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, "client", summary)?
        })
    }
}
