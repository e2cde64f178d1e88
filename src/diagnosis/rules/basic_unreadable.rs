//! The login behind `Basic` cannot be read.
//!
//! A password that is not encoded, base64 without a colon in it, or none at all: measured, WordPress takes the caller for
//! anonymous and says nothing of it. Quotes and a second blank do no harm where PHP itself reads the header, and count as
//! readable. The alphabet of base64url fails in WordPress's own parser; PHP's may forgive it, so that is only possible.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{is_anonymous, sent_wrong};
use crate::evidence::{AnsweredBy, Basic, Hop, Plugin, Symptom, Trail};

pub(in super::super) struct BasicUnreadable;

impl Rule for BasicUnreadable {
    fn id(&self) -> &'static str {
        "basic-unreadable"
    }

    fn text(&self) -> &'static str {
        include_str!("basic_unreadable.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let form = trail.basic?;
        let (what, product) = words(form)?;
        let is_named = symptom.answered_by == AnsweredBy::Plugin(Plugin::MiniOrange)
            && symptom.code() == "INVALID_TOKEN_FORMAT"
            && !symptom.from_cache;
        let proof = match form {
            _ if is_named => Proof::Proved,
            _ if !is_anonymous(symptom) => return None,
            Basic::UrlSafe => Proof::Possible,
            _ => Proof::Likely,
        };
        let mut path = sent_wrong(trail, "unreadable Basic".into());
        path.push(Stop::new(Hop::Php, if is_named { Mark::Good } else { Mark::Unknown }));
        let because = if is_named {
            "seen on arrival, and the plugin says that its format is wrong"
        } else {
            "seen on arrival, and WordPress took the caller for anonymous"
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["doctor", "permissions"],
            caution: "Password not judged. Do not replace it",
            ..Finding::of(self, proof, product, format!("the client sent Basic with {what}"))?
        })
    }
}

/// What stands behind `Basic`, and whose cure.
const fn words(form: Basic) -> Option<(&'static str, &'static str)> {
    match form {
        Basic::Good => None,
        Basic::UrlSafe => Some(("base64url, which WordPress's own parser does not take", "base64url")),
        Basic::NoColon => Some(("a login that has no colon between name and password", "client")),
        Basic::Plain => Some(("name and password that are not encoded", "client")),
        Basic::NoBase64 => Some(("something that is no base64", "client")),
        Basic::Nothing => Some(("nothing behind it", "client")),
    }
}
