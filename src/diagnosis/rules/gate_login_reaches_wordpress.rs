//! The login of a gate in front was passed on to WordPress, which took it for an application password.
//!
//! htpasswd in nginx and Caddy lets the header through once it was right. WordPress knows no such user, and where a plugin
//! asks for the user early it says so on every route: on public ones, on preflights, with the very login for a token. Nobody
//! sends an application password there, so an unknown user there is rather the gate's.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{needs_no_login, refused_by_basic, untouched};
use crate::evidence::{Hop, Software, Symptom, Trail};

pub(in super::super) struct GateLoginReachesWordpress;

impl Rule for GateLoginReachesWordpress {
    fn id(&self) -> &'static str {
        "gate-login-reaches-wordpress"
    }

    fn text(&self) -> &'static str {
        include_str!("gate_login_reaches_wordpress.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let code = refused_by_basic(trail, symptom)?;
        if code == "incorrect_password" || !needs_no_login(trail) {
            return None;
        }
        let summary =
            "WordPress took the login of a gate in front for an application password, and knows no such user";
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Gate, Mark::Bad).noted("login passed on"));
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because: "Basic came where no login is needed, and WordPress says that it knows no such user; a client that \
                      sends an application password everywhere, with a wrong name, looks the same"
                .into(),
            path,
            cleared: vec!["doctor", "secret", "permissions", "CORS"],
            ..Finding::of(self, Proof::Likely, product(symptom), summary)?
        })
    }
}

const fn product(symptom: &Symptom) -> &'static str {
    match symptom.software {
        Software::Nginx => "nginx",
        Software::Caddy => "Caddy",
        _ => "any",
    }
}
