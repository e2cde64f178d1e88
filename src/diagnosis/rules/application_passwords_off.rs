//! Application passwords are turned off, by WordPress's word, and nothing shows that it is for want of TLS.
//!
//! `application_passwords_disabled` has two causes: no TLS, or the filter `wp_is_application_passwords_available`, with which
//! security plugins turn them off. Where the site names itself `http://` it is the first, another rule's. The code that ends in
//! `_for_user` comes from a filter alone. Both are core's, by 401 to `Basic` and by 501 from the routes that manage them.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{are_application_passwords_off, is_off_for_user, sees_no_tls, untouched};
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct ApplicationPasswordsOff;

impl Rule for ApplicationPasswordsOff {
    fn id(&self) -> &'static str {
        "application-passwords-off"
    }

    fn text(&self) -> &'static str {
        include_str!("application_passwords_off.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let for_user = is_off_for_user(trail, symptom);
        let is_untold = trail.treatment.disbelieved.is_some() || sees_no_tls(symptom);
        let is_off = are_application_passwords_off(trail, symptom) && !is_untold;
        if !is_off && !for_user {
            return None;
        }
        let (summary, because, product) = if for_user {
            (
                "application passwords are turned off for this user",
                "WordPress says so, and only a filter of the site can bring this about",
                "user",
            )
        } else {
            (
                "application passwords are turned off, most often by a security plugin",
                "WordPress says so, and nothing shows that it does not see TLS, the other reason for these words",
                "any",
            )
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("turned off"));
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["client", "proxies", "web server", "permissions"],
            caution: "Password not judged. Do not replace it",
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }
}
