//! The client sent a token of another site or environment.
//!
//! The issuer has another host than the site that judged it. If the secrets differ, as they should, php-jwt says so of the
//! signature, and does not come to the issuer; if the two sites share one, the plugin says that the issuer does not match. A
//! cut token or another machine that takes this very token tells another story, and so does an issuer that has the very host
//! that was asked for: then it is WordPress that was reached by another name.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{
    agreed, ask_validate, decoding, is_of_another_site, is_passed_over, is_token_intact, sent_wrong,
};
use crate::evidence::{Claims, Credential, Hop, Message, Symptom, Token, Trail};

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
        if is_swallowed(trail, symptom) {
            return self.passed_over(trail);
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
const PASSED_OVER: Case = Case {
    summary: "the token is another site's, and WordPress took the caller for anonymous",
    because: "our reading of the issuer, which has another host than the site; WordPress does not say why, and a lost header \
              looks the same",
    caution: "Do not rotate secrets",
    is_secret_shared: false,
};
const OTHER_SECRET: Case = Case {
    summary: "the client sent a token of another site, signed with another secret",
    because: "the issuer has another host than the site, and the signature is not by the site's secret",
    caution: "Do not rotate secrets: every other token would be refused, too",
    is_secret_shared: false,
};

/// A plugin that swallows what it cannot take (usefulteam/jwt-auth 3) says no more than that nobody is known. A token whose time is
/// over is `token-expired`'s, and one without `data.user.id` may be meant for another plugin.
fn is_swallowed(trail: &Trail, symptom: &Symptom) -> bool {
    let in_time = trail.times().is_none_or(|times| times.good(symptom.now()));
    let is_wordpress = trail.claims.as_ref().is_some_and(Claims::has_user);
    in_time
        && is_wordpress
        && trail.credential == Credential::Bearer(Token::Jwt)
        && is_passed_over(trail, symptom)
}

const READING: &str = "jwt_auth_bad_iss or \"Signature verification failed\" confirms it; jwt_auth_no_auth_header: the header is \
                       lost, too";

impl TokenOfAnotherSite {
    fn passed_over(&self, trail: &Trail) -> Option<Finding> {
        let found = self.found(trail, Proof::Possible, &PASSED_OVER)?;
        let mut path = sent_wrong(trail, "another site's".into());
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        Some(Finding {
            path,
            cleared: vec!["doctor"],
            decide: Some(ask_validate(trail, "$TOKEN", READING)),
            ..found
        })
    }

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
