//! WordPress does not see TLS, and takes no application password without it.
//!
//! `wp_is_application_passwords_supported` asks `is_ssl()`, which knows `HTTPS` and port 443 only and no `X-Forwarded-Proto`;
//! and so does WooCommerce for its keys. `home_url()` follows `is_ssl()`, so a `Link` by `http://` betrays that WordPress sees
//! none. Mostly nothing is said: the login is passed over, and the caller is anonymous. Where the client is known to use
//! TLS, that explains it; else a wrong password looks the same, for on a site of type `local` they count without TLS.
//!
//! Where the doctor itself sent `http` on, since it was not told whom to believe, that is `forwarded-proto-untrusted`'s.

use super::super::{Finding, Mark, Proof, Rule, Severity, Stop};
use super::{are_application_passwords_off, is_login_ignored, sees_no_tls, untouched};
use crate::evidence::{Hop, Session, Symptom, Trail};

pub(in super::super) struct ApplicationPasswordsNeedHttps;

impl Rule for ApplicationPasswordsNeedHttps {
    fn id(&self) -> &'static str {
        "application-passwords-need-https"
    }

    fn text(&self) -> &'static str {
        include_str!("application_passwords_need_https.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !sees_no_tls(symptom) || trail.treatment.disbelieved.is_some() {
            return None;
        }
        let uses_tls = trail.says_tls == Some(true);
        let is_off = are_application_passwords_off(trail, symptom)
            || (trail.memory.unoffered && is_login_ignored(trail, symptom));
        let proof = match (is_off, uses_tls) {
            (true, true) => Proof::Proved,
            (true, false) => Proof::Likely,
            (false, _) if !is_login_ignored(trail, symptom) => return None,
            // What was accepted by https is refused by http.
            (false, _) if trail.memory.accepted && trail.says_tls != Some(false) => return None,
            (false, true) => Proof::Likely,
            (false, false) if trail.session == Session::WithoutNonce => return None,
            (false, false) => Proof::Possible,
        };
        let summary = if proof == Proof::Possible {
            "WordPress does not see TLS, and takes an application password without it on a local site alone"
        } else {
            "WordPress does not see TLS, and takes no application password without it"
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("sees no TLS"));
        Some(Finding {
            severity: if proof == Proof::Possible { Severity::Warning } else { Severity::Error },
            because: because(is_off, uses_tls).into(),
            path,
            cleared: vec!["doctor", "permissions"],
            caution: "Password not judged. Do not replace it",
            ..Finding::of(self, proof, if uses_tls { "wp-config.php" } else { "any" }, summary)?
        })
    }
}

const fn because(is_off: bool, uses_tls: bool) -> &'static str {
    match (is_off, uses_tls) {
        (true, true) => {
            "the doctor sent X-Forwarded-Proto: https on, WordPress names itself http://, and says that application \
             passwords are not available"
        }
        (true, false) => {
            "WordPress names itself http://, and says that application passwords are not available"
        }
        (false, true) => {
            "the doctor sent X-Forwarded-Proto: https on, WordPress names itself http://, and the login did not count; \
             it says nothing of why"
        }
        (false, false) => {
            "WordPress names itself http://, and the login did not count; a wrong password looks the same where the \
             site's type is local, and so does the login of a gate in front"
        }
    }
}
