//! The doctor's user may not connect to the socket that PHP-FPM listens on.
//!
//! The system says so, and says no more: the socket's own mode, a folder above it, AppArmor and SELinux look alike.

use super::super::{Finding, Proof, Rule};
use super::{NOT_JUDGED, until_php};
use crate::evidence::{Symptom, Trail, Trouble};

pub(in super::super) struct PhpSocketForbidden;

impl Rule for PhpSocketForbidden {
    fn id(&self) -> &'static str {
        "php-socket-forbidden"
    }

    fn text(&self) -> &'static str {
        include_str!("php_socket_forbidden.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if symptom.php != Some(Trouble::SocketForbidden) {
            return None;
        }
        Some(Finding {
            because: "the system refused the connection (permission denied); a closed folder above the socket, AppArmor or \
                      SELinux would look the same"
                .into(),
            path: until_php(trail, "socket closed to the doctor"),
            cleared: vec!["client", "token", "secret", "expiry", "WordPress"],
            caution: NOT_JUDGED,
            ..Finding::of(self, Proof::Likely, "any", "the doctor's user may not use the socket of PHP-FPM")?
        })
    }
}
