//! PHP has another credential than the doctor sent: something behind the doctor put its own in its place.
//!
//! Most often it is a gate whose login PHP sees as `PHP_AUTH_USER`, or a proxy that logs in for its callers. One `Authorization`
//! cannot serve two.

use super::super::php::Harm;
use super::super::{Finding, Rule};
use crate::evidence::{Change, Symptom, Trail};

pub(in super::super) struct AuthorizationReplacedBeforePhp;

impl Rule for AuthorizationReplacedBeforePhp {
    fn id(&self) -> &'static str {
        "authorization-replaced-before-php"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_replaced_before_php.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let harm = Harm::of(trail, symptom).filter(|harm| harm.changed.change == Change::Replaced)?;
        let other = harm.other();
        let summary = format!("the {} was replaced by {other} {}", harm.what(), harm.pair());
        harm.found(self, if other == "a Basic login" { "login" } else { "any" }, summary)
    }

    fn explains(&self) -> &'static [&'static str] {
        super::OF_THE_CREDENTIAL_IN_PHP
    }
}
