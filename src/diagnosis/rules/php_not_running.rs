//! Nobody is where PHP-FPM should be.
//!
//! The socket is not there, or nobody listens: php-fpm does not run, or listens elsewhere. Which of the two, the system
//! does not say.

use super::super::{Finding, Proof, Rule};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{Symptom, Trail, Trouble};

pub(in super::super) struct PhpNotRunning;

impl Rule for PhpNotRunning {
    fn id(&self) -> &'static str {
        "php-not-running"
    }

    fn text(&self) -> &'static str {
        include_str!("php_not_running.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let (product, note, summary, because) = match symptom.php.as_ref()? {
            Trouble::SocketMissing => (
                "socket",
                "no socket",
                "PHP-FPM's socket is not there: php-fpm does not run, or listens elsewhere",
                "the system says that there is no such socket; php-fpm makes it when it starts and removes it when it ends",
            ),
            Trouble::NobodyListens => (
                "any",
                "nobody listens",
                "nobody listens where PHP-FPM should: php-fpm does not run, or listens elsewhere",
                "the system refused the connection, as it does where nobody listens",
            ),
            _ => return None,
        };
        Some(Finding {
            because: because.into(),
            path: until_php(trail, note),
            cleared: vec!["client", "token", "secret", "expiry", "WordPress"],
            caution: NOT_JUDGED,
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }
}
