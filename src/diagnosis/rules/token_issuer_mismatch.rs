//! The token's issuer is not the address of the site, letter by letter.
//!
//! The plugins compare `iss` with `get_bloginfo('url')` after the signature and the times, so secret and expiry are in
//! order. What differs tells the cause: another scheme means that WordPress believes now in TLS and now not, because it
//! is ended in front of it (`home_url()` follows `is_ssl()`); another host is another site with the same secret; no
//! address at all is another program's token. The site's address is known from the reply's `Link`; if that and the
//! issuer are equal for us, something on the site changes the address for this comparison alone.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{agreed, foreign, sent_wrong, untouched};
use crate::evidence::{Difference, Home, Hop, Symptom, Trail};

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
            Some(Difference::Scheme) => self.scheme(trail, symptom),
            Some(difference) if trail.memory.other_way.is_some() => self.of_machines(trail, difference),
            Some(difference @ (Difference::Host | Difference::Missing | Difference::NoUrl)) => {
                self.of_client(trail, symptom, difference)
            }
            Some(difference) => self.of_site(trail, symptom, difference),
        }
    }
}

const CAUTION: &str = "The signature was accepted. Do not rotate secrets";
const AGREED: &str = "our reading of the issuer and WordPress's words agree";

impl TokenIssuerMismatch {
    fn of_site(&self, trail: &Trail, symptom: &Symptom, difference: Difference) -> Option<Finding> {
        let product = match difference {
            Difference::Path => "path",
            Difference::Www => "www",
            Difference::Port => "port",
            _ => "any",
        };
        let summary =
            format!("the token's issuer has {}, compared with the site's address", difference.words());
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another address"));
        Some(Finding {
            because: AGREED.into(),
            path,
            cleared: vec!["doctor", "web server", "secret", "expiry", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, agreed(symptom), product, summary)?
        })
    }

    fn scheme(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let https = symptom.home.as_ref().is_some_and(Home::is_https);
        let disbelieved = trail.treatment.disbelieved.is_some();
        let now = if https { "believes in TLS now, but did not when it issued the token" } else { UNAWARE };
        let because = if disbelieved {
            "our reading of the issuer and WordPress's words agree; the doctor sent X-Forwarded-Proto: http, since it \
             was not told to believe who said https"
        } else {
            AGREED
        };
        let place = if disbelieved { Place::Doctor } else { Place::WordPress };
        let product = if disbelieved { "doctor" } else { "scheme" };
        let summary = format!("the token's issuer has another scheme than the site: WordPress {now}");
        Some(Finding {
            place,
            desk: Desk::Platform,
            severity: Severity::Error,
            because: because.into(),
            path: flipped(trail, disbelieved),
            cleared: vec!["client", "secret", "expiry", "permissions"],
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
        let (summary, note) = match difference {
            Difference::Host => {
                ("the client sent a token of another site, one with the same secret".into(), "another site's")
            }
            _ => (
                format!(
                    "the client sent a token that another program issued: its issuer has {}",
                    difference.words()
                ),
                "another program's",
            ),
        };
        let mut path = sent_wrong(trail, note.into());
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

const UNAWARE: &str = "does not see that TLS is used, but did when it issued the token";

fn flipped(trail: &Trail, disbelieved: bool) -> Vec<Stop> {
    let mut path = untouched(trail);
    if disbelieved {
        path.pop();
        path.push(Stop::new(Hop::Doctor, Mark::Bad).noted("X-Forwarded-Proto: http"));
    }
    path.push(Stop::new(Hop::Php, if disbelieved { Mark::Good } else { Mark::Bad }).noted("scheme"));
    path
}

#[cfg(test)]
mod tests {
    use super::super::super::{Place, Rule as _};
    use super::TokenIssuerMismatch;
    use crate::evidence::{Symptom, Trail, look};
    use crate::message::{Fields, ReplyHead, RequestHead, Status};
    use crate::moment::Moment;
    use crate::secret::Key;

    #[test]
    fn a_scheme_that_the_doctor_did_not_believe_is_the_doctors() {
        // {"alg":"HS256"} and {"iss":"https://a.test"}
        let token = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EudGVzdCJ9.c2ln";
        let request = RequestHead::build("GET", "/wp-json/", Fields::from([("Authorization", token)]));
        let seen = look(&request.fields);
        let mut trail = Trail::read(&request, &seen, &seen, &Key::from_bytes(&[3; 32]));
        let link = [("Link", "<http://a.test/wp-json/>; rel=\"https://api.w.org/\"")];
        let reply = ReplyHead::build(Status::new(403).unwrap(), Fields::from(link));
        let body =
            br#"{"code":"jwt_auth_bad_iss","message":"The iss do not match with this server","data":{}}"#;
        let symptom = Symptom::read(&request, &reply, body, Moment::default());
        let judged = |trail: &Trail| {
            let finding = TokenIssuerMismatch.judge(trail, &symptom).unwrap();
            (finding.place, finding.cure.contains("trusted_proxies"))
        };
        assert_eq!(judged(&trail), (Place::WordPress, false));
        trail.treatment.disbelieved = Some("10.0.0.0/8".into());
        assert_eq!(judged(&trail), (Place::Doctor, true));
    }
}
