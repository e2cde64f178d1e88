//! The request was served, and the browser keeps the reply from the page, for no more telling reason.
//!
//! The causes with a cure of their own are rules of their own. What is left: `*` beside cookies, another origin, a value that
//! is none, and a success without the field that no REST server made.

use super::super::answerer::{Answerer, is_emptied_by_core};
use super::super::withheld::{Cause, Withheld};
use super::super::{Finding, Place, Proof, Rule, Severity};
use crate::browser::{Block, Blocked};
use crate::evidence::{AnsweredBy, Symptom, Trail};

pub(in super::super) struct CorsHeadersWrong;

impl Rule for CorsHeadersWrong {
    fn id(&self) -> &'static str {
        "cors-headers-wrong"
    }

    fn text(&self) -> &'static str {
        include_str!("cors_headers_wrong.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let withheld = Withheld::by(Cause::Other, trail, symptom)?;
        let blocked = withheld.blocked;
        let product = product(symptom, blocked, withheld.by);
        withheld.finding(self, weight(&withheld), product, note(blocked), summary(symptom, blocked))
    }
}

fn weight(withheld: &Withheld<'_>) -> (Proof, Severity) {
    let is_nobodys = withheld.blocked.origin.is_null() && !withheld.has_credential();
    match withheld.blocked.block {
        // What has no origin can be on no list.
        Block::OriginMismatch(_) | Block::NoAllowOrigin if is_nobodys => (Proof::Likely, Severity::Note),
        Block::InvalidAllowOrigin(_) if withheld.by.place == Place::WordPress => {
            (Proof::Likely, Severity::Warning)
        }
        Block::WildcardWithCredentials | Block::InvalidAllowOrigin(_) => (Proof::Likely, Severity::Error),
        Block::NoAllowOrigin if withheld.symptom.status.is_success() && withheld.has_credential() => {
            (Proof::Likely, Severity::Error)
        }
        _ => (Proof::Likely, Severity::Warning),
    }
}

fn summary(symptom: &Symptom, blocked: &Blocked) -> String {
    let Blocked { origin, .. } = blocked;
    match &blocked.block {
        Block::WildcardWithCredentials => {
            format!(
                "Access-Control-Allow-Origin is * while cookies are sent, so {origin} cannot read the reply"
            )
        }
        Block::OriginMismatch(_) => {
            format!(
                "Access-Control-Allow-Origin names another origin than {origin}, which cannot read the reply"
            )
        }
        Block::NoAllowOrigin if symptom.html_for_rest => {
            format!(
                "a page of HTML answered for the REST route, without CORS fields, so {origin} cannot read it"
            )
        }
        Block::NoAllowOrigin => {
            format!("the reply lost, or never got, Access-Control-Allow-Origin, so {origin} cannot read it")
        }
        Block::InvalidAllowOrigin(_) if is_emptied_by_core(symptom, blocked) => {
            format!(
                "WordPress empties Access-Control-Allow-Origin for {origin}, whose scheme it does not know"
            )
        }
        _ => format!("{}, so {origin} cannot read the reply", blocked.reason()),
    }
}

const fn note(blocked: &Blocked) -> &'static str {
    match blocked.block {
        Block::WildcardWithCredentials => "Allow-Origin: *",
        Block::OriginMismatch(_) => "another origin",
        Block::NoAllowOrigin => "no Allow-Origin",
        _ => "CORS",
    }
}

/// Whether WordPress took the route for a page.
fn is_by_wordpress(symptom: &Symptom) -> bool {
    symptom.html_for_rest && symptom.answered_by == AnsweredBy::WordPress
}

/// Which cure of the text it takes.
fn product(symptom: &Symptom, blocked: &Blocked, by: Answerer) -> &'static str {
    match (&blocked.block, by.place) {
        (_, Place::Cache) => "cache",
        (Block::NoAllowOrigin, _) if is_by_wordpress(symptom) => "plain permalinks",
        (Block::NoAllowOrigin, _) if symptom.html_for_rest => "page",
        (Block::WildcardWithCredentials | Block::CredentialsNotTrue, _) => "credentials",
        _ => "any",
    }
}
