//! One upstream takes the very same token whose signature another one refuses.
//!
//! Machines behind one address look like one upstream. If that took the token between two refusals, its machines differ, or the
//! secret was changed there and back: likely.
//!
//! Both verdicts are WordPress's, on one value. If the other took it between two refusals here, no change of the secret explains
//! them: proved. If it took it only before, the secret may have been changed since: likely. An upstream that issued the token
//! knows it as well as one that took it.
//!
//! Where PHP reports a fingerprint of its secret (`php-hop`), two that differ say the same without any other verdict on the token:
//! likely, since the secret may have been changed in between.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{ago, decoding, untouched};
use crate::evidence::{Credential, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct JwtSecretDiffersBetweenNodes;

impl Rule for JwtSecretDiffersBetweenNodes {
    fn id(&self) -> &'static str {
        "jwt-secret-differs-between-nodes"
    }

    fn text(&self) -> &'static str {
        include_str!("jwt_secret_differs_between_nodes.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let here = trail.past.here.as_deref()?;
        let is_token = trail.credential == Credential::Bearer(Token::Jwt);
        if decoding(symptom)? != Message::SIGNATURE || !is_token {
            return None;
        }
        let Some(there) = trail.past.elsewhere.as_ref() else {
            return self.behind_one(trail, here).or_else(|| self.by_php(trail, here));
        };
        let proof = if there.unsigned_before { Proof::Proved } else { Proof::Likely };
        let (upstream, did) = (&there.upstream, if there.issued { "issued" } else { "took" });
        let order = if there.unsigned_before {
            "after it had been refused here"
        } else {
            "a change of the secret since then would look the same"
        };
        let because = format!("{upstream} {did} the very same token {}; {order}", ago(there.ago));
        let summary = format!("the secret differs between machines: {here} refuses what {upstream} {did}");
        self.of(trail, proof, summary, because)
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-signature-refused", "bearer-of-another-plugin", "token-of-another-site"]
    }
}

impl JwtSecretDiffersBetweenNodes {
    /// One address took the token between two refusals.
    fn behind_one(&self, trail: &Trail, here: &str) -> Option<Finding> {
        let taken = trail.past.taken_here.filter(|taken| taken.refused_before)?;
        let because = format!(
            "it refused the very same token, took it {} and refuses it again; a secret that was changed there and back looks the same",
            ago(taken.ago)
        );
        let summary = format!(
            "the secret differs between the machines behind {here}: it takes and refuses one token in turns"
        );
        self.of(trail, Proof::Likely, summary, because)
    }

    /// PHP told of two secrets.
    fn by_php(&self, trail: &Trail, here: &str) -> Option<Finding> {
        let there = trail.past.other_secret.as_deref()?;
        let summary = if there == here {
            format!("the secret differs between the machines behind {here}")
        } else {
            format!("the secret differs between machines: {here} and {there} have different ones")
        };
        let because = "PHP tells a fingerprint of its secret, and told another one within the last ten minutes; a change of the secret \
                       since then would look the same";
        self.of(trail, Proof::Likely, summary, because.into())
    }

    fn of(&self, trail: &Trail, proof: Proof, summary: String, because: String) -> Option<Finding> {
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another secret"));
        Some(Finding {
            because,
            path,
            cleared: vec!["client", "doctor", "token", "expiry", "permissions"],
            caution: "Do not rotate secrets: give every machine the same one",
            ..Finding::of(self, proof, "wp-config.php", summary)?
        })
    }
}
