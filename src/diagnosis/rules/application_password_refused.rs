//! WordPress refused the login behind `Basic`, or passed over it.
//!
//! It seldom says so. On a stock site the user is asked for after the errors were looked at, so a wrong application password
//! is answered like none at all: 401 `rest_*`, and public routes are served. Only where a plugin asks for the user early
//! (WooCommerce does) comes the code: then it is known that the header arrived. Without a code a lost header looks the same,
//! and so do application passwords that are turned off: only possible, unless the same upstream just took a `Basic` on this
//! form of URL; then the path is clear and they are on, and what is left is the login.
//!
//! An unknown user where no login is needed is a gate's, see `gate-login-reaches-wordpress`.

use super::super::{Decision, Finding, Mark, Proof, Rule, Stop};
use super::{
    agreed, is_login_ignored, needs_no_login, refused_by_basic, root, sees_no_tls, sent_wrong, untouched,
};
use crate::evidence::{Hop, RouteClass, Session, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct ApplicationPasswordRefused;

impl Rule for ApplicationPasswordRefused {
    fn id(&self) -> &'static str {
        "application-password-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("application_password_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        match refused_by_basic(trail, symptom) {
            Some("incorrect_password") => self.said(trail, symptom, WRONG),
            Some(_) if needs_no_login(trail) => None,
            Some(_) => self.said(trail, symptom, UNKNOWN),
            None => self.silent(trail, symptom),
        }
    }
}

/// What was refused, and why it may be another's fault.
type Said = (&'static str, &'static str);

const WRONG: Said = (
    "WordPress refused the login behind Basic: it is no application password of this user",
    "WordPress says so; the password of the login page is never taken here, and the login of a gate in front, passed on, \
     looks the same",
);
const UNKNOWN: Said = (
    "WordPress refused the login behind Basic: it knows no such user",
    "WordPress says so; the login of a gate in front (htpasswd), passed on to WordPress, looks the same",
);

impl ApplicationPasswordRefused {
    fn said(&self, trail: &Trail, symptom: &Symptom, (summary, because): Said) -> Option<Finding> {
        // A login route of the site's own may answer a login in the body with the same codes.
        let is_of_header = matches!(trail.method, Method::Get | Method::Head | Method::Options)
            || trail.route.class == RouteClass::UsersMe;
        let is_sure = is_of_header && summary == WRONG.0;
        let mut path = sent_wrong(trail, "login".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because: if is_of_header {
                because.into()
            } else {
                format!("{because}, and so does a login in the body")
            },
            path,
            cleared: vec!["doctor", "permissions", "CORS"],
            ..Finding::of(self, if is_sure { agreed(symptom) } else { Proof::Likely }, "any", summary)?
        })
    }

    fn silent(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_elsewhere = trail.session != Session::None || trail.route.class == RouteClass::Validate;
        if is_elsewhere || !is_login_ignored(trail, symptom) {
            return None;
        }
        // By https the same login may have been accepted.
        let is_by_http = sees_no_tls(symptom) && trail.says_tls == Some(false);
        let is_clear = trail.memory.accepted && !is_by_http;
        if sees_no_tls(symptom) && !is_clear {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Unknown).noted("anonymous"));
        let (proof, summary, because) = if is_clear {
            (
                Proof::Likely,
                "the login behind Basic did not count: another password or user than WordPress has",
                "WordPress took the caller for anonymous, and shortly before a login by Basic was accepted at the same \
                 upstream: the header arrives there",
            )
        } else {
            (
                Proof::Possible,
                "the login behind Basic did not count: WordPress says nothing of a wrong application password",
                "WordPress took the caller for anonymous; a lost header, application passwords that are turned off, or \
                 the login of a gate in front would look the same",
            )
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["doctor", "permissions"],
            decide: (!is_clear).then(|| ask_index(trail)),
            ..Finding::of(self, proof, "any", summary)?
        })
    }
}

fn ask_index(trail: &Trail) -> Decision {
    Decision {
        command: format!(
            r#"curl -s "$SITE{}/" | grep -o '"authentication":[^]}}]*'"#,
            root(trail.route.form)
        ),
        reading: "\"authentication\":[ and nothing more: they are off, or WordPress sees no TLS; otherwise try a new \
                  application password: if that does not count either, the header is lost",
    }
}
