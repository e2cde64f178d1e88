//! A header that one doctor did not send arrived at the next: a hop between them put it there.
//!
//! Most additions are meant and harm nobody: a gateway logs in for its callers, a proxy says how the client came. What matters
//! is an addition that WordPress refused: a credential that it judged in the place of the client's, a login cookie beside an
//! application password (the cookie wins, and without a nonce makes the caller anonymous), a nonce (refused whoever asks,
//! also on public routes), a `Content-Type` that the body does not have. The others are not told.

use super::super::company::{cure_at, lost, path, proof, testimony};
use super::super::{Finding, Rule, Severity};
use super::explained;
use crate::evidence::{
    AnsweredBy, Change, Company, Credential, Crossing, RouteClass, Session, Sighting, Symptom, Trail, Watched,
};

pub(in super::super) struct HeaderAddedOnTheWay;

impl Rule for HeaderAddedOnTheWay {
    fn id(&self) -> &'static str {
        "header-added-on-the-way"
    }

    fn text(&self) -> &'static str {
        include_str!("header_added_on_the_way.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref()?;
        let added = |header: Watched| {
            let (crossing, changed) = company.first(header)?;
            let is_added = changed.change == Change::Added && has_value(crossing, header);
            let harm = is_added.then(|| harm(header, trail, symptom, company)).flatten()?;
            Some((header, crossing, harm))
        };
        let (header, crossing, harm) = Watched::ALL.into_iter().find_map(added)?;
        let name = header.name().canonical();
        let (after, before) = (&crossing.after, &crossing.before);
        let summary = format!("{name} was added between {after} and {before}{}", harm.words());
        let because = format!("{}; {}", testimony(company, crossing, header), harm.because());
        let is_cause = harm != Harm::Untold;
        Some(Finding {
            severity: if is_cause { Severity::Error } else { Severity::Note },
            because,
            path: path(trail, symptom, company, crossing, header),
            lost: lost(company, header),
            cleared: if is_cause {
                vec!["client", "doctors", "web server", "WordPress", "secret", "expiry"]
            } else {
                vec!["doctors"]
            },
            caution: if harm == Harm::Credential {
                "The client's own credential was not judged. Do not rotate secrets"
            } else {
                ""
            },
            cure: cure_at(self.text(), heading(header), crossing),
            aside: !is_cause,
            ..Finding::of(self, proof(company), "any", summary)?
        })
    }
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Nothing that the reply tells of.
    Untold,
    /// A credential that was refused.
    Credential,
    /// A login cookie that outdid the credential.
    Cookie,
    /// A nonce that is none of this caller's.
    Nonce,
    /// A body taken for what it is not.
    Body,
}

impl Harm {
    const fn words(self) -> &'static str {
        match self {
            Self::Untold => "",
            Self::Credential => ", and was refused in the place of the client's",
            Self::Cookie => ", and a login cookie outdoes the credential",
            Self::Nonce => ", and WordPress refuses it whoever asks",
            Self::Body => ", and the body is not what it says",
        }
    }

    const fn because(self) -> &'static str {
        match self {
            Self::Untold => "the reply does not say that it matters",
            Self::Credential => "the reply refuses a credential that the client did not send so",
            Self::Cookie => "without a valid nonce a login cookie makes the caller anonymous",
            Self::Nonce => "WordPress checks a nonce that is there, also without a cookie",
            Self::Body => "WordPress could not read the body as JSON",
        }
    }
}

/// What arrived without a value changes nothing.
fn has_value(crossing: &Crossing, header: Watched) -> bool {
    let arrived = crossing.arrived.map(|arrived| arrived.of(header));
    !matches!(arrived, Some(Sighting::Absent | Sighting::Empty))
}

fn harm(header: Watched, trail: &Trail, symptom: &Symptom, company: &Company) -> Option<Harm> {
    match header {
        Watched::Authorization if is_refused(trail, symptom) => Some(Harm::Credential),
        Watched::Authorization => Some(Harm::Untold),
        Watched::Cookie => outdoes(trail, symptom, company).then_some(Harm::Cookie),
        Watched::WpNonce => symptom.refused_with("rest_cookie_invalid_nonce").then_some(Harm::Nonce),
        Watched::ContentType => {
            let is_unread = symptom.status.code() == 400 && symptom.code() == "rest_invalid_json";
            is_unread.then_some(Harm::Body)
        }
        Watched::Origin | Watched::UserAgent | Watched::Host | Watched::ForwardedProto => None,
    }
}

/// Whether the reply refuses what was added. Where WordPress only says that it knows nobody, it would have said so without it,
/// unless the route is open to all or a session came along.
fn is_refused(trail: &Trail, symptom: &Symptom) -> bool {
    let is_open = trail.route.class == RouteClass::Public || trail.session == Session::WithNonce;
    let is_judged =
        super::names_the_credential(symptom) || matches!(symptom.answered_by, AnsweredBy::Gate(_));
    explained(Change::Added, trail, symptom) && (is_open || is_judged)
}

/// Whether a cookie that was added can be a login cookie that took the place of a credential. The doctor behind it sees
/// which cookie it is; the one in front cannot.
fn outdoes(trail: &Trail, symptom: &Symptom, company: &Company) -> bool {
    let is_login = company.before.is_empty() || trail.session != Session::None;
    // The JWT plugins judge a token before any login cookie.
    let is_beaten = trail.credential == Credential::Basic && trail.session == Session::WithoutNonce;
    let is_refused =
        symptom.refused_with("rest_cookie_invalid_nonce") || (is_beaten && symptom.is_permission(401));
    is_login && is_refused && !symptom.from_cache
}

/// The heading of the cure.
const fn heading(header: Watched) -> &'static str {
    match header {
        Watched::Authorization => "Authorization",
        Watched::Cookie => "Cookie",
        _ => "any",
    }
}
