//! The credential came under a name that servers drop before PHP.
//!
//! A point or an underscore in the name of a header is enough: nginx and Apache leave such headers out, and say so nowhere but in a log of
//! level `info`, if at all. Neither the doctor nor HTTP minds, so it is seen here, and WordPress knows nobody. A plugin that reads
//! the name may have refused the value, so it is likely at most.

use super::super::{Finding, Lost, Mark, Proof, Rule, Stop};
use super::misses_identity;
use crate::evidence::{Change, Credential, Hop, OddLetter, Session, Symptom, Trail, Watched};

pub(in super::super) struct OddNameDropped;

impl Rule for OddNameDropped {
    fn id(&self) -> &'static str {
        "odd-name-dropped"
    }

    fn text(&self) -> &'static str {
        include_str!("odd_name_dropped.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let letter = trail.odd_letter.filter(|_| trail.elsewhere.is_none())?;
        let is_alone = matches!(trail.credential, Credential::Absent | Credential::Empty);
        if !is_alone || trail.session == Session::WithNonce || !misses_identity(symptom) {
            return None;
        }
        let what = match letter {
            OddLetter::Underscore => "an underscore",
            OddLetter::Dot => "a point",
        };
        let summary = format!("the credential came under a name with {what}, which servers drop before PHP");
        Some(Finding {
            because: "a credential was seen on arrival under such a name and none in Authorization, and WordPress says that it knows \
                      nobody; a plugin that reads the name and refuses the value would look the same"
                .into(),
            path: vec![
                Stop::new(Hop::Client, Mark::Bad).noted(format!("{what} in its name")),
                Stop::new(Hop::Doctor, Mark::Good),
                Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()),
                Stop::new(Hop::Php, Mark::Unknown),
            ],
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Moved,
                after: Hop::Client,
                before: Hop::Doctor,
            }),
            cleared: vec!["doctor", "permissions"],
            caution: "Token not judged. Do not rotate secrets before this is decided",
            ..Finding::of(self, Proof::Likely, symptom.software.name(), summary)?
        })
    }
}
