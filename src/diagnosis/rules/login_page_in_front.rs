//! A request for the API was sent to a login page, which no client of an API can use.
//!
//! A gate with a page of its own has no `WWW-Authenticate`: it wants a cookie, and leads whoever has none to its login. So does a plugin that
//! hides the site. A caller without a credential who is led there is a browser at the door; one with a token, or one that logs in at the token
//! route, is a client that cannot get in.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{Credential, Hop, LoginPage, RouteClass, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct LoginPageInFront;

impl Rule for LoginPageInFront {
    fn id(&self) -> &'static str {
        "login-page-in-front"
    }

    fn text(&self) -> &'static str {
        include_str!("login_page_in_front.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let login = symptom.login.filter(|_| !symptom.from_cache)?;
        let has_credential = !matches!(trail.credential, Credential::Absent | Credential::Empty);
        let wants_in = has_credential || trail.route.class == RouteClass::Token;
        if trail.route.class == RouteClass::NotRest || !wants_in || trail.method == Method::Options {
            return None;
        }
        let is_direct = trail.memory.direct;
        let is_script = login == LoginPage::WordPress || is_direct;
        // Plugins redirect by `wp_redirect`, which signs; a rule of the web server, where one is, may lead there as well.
        let is_signed = login != LoginPage::WordPress || symptom.redirected_by.is_some() || is_direct;
        let (who, place, desk) = match (is_script, is_signed) {
            (true, true) => ("a plugin", Place::Plugin, Desk::WordPress),
            (true, false) => ("a plugin, or a rule of the web server,", Place::Plugin, Desk::WordPress),
            (false, _) => ("a gate in front of WordPress", Place::Gate, Desk::Edge),
        };
        let is_sure = is_signed && login != LoginPage::Google && !is_direct;
        let proof = if is_sure { Proof::Proved } else { Proof::Likely };
        let summary =
            format!("{who} sent the request to the login of {} instead of letting it in", login.name());
        let mut path = untouched(trail);
        let hop = if is_script { Hop::Php } else { Hop::Gate };
        path.push(Stop::new(hop, Mark::Bad).noted(format!("{} to a login", symptom.status.code())));
        if !is_script {
            path.push(Stop::new(Hop::Php, Mark::Unknown));
        }
        Some(Finding {
            place,
            desk,
            because:
                "our reading of where the reply leads: to a login page, which an API's client cannot use"
                    .into(),
            path,
            cleared: vec!["token", "secret", "expiry", "permissions"],
            caution: "Token not judged. Do not rotate secrets",
            ..Finding::of(self, proof, login.name(), summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["cors-headers-missing-on-error", "redirect-drops-authorization", "redirect-changes-method"]
    }
}
