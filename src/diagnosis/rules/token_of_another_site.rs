//! The client sent a token of another site or environment.
//!
//! The issuer has another host than the site that judged it. If the secrets differ, as they should, php-jwt says so of the
//! signature, and does not come to the issuer; if the two sites share one, the plugin says that the issuer does not match. A
//! cut token or another machine that takes this very token tells another story, and so does an issuer that has the very host
//! that was asked for: then it is WordPress that was reached by another name.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{agreed, decoding, is_of_another_site, is_token_intact, sent_wrong};
use crate::evidence::{Claims, Hop, Message, Symptom, Trail};

pub(in super::super) struct TokenOfAnotherSite;

impl Rule for TokenOfAnotherSite {
    fn id(&self) -> &'static str {
        "token-of-another-site"
    }

    fn text(&self) -> &'static str {
        include_str!("token_of_another_site.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_odd = trail.memory.other_way.is_some() || trail.has_other_bearers;
        if is_odd || !is_of_another_site(trail, symptom) {
            return None;
        }
        if symptom.refused_with("jwt_auth_bad_iss") {
            return self.found(trail, agreed(symptom), &SAME_SECRET);
        }
        let is_damaged = trail.is_cut || trail.claims.as_ref().is_some_and(Claims::is_stripped);
        if is_damaged || decoding(symptom)? != Message::SIGNATURE || !is_token_intact(trail) {
            return None;
        }
        self.found(trail, Proof::Likely, &OTHER_SECRET)
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-signature-refused", "token-issuer-mismatch"]
    }
}

/// What is said of it: a summary, why, and what follows.
struct Case {
    summary: &'static str,
    because: &'static str,
    caution: &'static str,
    is_secret_shared: bool,
}

const SAME_SECRET: Case = Case {
    summary: "the client sent a token of another site, one with the same secret",
    because: "our reading of the issuer and WordPress's words agree",
    caution: "The signature was accepted: give each site a secret of its own",
    is_secret_shared: true,
};
const OTHER_SECRET: Case = Case {
    summary: "the client sent a token of another site, signed with another secret",
    because: "the issuer has another host than the site, and the signature is not by the site's secret",
    caution: "Do not rotate secrets: every other token would be refused, too",
    is_secret_shared: false,
};

impl TokenOfAnotherSite {
    fn found(&self, trail: &Trail, proof: Proof, case: &Case) -> Option<Finding> {
        let Case { summary, because, caution, is_secret_shared } = *case;
        let mut path = sent_wrong(trail, "another site's".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let cleared = if is_secret_shared {
            vec!["doctor", "web server", "secret", "expiry", "permissions"]
        } else {
            vec!["doctor", "web server", "secret", "permissions"]
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared,
            caution,
            ..Finding::of(self, proof, "any", summary)?
        })
    }
}
