//! The login for a token was refused, in words about application passwords that hide the reason.
//!
//! The handler of application passwords runs last in `wp_authenticate()` and overwrites what the others said: of any wrong password, once
//! application passwords were ever used on the site. Where WordPress does not see TLS it says that they are off, instead.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::login_refused::code;
use super::untouched;
use crate::evidence::{Hop, Message, Symptom, Trail};

pub(in super::super) struct LoginOverwrittenMessage;

impl Rule for LoginOverwrittenMessage {
    fn id(&self) -> &'static str {
        "login-overwritten-message"
    }

    fn text(&self) -> &'static str {
        include_str!("login_overwritten_message.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let code = code(trail, symptom)?;
        let is_off =
            matches!(code, "application_passwords_disabled" | "application_passwords_disabled_for_user");
        let is_overwritten =
            code == "incorrect_password" && symptom.message() == Some(Message::APPLICATION_PASSWORD);
        if !is_off && !is_overwritten {
            return None;
        }
        let mut path = untouched(trail);
        if let Some(client) = path.first_mut() {
            *client = Stop::new(Hop::Client, Mark::Bad).noted("login");
        }
        path.push(Stop::new(Hop::Php, Mark::Good));
        let (product, because) = match code {
            "application_passwords_disabled" => ("TLS", OFF),
            "application_passwords_disabled_for_user" => ("client", OFF_FOR_USER),
            _ => ("any", OVERWRITTEN),
        };
        // Whoever ought to tell PHP of TLS is not acquitted.
        let cleared: &[_] = if product == "TLS" { &["secret", "CORS"] } else { &CLEARED };
        Some(Finding {
            because: because.into(),
            path,
            cleared: cleared.to_vec(),
            caution: "No token was judged. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, product, SUMMARY)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["login-refused"]
    }
}

const SUMMARY: &str =
    "the login for a token was refused: wrong password, though WordPress speaks of application passwords";
const CLEARED: [&str; 4] = ["proxies", "web server", "secret", "CORS"];
const OVERWRITTEN: &str = "WordPress says of every wrong password that it is an invalid application password, once those are in use";
const OFF: &str = "that application passwords are not available is what WordPress says of every wrong password where they are \
                   in use and it does not see TLS, or a plugin turned them off";
const OFF_FOR_USER: &str =
    "that they are off for this user is what WordPress says of every wrong password of that user";
