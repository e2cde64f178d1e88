//! A peer that is not trusted said that the client used TLS, and the doctor did not believe it.
//!
//! Anybody may say `X-Forwarded-Proto: https`, so the doctor sends `http` on. If it was a proxy that is missing among
//! `trusted_proxies`, WordPress is misled: it redirects to https for ever, takes no application password
//! (`wp_is_application_passwords_supported` asks `is_ssl()`) and names itself `http://`, which no token was issued for.
//! A private address is a proxy's; behind a public one may stand a CDN or a client that lies, so it stays a guess.

use std::net::IpAddr;

use super::super::{Decision, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{agreed, foreign};
use crate::evidence::{AnsweredBy, Credential, Difference, Home, Hop, Symptom, Trail};

pub(in super::super) struct ForwardedProtoUntrusted;

impl Rule for ForwardedProtoUntrusted {
    fn id(&self) -> &'static str {
        "forwarded-proto-untrusted"
    }

    fn text(&self) -> &'static str {
        include_str!("forwarded_proto_untrusted.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let peer = Peer::of(trail.treatment.disbelieved.as_deref()?);
        let harm = Harm::of(trail, symptom);
        let proof = match &harm {
            Harm::None => Proof::Possible,
            Harm::Password if peer.is_private || is_off(symptom) => Proof::Likely,
            Harm::Password => Proof::Possible,
            Harm::Loop if peer.is_private => Proof::Proved,
            Harm::Issuer if peer.is_private => agreed(symptom),
            Harm::Loop | Harm::Issuer => Proof::Likely,
        };
        let is_harmless = harm == Harm::None;
        let mark = if is_harmless { Mark::Unknown } else { Mark::Bad };
        let mut path = vec![
            Stop::new(Hop::Client, Mark::Good),
            Stop::new(Hop::Edge, Mark::Unknown).noted("https"),
            Stop::new(Hop::Doctor, mark).noted("X-Forwarded-Proto: http"),
        ];
        path.extend(harm.stop(trail, symptom));
        let because = format!("{}; {}", harm.because(), peer.standing());
        Some(Finding {
            place: Place::Doctor,
            severity: if proof == Proof::Possible { Severity::Warning } else { Severity::Error },
            because,
            path,
            cleared: cleared(harm, &peer),
            caution: harm.caution(),
            cure: peer.cure(self)?,
            aside: is_harmless,
            decide: (proof == Proof::Possible && !is_harmless)
                .then(|| Decision { command: ASK.into(), reading: READING }),
            ..Finding::of(self, proof, "any", format!("{}: {}", peer.said(), harm.words()))?
        })
    }
}

const ASK: &str = r#"curl -s "$SITE/wp-json/""#;
const READING: &str = "\"authentication\":[] by https: WordPress sees no TLS, or a plugin turned application passwords off; anything in it: look at the password";

/// What explains nothing of the reply acquits nobody, and behind a public address may be a client that lies.
fn cleared(harm: Harm, peer: &Peer) -> Vec<&'static str> {
    match (harm, peer.is_private) {
        (Harm::None, _) => Vec::new(),
        (_, true) => vec!["client", "token", "WordPress"],
        (_, false) => vec!["token", "WordPress"],
    }
}

/// Whether WordPress says itself that application passwords do not count.
fn is_off(symptom: &Symptom) -> bool {
    symptom.refused_with("application_passwords_disabled")
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harm {
    None,
    /// A redirect to where the client already is.
    Loop,
    /// Application passwords do not count without TLS.
    Password,
    /// The site takes itself for `http://`, the token was issued for `https://`.
    Issuer,
}

impl Harm {
    fn of(trail: &Trail, symptom: &Symptom) -> Self {
        if symptom.led.is_some_and(|led| led.only_to_tls) {
            return Self::Loop;
        }
        let is_anonymous = !symptom.from_cache && symptom.is_permission(401);
        if trail.credential == Credential::Basic && (is_off(symptom) || is_anonymous) {
            return Self::Password;
        }
        let is_plain = symptom.home.as_ref().is_some_and(|home| !Home::is_https(home));
        let is_scheme = foreign(trail, symptom) == Some(Difference::Scheme);
        if symptom.refused_with("jwt_auth_bad_iss") && is_plain && is_scheme {
            return Self::Issuer;
        }
        Self::None
    }

    const fn words(self) -> &'static str {
        match self {
            Self::None => "it may be a proxy that is missing there",
            Self::Loop => "the redirect to https leads to the same URL, for ever",
            Self::Password => "WordPress does not see TLS, and takes no application password without it",
            Self::Issuer => "WordPress names itself http:// and refuses the token issued for https://",
        }
    }

    const fn because(self) -> &'static str {
        match self {
            Self::None => "the field was seen on arrival, and http was sent on",
            Self::Loop => {
                "the doctor sent http on, and the reply leads to the very URL that was asked for, by https"
            }
            Self::Password => {
                "the doctor sent http on, and the password did not count; a wrong one, a plugin that turns application \
                 passwords off, or a lost header looks the same"
            }
            Self::Issuer => "the doctor sent http on, and issuer and site differ in their scheme alone",
        }
    }

    const fn caution(self) -> &'static str {
        match self {
            Self::None | Self::Loop => "",
            Self::Password => "Do not replace the password before WordPress sees TLS",
            Self::Issuer => "The signature was accepted. Do not rotate secrets",
        }
    }

    /// What lies behind the doctor did as it was told.
    fn stop(self, trail: &Trail, symptom: &Symptom) -> Option<Stop> {
        match self {
            Self::None => None,
            Self::Loop
                if trail.memory.direct
                    || matches!(symptom.answered_by, AnsweredBy::WordPress | AnsweredBy::Login) =>
            {
                Some(Stop::new(Hop::Php, Mark::Good).noted("redirects to https"))
            }
            Self::Loop => {
                let stop = Stop::new(Hop::WebServer, Mark::Good).named(symptom.software.name());
                Some(stop.noted("redirects to https"))
            }
            Self::Password | Self::Issuer => Some(Stop::new(Hop::Php, Mark::Good).noted("sees no TLS")),
        }
    }
}

/// Who said it, as much of it as may be shown.
struct Peer {
    /// An address or a network; nothing when it may not be shown.
    shown: Option<String>,
    is_network: bool,
    is_private: bool,
}

impl Peer {
    fn of(who: &str) -> Self {
        let (address, is_network) = who.split_once('/').map_or((who, false), |(address, _)| (address, true));
        let address = address.parse::<IpAddr>().ok();
        Self {
            shown: address.map(|_| who.to_owned()),
            is_network,
            is_private: address.is_some_and(is_private),
        }
    }

    fn said(&self) -> String {
        let who = self.shown.as_deref().unwrap_or("a peer");
        let from = if self.is_network { "a peer in " } else { "" };
        format!("{from}{who} said X-Forwarded-Proto: https, but is not in trusted_proxies")
    }

    const fn standing(&self) -> &'static str {
        if self.is_private {
            "its address is private, as that of a proxy"
        } else {
            "a proxy that is missing in the list says so, and so can any client that lies"
        }
    }

    fn cure(&self, rule: &ForwardedProtoUntrusted) -> Option<String> {
        let product = match (&self.shown, self.is_network) {
            (Some(_), false) => "address",
            (Some(_), true) => "network",
            (None, _) => "any",
        };
        let finding = Finding::of(rule, Proof::Possible, product, "")?;
        let line = finding.cure.strip_prefix(product).and_then(|line| line.strip_prefix(": "));
        let line = line.unwrap_or(&finding.cure);
        Some(format!("doctor: {}", line.replace("ADDRESS", self.shown.as_deref().unwrap_or_default())))
    }
}

/// Whether an address is of no use in the internet (RFC 1918, 4193, 6598, 3927 and the loop back).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            address.is_private() || address.is_loopback() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Peer, is_private};

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        let table = [
            ("10.0.0.3", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("127.0.0.1", true),
            ("169.254.1.1", true),
            ("203.0.113.9", false),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
            ("::ffff:10.0.0.3", true),
        ];
        for (address, expected) in table {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_peer_is_shown_only_when_it_is_an_address_or_a_network() {
        let shown = |who| Peer::of(who).shown;
        assert_eq!(shown("10.0.0.3").as_deref(), Some("10.0.0.3"));
        assert_eq!(shown("10.0.0.0/24").as_deref(), Some("10.0.0.0/24"));
        assert_eq!(shown("somebody"), None);
        assert!(Peer::of("10.0.0.0/24").is_private && !Peer::of("somebody").is_private);
    }
}
