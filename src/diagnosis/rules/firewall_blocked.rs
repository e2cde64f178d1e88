//! A page refused a REST route, before WordPress as it seems: a firewall's, most often, or a web server's own rules.
//!
//! WordPress's REST server answers in JSON and under its `Link`. An HTML page with 403 or 406 that has neither comes from
//! somebody else, but the page does not say why, nor whether it stands in the place of WordPress's words. So it is only
//! possible, and told of requests with a credential alone: bots that are turned away are none of the doctor's business.

use super::super::{Decision, Desk, Finding, Mark, Place, Proof, Rule, Stop};
use super::{carries_credential, untouched};
use crate::evidence::{AnsweredBy, Hop, Page, RouteClass, Symptom, Trail};

pub(in super::super) struct FirewallBlocked;

impl Rule for FirewallBlocked {
    fn id(&self) -> &'static str {
        "firewall-blocked"
    }

    fn text(&self) -> &'static str {
        include_str!("firewall_blocked.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_page =
            matches!(symptom.answered_by, AnsweredBy::WebServer | AnsweredBy::Edge | AnsweredBy::BlockPage);
        let is_refused = matches!(symptom.status.code(), 403 | 406) && symptom.html_for_rest;
        let is_wordpress = symptom.home.is_some() || symptom.knows_user;
        if !by_page || !is_refused || is_wordpress || symptom.from_cache || symptom.php.is_some() {
            return None;
        }
        if !carries_credential(trail) || trail.route.class == RouteClass::NotRest {
            return None;
        }
        let who = Refuser::of(trail, symptom);
        let mut path = untouched(trail);
        path.push(Stop::new(who.hop, Mark::Bad).named(who.name).noted("its own page"));
        if who.product != "PHP" {
            path.push(Stop::new(Hop::Php, Mark::Unknown));
        }
        let summary =
            format!("{} refused the request by a page of its own, it seems before WordPress", who.subject);
        Some(Finding {
            place: who.place,
            desk: who.desk,
            because:
                "a REST route was answered in HTML without WordPress's marks; an error page in the place of \
                      WordPress's own refusal would look the same"
                    .into(),
            path,
            cleared: vec!["doctor"],
            caution: "Do not rotate secrets before it is known who refused",
            decide: Some(Decision {
                command: "curl -i \"$ORIGIN$TARGET\"".into(),
                reading: "asked past that hop, a body in JSON: the hop refused; its log says by which rule",
            }),
            ..Finding::of(self, Proof::Possible, who.product, summary)?
        })
    }
}

/// Who made the page, as far as can be told.
struct Refuser {
    subject: &'static str,
    name: &'static str,
    hop: Hop,
    place: Place,
    desk: Desk,
    product: &'static str,
}

impl Refuser {
    fn of(trail: &Trail, symptom: &Symptom) -> Self {
        let (place, desk) = (Place::Edge, Desk::Edge);
        if trail.memory.direct {
            let (place, desk) = (Place::Plugin, Desk::WordPress);
            return Self { subject: "a plugin", name: "PHP", hop: Hop::Php, place, desk, product: "PHP" };
        }
        if let Some(page) = symptom.page {
            let (place, desk) = (Place::WebServer, Desk::Platform);
            let (name, product) = (page.name(), product(page));
            return Self { subject: name, name, hop: Hop::WebServer, place, desk, product };
        }
        Self { subject: "a firewall", name: "hop behind", hop: Hop::Edge, place, desk, product: "any" }
    }
}

const fn product(page: Page) -> &'static str {
    match page {
        Page::Nginx => "nginx",
        Page::Apache => "Apache",
        Page::LiteSpeed | Page::HaProxy => "any",
    }
}
