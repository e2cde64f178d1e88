//! `Authorization` left one doctor and did not reach the next as it was: what lies between them did it.
//!
//! Each doctor signs what it saw, so the pair and the kind of change are proved. What is left to judge is whether the change
//! explains the reply. Gateways strip, swap and rename credentials on purpose, and a doctor behind may have restored the
//! header, so a change on a reply that it does not explain is a note. A name that is only spelled otherwise is the same
//! header (RFC 9110 §5.1); it matters to code that asks mod_php's `getallheaders()` for `Authorization`, and HAProxy and
//! HTTP/2 write small letters always, so it is told only where WordPress says that no header came.

use super::super::company::{client, controls, cure_at, lost, path, proof, testimony};
use super::super::{Desk, Finding, Mark, Place, Rule, Severity, Stop};
use super::explained;
use crate::evidence::{
    Change, Changed, Company, Crossing, Product, Scheme, Seen, Sighting, Sightings, Spelling, Symptom, Trail,
    Watched,
};

pub(in super::super) struct AuthorizationLostBetweenDoctors;

impl Rule for AuthorizationLostBetweenDoctors {
    fn id(&self) -> &'static str {
        "authorization-lost-between-doctors"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_lost_between_doctors.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref()?;
        let (crossing, changed) = company.first(Watched::Authorization)?;
        // What is lost on the way to PHP has rules of its own.
        if crossing.is_to_php() {
            return None;
        }
        let case = Case { trail, symptom, company, crossing, changed };
        match changed.change {
            Change::Added => None,
            Change::Respelled => self.respelled(&case),
            _ => self.lost(&case),
        }
    }
}

/// All that is known.
struct Case<'a> {
    trail: &'a Trail,
    symptom: &'a Symptom,
    company: &'a Company,
    crossing: &'a Crossing,
    changed: &'a Changed,
}

const SEEN: &str = "The token that the client sent was not judged. Do not rotate secrets";
const UNSEEN: &str = "Token not judged. Do not rotate secrets";

impl AuthorizationLostBetweenDoctors {
    fn lost(&self, case: &Case<'_>) -> Option<Finding> {
        let change = case.changed.change;
        let restored = case.restored();
        let is_cause = restored.is_none() && explained(change, case.trail, case.symptom);
        let doubt = restored.or_else(|| (!is_cause).then_some("the reply does not say that it matters"));
        let parts = [Some(case.testimony()), controls(case.crossing).map(Into::into), doubt.map(Into::into)];
        let because: Vec<String> = parts.into_iter().flatten().collect();
        let is_gone = matches!(change, Change::Missing | Change::Emptied | Change::Moved);
        let by_client = case.is_clients();
        Some(Finding {
            place: if by_client { Place::Client } else { Place::Edge },
            desk: if by_client { Desk::Frontend } else { Desk::Edge },
            severity: case.severity(is_cause),
            because: because.join("; "),
            path: case.path(),
            lost: lost(case.company, Watched::Authorization),
            cleared: case.cleared(is_cause),
            caution: match (is_cause, is_gone) {
                (false, _) => "",
                (true, true) => UNSEEN,
                (true, false) => SEEN,
            },
            cure: cure_at(self.text(), case.heading(), case.crossing),
            aside: !is_cause,
            ..Finding::of(self, proof(case.company), "any", case.summary(is_cause))?
        })
    }

    /// A name in another spelling: whether that is why WordPress found nothing is not said by anything, so it stands aside.
    fn respelled(&self, case: &Case<'_>) -> Option<Finding> {
        let Crossing { after, before, arrived, .. } = case.crossing;
        let spelling = arrived.and_then(|arrived| arrived.of(Watched::Authorization).once());
        let spelling = spelling.map(|seen| seen.spelling);
        let is_missed =
            case.symptom.refused_with("jwt_auth_no_auth_header") && spelling != Some(Spelling::Canonical);
        if !is_missed && spelling != Some(Spelling::Other) {
            return None;
        }
        let how = if spelling == Some(Spelling::Lower) { "in small letters" } else { "in other letters" };
        let because = if is_missed { MISSED } else { HARMLESS };
        Some(Finding {
            severity: if is_missed { Severity::Warning } else { Severity::Note },
            because: format!("{}; {because}", case.spelled()),
            path: case.path(),
            lost: lost(case.company, Watched::Authorization),
            cleared: vec!["client", "doctors"],
            cure: cure_at(self.text(), "re-spelled", case.crossing),
            aside: true,
            ..Finding::of(
                self,
                proof(case.company),
                "any",
                format!("the name Authorization is written {how} between {after} and {before}"),
            )?
        })
    }
}

const MISSED: &str = "code that asks getallheaders()['Authorization'] under mod_php misses it in this spelling; \
                      everything else reads it, so it may not be why WordPress found no header";
const HARMLESS: &str = "names are the same in any spelling, so the reply is not explained by it";

const KNOWN: &str = ", and WordPress judged the user of that";

impl Case<'_> {
    /// A gateway that logs in for its callers does so with a login that WordPress knows: then it may be meant.
    const fn severity(&self, is_cause: bool) -> Severity {
        match (is_cause, self.symptom.knows_user) {
            (false, _) => Severity::Note,
            (true, true) => Severity::Warning,
            (true, false) => Severity::Error,
        }
    }

    fn sent(&self) -> Option<Sighting> {
        self.crossing.sent.map(|sent| sent.of(Watched::Authorization))
    }

    fn arrived(&self) -> Option<Seen> {
        self.crossing.arrived?.of(Watched::Authorization).once()
    }

    /// Who put the header back, in words: a doctor behind the change.
    fn restored(&self) -> Option<&'static str> {
        let is_before = self.company.before.contains(self.crossing);
        let by_us = is_before && self.trail.treatment.recovered_from.is_some();
        let by_others = self.company.is_put_back(self.crossing, Watched::Authorization);
        (by_us || by_others).then_some("a doctor behind it restored the header")
    }

    fn signed(&self) -> String {
        testimony(self.company, self.crossing, Watched::Authorization)
    }

    /// How both doctors saw the name written.
    fn spelled(&self) -> String {
        let Crossing { after, before, sent, arrived, .. } = self.crossing;
        let seen = |at: &Option<Sightings>| at.and_then(|at| at.of(Watched::Authorization).once());
        match (seen(sent), seen(arrived)) {
            (Some(was), Some(is)) => {
                let (was, is) = (written(was.spelling), written(is.spelling));
                format!("with the same value it left {after} {was} and reached {before} {is}")
            }
            _ => self.signed(),
        }
    }

    /// The testimony; of what was moved also where it stands.
    fn testimony(&self) -> String {
        let signed = self.signed();
        match (self.changed.change, &self.changed.to) {
            (Change::Moved, Some(name)) => format!("{signed}, with the same value in {name}"),
            (Change::Moved, None) => format!("{signed}, with the same value in another header"),
            _ => signed,
        }
    }

    fn path(&self) -> Vec<Stop> {
        path(self.trail, self.symptom, self.company, self.crossing, Watched::Authorization)
    }

    fn cleared(&self, is_cause: bool) -> Vec<&'static str> {
        let client = client(self.trail, self.company, self.crossing, Watched::Authorization);
        let client = (client.mark == Mark::Good).then_some("client");
        let rest = ["doctors", "web server", "WordPress", "secret", "expiry"];
        let rest = if is_cause { rest.as_slice() } else { &["doctors"] };
        client.into_iter().chain(rest.iter().copied()).collect()
    }

    /// The heading of the cure: a product that betrayed itself, or the kind of the change. Marks on the request may be of
    /// an edge in front of both doctors, so only what changed between them tells.
    fn heading(&self) -> &'static str {
        let change = self.changed.change;
        let to = self.changed.to.as_ref().map(crate::evidence::OtherName::as_str);
        if to == Some("x-amzn-remapped-authorization") {
            return Product::ApiGateway.name();
        }
        let is_renamed = self.crossing.spoils(Watched::UserAgent);
        if self.trail.edge == Product::CloudFront && is_renamed && change == Change::Missing {
            return Product::CloudFront.name();
        }
        change.word()
    }

    fn summary(&self, is_cause: bool) -> String {
        let Crossing { after, before, .. } = self.crossing;
        let scheme = self.sent().and_then(Sighting::once).and_then(|seen| seen.scheme);
        let what = credential(scheme);
        let unseen = if is_cause { "WordPress never saw the " } else { "the " };
        let (it, pair) = (if is_cause { "; it" } else { "" }, format!("between {after} and {before}"));
        match self.changed.change {
            Change::Missing => format!("{unseen}{what}{it} is lost {pair}"),
            Change::Emptied => format!("{unseen}{what}{it} is emptied {pair}"),
            Change::Moved => {
                let to = self.changed.to.as_ref().map_or("another header", |name| name.as_str());
                format!("{unseen}{what}{it} is moved to {to} {pair}")
            }
            Change::Replaced => {
                let other = self.other(scheme);
                let known = if is_cause && self.symptom.knows_user { KNOWN } else { "" };
                format!("the {what} was replaced by {other} {pair}{known}")
            }
            Change::Duplicated => format!("one line with the {what} became several {pair}"),
            Change::Folded if self.is_clients() => {
                format!("the client sent several Authorization lines, and they were joined into one {pair}")
            }
            Change::Folded => format!("the {what} was joined with another value into one line {pair}"),
            Change::Truncated => format!("the {what} was cut short {pair}"),
            Change::Respelled | Change::Added => format!("Authorization was changed {pair}"),
        }
    }

    /// Whether the client sent several lines, of which no hop can make one that is right.
    fn is_clients(&self) -> bool {
        self.changed.change == Change::Folded && matches!(self.sent(), Some(Sighting::Several(_)))
    }

    /// What stands there now.
    fn other(&self, was: Option<Scheme>) -> &'static str {
        let is = self.arrived().and_then(|seen| seen.scheme);
        match is {
            Some(Scheme::Basic) if was == Some(Scheme::Basic) => "another login",
            Some(Scheme::Basic) => "a Basic login",
            Some(Scheme::Bearer) if was == Some(Scheme::Bearer) => "another token",
            Some(Scheme::Bearer) => "a Bearer token",
            _ => "another value",
        }
    }
}

/// How a name is written.
const fn written(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::Canonical => "as \"Authorization\"",
        Spelling::Lower => "as \"authorization\"",
        Spelling::Other => "in other letters",
    }
}

/// A credential of this scheme, in a word.
const fn credential(scheme: Option<Scheme>) -> &'static str {
    match scheme {
        Some(Scheme::Bearer | Scheme::BearerOtherCase) => "token",
        Some(Scheme::Basic) => "login",
        _ => "credential",
    }
}
