//! What a rule concludes, in the words every output uses.
//!
//! The names of places, desks, severities and proofs are stable: they stand in JSON, in metrics and in the rules'
//! texts, so they are written once, here.

use super::text::Text;
use super::{Rule, cure};
use std::borrow::Cow;

use crate::evidence::{Change, Hop, Watched};

/// Declares an enum whose variants have one stable lower-case word each.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$what])* $variant,)+
        }

        impl $name {
            /// Every stable word, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant with this word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What a finding blames.
    Place {
        /// The program that asks.
        Client "client",
        /// The browser, and CORS in it.
        Browser "browser",
        /// A CDN, load balancer or proxy in front.
        Edge "edge",
        /// Another authentication in front.
        Gate "gate",
        /// A cache that answered.
        Cache "cache",
        /// The doctor itself.
        Doctor "doctor",
        /// The web server behind the doctor.
        WebServer "web-server",
        /// PHP.
        Php "php",
        /// WordPress and its machine.
        WordPress "wordpress",
        /// A plugin.
        Plugin "plugin",
        /// The permissions of a route.
        Application "application",
    }
}

words! {
    /// Who can cure it.
    Desk {
        /// The authors of the client.
        Frontend "frontend",
        /// The operators of the edge.
        Edge "edge",
        /// The operators of servers and PHP.
        Platform "platform",
        /// The administrators of WordPress.
        WordPress "wordpress",
        /// The authors of the route that refused.
        Application "application",
    }
}

words! {
    /// How grave a finding is; the last is the gravest.
    Severity {
        /// WordPress or the policy worked as told.
        Note "note",
        /// This client's request cannot succeed, or a fault of the site is only possible.
        Warning "warning",
        /// The path or the site is broken for correct clients.
        Error "error",
    }
}

words! {
    /// How sure a finding is; the last is the surest.
    Proof {
        /// A pattern.
        Possible "possible",
        /// One fact, and a reply that little else explains.
        Likely "likely",
        /// Two independent measured facts: two sightings, or our measurement and the origin's own words.
        Proved "proved",
    }
}

/// A header that was lost, and between which hops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The header.
    pub header: Watched,
    /// What happened to it.
    pub change: Change,
    /// The last hop where it was seen.
    pub after: Hop,
    /// The first hop where it was not.
    pub before: Hop,
}

/// What a finding says of one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// In order.
    Good,
    /// Here it shows.
    Bad,
    /// Nobody measured.
    Unknown,
}

/// A hop in the line that says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The hop.
    pub hop: Hop,
    /// The hop's name; of a web server the name of its software.
    pub name: Cow<'static, str>,
    /// What is said of it.
    pub mark: Mark,
    /// A word more: `"Bearer undefined"`, `unchanged`.
    pub note: Option<String>,
}

/// What would turn a possible finding into a sure one, or refute it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// A command to type. Where a site or a token belongs stands a variable, never a value.
    pub command: String,
    /// What its answers mean.
    pub reading: &'static str,
}

/// A rule's conclusion about one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// What is blamed.
    pub place: Place,
    /// Who can cure it.
    pub desk: Desk,
    /// How grave it is.
    pub severity: Severity,
    /// How sure it is.
    pub proof: Proof,
    /// One sentence that says the cause.
    pub summary: String,
    /// Why so sure, and why not surer.
    pub because: String,
    /// The hops in order.
    pub path: Vec<Stop>,
    /// The header that was lost, when one was.
    pub lost: Option<Lost>,
    /// What the evidence acquits.
    pub cleared: Vec<&'static str>,
    /// What follows from that: "Token not judged. Do not rotate secrets". Empty when nothing does.
    pub caution: &'static str,
    /// The cure for this site, one line.
    pub cure: String,
    /// Whether it explains nothing of the reply, and is only worth knowing.
    pub aside: bool,
    /// What would decide it, when the proof is no more than possible.
    pub decide: Option<Decision>,
}

impl Finding {
    /// A finding with what the rule's text states: how grave it is, whom it blames, whose desk it is, and the cure for
    /// `product` (or for any). What is special to the exchange is filled in by the rule. Nothing when the text is
    /// malformed, which a test forbids.
    #[must_use]
    pub fn of(rule: &dyn Rule, proof: Proof, product: &str, summary: impl Into<String>) -> Option<Self> {
        let text = Text::parse(rule.text()).ok()?;
        Some(Self {
            rule: rule.id(),
            place: text.place,
            desk: text.desk,
            severity: text.severity,
            proof,
            summary: summary.into(),
            because: String::new(),
            path: Vec::new(),
            lost: None,
            cleared: Vec::new(),
            caution: "",
            cure: cure(rule.text(), product),
            aside: false,
            decide: None,
        })
    }
}

impl Stop {
    /// A hop and what is said of it.
    #[must_use]
    pub fn new(hop: Hop, mark: Mark) -> Self {
        let name = hop.name().to_owned().into();
        Self { hop, name, mark, note: None }
    }

    /// The same with another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The same with a word more.
    #[must_use]
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Proof, Severity};

    #[test]
    fn words_are_stable_and_ordered() {
        assert_eq!(Place::WebServer.word(), "web-server");
        assert_eq!(Place::of("web-server"), Some(Place::WebServer));
        assert_eq!(Place::of("Web-Server"), None);
        assert!(Proof::Proved > Proof::Likely && Proof::Likely > Proof::Possible);
        assert!(Severity::Error > Severity::Warning && Severity::Warning > Severity::Note);
    }
}
