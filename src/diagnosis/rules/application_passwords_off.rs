//! Application passwords are turned off, by WordPress's word, and nothing shows that it is for want of TLS.
//!
//! `application_passwords_disabled` has two causes: no TLS, or the filter `wp_is_application_passwords_available`, with which
//! security plugins turn them off. Where the site names itself `http://` it is the first, another rule's; a site whose address is stored
//! as `https://` names itself so without TLS, too, so whoever ought to tell PHP of TLS is not acquitted. The code that ends in
//! `_for_user` comes from a filter alone. Both are core's, by 401 to `Basic` and by 501 from the routes that manage them.

use super::super::{Finding, Mark, Proof, Rule, Severity, Stop};
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
                "application passwords are turned off: by a plugin, or for want of TLS in PHP",
                "WordPress says that they are not available, for either reason; a site that is stored as https:// does not \
                 betray which",
                "any",
            )
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("turned off"));
        Some(Finding {
            severity: if for_user { Severity::Warning } else { Severity::Error },
            because: because.into(),
            path,
            cleared: if for_user { FOR_USER.to_vec() } else { FOR_ALL.to_vec() },
            caution: "Password not judged. Do not replace it",
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }
}

/// Only a filter says so.
const FOR_USER: [&str; 4] = ["client", "proxies", "web server", "permissions"];
/// A hop may have kept it from PHP that TLS is used.
const FOR_ALL: [&str; 3] = ["client", "doctor", "permissions"];
