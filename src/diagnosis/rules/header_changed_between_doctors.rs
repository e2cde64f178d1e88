//! Another header than `Authorization` was changed between two doctors, and the reply is what comes of it.
//!
//! Hops change cookies, hosts and content types all day, and healthily, so the change alone is never told. Each header is
//! judged with the reply that its loss leads to: a nonce without its cookie or a cookie without its nonce, a login whose body
//! was not read, a redirect away from a host that nobody asked for, `https` that became `http`.

use super::super::company::{cure_at, desk, is_of_another, lost, path, place, proof, testimony};
use super::super::{Finding, Proof, Rule};
use super::foreign;
use crate::evidence::{
    Change, Changed, Company, Credential, Crossing, Difference, RouteClass, Session, Sighting, Symptom,
    Trail, Watched,
};

pub(in super::super) struct HeaderChangedBetweenDoctors;

impl Rule for HeaderChangedBetweenDoctors {
    fn id(&self) -> &'static str {
        "header-changed-between-doctors"
    }

    fn text(&self) -> &'static str {
        include_str!("header_changed_between_doctors.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref()?;
        let changed = |header: Watched| {
            let (crossing, changed) = company.first(header)?;
            let case = Case { trail, symptom, company, crossing, changed };
            Some((case.effect()?, case))
        };
        let (effect, case) = Watched::ALL.into_iter().find_map(changed)?;
        self.told(&case, &effect)
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

/// What a change leads to.
struct Effect {
    /// The end of the summary.
    words: &'static str,
    /// Whether hardly anything else leads to it.
    is_plain: bool,
}

impl HeaderChangedBetweenDoctors {
    fn told(&self, case: &Case<'_>, effect: &Effect) -> Option<Finding> {
        let Case { trail, symptom, company, crossing, changed } = *case;
        let header = changed.header;
        let name = header.name().canonical();
        let did = match changed.change {
            Change::Missing => "is lost",
            Change::Emptied => "is emptied",
            Change::Moved => "is moved to another name",
            _ => "is replaced",
        };
        let summary =
            format!("{name} {did} between {} and {}: {}", crossing.after, crossing.to(), effect.words);
        let proof = if effect.is_plain { proof(company) } else { Proof::Likely };
        let doubt = if effect.is_plain { "" } else { "; that the reply comes of it is supposed" };
        Some(Finding {
            because: format!("{}, and the reply fits{doubt}", testimony(company, crossing, header)),
            path: path(trail, symptom, company, crossing, header),
            lost: lost(company, header),
            place: place(crossing),
            desk: desk(crossing),
            cleared: vec!["client", "doctors", "secret", "expiry"],
            caution: "No token was at fault. Do not rotate secrets",
            cure: cure_at(self.text(), name, crossing),
            ..Finding::of(self, proof, "any", summary)?
        })
    }
}

impl Case<'_> {
    fn effect(&self) -> Option<Effect> {
        if self.symptom.from_cache || is_of_another(self.trail) {
            return None;
        }
        let effect = |holds: bool, is_plain: bool, words| holds.then_some(Effect { words, is_plain });
        match self.changed.header {
            Watched::Cookie => effect(self.parted_from_nonce(), self.is_gone(), COOKIE),
            Watched::WpNonce => effect(self.parted_from_cookie(), true, NONCE),
            Watched::ContentType => effect(self.was_unread(), self.is_gone(), UNREAD),
            Watched::Host => effect(self.went_astray(), false, ASTRAY),
            Watched::ForwardedProto => effect(self.lost_tls(), false, PLAIN),
            Watched::Authorization | Watched::Origin | Watched::UserAgent => None,
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self.changed.change, Change::Missing | Change::Emptied | Change::Moved)
    }

    fn is_spoilt(&self) -> bool {
        self.is_gone() || self.changed.change == Change::Replaced
    }

    /// Whether this doctor is the one in front, which sees what was sent and not what arrived.
    fn is_in_front(&self) -> bool {
        self.company.before.is_empty()
    }

    /// Whether a login cookie was sent and did not arrive, as far as this doctor can see. A hop that adds one of its own
    /// replaces the whole, and harms nobody.
    fn took_login(&self) -> bool {
        let is_login = self.trail.session != Session::None;
        if self.is_in_front() { is_login && self.is_gone() } else { !is_login && self.is_spoilt() }
    }

    /// Whether another header was sent in this crossing and arrived as it was.
    fn came(&self, header: Watched) -> bool {
        let sent = self.crossing.sent.is_some_and(|sent| sent.of(header).once().is_some());
        sent && !self.crossing.spoils(header)
    }

    /// WordPress checks a nonce that is there for the user of the cookie, or else for nobody, whose it is not.
    fn parted_from_nonce(&self) -> bool {
        let is_refused = self.symptom.refused_with("rest_cookie_invalid_nonce");
        self.took_login() && self.came(Watched::WpNonce) && is_refused
    }

    /// A login cookie without a nonce is an anonymous caller's; with another nonce it is refused.
    fn parted_from_cookie(&self) -> bool {
        let is_without = matches!(self.trail.credential, Credential::Absent | Credential::Empty);
        let session = if self.is_in_front() { Session::WithNonce } else { Session::WithoutNonce };
        let is_parted = self.is_gone() && self.trail.session == session;
        let is_anonymous = is_parted && is_without && self.symptom.is_permission(401);
        let is_refused = !self.is_gone() && self.symptom.refused_with("rest_cookie_invalid_nonce");
        self.is_spoilt() && self.came(Watched::Cookie) && (is_anonymous || is_refused)
    }

    /// A login whose name WordPress did not find, or parameters that it missed.
    fn was_unread(&self) -> bool {
        let code = self.symptom.code();
        let code = code.strip_prefix("[jwt_auth] ").unwrap_or(code);
        let nameless = ["invalid_username", "empty_username", "jwt_auth_missing_credentials"].contains(&code);
        let is_login =
            nameless && self.trail.route.class == RouteClass::Token && !self.trail.has_login_in_query;
        let is_missing = self.symptom.status.code() == 400 && code == "rest_missing_callback_param";
        self.is_spoilt() && (is_login || is_missing)
    }

    fn went_astray(&self) -> bool {
        // A doctor behind does not know the host that was asked for, where WordPress rightly leads to.
        let is_away = self.symptom.led.is_some_and(|led| led.away && led.changes.contains("host"));
        let is_led = is_away && self.is_in_front();
        let is_issuer = self.symptom.refused_with("jwt_auth_bad_iss")
            && foreign(self.trail, self.symptom) == Some(Difference::Host);
        self.changed.change == Change::Replaced && (is_led || is_issuer)
    }

    /// Only lengths are known: `https` has five letters.
    fn lost_tls(&self) -> bool {
        const HTTPS: usize = 5;
        let long = |sighting: Sighting| sighting.once().is_some_and(|seen| seen.length == HTTPS);
        let was = self.crossing.sent.is_some_and(|sent| long(sent.of(Watched::ForwardedProto)));
        let is = self.crossing.arrived.is_none_or(|arrived| long(arrived.of(Watched::ForwardedProto)));
        let symptom = self.symptom;
        let is_looped = symptom.led.is_some_and(|led| led.only_to_tls);
        let is_basic = self.trail.credential == Credential::Basic;
        let is_off = is_basic && symptom.refused_with("application_passwords_disabled");
        let is_issuer = symptom.refused_with("jwt_auth_bad_iss")
            && foreign(self.trail, symptom) == Some(Difference::Scheme);
        self.is_spoilt() && was && !is && (is_looped || is_off || is_issuer)
    }
}

const COOKIE: &str = "the nonce came without its login cookie, and WordPress refuses it";
const NONCE: &str = "a login cookie counts for nothing without its nonce";
const UNREAD: &str = "WordPress did not read the body as what it is, and found nothing in it";
const ASTRAY: &str = "WordPress was asked by another name, and answers for that";
const PLAIN: &str = "WordPress does not see that the client used TLS";
