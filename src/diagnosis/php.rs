//! What PHP itself says of `Authorization`, for the rules that speak of it: where the value that was sent stands there, or does not.
//!
//! The plugin in PHP signs what it saw, and the doctor knows what it sent, so the loss is proved, and so is its kind.

use super::answerer::keeps_authorization;
use super::company::{controls, cure_at, lost, path, proof, testimony};
use super::readings::explained;
use super::{Finding, Rule, Severity};
use crate::evidence::{
    Change, Changed, Company, Crossing, Hop, OtherName, Product, Reached, Scheme, Sighting, Software,
    Spelling, Symptom, Trail, Watched,
};

/// The way to PHP, and what happened to `Authorization` on it.
#[derive(Clone, Copy)]
pub(super) struct Harm<'a> {
    trail: &'a Trail,
    symptom: &'a Symptom,
    company: &'a Company,
    crossing: &'a Crossing,
    pub(super) changed: &'a Changed,
}

/// Whether PHP said that a header arrived with its value.
pub(super) fn has_arrived(trail: &Trail, header: Watched) -> bool {
    let way = trail.company.as_deref().and_then(|company| company.php.as_ref());
    way.is_some_and(|way| {
        let is_there = way.arrived.is_some_and(|arrived| arrived.of(header).once().is_some());
        is_there && !way.spoils(header)
    })
}

impl<'a> Harm<'a> {
    /// Nothing where PHP did not answer, where it arrived, where it was changed before the last doctor already, and where PHP itself
    /// was asked, so that no server stands between that could have done it.
    pub(super) fn of(trail: &'a Trail, symptom: &'a Symptom) -> Option<Self> {
        let company = trail.company.as_deref()?;
        let (crossing, changed) = company.first(Watched::Authorization)?;
        (crossing.is_to_php() && !trail.memory.direct).then_some(Self {
            trail,
            symptom,
            company,
            crossing,
            changed,
        })
    }

    /// Whether the reply comes of it.
    pub(super) fn explains(&self) -> bool {
        explained(self.changed.change, self.trail, self.symptom)
    }

    /// The finding of a rule, with the cure under this heading: a server, or a kind of harm, which is told with its place.
    pub(super) fn found(&self, rule: &dyn Rule, heading: &str, summary: String) -> Option<Finding> {
        let is_cause = self.explains();
        let details = [
            Some(testimony(self.company, self.crossing, Watched::Authorization)),
            self.detail().map(str::to_owned),
            controls(self.crossing).map(str::to_owned),
            (!is_cause).then(|| "the reply does not say that it matters".to_owned()),
        ];
        let finding = Finding::of(rule, proof(self.company), heading, summary)?;
        Some(Finding {
            severity: if is_cause { finding.severity } else { Severity::Note },
            because: details.into_iter().flatten().collect::<Vec<_>>().join("; "),
            path: path(self.trail, self.symptom, self.company, self.crossing, Watched::Authorization),
            lost: lost(self.company, Watched::Authorization),
            cleared: if is_cause { CLEARED.to_vec() } else { vec!["client"] },
            caution: if is_cause { CAUTION } else { "" },
            cure: if KINDS.contains(&heading) {
                cure_at(rule.text(), heading, self.crossing)
            } else {
                finding.cure
            },
            aside: !is_cause,
            ..finding
        })
    }

    /// Where in PHP the value stands, where this doctor asked itself.
    pub(super) fn reached(&self) -> Option<&Reached> {
        self.trail.php.as_ref().and_then(|php| php.reached.as_ref())
    }

    /// A word about what stands there instead.
    fn detail(&self) -> Option<&'static str> {
        match self.reached()? {
            Reached::OnlyInAllHeaders(Spelling::Canonical) => {
                Some("getallheaders()['Authorization'] has it, which WordPress does not ask")
            }
            Reached::OnlyInAllHeaders(_) => Some(
                "getallheaders() has it in another spelling of its name, so ['Authorization'] finds nothing there either",
            ),
            Reached::OnlyItsType => Some("AUTH_TYPE is there, so the web server read the header and kept it"),
            Reached::RedirectedTwice => {
                Some("REDIRECT_REDIRECT_HTTP_AUTHORIZATION has it, which nobody reads")
            }
            Reached::Emptied => Some(
                "HTTP_AUTHORIZATION is there without a value, as of a rule that copies what is not there",
            ),
            _ => None,
        }
    }

    pub(super) fn pair(&self) -> String {
        format!("between {} and PHP", self.crossing.after)
    }

    /// Where the value stands now, of one that was moved.
    pub(super) fn to(&self) -> &str {
        self.changed.to.as_ref().map_or("another name", OtherName::as_str)
    }

    /// The heading of the cure for what is lost.
    pub(super) fn heading(&self) -> &'static str {
        match (self.changed.change, self.reached()) {
            (_, Some(Reached::OnlyInAllHeaders(Spelling::Canonical))) => "Apache (mod_php)",
            (_, Some(Reached::OnlyInAllHeaders(_))) => "re-spelled",
            (_, Some(Reached::OnlyItsType)) => "HAProxy",
            (Change::Moved, _) if self.to().starts_with("redirect") => "redirected twice",
            (Change::Moved, _) => "moved",
            (Change::Emptied, _) => "emptied",
            _ if self.trail.php.as_ref().is_some_and(|php| php.saw.is_mod_php()) => "Apache (mod_php)",
            _ => match product(self.symptom) {
                "Apache (PHP-FPM)" if self.trail.php.as_ref().is_some_and(|php| php.saw.is_cgi()) => {
                    "Apache (CGI)"
                }
                product => product,
            },
        }
    }

    /// The credential that was sent, in a word.
    pub(super) fn what(&self) -> &'static str {
        let sent = self.crossing.sent.map(|sent| sent.of(Watched::Authorization));
        let sent = sent
            .or_else(|| self.trail.sighting(&Hop::Doctor, Watched::Authorization))
            .and_then(Sighting::once);
        credential(sent.and_then(|sent| sent.scheme))
    }

    /// What arrived in its place.
    pub(super) fn other(&self) -> &'static str {
        let arrived = self.crossing.arrived.map(|arrived| arrived.of(Watched::Authorization));
        match arrived.and_then(Sighting::once).and_then(|seen| seen.scheme) {
            Some(Scheme::Basic) => "a Basic login",
            Some(Scheme::Bearer | Scheme::BearerOtherCase) => "another token",
            _ => "another value",
        }
    }
}

/// Headings of cures that name no server.
const KINDS: &[&str] = &["emptied", "moved", "redirected twice", "re-spelled", "login"];

const CLEARED: &[&str] = &["client", "doctor", "WordPress", "secret", "expiry"];

const CAUTION: &str = "Token not judged. Do not rotate secrets";

const fn credential(scheme: Option<Scheme>) -> &'static str {
    match scheme {
        Some(Scheme::Bearer | Scheme::BearerOtherCase) => "token",
        Some(Scheme::Basic) => "login",
        _ => "credential",
    }
}

/// The heading of the cure: the hop that keeps the header by default, where one betrays itself; else the web server, else whatever
/// stands there.
pub(super) fn product(symptom: &Symptom) -> &'static str {
    match symptom.software {
        _ if keeps_authorization(symptom.product) => symptom.product.name(),
        // Both pass it on by themselves; what Varnish was told stands in front.
        Software::Nginx if symptom.product == Product::Varnish => symptom.product.name(),
        Software::Nginx => "nginx",
        Software::Apache if symptom.mod_php => "Apache (mod_php)",
        Software::Apache => "Apache (PHP-FPM)",
        Software::LiteSpeed => "LiteSpeed",
        Software::Caddy => "Caddy",
        Software::Unknown => symptom.product.name(),
    }
}
