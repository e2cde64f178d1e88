//! What the rules say of a reply that WordPress would give.
//!
//! The request and the reply are made up from the token and the plugin's words, and go through the same reading as those
//! that pass a doctor. No doctor stands on that way, so none is named in the path.

use serde_json::json;

use super::address::Address;
use super::plugin::{Refused, Route};
use crate::diagnosis::{Finding, diagnose};
use crate::evidence::{Hop, Symptom, Trail, WordPressError, look};
use crate::message::{Fields, ReplyHead, RequestHead, Status};
use crate::moment::Moment;
use crate::secret::Key;

/// A refusal that WordPress would answer with, and what the rules conclude from it.
#[derive(Clone, Debug)]
pub struct Foretold {
    /// Where.
    pub route: Route,
    /// The status.
    pub status: Status,
    /// The error in the body.
    pub error: Option<WordPressError>,
    /// The findings, the strongest first.
    pub findings: Vec<Finding>,
}

impl Foretold {
    /// The refusal of this credential; nothing where its status is none.
    pub(super) fn of(
        route: Route,
        value: &str,
        refused: &Refused,
        site: Option<&Address>,
        now: Moment,
    ) -> Option<Self> {
        let (method, target) = match route {
            Route::Any => ("GET", "/wp-json/wp/v2/users/me"),
            Route::Validate => ("POST", "/wp-json/jwt-auth/v1/token/validate"),
        };
        let request = RequestHead::build(method, target, Fields::from([("Authorization", value)]));
        // Without a site, the REST server's mark names no address that the issuer could be compared with.
        let link = site.map_or_else(|| "</wp-json/>; rel=\"https://api.w.org/\"".to_owned(), Address::link);
        let fields = Fields::from([("Content-Type", "application/json; charset=UTF-8"), ("Link", &*link)]);
        let status = Status::new(refused.status)?;
        let Refused { status: number, code, message } = refused;
        let body = json!({ "code": code, "message": message, "data": { "status": number } }).to_string();
        let seen = look(&request.fields);
        // Fingerprints are not shown here, so it does not matter that anybody could make them.
        let trail = Trail::read(&request, &seen, &seen, &Key::from_bytes(&[0; 32]));
        let symptom = Symptom::read(&request, &ReplyHead::build(status, fields), body.as_bytes(), now);
        let findings = diagnose(&trail, &symptom).into_iter().map(without_doctor).collect();
        Some(Self { route, status, error: symptom.error, findings })
    }
}

fn without_doctor(mut finding: Finding) -> Finding {
    finding.path.retain(|stop| stop.hop != Hop::Doctor);
    finding.cleared.retain(|thing| *thing != "doctor");
    finding
}
