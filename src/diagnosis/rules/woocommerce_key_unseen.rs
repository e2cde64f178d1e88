//! A key was sent to WooCommerce, and it answers as if none had come.
//!
//! It takes Basic and keys of the query only where `is_ssl()` says yes, and passes over an unknown key in Basic in silence. So three causes
//! look alike, and one request tells two of them apart: the key in the query over https reaches WordPress whatever becomes of the header.

use super::super::{Decision, Finding, Mark, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{Credential, Hop, Symptom, Trail};

pub(in super::super) struct WoocommerceKeyUnseen;

impl Rule for WoocommerceKeyUnseen {
    fn id(&self) -> &'static str {
        "woocommerce-key-unseen"
    }

    fn text(&self) -> &'static str {
        include_str!("woocommerce_key_unseen.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_key = trail.has_key_in_query || trail.credential == Credential::Basic;
        let is_unseen = symptom.is_permission(401) && symptom.code().starts_with("woocommerce_rest_cannot_");
        if !is_key || !is_unseen || symptom.from_cache {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let summary = "WooCommerce did not see the key: WordPress does not see TLS, the header is lost, or the key is unknown";
        let in_query =
            "WooCommerce did not see the key in the query: WordPress does not see TLS, or the key is unknown";
        let summary = if trail.has_key_in_query { in_query } else { summary };
        Some(Finding {
            because: "a key was sent on, and WooCommerce answers as to nobody; a wrong secret would have been named".into(),
            path,
            cleared: vec!["permissions", "CORS"],
            caution: "Key not judged. Do not replace it before this is decided",
            decide: Some(decide(trail.has_key_in_query)),
            ..Finding::of(self, Proof::Possible, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["application-password-refused"]
    }

    fn yields(&self) -> bool {
        true
    }
}

fn decide(is_in_query: bool) -> Decision {
    let (command, reading) = if is_in_query { (INDEX, READING_INDEX) } else { (COMMAND, READING) };
    Decision { command: command.into(), reading }
}

const INDEX: &str = r#"curl -s "$SITE/wp-json/" | grep -o '"authentication":[^]}]*'"#;
const READING_INDEX: &str = "\"authentication\":[ and nothing more: WordPress sees no TLS, or a plugin turned application passwords off; \
                             otherwise the key is unknown";
const COMMAND: &str =
    r#"curl -i "$SITE/wp-json/wc/v3/system_status?consumer_key=$KEY&consumer_secret=$SECRET""#;
const READING: &str =
    "served: the header is lost on the way; still 401: WordPress does not see TLS, or the key is unknown";
