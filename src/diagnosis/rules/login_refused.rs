//! The login for a token was refused, for what stood in it.
//!
//! The token routes hand on `wp_authenticate()`'s code: JWT Authentication for WP REST API with `[jwt_auth] ` in front
//! and 403, usefulteam/jwt-auth bare and with 401. It is never the header's fault. Two things mislead, and are rules of their own:
//! words about application passwords (`login-overwritten-message`), and a body that WordPress did not read
//! (`login-body-unread`).
//!
//! Always a warning at most: guesses at passwords are no fault of the site. A bare code with `Basic` may be about that
//! instead, and is left alone.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Stop, cure};
use super::{LoginBodyUnread, untouched};
use crate::evidence::{AnsweredBy, Credential, Hop, Plugin, RouteClass, Symptom, Trail};

pub(in super::super) struct LoginRefused;

impl Rule for LoginRefused {
    fn id(&self) -> &'static str {
        "login-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("login_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let code = code(trail, symptom)?;
        // Less sure, and nearer to the cause.
        let unread = LoginBodyUnread.judge(trail, symptom);
        if unread.is_some_and(|unread| code != "invalid_username" || unread.proof > Proof::Possible) {
            return None;
        }
        let Some(summary) = summary(code) else { return self.by_plugin(trail) };
        let found = self.of_client(trail, "client", summary)?;
        if code == "invalid_username" && trail.is_chunked && !trail.memory.direct {
            return Some(Finding { because: CHUNKED.into(), cleared: vec!["secret", "CORS"], ..found });
        }
        let found = Finding { because: "WordPress says so".into(), ..found };
        if code != CUSTOM {
            return Some(found);
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("login refused"));
        let cure = cure(self.text(), "custom_auth");
        Some(Finding { place: Place::Plugin, desk: Desk::WordPress, path, cure, ..found })
    }
}

impl LoginRefused {
    fn of_client(&self, trail: &Trail, product: &str, summary: &str) -> Option<Finding> {
        let mut path = untouched(trail);
        if let Some(client) = path.first_mut() {
            *client = Stop::new(Hop::Client, Mark::Bad).noted("login");
        }
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            path,
            cleared: vec!["proxies", "web server", "secret", "CORS"],
            caution: "No token was judged. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }

    fn by_plugin(&self, trail: &Trail) -> Option<Finding> {
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("login refused"));
        Some(Finding {
            place: Place::Plugin,
            desk: Desk::WordPress,
            because:
                "the code is not core's; plugins for captchas, second factors and lock-outs add their own"
                    .into(),
            path,
            ..self.of_client(
                trail,
                "plugin",
                "another plugin refused the login, or the account may not log in",
            )?
        })
    }
}

/// What usefulteam/jwt-auth says where a filter of the site logs in.
const CUSTOM: &str = "jwt_auth_custom_auth_failed";
const CHUNKED: &str = "WordPress says so; the body was sent in chunks, which mod_cgi does not hand on, and a login without a \
                       name looks the same";

/// The code of a refused login, without the plugin's mark.
pub(super) fn code<'s>(trail: &Trail, symptom: &'s Symptom) -> Option<&'s str> {
    let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
    if !by_rest || !symptom.is_refusal() || symptom.from_cache {
        return None;
    }
    let code = symptom.code();
    if let Some(code) = code.strip_prefix("[jwt_auth] ") {
        return Some(code);
    }
    let is_login = trail.route.class == RouteClass::Token && trail.credential != Credential::Basic;
    // usefulteam's hands every code on: a captcha's, a lock-out's. Its own are about tokens.
    let is_handed_on = symptom.plugin == Some(Plugin::Usefulteam) && !code.starts_with("jwt_auth_");
    (is_login && (summary(code).is_some() || is_handed_on)).then_some(code)
}

fn summary(code: &str) -> Option<&'static str> {
    Some(match code {
        "incorrect_password"
        | "application_passwords_disabled"
        | "application_passwords_disabled_for_user" => "the login for a token was refused: wrong password",
        "invalid_username" => "the login for a token was refused: no such user",
        "invalid_email" => "the login for a token was refused: no user with that e-mail address",
        "empty_username" => "the login for a token was refused: it has no user name",
        "empty_password" => "the login for a token was refused: it has no password",
        "jwt_auth_missing_credentials" => {
            "the login for a token was refused: user name or password is missing"
        }
        "authentication_failed" | "jwt_auth_failed" => "the login for a token was refused",
        CUSTOM => "the login for a token was refused by the site's own way to log in (custom_auth)",
        _ => return None,
    })
}
