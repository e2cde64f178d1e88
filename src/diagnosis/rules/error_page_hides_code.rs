//! An error page stands in the place of WordPress's own words.
//!
//! Servers and edges can be told to send a page of their own for a status. Then nobody sees the code that says what is wrong. A
//! page of a web server in a reply that bears WordPress's own marks gives it away. A 401 that asks for nothing is a hint
//! only: whoever refuses for himself has to say what he wants (RFC 9110 §11.6.1), but not everybody does.

use super::super::{Decision, Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{carries_credential, untouched};
use crate::evidence::{AnsweredBy, Hop, Page, RouteClass, Symptom, Trail};

pub(in super::super) struct ErrorPageHidesCode;

impl Rule for ErrorPageHidesCode {
    fn id(&self) -> &'static str {
        "error-page-hides-code"
    }

    fn text(&self) -> &'static str {
        include_str!("error_page_hides_code.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_hidden = carries_credential(trail)
            && trail.route.class != RouteClass::NotRest
            && symptom.html_for_rest
            && symptom.status.code() >= 400
            && !symptom.from_cache
            && !trail.memory.direct
            && symptom.too_large.is_none();
        if !is_hidden {
            return None;
        }
        let is_marked = symptom.home.is_some() || symptom.knows_user;
        let proof = match symptom.answered_by {
            AnsweredBy::WebServer if is_marked => Proof::Likely,
            AnsweredBy::WebServer | AnsweredBy::Edge | AnsweredBy::BlockPage
                if is_refused_behind(trail, symptom) =>
            {
                Proof::Likely
            }
            AnsweredBy::WebServer | AnsweredBy::Edge | AnsweredBy::BlockPage
                if symptom.status.code() == 401 =>
            {
                Proof::Possible
            }
            _ => return None,
        };
        let whose = symptom.page.map_or("a hop behind", Page::name);
        let is_servers = symptom.page.is_some();
        let hop = if is_servers { Hop::WebServer } else { Hop::Edge };
        let mut path = untouched(trail);
        path.push(Stop::new(hop, Mark::Bad).named(whose).noted("its own page"));
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let may = if proof == Proof::Likely { "put" } else { "may have put" };
        Some(Finding {
            place: if is_servers { Place::WebServer } else { Place::Edge },
            desk: if is_servers { Desk::Platform } else { Desk::Edge },
            severity: if proof == Proof::Likely { Severity::Error } else { Severity::Warning },
            because: because(trail, symptom, proof).into(),
            path,
            cleared: vec!["client", "doctor"],
            caution: "Do not rotate secrets before it is known what WordPress said",
            decide: (proof == Proof::Possible).then_some(Decision {
                command: "curl -i \"$ORIGIN$TARGET\" -H \"Authorization: Bearer header-doctor\"".into(),
                reading: "asked past that hop, a body in JSON with a code: the page hides it; the same page: who made it \
                          refused by itself",
            }),
            ..Finding::of(
                self,
                proof,
                product(symptom),
                format!("{whose} {may} an error page in the place of WordPress's reply, which says why"),
            )?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["firewall-blocked"]
    }
}

/// Whether a check was answered well by the same way, so that nobody keeps requests from WordPress, and it is WordPress's refusal that
/// the page stands for. With 5xx nobody behind need have said anything.
const fn is_refused_behind(trail: &Trail, symptom: &Symptom) -> bool {
    trail.memory.probe && trail.memory.accepted && symptom.status.code() < 500
}

fn because(trail: &Trail, symptom: &Symptom, proof: Proof) -> &'static str {
    if is_refused_behind(trail, symptom) {
        "a page came where WordPress refuses, and with a good token WordPress answered by the same way"
    } else if proof == Proof::Likely {
        "the body is the web server's page, and the head bears the marks of WordPress's REST server"
    } else {
        "a REST route was answered 401 in HTML, by a page that asks for no login; who refuses for himself usually does"
    }
}

fn product(symptom: &Symptom) -> &'static str {
    match symptom.page {
        Some(Page::Nginx) => "nginx",
        Some(Page::Apache) => "Apache",
        _ => "any",
    }
}
