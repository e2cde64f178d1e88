//! Whom to blame for a reply that a browser withholds: who made it, whose desk that is, and what to call them.
//!
//! Only where the reply bears marks is the answerer known; otherwise `Server` names the one nearest to us at best, and
//! the finding is no more than likely.

use super::{Desk, Mark, Place, Proof, Stop};
use crate::browser::{Block, Blocked, Browser};
use crate::evidence::{AnsweredBy, Hop, Page, Product, RedirectedBy, Software, Symptom, Trail};

/// Who made a reply.
#[derive(Clone, Copy)]
pub(super) struct Answerer {
    /// In words, as the subject of a sentence.
    pub(super) who: &'static str,
    pub(super) place: Place,
    pub(super) desk: Desk,
    /// Whether the reply says so, and we do not merely suppose it.
    pub(super) is_known: bool,
}

impl Answerer {
    const fn new(who: &'static str, place: Place, desk: Desk) -> Self {
        Self { who, place, desk, is_known: true }
    }

    pub(super) const fn supposed(who: &'static str, place: Place, desk: Desk) -> Self {
        Self { who, place, desk, is_known: false }
    }

    /// By the marks of a reply. Where PHP was asked directly nobody else can have answered: what looks like another was sent
    /// by a script.
    pub(super) const fn of(trail: &Trail, symptom: &Symptom) -> Self {
        let by = Self::by_marks(symptom);
        match by.place {
            Place::Gate | Place::WebServer | Place::Edge if trail.memory.direct => A_SCRIPT,
            _ => by,
        }
    }

    const fn by_marks(symptom: &Symptom) -> Self {
        match symptom.answered_by {
            AnsweredBy::Gate(_) => Self::new("a gate in front of WordPress", Place::Gate, Desk::Edge),
            AnsweredBy::WebServer => Self::new(page(symptom), Place::WebServer, Desk::Platform),
            AnsweredBy::Edge => Self::new("an edge", Place::Edge, Desk::Edge),
            // With 5xx it may as well be a page for everybody: a site that is closed, or a server that is overloaded.
            AnsweredBy::BlockPage if symptom.status.code() < 500 => {
                Self::supposed("a firewall", Place::Edge, Desk::Edge)
            }
            AnsweredBy::PhpFatal => Self::new("PHP broke off and", Place::Php, Desk::Platform),
            AnsweredBy::Maintenance => {
                Self::new("WordPress, under maintenance,", Place::WordPress, Desk::WordPress)
            }
            AnsweredBy::Installer | AnsweredBy::NoDatabase => {
                Self::new("WordPress", Place::WordPress, Desk::WordPress)
            }
            AnsweredBy::Network => Self::supposed("WordPress", Place::WordPress, Desk::WordPress),
            AnsweredBy::Login if symptom.redirected_by.is_none() => {
                Self::supposed("a plugin", Place::Plugin, Desk::WordPress)
            }
            AnsweredBy::Login | AnsweredBy::Plugin(_) | AnsweredBy::Exit => PLUGIN,
            AnsweredBy::RestLike => Self::supposed("a plugin", Place::Plugin, Desk::WordPress),
            AnsweredBy::WordPressRest | AnsweredBy::WordPress => match symptom.redirected_by {
                Some(RedirectedBy::Plugin) => PLUGIN,
                _ => Self::new("WordPress", Place::WordPress, Desk::WordPress),
            },
            AnsweredBy::Doctor | AnsweredBy::Unknown | AnsweredBy::BlockPage => match symptom.software {
                Software::Unknown => Self::supposed("a hop behind the doctor", Place::Edge, Desk::Edge),
                // It says so on what a script made as well; its own errors have a page that is known.
                _ if symptom.status.code() >= 500 => {
                    Self::supposed("a hop behind the doctor", Place::WebServer, Desk::Platform)
                }
                software => Self::supposed(software.name(), Place::WebServer, Desk::Platform),
            },
        }
    }

    /// The hop where it shows.
    pub(super) fn stop(self, note: impl Into<String>) -> Stop {
        let stop = match self.place {
            Place::Gate => Stop::new(Hop::Gate, Mark::Bad),
            Place::Cache => Stop::new(Hop::Edge, Mark::Bad).named("cache"),
            Place::WebServer => Stop::new(Hop::WebServer, Mark::Bad),
            Place::Edge => Stop::new(Hop::Edge, Mark::Bad).named("hop behind"),
            _ => Stop::new(Hop::Php, Mark::Bad),
        };
        stop.noted(note)
    }
}

/// Code of the site that bears none of WordPress's marks.
const A_SCRIPT: Answerer =
    Answerer::supposed("a plugin, or a script of the site,", Place::Plugin, Desk::WordPress);

/// A plugin of WordPress.
pub(super) const PLUGIN: Answerer = Answerer::new("a plugin", Place::Plugin, Desk::WordPress);

const fn page(symptom: &Symptom) -> &'static str {
    match symptom.page {
        Some(page) => page.name(),
        None => "the web server",
    }
}

/// The product whose cure to quote: the one whose page it is, else the hop that names itself; `any` where none does.
pub(super) fn product(symptom: &Symptom) -> &'static str {
    symptom.page.map_or_else(|| symptom.product.name(), Page::name)
}

/// The cache that answered, as the cures have it; `any` where it is not known whose it is: web servers name themselves on
/// replies that others kept.
pub(super) fn cache(symptom: &Symptom) -> &'static str {
    match symptom.product {
        Product::CloudFront
        | Product::Fastly
        | Product::Varnish
        | Product::LiteSpeed
        | Product::Cloudflare => symptom.product.name(),
        _ => "any",
    }
}

/// Whether a hop on the way back keeps `Authorization` to itself unless it is told otherwise.
pub(super) const fn keeps_authorization(product: Product) -> bool {
    matches!(product, Product::CloudFront | Product::ApiGateway | Product::Squid | Product::OAuth2Proxy)
}

/// A layer behind PHP. WordPress's own field is replaced and never added to (`header()` in `rest_send_cors_headers`) and
/// repeats the origin that asked, so any other value was written after it. Where no web server is, a plugin did.
pub(super) const fn behind_php(trail: &Trail) -> Answerer {
    if trail.memory.direct {
        return Answerer::supposed("a plugin", Place::Plugin, Desk::WordPress);
    }
    Answerer::supposed("the web server", Place::WebServer, Desk::Platform)
}

/// Whether core itself emptied `Access-Control-Allow-Origin`: `rest_send_cors_headers` puts the origin through `sanitize_url`, which
/// leaves nothing of a scheme that WordPress does not know, as those of apps are.
pub(super) fn is_emptied_by_core(symptom: &Symptom, blocked: &Blocked) -> bool {
    let is_empty = matches!(&blocked.block, Block::InvalidAllowOrigin(values) if values.is_empty());
    let is_web = matches!(blocked.origin.scheme(), "http" | "https") || blocked.origin.is_null();
    is_empty && !is_web && is_from_wordpress(symptom) && !symptom.from_cache
}

/// WordPress itself, which does so to all of them.
pub(super) const CORE: Answerer =
    Answerer { who: "WordPress", place: Place::WordPress, desk: Desk::WordPress, is_known: true };

/// Whether the code of a browser's extension asks, which reads whatever its user let it read.
pub(super) fn is_extension(blocked: &Blocked) -> bool {
    blocked.origin.scheme().ends_with("-extension")
}

/// Whether the reply is WordPress's, so that a second value beside its own was added behind it.
pub(super) const fn is_from_wordpress(symptom: &Symptom) -> bool {
    matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::WordPress)
}

/// That the reply fails the check, whether the blame is supposed, and what the first console that shows anything shows.
/// The URL is not known here in a form that may be printed.
pub(super) fn because(blocked: &Blocked, proof: Proof) -> String {
    let doubt = if proof == Proof::Proved { "" } else { ", but who made it so is supposed" };
    format!("the reply fails the browsers' check{doubt}; {}", console(blocked))
}

/// What the first console that shows anything shows.
pub(super) fn console(blocked: &Blocked) -> String {
    let words = Browser::ALL.iter().find_map(|browser| {
        let words = blocked.console(*browser, "<URL>")?;
        Some(format!("{}'s console shows: {words}", browser.name()))
    });
    words.unwrap_or_else(|| blocked.reason())
}
