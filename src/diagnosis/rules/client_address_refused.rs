//! Simple JWT Login takes the proxy for the client, and the proxy's address is not on its list.
//!
//! The plugin compares `REMOTE_ADDR`, unless it is told to trust the headers about the client; behind any proxy, this doctor among them,
//! that is the proxy's address. So a list that worked without a proxy refuses everybody behind one.

use super::super::codes;
use super::super::told::told;
use super::super::{Finding, Rule};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct ClientAddressRefused;

impl Rule for ClientAddressRefused {
    fn id(&self) -> &'static str {
        "client-address-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("client_address_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = codes::of(symptom).filter(|known| known.rules.contains(&self.id()))?;
        if symptom.status.code() != 403 || !trail.is_simple_jwt_login || symptom.from_cache {
            return None;
        }
        let summary =
            "Simple JWT Login refuses the client's address; behind a proxy it sees the proxy's instead";
        Some(Finding {
            summary: summary.into(),
            because:
                "the plugin says that the address is not allowed; which address it saw is not known from here"
                    .into(),
            cleared: vec!["token", "secret", "expiry", "CORS"],
            caution: "Token not judged. Do not rotate secrets",
            ..told(self, trail, symptom, known)?
        })
    }
}
