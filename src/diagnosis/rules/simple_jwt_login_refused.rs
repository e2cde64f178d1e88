//! Simple JWT Login says no, by one of its numbers.
//!
//! The plugin has its own secret, its own list of places where it looks for a token, and numbers for errors. What they mean stands in
//! the tables; that a client's address is refused is a rule of its own. Its routes print their error and exit before WordPress's
//! CORS step, so a browser shows an error of CORS instead.

use super::super::codes::{self, Emitter};
use super::super::told::{is_bare, told};
use super::super::{Decision, Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::untouched;
use crate::evidence::{Credential, Hop, Symptom, Trail};

pub(in super::super) struct SimpleJwtLoginRefused;

impl Rule for SimpleJwtLoginRefused {
    fn id(&self) -> &'static str {
        "simple-jwt-login-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("simple_jwt_login_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = codes::of(symptom).filter(|known| known.emitter == Emitter::SimpleJwtLogin)?;
        // Anybody may number errors: the route or words that we know must say whose number it is.
        let is_its = trail.is_simple_jwt_login || codes::are_of_a_token(symptom);
        let is_ours = is_its && known.rules.contains(&self.id());
        if !is_ours || !symptom.status.is_error() || symptom.from_cache {
            return None;
        }
        let found_none = known.codes.iter().any(|code| NONE.contains(code));
        // A probe knows that its word is no token, and may stand in another place than the plugin is set to look in.
        if found_none && trail.memory.probe {
            return None;
        }
        let finding = told(self, trail, symptom, known)?;
        Some(match (found_none, is_bare(trail)) {
            (true, true) => Finding { severity: Severity::Note, ..finding },
            (true, false) if is_token(trail) => unseen(trail, symptom, finding),
            (_, false) | (false, true) => finding,
        })
    }

    fn yields(&self) -> bool {
        true
    }
}

/// A token was sent on, and the plugin found none: it is lost, or looked for elsewhere.
fn unseen(trail: &Trail, symptom: &Symptom, finding: Finding) -> Finding {
    let mut path = untouched(trail);
    let because = "a token was sent on in Authorization, and the plugin says that it found none".to_owned();
    let secret = vec!["client", "doctor", "secret", "expiry"];
    if trail.memory.direct {
        path.push(Stop::new(Hop::Php, Mark::Bad).noted(symptom.code().to_owned()));
        let summary =
            "Simple JWT Login found no token, though one was sent: it is set to look elsewhere".into();
        let (place, desk) = (Place::Plugin, Desk::WordPress);
        return Finding { place, desk, summary, because, path, cleared: secret, ..finding };
    }
    path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
    path.push(Stop::new(Hop::Php, Mark::Unknown).noted(symptom.code().to_owned()));
    Finding {
        place: Place::WebServer,
        desk: Desk::Platform,
        proof: Proof::Possible,
        summary: "Simple JWT Login found no token, though one was sent: it is lost before PHP, or looked for elsewhere".into(),
        because,
        path,
        cleared: secret,
        caution: "Token not judged. Do not rotate secrets before this is decided",
        decide: Some(Decision { command: COMMAND.into(), reading: READING }),
        ..finding
    }
}

const COMMAND: &str =
    r#"curl -i "$SITE/wp-json/simple-jwt-login/v1/auth/validate" -H "Authorization: Bearer header-doctor""#;
const READING: &str = "\"Wrong number of segments\": the header arrives; error_code 53: it is lost, or its settings leave \
                       the header out";

/// Whether it is what the plugin takes for a token: `Bearer` may be spelled in any way, or left out.
const fn is_token(trail: &Trail) -> bool {
    matches!(trail.credential, Credential::Bearer(_) | Credential::BearerOtherCase | Credential::BareToken)
}

/// The numbers that say that no token was found.
const NONE: [&str; 4] = ["23", "51", "53", "75"];
