//! All workers of PHP-FPM are busy.
//!
//! Each serves one request at a time, so a few slow ones hold all. Where a queue is full (the socket's, or the doctor's
//! own), little else explains it. Where PHP took a connection and never answered, one slow script looks the same: only
//! php-fpm's log tells, which says when `pm.max_children` was reached.

use super::super::{Decision, Finding, Proof, Rule, Severity};
use super::until_php;
use crate::evidence::{Symptom, Trail, Trouble};

pub(in super::super) struct PhpPoolExhausted;

impl Rule for PhpPoolExhausted {
    fn id(&self) -> &'static str {
        "php-pool-exhausted"
    }

    fn text(&self) -> &'static str {
        include_str!("php_pool_exhausted.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let trouble = symptom.php.as_ref()?;
        let (product, summary, because) = words(trouble)?;
        let is_possible = *trouble == Trouble::Silent;
        let proof = if is_possible { Proof::Possible } else { Proof::Likely };
        Some(Finding {
            severity: if is_possible { Severity::Warning } else { Severity::Error },
            because: because.into(),
            path: until_php(trail, note(trouble)),
            cleared: vec!["client", "token", "secret", "expiry"],
            decide: is_possible.then(ask_its_log),
            ..Finding::of(self, proof, product, summary)?
        })
    }
}

/// Which cure of the text it takes, what happened, and why so sure.
const fn words(trouble: &Trouble) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match trouble {
        Trouble::BacklogFull => (
            "any",
            "PHP-FPM's workers are all busy, and as many requests wait at its socket as may",
            "the system refused the connection at once, as it does where a Unix socket's queue is full (listen.backlog)",
        ),
        Trouble::Overloaded => (
            "any",
            "PHP takes no more requests: all its workers are busy",
            "the FastCGI application says that it is overloaded",
        ),
        Trouble::QueueFull => (
            "doctor",
            "all connections that the doctor may have to PHP-FPM are in use, and as many requests wait for one as may",
            "the doctor counted them; what holds PHP's workers, it does not see",
        ),
        Trouble::QueueTimeout => (
            "doctor",
            "all connections that the doctor may have to PHP-FPM are in use, and the request waited for one too long",
            "the doctor counted them; what holds PHP's workers, it does not see",
        ),
        Trouble::Silent => (
            "any",
            "PHP-FPM sent no reply in time: its workers may all be busy, or this script is slow",
            "the request went out and nothing came; one slow script would look the same",
        ),
        _ => return None,
    })
}

const fn note(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Silent => "no reply in time",
        Trouble::QueueFull | Trouble::QueueTimeout => "no connection free",
        _ => "all workers busy",
    }
}

fn ask_its_log() -> Decision {
    Decision {
        command: r#"grep "reached pm.max_children" /var/log/php*fpm*.log"#.into(),
        reading: "a line of that minute: all workers were busy; none: this script is slow",
    }
}
