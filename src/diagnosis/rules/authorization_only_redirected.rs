//! PHP has `Authorization` under `REDIRECT_HTTP_AUTHORIZATION` alone, where not everything looks.
//!
//! Apache puts `REDIRECT_` before a variable when it redirects within itself. WordPress's REST server and the common JWT plugins read
//! one such name as well, so the header is not lost to them, and nothing is said where one of them is active. Core itself takes an
//! application password from there only where `HTTP_AUTHORIZATION` is not there at all: an empty one hides it
//! (`wp_populate_basic_auth_from_authorization_header` in `wp-includes/load.php`).

use super::super::company::{cure_at, path};
use super::super::{Finding, Mark, Proof, Rule, Severity, Stop};
use super::is_unknown_caller;
use crate::evidence::{Credential, Hop, PhpSaw, Reached, Symptom, Trail, Watched};

pub(in super::super) struct AuthorizationOnlyRedirected;

/// Plugins that read it, by folder. Both under `REDIRECT_` and behind an empty `HTTP_AUTHORIZATION`.
const READERS: [&str; 2] = ["jwt-authentication-for-wp-rest-api", "jwt-auth"];

impl Rule for AuthorizationOnlyRedirected {
    fn id(&self) -> &'static str {
        "authorization-only-redirected"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_only_redirected.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let php = trail.php.as_deref()?;
        let is_hidden = match php.reached.as_ref()? {
            Reached::Redirected => false,
            Reached::RedirectedAndHidden => true,
            _ => return None,
        };
        let is_basic = trail.credential == Credential::Basic;
        let is_missed = if is_basic { is_hidden } else { !is_read(&php.saw) };
        if !is_missed || php.saw.knows_user() || !is_unknown_caller(trail, symptom) {
            return None;
        }
        let company = trail.company.as_deref()?;
        let way = company.php.as_ref()?;
        let proof = if is_basic { Proof::Likely } else { Proof::Possible };
        let reader = if is_basic { CORE } else { "what judges it here may read HTTP_AUTHORIZATION alone" };
        let summary = format!(
            "Authorization reaches PHP only as REDIRECT_HTTP_AUTHORIZATION{}, and the caller was taken for nobody",
            if is_hidden { ", behind an empty HTTP_AUTHORIZATION" } else { "" }
        );
        let mut stops = path(trail, symptom, company, way, Watched::Authorization);
        if let Some(php) = stops.last_mut() {
            *php = Stop::new(Hop::Php, Mark::Bad).noted("under REDIRECT_");
        }
        Some(Finding {
            severity: if is_basic { Severity::Error } else { Severity::Warning },
            because: format!("PHP signed where the value stands; {reader}"),
            path: stops,
            cleared: vec!["client", "doctor"],
            cure: cure_at(self.text(), if is_hidden { "hidden" } else { "once" }, way),
            ..Finding::of(self, proof, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["authorization-lost-before-php", "application-password-refused", "login-refused"]
    }
}

const CORE: &str = "WordPress takes a login from there only where HTTP_AUTHORIZATION is not set at all";

fn is_read(saw: &PhpSaw) -> bool {
    saw.has_token_routes || READERS.iter().any(|reader| saw.has_plugin(reader))
}
