//! Google took the signature out of the token.
//!
//! Cloud Run with IAM consumes `Authorization`: it checks the token and hands it on with `SIGNATURE_REMOVED_BY_GOOGLE` in the place
//! of the signature. The words stand in the token itself. WordPress can verify nothing of it, and it was no token of WordPress
//! to begin with: Google's own was needed to get in.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{agreed, decoding, is_anonymous};
use crate::evidence::{Claims, Hop, Symptom, Trail};

pub(in super::super) struct SignatureRemovedByGoogle;

impl Rule for SignatureRemovedByGoogle {
    fn id(&self) -> &'static str {
        "signature-removed-by-google"
    }

    fn text(&self) -> &'static str {
        include_str!("signature_removed_by_google.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !trail.claims.as_ref().is_some_and(Claims::is_stripped) {
            return None;
        }
        let is_judged = decoding(symptom).is_some();
        if !is_judged && !is_anonymous(symptom) {
            return None;
        }
        let summary =
            "Google's gate in front took the signature out of the token: it is Google's own, not WordPress's";
        let edge = Stop::new(Hop::Edge, Mark::Bad).named("Google").noted("signature removed");
        let because = if is_judged {
            "the words SIGNATURE_REMOVED_BY_GOOGLE stand in the token in place of its signature, and WordPress refused it"
        } else {
            "the words SIGNATURE_REMOVED_BY_GOOGLE stand in the token in place of its signature, and WordPress took the \
             caller for anonymous"
        };
        Some(Finding {
            because: because.into(),
            path: vec![
                Stop::new(Hop::Client, Mark::Unknown),
                edge,
                Stop::new(Hop::Doctor, Mark::Good),
                Stop::new(Hop::Php, Mark::Good),
            ],
            cleared: vec!["doctor", "web server", "secret", "expiry", "permissions"],
            caution: "No token of WordPress was judged. Do not rotate secrets",
            ..Finding::of(self, if is_judged { agreed(symptom) } else { Proof::Likely }, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &[
            "authorization-lost-before-php",
            "bearer-scheme-wrong",
            "stale-token-on-public-route",
            "token-algorithm-refused",
            "token-not-a-jwt",
            "token-of-another-site",
            "token-signature-refused",
        ]
    }
}
