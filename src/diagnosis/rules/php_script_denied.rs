//! PHP-FPM finds the script that the doctor names, and will not run it.
//!
//! Two causes share php-fpm's 403 `Access denied.`, and its own words tell them apart: the name is none of those that the
//! pool may run, or the file may not be read. Where a request names a script itself, a name that may not be run is what
//! `limit_extensions` is there for (`evil.jpg/x.php` leads to `evil.jpg`), and no fault.

use super::super::answerer::is_from_wordpress;
use super::super::{Finding, Proof, Rule, Severity};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{Script, Symptom, Trail, Trouble};

pub(in super::super) struct PhpScriptDenied;

impl Rule for PhpScriptDenied {
    fn id(&self) -> &'static str {
        "php-script-denied"
    }

    fn text(&self) -> &'static str {
        include_str!("php_script_denied.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        // A script that ran can be made to log whatever its callers send.
        let may_be = symptom.status.code() == 403 && !is_from_wordpress(symptom);
        let trouble = symptom.php.as_ref().filter(|_| may_be)?;
        let is_named = trail.script == Script::Named;
        let (product, note, summary, because) = match trouble {
            Trouble::ScriptDenied if !is_named => (
                "pool",
                "script denied",
                "PHP-FPM will not run a script of WordPress: security.limit_extensions of its pool leaves out .php",
                "php-fpm answers 403 and names that setting, and the doctor asked for a .php file of WordPress",
            ),
            Trouble::ScriptUnreadable => (
                "permissions",
                "script unreadable",
                "PHP-FPM found the script and may not read it",
                "php-fpm answers 403 and says \"Unable to open primary script\", \"Permission denied\"",
            ),
            _ => return None,
        };
        Some(Finding {
            severity: if is_named { Severity::Warning } else { Severity::Error },
            because: because.into(),
            path: until_php(trail, note),
            cleared: vec!["client", "token", "secret", "expiry", "WordPress"],
            caution: NOT_JUDGED,
            ..Finding::of(self, Proof::Proved, product, summary)?
        })
    }
}
