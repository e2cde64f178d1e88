//! The token names a signature algorithm that the site does not use.
//!
//! php-jwt compares `alg` before it looks at the signature: unknown names and `none` are `Algorithm not supported`,
//! another one than the plugin's is `Incorrect key for this algorithm`. With our own reading of `alg` that is proved:
//! another program issued the token. If the token says HS256, the plugins' default, it is the site that expects another
//! one, or a hop behind put another token in its place. `jwt_auth_unsupported_algorithm` blames the site in so many words: its filter names none of the known ones.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{agreed, decoding, sent_wrong, untouched};
use crate::evidence::{Algorithm, Credential, Hop, Message, Symptom, Trail};

pub(in super::super) struct TokenAlgorithmRefused;

impl Rule for TokenAlgorithmRefused {
    fn id(&self) -> &'static str {
        "token-algorithm-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("token_algorithm_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if symptom.refused_with("jwt_auth_unsupported_algorithm") {
            let summary = "the site's own configuration asks for a signature algorithm that its JWT plugin does not know";
            let because = "the plugin says so; only its filter can bring this about";
            let found = self.of_site(trail, summary, because)?;
            return Some(Finding { severity: Severity::Error, ..found });
        }
        let message = decoding(symptom).filter(|_| !trail.has_other_bearers)?;
        let refused =
            [Message::NOT_SUPPORTED, Message::INCORRECT_KEY, Message::NO_ALGORITHM].contains(&message);
        if !refused || !matches!(trail.credential, Credential::Bearer(_)) {
            return None;
        }
        match trail.claims.as_ref().map(|claims| claims.algorithm) {
            Some(Algorithm::Hs256) if message == Message::INCORRECT_KEY => {
                let summary = "the token is signed by HS256, the plugins' default, but the site expects another algorithm";
                let found =
                    self.of_site(trail, summary, if trail.memory.direct { OURS } else { OURS_OR_ANOTHERS })?;
                Some(Finding { cleared: vec!["doctor", "secret", "expiry", "permissions"], ..found })
            }
            Some(Algorithm::Hs256) => None,
            Some(algorithm) => self.of_client(trail, agreed(symptom), algorithm),
            None => self.of_client(trail, Proof::Likely, Algorithm::Unknown),
        }
    }
}

const OURS: &str = "WordPress refuses the algorithm, and our reading of it is HS256";
const OURS_OR_ANOTHERS: &str = "WordPress refuses the algorithm, and our reading of it is HS256; an identity provider's token, put \
                                in its place behind the doctor, would look the same";

impl TokenAlgorithmRefused {
    fn of_client(&self, trail: &Trail, proof: Proof, algorithm: Algorithm) -> Option<Finding> {
        let what = match algorithm {
            Algorithm::Hs256 | Algorithm::Known(_) => format!("a token signed by {}", algorithm.word()),
            Algorithm::None => "a token that says it is not signed at all (alg none)".into(),
            Algorithm::Unknown => "a token whose algorithm is unknown".into(),
        };
        let mut path = sent_wrong(trail, format!("alg {}", algorithm.word()));
        path.push(Stop::new(Hop::Php, Mark::Good));
        let because = if trail.claims.is_some() {
            "our reading of its header and WordPress's words agree"
        } else {
            "WordPress says so; its header could not be read here"
        };
        Some(Finding {
            severity: Severity::Warning,
            because: because.into(),
            path,
            cleared: vec!["doctor", "web server", "secret", "expiry", "permissions"],
            caution: "No signature was judged. Do not rotate secrets",
            ..Finding::of(
                self,
                proof,
                "client",
                format!("the client sent {what}, which this site does not take"),
            )?
        })
    }

    fn of_site(&self, trail: &Trail, summary: &str, because: &str) -> Option<Finding> {
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("algorithm"));
        Some(Finding {
            place: Place::Plugin,
            desk: Desk::WordPress,
            severity: Severity::Warning,
            because: because.into(),
            path,
            cleared: vec!["proxies", "web server", "secret", "expiry", "permissions"],
            caution: "No signature was judged. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, "plugin", summary)?
        })
    }
}
