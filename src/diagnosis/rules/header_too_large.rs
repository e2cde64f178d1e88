//! The head of the request is larger than a hop behind the doctor takes.
//!
//! Tokens with many claims grow beyond 8 KiB, the limit for one field of nginx and of Apache; cookies add up. The doctor
//! knows the lengths, and two servers say in words that it was the size; others answer 431, or a 400 that may mean
//! anything. Whose bytes they are decides the cure.

use super::super::{Decision, Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, Page, Product, Symptom, TooLarge, Trail, Watched};

pub(in super::super) struct HeaderTooLarge;

impl Rule for HeaderTooLarge {
    fn id(&self) -> &'static str {
        "header-too-large"
    }

    fn text(&self) -> &'static str {
        include_str!("header_too_large.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        // PHP itself has no such limit.
        let said = symptom.too_large.filter(|_| !symptom.from_cache && !trail.memory.direct)?;
        let proof = proof(said, trail, symptom)?;
        let sizes = Sizes::of(trail);
        let hop = Refuser::of(said, symptom);
        let may = if proof == Proof::Possible { "may have refused" } else { "refused" };
        let summary = format!("{} {may} the request for the size of its head: {sizes}", hop.subject());
        let is_cookies = sizes.blame() == Blame::Cookie;
        let mut path = untouched(trail);
        path.push(Stop::new(hop.hop, Mark::Bad).named(hop.name).noted("head too large"));
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let mild = is_cookies || proof == Proof::Possible;
        Some(Finding {
            place: hop.place,
            desk: hop.desk,
            severity: if mild { Severity::Warning } else { Severity::Error },
            because: because(said, proof, symptom).into(),
            path,
            cleared: vec!["WordPress", "secret", "expiry", "plugin"],
            caution: "Token not judged. Do not rotate secrets",
            decide: (proof == Proof::Possible).then(|| fill(trail.head_bytes)),
            ..Finding::of(self, proof, if is_cookies { "cookies" } else { hop.product }, summary)?
        })
    }
}

/// From here on a size is large: half of the smallest limit that servers come with.
const LARGE: usize = 4 * 1024;
/// `HAProxy` takes 15 KiB in all, if not told otherwise; measured, 15,238 bytes in one field.
const LARGE_FOR_HAPROXY: usize = 14 * 1024;

fn proof(said: TooLarge, trail: &Trail, symptom: &Symptom) -> Option<Proof> {
    let is_large = trail.head_bytes >= LARGE;
    let in_words = matches!(said, TooLarge::Nginx | TooLarge::Apache) || by_doctor(symptom);
    match said {
        TooLarge::Perhaps => (trail.head_bytes > LARGE_FOR_HAPROXY).then_some(Proof::Possible),
        _ if in_words && is_large => Some(Proof::Proved),
        _ if in_words || is_large => Some(Proof::Likely),
        _ => Some(Proof::Possible),
    }
}

fn because(said: TooLarge, proof: Proof, symptom: &Symptom) -> &'static str {
    match (said, proof) {
        (TooLarge::Perhaps, _) => {
            "HAProxy's 400 says no more than that it cannot take the head; the head is near its limit"
        }
        (TooLarge::Nginx | TooLarge::Apache, Proof::Proved) => {
            "our measurement of the head and the server's own words agree"
        }
        (TooLarge::Nginx | TooLarge::Apache, _) => {
            "the server says so; the head is small here, so its limit is low or a hop in between adds much"
        }
        (TooLarge::CloudFront, Proof::Likely) => {
            "the head is large, and 413 answers a request that has no body"
        }
        (TooLarge::Status, Proof::Proved) if by_doctor(symptom) => {
            "our measurement of the head and the other doctor's own words agree"
        }
        (TooLarge::Status, Proof::Likely) => "the head is large, and 431 means just that (RFC 6585)",
        _ => "the status says so, but the head is small here",
    }
}

fn by_doctor(symptom: &Symptom) -> bool {
    symptom.answered_by == AnsweredBy::Doctor && symptom.code() == "header_doctor_head_too_large"
}

/// Whose bytes they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blame {
    Cookie,
    Other,
}

/// How many bytes the head has, and the two fields that grow.
struct Sizes {
    head: usize,
    authorization: Option<usize>,
    cookie: Option<usize>,
}

impl Sizes {
    fn of(trail: &Trail) -> Self {
        let length = |watched| {
            trail.sighting(&Hop::Doctor, watched).and_then(|sighting| sighting.once()).map(|seen| seen.length)
        };
        Self {
            head: trail.head_bytes,
            authorization: length(Watched::Authorization),
            cookie: length(Watched::Cookie),
        }
    }

    /// The cookies, when they are more than half of the head.
    fn blame(&self) -> Blame {
        let is_cookie = self.cookie.is_some_and(|cookie| cookie > self.head / 2);
        if is_cookie { Blame::Cookie } else { Blame::Other }
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} B", self.head)?;
        for (name, length) in [("Authorization", self.authorization), ("Cookie", self.cookie)] {
            if let Some(length) = length {
                write!(f, ", {name} {length} B")?;
            }
        }
        Ok(())
    }
}

/// Who refused.
struct Refuser {
    hop: Hop,
    name: &'static str,
    place: Place,
    desk: Desk,
    product: &'static str,
}

impl Refuser {
    fn subject(&self) -> String {
        let is_a_kind = ["web server", "edge", "next doctor"].contains(&self.name);
        format!("{}{}", if is_a_kind { "the " } else { "" }, self.name)
    }

    fn of(said: TooLarge, symptom: &Symptom) -> Self {
        let server = |name, product| Self {
            hop: Hop::WebServer,
            name,
            place: Place::WebServer,
            desk: Desk::Platform,
            product,
        };
        let edge = |name| Self { hop: Hop::Edge, name, place: Place::Edge, desk: Desk::Edge, product: name };
        match (said, symptom.answered_by) {
            (TooLarge::Nginx, _) => server("nginx", "nginx"),
            (TooLarge::Apache, _) => server("Apache", "Apache"),
            (TooLarge::Perhaps, _) => server("HAProxy", "HAProxy"),
            (TooLarge::CloudFront, _) => edge("CloudFront"),
            (TooLarge::Status, AnsweredBy::Edge) => edge(edge_name(symptom.product)),
            (TooLarge::Status, AnsweredBy::Doctor) => {
                Self { place: Place::Doctor, ..server("next doctor", "doctor") }
            }
            (TooLarge::Status, _) if symptom.page == Some(Page::Apache) => server("Apache", "Apache"),
            (TooLarge::Status, _) if symptom.product == Product::Envoy => edge("Envoy"),
            (TooLarge::Status, _) => server(symptom.software.name(), symptom.software.name()),
        }
    }
}

fn edge_name(product: Product) -> &'static str {
    if product == Product::Unknown { "edge" } else { product.name() }
}

/// A request of the same size without a credential; of a small head there is nothing to imitate.
fn fill(bytes: usize) -> Decision {
    if bytes < LARGE {
        return Decision {
            command: r#"curl -i "$SITE/wp-json/""#.into(),
            reading: "the same status: not this request's fields, but a low limit, or what a hop in between adds",
        };
    }
    Decision {
        command: format!(r#"curl -i "$SITE/wp-json/" -H "X-Fill: $(head -c {bytes} /dev/zero | tr '\0' a)""#),
        reading: "the same status: it is the size; 200: something else in the head",
    }
}
