//! WordPress refused a credential with a code that nobody explained.
//!
//! All that can be said is whose family the code is. It is said only where nothing else was found, and only where a credential came: what an
//! anonymous caller is refused is no news.

use super::super::codes::{self, Emitter, Known, family};
use super::super::told::is_bare;
use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct UnknownCode;

impl Rule for UnknownCode {
    fn id(&self) -> &'static str {
        "unknown-code"
    }

    fn text(&self) -> &'static str {
        include_str!("unknown_code.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_site = matches!(
            symptom.answered_by,
            AnsweredBy::WordPressRest | AnsweredBy::RestLike | AnsweredBy::Plugin(_)
        );
        let is_login = trail.route.class == RouteClass::Token;
        if !by_site || !symptom.is_refusal() || symptom.from_cache || is_bare(trail) || is_login {
            return None;
        }
        let code = symptom.error.as_ref()?.code.as_str();
        if is_explained(trail, symptom, code) {
            return None;
        }
        let status = symptom.status.code();
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Unknown).noted(code.to_owned()));
        let kin = family(code).map_or("", |_| "; what is known of its family is all that can be said");
        let (because, summary) = if codes::knows(code) {
            let because = format!(
                "no rule leads from {code} with {status} to a cause; `header-doctor explain` says what is known"
            );
            (because, format!("{code} is a code whose cause the doctor cannot tell"))
        } else {
            (
                format!("{code} with {status} stands in no table{kin}"),
                format!("{code} is a code that the doctor does not know"),
            )
        };
        Some(Finding { because, path, ..Finding::of(self, Proof::Possible, "any", summary)? })
    }

    fn yields(&self) -> bool {
        true
    }
}

/// Whether a table, the site or core's own habit says more of it.
fn is_explained(trail: &Trail, symptom: &Symptom, code: &str) -> bool {
    let status = symptom.status.code();
    let is_cores =
        symptom.error.as_ref().is_some_and(|error| error.code.is_permission() || error.code.is_lockdown());
    let is_sites = trail.site_codes.iter().any(|own| own.is(code, status));
    let is_own = code.starts_with("header_doctor_") || code.starts_with("[jwt_auth] ");
    let says_more = |known: &&Known| known.emitter == Emitter::Core || !known.rules.is_empty();
    let is_told = codes::all().filter(says_more).any(|known| known.is(code));
    is_cores || is_sites || is_own || is_told || OF_A_SHOP_PAGE.contains(&code)
}

/// WooCommerce's Store API wants a nonce in `Nonce`; what else the request carries it does not look at.
const OF_A_SHOP_PAGE: [&str; 2] = ["woocommerce_rest_missing_nonce", "woocommerce_rest_invalid_nonce"];
