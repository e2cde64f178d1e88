//! What an answer means: as expected, or what the rules make of it.
//!
//! The rules are those of `run`. What a check knows more, since it sent the request itself, is evidence for them and no second
//! set of rules. A reply that is as its step expects it is healthy whatever it says: "Wrong number of segments" is what
//! the probe was sent for.

use super::answer::Answer;
use super::discover::Index;
use super::question::Step;
use crate::browser::{Origin, When, withheld};
use crate::diagnosis::{Finding, diagnose};
use crate::evidence::{AnsweredBy, Denied, Memory, Message, Return, Software, Symptom, Trail, look};
use crate::headers::redirects::{Asked, Redirect};
use crate::message::RequestHead;
use crate::secret::Key;

/// An answer, judged.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// How the headers looked when they were sent.
    pub(super) trail: Trail,
    /// What the reply complains of.
    pub(super) symptom: Symptom,
    /// Whether it is what the step expects.
    pub(super) is_expected: bool,
    /// What the rules find, the root cause first; nothing where it is as expected.
    pub(super) findings: Vec<Finding>,
}

/// What is evidence beside an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// What other answers showed.
    pub(super) memory: Memory,
    /// Whether Basic arrives by this way: where Bearer does not, that is mod_php, which takes Basic apart itself (measured).
    pub(super) has_basic: bool,
}

/// Judges.
#[must_use]
pub(super) fn judge(step: &Step, answer: &Answer, beside: Evidence, key: &Key) -> Judged {
    let Evidence { memory, has_basic } = beside;
    let seen = look(&answer.head.fields);
    let mut trail = Trail::read(&answer.head, &seen, &seen, key);
    trail.memory = Memory { probe: true, ..memory };
    trail.company = answer.company.clone().map(Box::new);
    let mut symptom = Symptom::read(&answer.head, &answer.reply, &answer.body, answer.received);
    symptom.mod_php |= has_basic && symptom.software == Software::Apache;
    symptom.blocked = withheld(&answer.head, &answer.reply);
    let asked = Asked::new(&answer.head, answer.scheme);
    symptom.led =
        asked.and_then(|asked| Redirect::read(&answer.reply, &asked).map(|redirect| redirect.led()));
    trail.treatment.denied = denied(&answer.head, &symptom);
    let is_another = answer.company.as_ref().is_some_and(|company| company.report == Return::Another);
    let is_expected = !is_another && is_expected(step, answer, &symptom);
    // That pages may not write is no fault of its own: nobody said that one wants to.
    let is_fine = is_expected || matches!(step, Step::Announced(..));
    let findings = if is_fine { Vec::new() } else { diagnose(&trail, &symptom) };
    Judged { trail, symptom, is_expected, findings }
}

/// The policy of a doctor on the way, when it says that it refused a preflight.
fn denied(request: &RequestHead, symptom: &Symptom) -> Option<Denied> {
    if symptom.code() != "header_doctor_preflight_refused" {
        return None;
    }
    let origin = Origin::of(&request.fields).ok()?;
    Some(Denied {
        message: format!("a doctor on the way does not let pages of {origin} use this site"),
        setting: "sites[].cors.allow_origins",
        missing: Some(origin.as_str().to_owned()),
    })
}

fn is_expected(step: &Step, answer: &Answer, symptom: &Symptom) -> bool {
    let status = symptom.status;
    match step {
        Step::Page => !status.is_error(),
        Step::Index => status.is_success() && Index::read(&answer.body).is_some(),
        Step::Without => symptom.code() == "jwt_auth_no_auth_header",
        Step::With => arrived(symptom),
        Step::Token => status.is_success() && token(&answer.body).is_some(),
        Step::Validate => status.is_success() && symptom.blocked.is_none() && is_valid(&answer.body),
        Step::Stored => !status.is_success(),
        // A page with 200 in place of the user: something else than WordPress answers there.
        Step::Fresh | Step::Me | Step::AppMe => status.is_success() && !symptom.html_for_rest,
        Step::Endpoint(_) | Step::AppEndpoint(_) => status.is_success(),
        Step::Preflight(_) | Step::Announced(..) | Step::FromPage(_) => !is_withheld(symptom),
    }
}

/// Whether the reply to the probe says that it was read.
fn arrived(symptom: &Symptom) -> bool {
    symptom.code() == "jwt_auth_invalid_token" && symptom.message() == Some(Message::WRONG_SEGMENTS)
}

/// Whether one of today's browsers keeps the reply from a page that sends no cookies along.
fn is_withheld(symptom: &Symptom) -> bool {
    symptom.blocked.as_ref().is_some_and(|blocked| blocked.when == When::Always && blocked.is_refused_today())
}

/// The token in a reply, in the shapes of the plugins that answer `jwt-auth/v1/token`.
#[must_use]
pub(super) fn token(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let token = value.get("token").or_else(|| value.pointer("/data/token"))?.as_str()?;
    let is_clear = |byte: u8| byte.is_ascii_graphic();
    (!token.is_empty() && token.bytes().all(is_clear)).then(|| token.to_owned())
}

fn is_valid(body: &[u8]) -> bool {
    let code = |value: serde_json::Value| value.get("code").and_then(|code| code.as_str()).map(str::to_owned);
    serde_json::from_slice(body).ok().and_then(code).is_some_and(|code| code == "jwt_auth_valid_token")
}

/// Whether a plugin closes the REST API to strangers.
#[must_use]
pub(super) fn is_locked(symptom: &Symptom) -> bool {
    symptom.is_refusal() && symptom.error.as_ref().is_some_and(|error| error.code.is_lockdown())
}

/// Why nothing more may be asked: somebody wants no visitors of our kind.
#[must_use]
pub(super) fn unwelcome(symptom: &Symptom) -> Option<&'static str> {
    match (symptom.status.code(), symptom.answered_by) {
        (429, _) => Some("the site asks for fewer requests (429)"),
        (_, AnsweredBy::BlockPage) => Some("a firewall shows its block page"),
        (403 | 503, AnsweredBy::Edge) => Some("an edge refuses the check or wants to see a browser first"),
        (_, AnsweredBy::Maintenance) => Some("WordPress is under maintenance"),
        _ => None,
    }
}

/// What is known of a site beside an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Whether a Bearer token was seen to arrive by this way.
    pub(super) is_clear: bool,
    /// Whether the index offers application passwords; nothing where there is no index.
    pub(super) app_passwords: Option<bool>,
}

/// What an answer means that is not expected and that no rule explains.
#[must_use]
pub(super) fn reading(step: &Step, symptom: &Symptom, known: Known) -> Option<&'static str> {
    match (step, symptom.status.code(), symptom.answered_by) {
        (Step::With, ..) if symptom.code() == "jwt_auth_invalid_token" => {
            Some("the header arrives, changed or judged by another plugin")
        }
        (Step::Announced(..), ..) => Some("pages of that origin cannot; it matters where one wants to"),
        (Step::Stored, ..) => Some(
            "the reply to a credential was given to somebody who sent none: a cache stores it; keep requests with Authorization \
             out of it",
        ),
        _ if is_locked(symptom) => Some(
            "the REST API is closed to whoever is not logged in, by a plugin that answers before any other",
        ),
        (_, _, AnsweredBy::Gate(_)) => Some("a gate in front asks for a login of its own"),
        (_, _, AnsweredBy::PhpFatal) => Some("PHP breaks off; its error log says why"),
        (_, _, AnsweredBy::Login) => Some("a plugin sends everybody to the login page"),
        (Step::Without | Step::With | Step::Token | Step::Validate, 404, _) => {
            Some("no JWT plugin answers there: it is not installed, not active, or its route was closed")
        }
        (Step::Without, ..) if symptom.code() == "jwt_auth_bad_auth_header" => {
            Some("somebody on the way adds an Authorization of its own")
        }
        (Step::Me | Step::Endpoint(_), 401, _) if known.is_clear => Some(
            "the token was validated, so it is no longer about the token: the user is gone, or the header is lost on this \
             route alone",
        ),
        (Step::Me | Step::Endpoint(_) | Step::AppEndpoint(_), 403, _) => {
            Some("it is no longer about the credential: the route asks for more than this user may do")
        }
        (Step::AppMe | Step::AppEndpoint(_), 401, _) if known.app_passwords == Some(false) => Some(
            "the index does not offer application passwords: WordPress sees no https, or a plugin turned them off",
        ),
        (Step::AppMe | Step::AppEndpoint(_), 401, _) if known.is_clear => Some(
            "headers arrive, and WordPress did not take the application password: it is wrong, or another user's",
        ),
        (Step::AppMe | Step::AppEndpoint(_), 401, _) => Some(
            "WordPress did not take the application password: it is wrong, or the header is lost, or application passwords \
             are off",
        ),
        (Step::Endpoint(_) | Step::AppEndpoint(_), 404, _) => Some("there is no such route"),
        (Step::Me | Step::AppMe | Step::Fresh, 200..=299, _) => Some(
            "a page in place of the user: a cache, a gate or a plugin answers there, and nothing is proved by it",
        ),
        (_, 300..=399, _) => Some("a redirect, which was not followed"),
        (_, 500..=599, _) => Some("the site fails"),
        (_, _, AnsweredBy::WebServer) => Some("the web server refuses by itself; WordPress was not asked"),
        (Step::Index, ..) if symptom.html_for_rest => {
            Some("a page in place of the REST index: it is not WordPress, or its permalinks are plain")
        }
        _ => Some("not what a healthy site answers, and no rule explains it"),
    }
}
