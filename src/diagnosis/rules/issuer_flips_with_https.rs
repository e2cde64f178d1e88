//! The token's issuer and the site differ in their scheme alone: WordPress believes now in TLS and now not.
//!
//! `iss` is `get_bloginfo('url')`, which follows `is_ssl()`, and that knows `HTTPS` and port 443 only. Where TLS ends in front of
//! PHP and not every request tells it so, a token issued as `https://` is examined as `http://`, or the reverse. Where the doctor
//! itself sent `http` on, since it was not told whom to believe, the cure is the doctor's.

use super::super::{Finding, Mark, Place, Proof, Rule, Stop};
use super::{agreed, foreign, untouched};
use crate::evidence::{Difference, Home, Hop, Symptom, Trail};

pub(in super::super) struct IssuerFlipsWithHttps;

impl Rule for IssuerFlipsWithHttps {
    fn id(&self) -> &'static str {
        "issuer-flips-with-https"
    }

    fn text(&self) -> &'static str {
        include_str!("issuer_flips_with_https.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !symptom.refused_with("jwt_auth_bad_iss") || foreign(trail, symptom) != Some(Difference::Scheme) {
            return None;
        }
        let https = symptom.home.as_ref().is_some_and(Home::is_https);
        let disbelieved = trail.treatment.disbelieved.is_some();
        let now = if https { "believes in TLS now, but did not when it issued the token" } else { UNAWARE };
        let is_sure = disbelieved || !https;
        let because = if disbelieved {
            "our reading of the issuer and WordPress's words agree; the doctor sent X-Forwarded-Proto: http, since it \
             was not told to believe who said https"
        } else if is_sure {
            "our reading of the issuer and WordPress's words agree; a site that is stored as https:// never names itself http://"
        } else {
            "our reading of the issuer and WordPress's words agree; a token from before the site moved from http to https \
             would look the same"
        };
        let summary = format!("the token's issuer has another scheme than the site: WordPress {now}");
        Some(Finding {
            place: if disbelieved { Place::Doctor } else { Place::WordPress },
            because: because.into(),
            path: path(trail, disbelieved),
            cleared: vec!["client", "secret", "expiry", "permissions"],
            caution: "The signature was accepted. Do not rotate secrets",
            ..Finding::of(
                self,
                if is_sure { agreed(symptom) } else { Proof::Likely },
                if disbelieved { "doctor" } else { "wp-config.php" },
                summary,
            )?
        })
    }
}

const UNAWARE: &str = "does not see that TLS is used, but did when it issued the token";

fn path(trail: &Trail, disbelieved: bool) -> Vec<Stop> {
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
    use super::IssuerFlipsWithHttps;
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
            let finding = IssuerFlipsWithHttps.judge(trail, &symptom).unwrap();
            (finding.place, finding.cure.contains("trusted_proxies"))
        };
        assert_eq!(judged(&trail), (Place::WordPress, false));
        trail.treatment.disbelieved = Some("10.0.0.0/8".into());
        assert_eq!(judged(&trail), (Place::Doctor, true));
    }
}
