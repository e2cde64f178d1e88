//! WordPress knows who asks, and that user may not.
//!
//! Core answers a failed permission check with 401 to anonymous callers and with 403 to known ones
//! (`rest_authorization_required_code` in `wp-includes/rest-api.php`). So 403 with core's codes says that the
//! identity arrived. A route of a plugin may answer 403 to everybody, which is why it takes core's other mark of a
//! known user, the five cache directives, to prove it. Without that mark only a credential that WordPress would
//! have taken counts.
//!
//! Not permissions: `rest_cookie_invalid_nonce`, `rest_post_incorrect_password` and the codes of lock-down plugins
//! are not core's permission codes; `rest_not_logged_in` with 403 is such a plugin, too.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{foreign, untouched};
use crate::evidence::{Claims, Credential, Difference, Hop, Session, Symptom, Token, Trail};

pub(in super::super) struct PermissionRefused;

impl Rule for PermissionRefused {
    fn id(&self) -> &'static str {
        "permission-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("permission_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let knowable = symptom.is_permission(403) && symptom.code() != "rest_not_logged_in";
        if !knowable || symptom.from_cache {
            return None;
        }
        let sent = carried(trail)?;
        let proof = match (symptom.knows_user, is_takeable(trail, symptom)) {
            (true, _) => Proof::Proved,
            (false, true) => Proof::Likely,
            (false, false) => return None,
        };
        let mark = if symptom.knows_user {
            ", in a reply marked as for a known user"
        } else {
            "; a plugin's own route may say so to everybody"
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Good).noted("user known"));
        let summary = "WordPress knows the user, who lacks the permission for this route";
        Some(Finding {
            because: format!(
                "{sent} was sent on, and WordPress answered 403, which core does not say to anonymous callers{mark}"
            ),
            path,
            cleared: if symptom.knows_user { KNOWN.to_vec() } else { vec!["client", "doctor", "CORS"] },
            ..Finding::of(self, proof, "any", summary)?
        })
    }
}

/// Where a reply is marked as for a known user, what it took to know him is in order.
const KNOWN: [&str; 6] = ["client", "every hop", "token", "secret", "expiry", "CORS"];

/// The credential that the request carried, in words.
const fn carried(trail: &Trail) -> Option<&'static str> {
    match (trail.credential, trail.session) {
        (Credential::Absent | Credential::Empty | Credential::Several, Session::WithNonce) => {
            Some("a login cookie with a nonce")
        }
        (Credential::Absent | Credential::Empty | Credential::Several, _) => None,
        (Credential::Bearer(Token::Placeholder(_) | Token::Nothing), Session::WithNonce) => {
            Some("a login cookie with a nonce")
        }
        (Credential::Bearer(Token::Placeholder(_) | Token::Nothing), _) => None,
        _ => Some("Authorization"),
    }
}

/// Whether WordPress would have taken the credential, as far as can be seen from here.
fn is_takeable(trail: &Trail, symptom: &Symptom) -> bool {
    let in_time = trail.times().is_some_and(|times| times.good(symptom.now()));
    let is_useless = foreign(trail, symptom) == Some(Difference::Host)
        || trail.claims.as_ref().is_some_and(Claims::is_cut);
    let authorization = match trail.credential {
        Credential::Bearer(Token::Jwt) => in_time && !is_useless,
        Credential::Basic => true,
        _ => false,
    };
    authorization || trail.session == Session::WithNonce
}
