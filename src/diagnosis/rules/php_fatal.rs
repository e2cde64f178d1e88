//! A script of the site broke off with an error that PHP does not forgive.
//!
//! PHP says so in its error stream, whatever page stands in the reply: WordPress's "There has been a critical error on this
//! website", a plugin's, or nothing. What broke is the site's code, and not the credential, unless it is the very code that
//! judges credentials. Where a reply had begun well, what was still to come is missing.

use super::super::{Finding, Place, Proof, Rule, Severity};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{AnsweredBy, Fatal, FatalKind, Owner, Symptom, Trail, Trouble};

pub(in super::super) struct PhpFatal;

impl Rule for PhpFatal {
    fn id(&self) -> &'static str {
        "php-fatal"
    }

    fn text(&self) -> &'static str {
        include_str!("php_fatal.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let Some(Trouble::Fatal(fatal)) = &symptom.php else { return None };
        let has_failed = symptom.status.code() >= 500;
        let proof = if has_failed { Proof::Proved } else { Proof::Likely };
        let is_of_logins = fatal.owner.as_ref().is_some_and(is_of_logins);
        let finding = Finding::of(self, proof, product(fatal), summary(fatal, has_failed))?;
        Some(Finding {
            place: place(fatal),
            severity: if has_failed { Severity::Error } else { Severity::Warning },
            because: because(symptom).into(),
            path: until_php(trail, note(fatal.kind)),
            cleared: if is_of_logins {
                vec!["proxies"]
            } else {
                vec!["client", "proxies", "token", "secret", "expiry"]
            },
            caution: if is_of_logins { "" } else { NOT_JUDGED },
            cure: cure(&finding, fatal),
            ..finding
        })
    }
}

/// With the name of the plugin that it is about.
fn cure(finding: &Finding, fatal: &Fatal) -> String {
    finding.cure.replace("NAME", fatal.owner.as_ref().map_or("NAME", Owner::name))
}

/// Whether the code that broke off may have judged the credential: then the credential may have broken it.
fn is_of_logins(owner: &Owner) -> bool {
    let name = owner.name().to_ascii_lowercase();
    ["jwt", "auth", "login", "token", "sso", "saml"].iter().any(|word| name.contains(word))
}

const fn place(fatal: &Fatal) -> Place {
    match fatal.owner {
        Some(Owner::Plugin(_)) => Place::Plugin,
        Some(Owner::Theme(_)) => Place::WordPress,
        None => Place::Php,
    }
}

fn summary(fatal: &Fatal, has_failed: bool) -> String {
    let code = fatal.owner.as_ref().map_or_else(|| "a script of the site".to_owned(), Owner::to_string);
    let why = match fatal.kind {
        FatalKind::Memory => "PHP ran out of memory",
        FatalKind::Time => "it took longer than PHP's max_execution_time",
        FatalKind::Parse => "its text is not PHP, or not of this version",
        FatalKind::Other => "PHP met a fatal error",
    };
    let then = if has_failed { "" } else { ", when a reply had begun" };
    format!("{code} broke off: {why}{then}")
}

const fn note(kind: FatalKind) -> &'static str {
    match kind {
        FatalKind::Memory => "out of memory",
        FatalKind::Time => "out of time",
        FatalKind::Parse => "parse error",
        FatalKind::Other => "fatal error",
    }
}

fn because(symptom: &Symptom) -> &'static str {
    match symptom.answered_by {
        AnsweredBy::Doctor => "PHP says so in its error stream, and sent no reply that could be passed on",
        _ if symptom.status.code() >= 500 => {
            "PHP says so in its error stream, and the reply is an error of the server"
        }
        _ => "PHP says so in its error stream; what it had sent before does not show it",
    }
}

const fn product(fatal: &Fatal) -> &'static str {
    match (fatal.kind, &fatal.owner) {
        (FatalKind::Memory, _) => "memory",
        (FatalKind::Time, _) => "time",
        (_, Some(Owner::Plugin(_))) => "plugin",
        (_, Some(Owner::Theme(_))) => "theme",
        (_, None) => "any",
    }
}
