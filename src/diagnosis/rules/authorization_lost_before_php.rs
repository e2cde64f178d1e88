//! `Authorization` left the doctor and did not reach WordPress.
//!
//! `jwt_auth_no_auth_header` says that WordPress found no header. Any value that arrives, in whatever spelling,
//! gets another code (`validate_token` in `class-jwt-auth-public.php`), so with our own sighting of a value sent
//! the loss is sure; that it is the web server's is not, hence `likely`. Basic is left out: PHP takes it apart into
//! `PHP_AUTH_USER`, and mod_php then gives WordPress the login although the header is gone.
//!
//! A 401 `rest_*` is weaker: WordPress took the request for anonymous. A deleted user, a site without a JWT plugin
//! or one whose plugin swallows bad tokens (usefulteam/jwt-auth 3) answers alike, so it is `possible`, and only
//! for a token that should have been taken: exact `Bearer`, readable, whole, in its time and not another site's. An expired one is
//! `token-expired`'s, since the client needs a new one whatever else is wrong. A wrong Basic login looks the same
//! as a lost one and is never called lost. Nor is anything else for a while after the same upstream accepted a
//! credential of the same scheme on the same form of URL: then the path is clear. Where the doctor asks PHP itself, nothing
//! stands between them that could lose it.
//!
//! Where PHP itself says what it has (`php-hop`), the loss is proved, its kind is known, and a Basic login is told as well; where PHP says
//! that the header arrived, nothing is called lost whatever the reply is.
//!
//! Where the doctor asked `token/validate` by itself lately, its answer decides what is only possible.
//!
//! Where the very same request arrives when it is sent straight to the origin, the loss is proved, and it is before the origin.

use super::super::answerer::keeps_authorization;
use super::super::company::doctors;
use super::super::php::{Harm, has_arrived, product};
use super::super::{Desk, Finding, Lost, Mark, Place, Proof, Rule, Severity, Stop};
use super::{ago, ask_validate, foreign, is_accompanied, last_doctor, untouched};
use crate::evidence::{
    AnsweredBy, Change, Claims, Credential, Difference, Hop, HopName, Opinion, OtherWay, Product, Software,
    Symptom, Token, Trail, Watched,
};

pub(in super::super) struct AuthorizationLostBeforePhp;

impl Rule for AuthorizationLostBeforePhp {
    fn id(&self) -> &'static str {
        "authorization-lost-before-php"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_lost_before_php.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let sent = trail.sighting(&Hop::Doctor, Watched::Authorization)?;
        sent.once()?;
        if let Some(harm) = Harm::of(trail, symptom) {
            return self.by_php(&harm);
        }
        if has_arrived(trail, Watched::Authorization) {
            return None;
        }
        let proof = proof(trail, symptom)?;
        if trail.memory.other_way == Some(OtherWay::Behind) {
            return self.before_the_origin(trail, symptom, &sent.to_string());
        }
        let likely = proof == Proof::Likely;
        let last = last_doctor(trail);
        let seen = seen(trail, &sent.to_string());
        let mut path = untouched(trail);
        let is_edges = keeps_authorization(symptom.product);
        if is_edges {
            path.push(Stop::new(Hop::Edge, Mark::Unknown).named(symptom.product.name()));
        }
        path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
        path.push(Stop::new(Hop::Php, if likely { Mark::Bad } else { Mark::Unknown }));
        let (summary, because) = if likely {
            (
                format!("WordPress never saw the token; it is lost between {last} and PHP"),
                match trail.past.opinion {
                    Some((Opinion::Lost, time)) => {
                        format!("{seen}; a Bearer of the doctor's own was lost the same way {}", ago(time))
                    }
                    _ => format!("{seen}, and WordPress says that it found no Authorization"),
                },
            )
        } else {
            (
                format!(
                    "a good-looking token was sent, but WordPress took the caller for anonymous; it may be lost between \
                     {last} and PHP"
                ),
                format!("{seen}; a deleted user or no JWT plugin would look the same"),
            )
        };
        let finding = Finding::of(self, proof, product(symptom), summary)?;
        let (place, desk) = if is_edges { (Place::Edge, Desk::Edge) } else { (finding.place, finding.desk) };
        Some(Finding {
            place,
            desk,
            severity: if likely { Severity::Error } else { Severity::Warning },
            because,
            path,
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Missing,
                after: Hop::Doctor,
                before: Hop::Php,
            }),
            cleared: cleared(trail, likely),
            caution: if likely { CAUTION } else { CAUTION_FOR_NOW },
            decide: (!likely).then(|| ask_validate(trail, "header-doctor", READING)),
            ..finding
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        super::OF_THE_CREDENTIAL_IN_PHP
    }
}

impl AuthorizationLostBeforePhp {
    /// PHP says itself that it did not arrive, and in which way.
    fn by_php(&self, harm: &Harm<'_>) -> Option<Finding> {
        let (what, pair) = (harm.what(), harm.pair());
        let (unseen, it) = if harm.explains() { ("WordPress never saw the ", "; it") } else { ("the ", "") };
        let how = match harm.changed.change {
            Change::Missing => "is lost".to_owned(),
            Change::Emptied => "is emptied".to_owned(),
            Change::Moved => format!("is moved to {}", harm.to()),
            _ => return None,
        };
        harm.found(self, harm.heading(), format!("{unseen}{what}{it} {how} {pair}"))
    }

    /// The origin sees the header when it is asked directly, so what stands in front of it keeps it back.
    fn before_the_origin(&self, trail: &Trail, symptom: &Symptom, sent: &str) -> Option<Finding> {
        let last = last_doctor(trail);
        let summary = format!(
            "WordPress never saw the token, and sees it where the origin is asked directly; it is lost between {last} and \
             origin"
        );
        let mut path = untouched(trail);
        let edge = Stop::new(Hop::Edge, Mark::Bad);
        let is_named = symptom.software == Software::Unknown && symptom.product != Product::Unknown;
        let product = if is_named { symptom.product.name() } else { "edge" };
        path.push(if is_named { edge.named(product) } else { edge });
        path.push(Stop::new(Hop::WebServer, Mark::Good).named("origin"));
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            place: Place::Edge,
            desk: Desk::Edge,
            because: format!("{}, and only the same request to the origin arrived", seen(trail, sent)),
            path,
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Missing,
                after: Hop::Doctor,
                before: Hop::Edge,
            }),
            cleared: vec!["client", "doctor", "web server", "PHP", "WordPress", "secret", "expiry"],
            caution: CAUTION,
            ..Finding::of(self, Proof::Proved, product, summary)?
        })
    }
}

const READING: &str = "jwt_auth_no_auth_header: lost; \"Wrong number of segments\": the path is fine";

const CAUTION: &str = "Token not judged. Do not rotate secrets";
const CAUTION_FOR_NOW: &str = "Do not rotate secrets before it is known whether the token was judged";

fn proof(trail: &Trail, symptom: &Symptom) -> Option<Proof> {
    if trail.memory.direct
        || symptom.from_cache
        || matches!(trail.credential, Credential::Basic | Credential::Joined)
    {
        return None;
    }
    let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
    if by_rest && symptom.is_refusal() && symptom.code() == "jwt_auth_no_auth_header" {
        return Some(Proof::Likely);
    }
    let is_useless = foreign(trail, symptom) == Some(Difference::Host)
        || trail.claims.as_ref().is_some_and(Claims::is_cut);
    if trail.memory.accepted || is_useless {
        return None;
    }
    let times = trail.times().filter(|_| trail.credential == Credential::Bearer(Token::Jwt))?;
    let in_time = times.good(symptom.now()) && times.good(symptom.received);
    if !symptom.is_permission(401) || !in_time {
        return None;
    }
    match opinion(trail) {
        Some(Opinion::Arrives) => None,
        Some(Opinion::Lost) => Some(Proof::Likely),
        Some(Opinion::Unclear) | None => Some(Proof::Possible),
    }
}

/// What the doctor found out by asking the same upstream itself.
fn opinion(trail: &Trail) -> Option<Opinion> {
    trail.past.opinion.map(|(opinion, _)| opinion)
}

/// A token that never arrived was not judged, so nothing in it can be the reason; once it may have arrived, it can.
fn cleared(trail: &Trail, likely: bool) -> Vec<&'static str> {
    let doctors: &[&str] = match (trail.is_unchanged(), is_accompanied(trail)) {
        (false, _) => &[],
        (true, false) => &["doctor"],
        (true, true) => &["doctors", "the hops between them"],
    };
    let judged = if likely { ["secret", "expiry"].as_slice() } else { &[] };
    ["client"].iter().chain(doctors).chain(judged).copied().collect()
}

/// Who saw the header pass.
fn seen(trail: &Trail, sent: &str) -> String {
    if trail.memory.probe {
        return format!("\"{sent}\" was sent");
    }
    if !is_accompanied(trail) {
        return format!("the doctor sent \"{sent}\" on");
    }
    let names: Vec<_> =
        trail.company.iter().flat_map(|company| doctors(company)).map(HopName::as_str).collect();
    format!("\"{sent}\" passed {} unchanged", names.join(" and "))
}
