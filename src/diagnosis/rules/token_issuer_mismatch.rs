//! The token's issuer is not the address of the site, letter by letter.
//!
//! The plugins compare `iss` with `get_bloginfo('url')` after the signature and the times, so secret and expiry are in
//! order. What differs tells the cause: `www.`, port, path and slash are the site's address in another form, no address at
//! all is another program's token. Another host is `token-of-another-site`, another scheme `issuer-flips-with-https`. The
//! site's address is known from the reply's `Link`; if that and the issuer are equal for us, something on the site changes
//! the address for this comparison alone.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{agreed, foreign, sent_wrong, untouched};
use crate::evidence::{Difference, Hop, Symptom, Trail};

pub(in super::super) struct TokenIssuerMismatch;

impl Rule for TokenIssuerMismatch {
    fn id(&self) -> &'static str {
        "token-issuer-mismatch"
    }

    fn text(&self) -> &'static str {
        include_str!("token_issuer_mismatch.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !symptom.refused_with("jwt_auth_bad_iss") {
            return None;
        }
        match foreign(trail, symptom) {
            None => self.unseen(trail, symptom),
            Some(Difference::Scheme) => None,
            Some(difference) if trail.memory.other_way.is_some() => self.of_machines(trail, difference),
            Some(Difference::Host) if !trail.is_of_host => None,
            Some(difference @ (Difference::Missing | Difference::NoUrl)) => {
                self.of_client(trail, symptom, difference)
            }
            Some(difference) => self.of_site(trail, symptom, difference),
        }
    }
}

const CAUTION: &str = "The signature was accepted. Do not rotate secrets";
const AGREED: &str = "our reading of the issuer and WordPress's words agree";
const ASKED: &str = "the request asked for the issuer's very host, and WordPress calls itself by another";

impl TokenIssuerMismatch {
    fn of_site(&self, trail: &Trail, symptom: &Symptom, difference: Difference) -> Option<Finding> {
        let product = match difference {
            Difference::Path => "path",
            Difference::Www => "www",
            Difference::Port => "port",
            Difference::Host => "host",
            _ => "any",
        };
        let summary =
            format!("the token's issuer has {}, compared with the site's address", difference.words());
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another address"));
        Some(Finding {
            because: if difference == Difference::Host {
                format!("{AGREED}; {ASKED}")
            } else {
                AGREED.into()
            },
            path,
            cleared: vec!["doctor", "secret", "expiry", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, agreed(symptom), product, summary)?
        })
    }

    /// Another machine of the site took the very same token.
    fn of_machines(&self, trail: &Trail, difference: Difference) -> Option<Finding> {
        let summary =
            "the machines of this site disagree about its address: another one accepts this very token";
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another address"));
        Some(Finding {
            severity: Severity::Error,
            because: format!(
                "the very same token was accepted by the other way to this site; here its issuer has {}",
                difference.words()
            ),
            path,
            cleared: vec!["client", "token", "secret", "expiry", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, Proof::Proved, "machines", summary)?
        })
    }

    fn of_client(&self, trail: &Trail, symptom: &Symptom, difference: Difference) -> Option<Finding> {
        let summary = format!(
            "the client sent a token that another program issued: its issuer has {}",
            difference.words()
        );
        let mut path = sent_wrong(trail, "another program's".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            place: Place::Client,
            desk: Desk::Frontend,
            because: AGREED.into(),
            path,
            cleared: vec!["doctor", "web server", "secret", "expiry", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, agreed(symptom), "client", summary)?
        })
    }

    fn unseen(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = symptom.home.is_some() && trail.claims.is_some();
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another address"));
        let (summary, because) = if known {
            (
                "WordPress does not take the token's issuer for itself, though it names itself so in this very reply",
                "issuer and the reply's Link are equal: a filter changes the address for this comparison",
            )
        } else {
            (
                "the token's issuer is not the address of the site, by WordPress's word",
                "WordPress says so; here the issuer or the site's address could not be read",
            )
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["doctor", "secret", "expiry", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }
}
