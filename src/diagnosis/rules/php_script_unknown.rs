//! PHP-FPM does not find the script that the doctor names.
//!
//! `Primary script unknown` is php-fpm's own word for it, and its 404 alone could be anybody's page. Every site has the
//! front door, so PHP sees other folders than the doctor was told of; likewise where the doctor saw the file. Any other
//! script may just not be there, one of WordPress's own among them where it lies in a folder of its own: scanners ask for
//! such all day, and of those nothing is said.

use super::super::answerer::is_from_wordpress;
use super::super::{Finding, Proof, Rule};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{Script, Symptom, Trail, Trouble};

pub(in super::super) struct PhpScriptUnknown;

impl Rule for PhpScriptUnknown {
    fn id(&self) -> &'static str {
        "php-script-unknown"
    }

    fn text(&self) -> &'static str {
        include_str!("php_script_unknown.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_said = symptom.php == Some(Trouble::ScriptUnknown) && symptom.status.code() == 404;
        // A script that ran can be made to log whatever its callers send.
        if !is_said || is_from_wordpress(symptom) {
            return None;
        }
        let (proof, because) = match trail.script {
            Script::FrontDoor => (
                Proof::Proved,
                "the doctor named the index.php that every WordPress has, and php-fpm says \"Primary script unknown\"",
            ),
            Script::Seen => (
                Proof::Proved,
                "the doctor saw the script's file below root or an alias, and php-fpm says \"Primary script unknown\"",
            ),
            Script::Core | Script::Named => return None,
        };
        let summary =
            "PHP-FPM finds no WordPress below php_root: for PHP it lies elsewhere, or behind a closed folder";
        Some(Finding {
            because: because.into(),
            path: until_php(trail, "script unknown"),
            cleared: vec!["client", "token", "secret", "expiry", "WordPress"],
            caution: NOT_JUDGED,
            ..Finding::of(self, proof, "any", summary)?
        })
    }
}
