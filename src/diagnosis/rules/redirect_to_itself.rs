//! The redirect leads to the very URL that was asked for.
//!
//! TLS ends in front, the doctor was told so and says so, and something behind it sends everybody to `https` all the same, since it does
//! not look at `X-Forwarded-Proto`: the client is where it is led to, and goes round until it gives up. WordPress itself is among them,
//! for core asks `is_ssl()` alone (`wp-includes/load.php`). Where the doctor did not believe who said `https`, the redirect is another
//! rule's.
//!
//! A reply that sets a cookie may be a test of the client that succeeds at the second asking, and is left alone.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::redirect_changes_method::{stop, whose};
use super::untouched;
use crate::evidence::{Hop, Led, RouteClass, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct RedirectToItself;

impl Rule for RedirectToItself {
    fn id(&self) -> &'static str {
        "redirect-to-itself"
    }

    fn text(&self) -> &'static str {
        include_str!("redirect_to_itself.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let led = symptom.led.filter(|led| led.back && !led.rewritten)?;
        let is_asked = trail.route.class != RouteClass::NotRest && trail.method != Method::Options;
        if !is_asked || !goes_round(trail, symptom, led) || symptom.sets_cookie || symptom.from_cache {
            return None;
        }
        let (place, desk) = whose(trail, symptom);
        let (product, why) = if led.to_https { ("https", TLS) } else { ("any", "") };
        let mut path = untouched(trail);
        path.push(stop(place, symptom).noted(format!("{} to itself", symptom.status.code())));
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let summary =
            "the redirect leads to the very URL that was asked for: clients follow it until they give up";
        Some(Finding {
            place,
            desk,
            because: format!("our reading of its Location, which is what was asked for{why}"),
            path,
            cleared: vec!["client", "token", "secret", "expiry", "permissions"],
            caution: "Nothing was judged by WordPress. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["redirect-changes-method"]
    }
}

/// Whether it is asked for again in the same way. A POST that becomes a GET may get its answer there; but nobody sends an application's form
/// to `https` by 301 to find it there.
fn goes_round(trail: &Trail, symptom: &Symptom, led: Led) -> bool {
    let is_read = matches!(trail.method, Method::Get | Method::Head);
    match symptom.status.code() {
        307 | 308 => true,
        301 => is_read || led.to_https,
        302 => is_read,
        _ => false,
    }
}

const TLS: &str = "; the client uses TLS already, and whatever redirects it does not see that";
