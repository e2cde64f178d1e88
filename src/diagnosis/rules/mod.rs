//! The rules: one file of code and one of Markdown per cause.

mod authorization_lost_before_doctor;
mod authorization_lost_before_php;
mod authorization_nominated;
mod authorization_twice;
mod gate_in_front;
mod permission_refused;
mod placeholder_token;
mod token_expired;

pub(super) use authorization_lost_before_doctor::AuthorizationLostBeforeDoctor;
pub(super) use authorization_lost_before_php::AuthorizationLostBeforePhp;
pub(super) use authorization_nominated::AuthorizationNominated;
pub(super) use authorization_twice::AuthorizationTwice;
pub(super) use gate_in_front::GateInFront;
pub(super) use permission_refused::PermissionRefused;
pub(super) use placeholder_token::PlaceholderToken;
pub(super) use token_expired::TokenExpired;

use super::{Decision, Mark, Stop};
use crate::evidence::{Form, Hop, Trail};

/// Client and doctor, when the header came and left as it was.
fn untouched(trail: &Trail) -> Vec<Stop> {
    let doctor = Stop::new(Hop::Doctor, Mark::Good);
    vec![
        Stop::new(Hop::Client, Mark::Good),
        if trail.is_unchanged() { doctor } else { doctor.noted("changed") },
    ]
}

/// A client that sent something wrong, and the doctor that passed it on.
fn sent_wrong(trail: &Trail, note: String) -> Vec<Stop> {
    let passed = if trail.is_unchanged() { "unchanged" } else { "changed" };
    vec![Stop::new(Hop::Client, Mark::Bad).noted(note), Stop::new(Hop::Doctor, Mark::Good).noted(passed)]
}

/// The question that separates a lost header from a refused token: `token/validate` alone says whether a header
/// arrived. It is asked in the form of URL that failed, since the form decides what Apache loses.
fn ask_validate(trail: &Trail, token: &str, reading: &'static str) -> Decision {
    let root = match trail.route.form {
        Form::Pretty => "/wp-json",
        Form::Index => "/index.php/wp-json",
        Form::Query => "/?rest_route=",
    };
    let command = format!(
        r#"curl -i -X POST "$SITE{root}/jwt-auth/v1/token/validate" -H "Authorization: Bearer {token}""#
    );
    Decision { command, reading }
}
