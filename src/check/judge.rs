//! What an answer means: as expected, or what the rules make of it.
//!
//! The rules are those of `run`. What a check knows more, since it sent the request itself, is evidence for them and no second
//! set of rules. A reply that is as its step expects it is healthy whatever it says: "Wrong number of segments" is what
//! the probe was sent for.

use std::time::Duration;

use super::answer::Answer;
use super::dialect::Dialect;
use super::discover::Index;
use super::examine::unlike_control;
use super::jwt_plugin::{Kind, version};
use super::question::{Question, Step};
use crate::browser::{Origin, When, withheld};
use crate::diagnosis::{Finding, Severity, diagnose};
use crate::evidence::{
    AnsweredBy, Code, Denied, Memory, Plugin, Return, Software, Symptom, TakenHere, Trail, look,
};
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
    /// Whether what was sent is a token that the same way issued to this check.
    pub(super) is_fresh: bool,
}

/// Judges.
#[must_use]
pub(super) fn judge(question: &Question, answer: &Answer, beside: Evidence, key: &Key) -> Judged {
    let Evidence { memory, has_basic, is_fresh } = beside;
    let step = &question.step;
    let seen = look(&answer.head.fields);
    let mut trail = Trail::read(&answer.head, &seen, &seen, key);
    trail.memory = Memory { probe: true, ..memory };
    let issued = TakenHere { ago: Duration::ZERO, issued: true, refused_before: false };
    trail.past.taken_here = is_fresh.then_some(issued);
    trail.company = answer.company.clone().map(Box::new);
    let mut symptom = Symptom::read(&answer.head, &answer.reply, &answer.body, answer.received);
    symptom.mod_php |= has_basic && symptom.software == Software::Apache;
    symptom.blocked = withheld(&answer.head, &answer.reply);
    let asked = Asked::new(&answer.head, answer.scheme);
    symptom.led =
        asked.and_then(|asked| Redirect::read(&answer.reply, &asked).map(|redirect| redirect.led()));
    trail.treatment.denied = denied(&answer.head, &symptom);
    let is_another = answer.company.as_ref().is_some_and(|company| company.report == Return::Another);
    let is_expected = !is_another && is_expected(question, answer, &symptom);
    // That pages may not write is no fault of its own: nobody said that one wants to.
    let is_minor = matches!(step, Step::Announced(..) | Step::Routes | Step::Manual);
    let is_fine = is_expected || is_minor || (step.is_deep() && !matches!(step, Step::Long(_)));
    let mut findings = if is_fine { Vec::new() } else { diagnose(&trail, &symptom) };
    // A site that is closed to strangers is told in a line of its own.
    findings.retain(|finding| finding.rule != CLOSED || finding.severity > Severity::Note);
    Judged { trail, symptom, is_expected, findings }
}

/// The rule for a site that is closed to strangers.
const CLOSED: &str = "rest-locked-down";

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

fn is_expected(question: &Question, answer: &Answer, symptom: &Symptom) -> bool {
    let (status, dialect) = (symptom.status, question.dialect);
    match &question.step {
        Step::Page => !status.is_error() && unready(symptom).is_none(),
        Step::Index => status.is_success() && Index::read(&answer.body).is_some(),
        Step::Without => dialect.missed(symptom),
        Step::With => dialect.arrived(symptom),
        Step::Token => status.is_success() && dialect.issued(&answer.body).is_some(),
        Step::Validate => status.is_success() && symptom.blocked.is_none() && dialect.is_good(&answer.body),
        Step::Stored => !status.is_success(),
        // A page with 200 in place of the user: something else than WordPress answers there.
        Step::Fresh | Step::Me | Step::AppMe => status.is_success() && !symptom.html_for_rest,
        Step::Endpoint(_) | Step::AppEndpoint(_) => status.is_success(),
        Step::Preflight(_) | Step::Announced(..) | Step::FromPage(_) => !is_withheld(symptom),
        Step::Routes => status.is_success() && Kind::of_routes(&answer.body).is_some(),
        Step::Manual => status.is_success() && version(&answer.body).is_some(),
        Step::Control | Step::Instead => status.code() < 500,
        // Compared with the control request elsewhere.
        Step::Beside(_) | Step::Long(_) | Step::After => false,
    }
}

/// Whether one of today's browsers keeps the reply from a page that sends no cookies along.
fn is_withheld(symptom: &Symptom) -> bool {
    symptom.blocked.as_ref().is_some_and(|blocked| blocked.when == When::Always && blocked.is_refused_today())
}

/// Whether a plugin closes the REST API to strangers.
#[must_use]
pub(super) fn is_locked(symptom: &Symptom) -> bool {
    let is_orange =
        symptom.plugin == Some(Plugin::MiniOrange) && symptom.code() == "MISSING_AUTHORIZATION_HEADER";
    symptom.is_refusal()
        && (is_orange || symptom.error.as_ref().is_some_and(|error| error.code.is_lockdown()))
}

/// Why there is no site that could be asked, as a sentence whose subject is the place.
#[must_use]
pub(super) const fn unready(symptom: &Symptom) -> Option<&'static str> {
    match symptom.answered_by {
        AnsweredBy::Installer => {
            Some("has WordPress's files, and no site is installed: everybody is sent to the installer")
        }
        AnsweredBy::NoDatabase => Some("is a WordPress that cannot use its database"),
        AnsweredBy::Network => {
            Some("is a network of WordPress sites, and none of them has this host: it offers to register one")
        }
        AnsweredBy::PhpFatal => Some("runs PHP that breaks off; its error log says why"),
        AnsweredBy::Login => Some("sends everybody to WordPress's login page, by a plugin most often"),
        _ => None,
    }
}

/// Why nothing more may be asked: somebody wants no visitors of our kind.
#[must_use]
pub(super) fn unwelcome(symptom: &Symptom) -> Option<&'static str> {
    match (symptom.status.code(), symptom.answered_by) {
        (429, _) => Some("the site asks for fewer requests (429)"),
        (503, AnsweredBy::BlockPage) => Some(
            "a page with 503 stands in the place of the site: it is closed for a while, or overloaded, or a firewall's",
        ),
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

/// What only other plugins than the usual ones mean by an answer.
fn by_dialect(question: &Question, symptom: &Symptom, known: Known) -> Option<&'static str> {
    let (step, dialect) = (&question.step, question.dialect);
    match (step, symptom.status.code()) {
        (Step::With | Step::Validate, _) if dialect != Dialect::JwtAuth && dialect.missed(symptom) => Some(
            "the plugin saw no token: it is lost on the way, or the plugin is set to look for it elsewhere",
        ),
        (Step::Without | Step::With | Step::Token | Step::Validate, _)
            if dialect == Dialect::SimpleJwtLogin && symptom.code() == "45" =>
        {
            Some("the plugin is there, and its setting \"authentication\" is off")
        }
        (Step::Me | Step::Endpoint(_), 401) if dialect == Dialect::SimpleJwtLogin && known.is_clear => Some(
            "the token was validated; this plugin need not heed tokens on routes that are not its own, or the header is lost on this \
             route alone",
        ),
        _ => None,
    }
}

/// What a plugin that closes the REST API does, as far as its code tells.
fn by_lockdown(symptom: &Symptom) -> &'static str {
    let is_off = |code: &Code| code.is_lockdown() && !code.is_for_strangers();
    if symptom.error.as_ref().is_some_and(|error| is_off(&error.code)) {
        return "a plugin switched the REST API off, for whoever is not logged in or for all";
    }
    "the REST API is closed to whoever is not logged in, by a plugin that answers before any other"
}

/// What it means that somebody else than the REST server answered.
const fn by_answerer(by: AnsweredBy) -> Option<&'static str> {
    match by {
        AnsweredBy::Gate(_) => Some("a gate in front asks for a login of its own"),
        AnsweredBy::PhpFatal => Some("PHP breaks off; its error log says why"),
        AnsweredBy::Installer => Some("WordPress is not installed: it sends everybody to its installer"),
        AnsweredBy::NoDatabase => Some("WordPress cannot use its database"),
        AnsweredBy::Network => Some("the network of sites has none for this host"),
        AnsweredBy::Login => Some("everybody is sent to WordPress's login page, by a plugin most often"),
        _ => None,
    }
}

/// What an answer means that is not expected and that no rule explains.
#[must_use]
pub(super) fn reading(question: &Question, symptom: &Symptom, known: Known) -> Option<&'static str> {
    if let Some(words) = by_dialect(question, symptom, known) {
        return Some(words);
    }
    let step = &question.step;
    match (step, symptom.status.code(), symptom.answered_by) {
        (Step::With, ..) if symptom.code() == "jwt_auth_invalid_token" => {
            Some("the header arrives, changed or judged by another plugin")
        }
        (step, ..) if step.is_deep() => unlike_control(step),
        (Step::Routes | Step::Manual, ..) => {
            Some("which JWT plugin it is, or its version, is not told there")
        }
        (Step::Announced(..), ..) => Some("pages of that origin cannot; it matters where one wants to"),
        (Step::Stored, ..) => Some(
            "the reply to a credential was given to somebody who sent none: a cache stores it; keep requests with Authorization \
             out of it",
        ),
        _ if is_locked(symptom) => Some(by_lockdown(symptom)),
        (_, _, by) if by_answerer(by).is_some() => by_answerer(by),
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
        (Step::Index, ..) if symptom.html_for_rest && question.target.contains("rest_route=") => Some(
            "a page in place of the REST index, at the address that permalinks do not change: it is not WordPress, or somebody \
             shows this page to everybody",
        ),
        (Step::Index, ..) if symptom.html_for_rest => {
            Some("a page in place of the REST index: it is not WordPress, or its permalinks are plain")
        }
        _ => Some("not what a healthy site answers, and no rule explains it"),
    }
}
