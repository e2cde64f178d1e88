//! What the company of doctors does to findings: whose ground it takes away, and whose names a path bears.
//!
//! Both are done here, once, for all rules. Where doctors proved that a header was changed between two of them, what
//! another rule reads out of the changed value, or out of its absence, has no ground: the reply is not about what the
//! client sent. So such findings are dropped, and doctors on either side of the change say the same. And where a header
//! passed several doctors unchanged, the path names each of them.

use std::borrow::Cow;

use super::{Desk, Finding, Lost, Mark, Place, Proof, Stop};
use crate::evidence::{Change, Company, Crossing, Hop, HopName, Return, Sighting, Symptom, Trail, Watched};

/// A cause that only a company can prove, and what is concluded from nothing else than its effects.
struct Cause {
    rule: &'static str,
    /// The header that it must have changed; nothing where that does not matter.
    header: Option<Watched>,
    explains: &'static [&'static str],
}

/// What is read out of `Authorization`, or out of its absence.
const OF_THE_CREDENTIAL: &[&str] = &[
    "authorization-twice",
    "gate-in-front",
    "authorization-lost-before-doctor",
    "odd-name-dropped",
    "preflight-promise-broken",
    "refusal-from-cache",
    "authenticated-reply-cached",
    "login-page-in-front",
    "authorization-lost-before-php",
    "placeholder-token",
    "stale-token-on-public-route",
    "bearer-scheme-wrong",
    "token-wrapped",
    "token-not-a-jwt",
    "token-expired",
    "token-not-yet-valid",
    "token-algorithm-refused",
    "token-signature-refused",
    "token-issuer-mismatch",
    "login-refused",
    "login-body-unread",
    "login-overwritten-message",
    "permission-refused",
    "signature-removed-by-google",
    "authorization-replaced",
    "gate-login-reaches-wordpress",
    "basic-taken-by-old-jwt-plugin",
    "application-passwords-need-https",
    "application-passwords-off",
    "basic-unreadable",
    "cookie-beats-basic",
    "application-password-refused",
    "token-cut-short",
    "bearer-of-another-plugin",
    "token-of-another-site",
    "issuer-flips-with-https",
    "token-of-another-plugin",
    "error-page-hides-code",
    "firewall-blocked",
    "nonce-refused",
    "cookie-without-nonce",
    "token-obsolete",
    "oauth-token-refused",
    "rest-locked-down",
    "user-deleted-after-issue",
    "validate-accepts-route-refuses",
    "validate-refuses-route-accepts",
    "valid-tokens-lost",
    "stale-token-after-refresh",
    "jwt-secret-differs-between-nodes",
    "clock-ahead-on-node",
    "clock-behind-on-node",
];

/// What is read out of the address that WordPress gives itself.
const OF_THE_ADDRESS: &[&str] = &[
    "redirect-drops-authorization",
    "token-issuer-mismatch",
    "token-of-another-site",
    "issuer-flips-with-https",
    "application-passwords-need-https",
    "redirect-changes-method",
    "forwarded-proto-untrusted",
];

/// What is read out of a reply without `Access-Control-Allow-Origin`.
const OF_THE_ORIGIN: &[&str] = &["cors-headers-wrong", "cors-headers-missing-on-error", "preflight-blocked"];

/// What is read out of the reply for the page that asked.
const OF_THE_PAGE: &[&str] = &[
    "cors-headers-doubled",
    "cors-headers-missing-on-error",
    "cors-headers-wrong",
    "error-hidden-as-cors",
    "preflight-blocked",
    "preflight-cached-wrongly",
    "preflight-closed-by-plugin",
    "preflight-header-unlisted",
    "preflight-method-refused",
    "preflight-method-unlisted",
    "preflight-needs-login",
    "preflight-redirected",
    "preflight-wildcard",
];

/// What is read out of a nonce, or out of its absence.
const OF_THE_NONCE: &[&str] = &["nonce-refused", "cookie-without-nonce"];

const CAUSES: [Cause; 11] = [
    Cause { rule: "report-of-another-exchange", header: None, explains: OF_THE_CREDENTIAL },
    Cause { rule: "report-of-another-exchange", header: None, explains: OF_THE_ADDRESS },
    Cause { rule: "report-of-another-exchange", header: None, explains: OF_THE_PAGE },
    Cause { rule: "authorization-lost-between-doctors", header: None, explains: OF_THE_CREDENTIAL },
    Cause { rule: "header-added-on-the-way", header: None, explains: OF_THE_CREDENTIAL },
    Cause { rule: "origin-header-stripped", header: None, explains: OF_THE_ORIGIN },
    of_header(Watched::Cookie, OF_THE_CREDENTIAL),
    of_header(Watched::WpNonce, OF_THE_NONCE),
    of_header(Watched::ContentType, OF_THE_CREDENTIAL),
    of_header(Watched::Host, OF_THE_ADDRESS),
    of_header(Watched::ForwardedProto, OF_THE_ADDRESS),
];

const fn of_header(header: Watched, explains: &'static [&'static str]) -> Cause {
    Cause { rule: "header-changed-between-doctors", header: Some(header), explains }
}

impl Cause {
    /// Whether it is what the finding says, and explains the reply.
    fn is(&self, finding: &Finding) -> bool {
        let is_header = || finding.lost.as_ref().map(|lost| lost.header) == self.header;
        finding.rule == self.rule && !finding.aside && (self.header.is_none() || is_header())
    }
}

/// Drops what a proved change explains: no second culprit for the same loss.
pub(super) fn settle(findings: &mut Vec<Finding>) {
    let is_known = |cause: &&Cause| findings.iter().any(|finding| cause.is(finding));
    let explained: Vec<_> = CAUSES.iter().filter(is_known).flat_map(|cause| cause.explains).collect();
    findings.retain(|finding| !explained.contains(&&finding.rule));
}

/// Puts the doctors by their names where a finding speaks of "doctor" alone.
pub(super) fn name(finding: &mut Finding, trail: &Trail) {
    let Some(company) = accompanied(trail) else {
        if trail.memory.probe {
            be_the_client(finding);
        }
        return;
    };
    let doctors = doctors(company);
    if let Some(place) = finding.path.iter().position(|stop| stop.hop == Hop::Doctor) {
        let alone = finding.path.remove(place);
        let is_loss = finding.lost.as_ref().is_some_and(|lost| lost.header == Watched::Authorization);
        // A probe that signs is a doctor by the name of the client, who stands there already.
        let is_own = |name: &HopName| *name == company.own && !trail.memory.probe;
        let others = doctors.iter().filter(|name| name.as_str() != "client" || is_own(name));
        let stops = others.map(|name| station(name, &alone, is_loss, company));
        let stops: Vec<_> = stops.collect();
        finding.path.splice(place..place, stops);
    }
    let named = |hop: &mut Hop, name: Option<&&HopName>| {
        if let Some(name) = name.filter(|_| *hop == Hop::Doctor) {
            *hop = Hop::Named((*name).clone());
        }
    };
    if let Some(Lost { after, before, .. }) = &mut finding.lost {
        named(after, doctors.last());
        named(before, doctors.first());
    }
}

/// Where the doctor asked by itself it is the client, and there is no way between the two to speak of.
fn be_the_client(finding: &mut Finding) {
    finding.path.retain(|stop| stop.hop != Hop::Doctor);
    finding.cleared.retain(|cleared| *cleared != "doctor");
    for hop in finding.lost.iter_mut().flat_map(|lost| [&mut lost.after, &mut lost.before]) {
        if *hop == Hop::Doctor {
            *hop = Hop::Client;
        }
    }
}

/// What the line says of a doctor: of this one what the rule says, of another one the same where the header passed
/// between them unchanged.
fn station(name: &HopName, alone: &Stop, is_loss: bool, company: &Company) -> Stop {
    let hop = Hop::Named(name.clone());
    if *name == company.own {
        return Stop { hop, name: Cow::Owned(name.as_str().to_owned()), ..alone.clone() };
    }
    let is_same = is_unchanged(company) && (alone.mark == Mark::Good || is_loss);
    Stop::new(hop, if is_same { alone.mark } else { Mark::Unknown })
}

/// The company, where another doctor told what it saw.
pub(super) fn accompanied(trail: &Trail) -> Option<&Company> {
    trail.company.as_deref().filter(|company| company.crossings().next().is_some())
}

/// Whether the reply is the reply to another request, by the word of the doctor that made the report.
pub(super) fn is_of_another(trail: &Trail) -> bool {
    trail.company.as_deref().is_some_and(|company| company.report == Return::Another)
}

/// Whether `Authorization` passed between all doctors with its value.
pub(super) fn is_unchanged(company: &Company) -> bool {
    !company.crossings().any(|crossing| crossing.spoils(Watched::Authorization))
}

/// The doctors in the order of the path; this one alone where no other told anything.
pub(super) fn doctors(company: &Company) -> Vec<&HopName> {
    let first = company.crossings().next().map_or(&company.own, |crossing| &crossing.after);
    [first].into_iter().chain(company.crossings().map(|crossing| &crossing.before)).collect()
}

/// The doctors of the path with the mark of each, when a header was changed in this crossing.
fn stations(company: &Company, at: &Crossing) -> Vec<Stop> {
    let unharmed = 1 + company.crossings().take_while(|crossing| *crossing != at).count();
    let mark = |place| if place < unharmed { Mark::Good } else { Mark::Bad };
    let doctors = doctors(company).into_iter().enumerate();
    doctors.map(|(place, name)| Stop::new(Hop::Named(name.clone()), mark(place))).collect()
}

/// The client, the doctors, and what stands behind them, when a header was changed in this crossing.
pub(super) fn path(
    trail: &Trail,
    symptom: &Symptom,
    company: &Company,
    at: &Crossing,
    header: Watched,
) -> Vec<Stop> {
    let mut path = vec![client(trail, company, at, header)];
    path.extend(stations(company, at));
    // A probe that signs is a doctor by the name of the client.
    if path.get(1).is_some_and(|first| first.name == "client") {
        path.remove(0);
    }
    path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
    let is_harmed = at.is_to_php() && at.change(header).is_some();
    path.push(Stop::new(Hop::Php, if is_harmed { Mark::Bad } else { Mark::Unknown }));
    path
}

/// The client's header was in order as far as the first doctor saw one.
pub(super) fn client(trail: &Trail, company: &Company, at: &Crossing, header: Watched) -> Stop {
    let stop = |mark| Stop::new(Hop::Client, mark);
    let sent = at.sent.map(|sent| sent.of(header));
    let is_ours = company.before.is_empty();
    let is_added = at.change(header).is_some_and(|changed| changed.change == Change::Added);
    let is_unseen =
        !is_added && trail.sighting(&Hop::Client, header).is_some_and(|seen| seen.once().is_none());
    match sent {
        Some(Sighting::Several(count)) => stop(Mark::Bad).noted(format!("{count} lines")),
        _ if is_ours && is_unseen => stop(Mark::Unknown),
        _ => stop(Mark::Good),
    }
}

/// What is blamed for a change on this way: behind the last doctor the web server, between two of them whatever stands there.
pub(super) fn place(crossing: &Crossing) -> Place {
    if crossing.is_to_php() { Place::WebServer } else { Place::Edge }
}

/// Whose desk that is.
pub(super) fn desk(crossing: &Crossing) -> Desk {
    if crossing.is_to_php() { Desk::Platform } else { Desk::Edge }
}

/// How sure a change is that a company tells of.
pub(super) const fn proof(company: &Company) -> Proof {
    if company.is_signed { Proof::Proved } else { Proof::Likely }
}

/// The pair and the change, for the log.
pub(super) fn lost(company: &Company, header: Watched) -> Option<Lost> {
    let (crossing, changed) = company.first(header)?;
    Some(Lost {
        header,
        change: changed.change,
        after: Hop::Named(crossing.after.clone()),
        before: if crossing.is_to_php() { Hop::Php } else { Hop::Named(crossing.before.clone()) },
    })
}

/// What both doctors testify of a header: `edge signed "Bearer, 312 B", sidecar signed "absent"`.
pub(super) fn testimony(company: &Company, crossing: &Crossing, header: Watched) -> String {
    let (after, before) = (&crossing.after, crossing.to());
    let did = if company.is_signed { "signed" } else { "logged" };
    match (&crossing.sent, &crossing.arrived) {
        (Some(sent), Some(arrived)) => {
            let (sent, arrived) = (sent.of(header), arrived.of(header));
            format!("{after} {did} \"{sent}\", {before} {did} \"{arrived}\"")
        }
        _ if crossing.is_to_php() => {
            format!("{after} compared what it sent with what PHP {did}, and {did} the difference")
        }
        _ => format!("{before} compared what {after} {did} with what arrived, and {did} the difference"),
    }
}

/// The headers whose arrival shows that not everything was replaced.
pub(super) fn controls(crossing: &Crossing) -> Option<&'static str> {
    let (sent, arrived) = (crossing.sent.as_ref()?, crossing.arrived.as_ref()?);
    let came = |header: Watched| {
        let is_there = sent.of(header).once().is_some() && arrived.of(header).once().is_some();
        is_there && !crossing.spoils(header)
    };
    match (came(Watched::Cookie), came(Watched::UserAgent)) {
        (true, true) => Some("cookie and user-agent arrived"),
        (true, false) => Some("cookie arrived"),
        (false, true) => Some("user-agent arrived"),
        (false, false) => None,
    }
}

/// The cure under a heading of a rule's text that is no product, with the place in front.
pub(super) fn cure_at(text: &str, heading: &str, crossing: &Crossing) -> String {
    cure_between(text, heading, crossing.after.as_str(), crossing.to())
}

/// The same, by the names of the two doctors.
#[must_use]
pub fn cure_between(text: &str, heading: &str, after: &str, before: &str) -> String {
    let parsed = super::Text::parse(text).ok();
    let line = parsed.and_then(|text| text.cure(heading).map(|cure| cure.line)).unwrap_or_default();
    format!("between {after} and {before}: {line}")
}

#[cfg(test)]
mod tests {
    use super::super::{Finding, Mark, Proof, Rule, Stop, rule};
    use super::{name, path, settle};
    use crate::evidence::{Change, Changed, Company, Crossing, Hop, HopName, Symptom, Trail, Watched, look};
    use crate::message::{Fields, ReplyHead, RequestHead, Status};
    use crate::moment::Moment;
    use crate::secret::Key;

    fn finding(id: &str) -> Finding {
        let rule: &dyn Rule = rule(id).unwrap();
        Finding::of(rule, Proof::Proved, "any", "x").unwrap()
    }

    fn crossing(after: &str, before: &str, change: Option<Change>) -> Crossing {
        let hop = |text: &str| HopName::new(text).unwrap();
        let changed = |change| Changed { header: Watched::Authorization, change, to: None };
        let changes = change.map(changed).into_iter().collect();
        Crossing { after: hop(after), before: hop(before), sent: None, arrived: None, changes }
    }

    /// Four doctors, of which the third judges.
    fn trail(change: Option<Change>) -> Trail {
        let request = RequestHead::build("GET", "/", Fields::from([("Authorization", "Bearer a.b.c")]));
        let seen = look(&request.fields);
        let mut trail = Trail::read(&request, &seen, &seen, &Key::from_bytes(&[1; 32]));
        trail.company = Some(Box::new(Company {
            before: vec![crossing("client", "edge", None), crossing("edge", "inner", change)],
            behind: vec![crossing("inner", "sidecar", None)],
            ..Company::of(HopName::new("inner").unwrap())
        }));
        trail
    }

    fn line(path: &[Stop]) -> String {
        let mark = |stop: &Stop| match stop.mark {
            Mark::Good => '+',
            Mark::Bad => '-',
            Mark::Unknown => '?',
        };
        path.iter().map(|stop| format!("{}{} ", stop.name, mark(stop))).collect()
    }

    #[test]
    fn every_doctor_has_its_place_and_mark() {
        let trail = trail(Some(Change::Missing));
        let company = trail.company.as_deref().unwrap();
        let (at, _) = company.first(Watched::Authorization).unwrap();
        let request = RequestHead::build("GET", "/", Fields::new());
        let reply = ReplyHead::build(Status::new(401).unwrap(), Fields::new());
        let symptom = Symptom::read(&request, &reply, b"", Moment::default());
        let told = path(&trail, &symptom, company, at, Watched::Authorization);
        assert_eq!(line(&told), "client+ edge+ inner- sidecar- web server? PHP? ");
    }

    #[test]
    fn doctors_of_one_name_are_told_apart_by_their_place() {
        let mut trail = trail(None);
        trail.company = Some(Box::new(Company {
            before: vec![crossing("doctor", "doctor", Some(Change::Missing))],
            ..Company::of(HopName::default())
        }));
        let company = trail.company.as_deref().unwrap();
        let (at, _) = company.first(Watched::Authorization).unwrap();
        let stations = super::stations(company, at);
        assert_eq!(line(&stations), "doctor+ doctor- ");
    }

    #[test]
    fn a_doctor_alone_in_a_path_becomes_all_of_them() {
        let named = |change, mark| {
            let mut told = finding("permission-refused");
            told.path = vec![Stop::new(Hop::Client, Mark::Good), Stop::new(Hop::Doctor, mark).noted("x")];
            name(&mut told, &trail(change));
            line(&told.path)
        };
        assert_eq!(named(None, Mark::Good), "client+ edge+ inner+ sidecar+ ");
        assert_eq!(named(None, Mark::Bad), "client+ edge? inner- sidecar? ");
        assert_eq!(named(Some(Change::Replaced), Mark::Good), "client+ edge? inner+ sidecar? ");
    }

    #[test]
    fn what_explains_nothing_drops_nothing() {
        let settled = |aside| {
            let cause = Finding { aside, ..finding("authorization-lost-between-doctors") };
            let mut findings = vec![cause, finding("token-expired"), finding("cors-headers-wrong")];
            settle(&mut findings);
            findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
        };
        let all = ["authorization-lost-between-doctors", "token-expired", "cors-headers-wrong"];
        assert_eq!(settled(true), all);
        assert_eq!(settled(false), ["authorization-lost-between-doctors", "cors-headers-wrong"]);
    }

    #[test]
    fn causes_and_what_they_explain_are_rules() {
        for cause in super::CAUSES {
            assert!(rule(cause.rule).is_some(), "{}", cause.rule);
            for explained in cause.explains {
                assert!(rule(explained).is_some(), "{explained}");
            }
        }
    }
}
