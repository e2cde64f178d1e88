//! WordPress's application passwords, and the codes of its login that they share.
//!
//! A wrong application password is often not told at all: unless a plugin asks early who the caller is, it counts as
//! none, and the route answers 401 `rest_not_logged_in`.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::ApplicationPasswords,
    codes: &[],
    statuses: &[401],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &[],
    source: "wp-includes/user.php, wp_authenticate_application_password; measured",
};

/// What concerns the list of them, not a login by one.
const MANAGED: Known = Known {
    place: Place::Application,
    desk: Desk::Application,
    severity: Severity::Note,
    source: "class-wp-rest-application-passwords-controller.php",
    ..BASE
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["incorrect_password"],
        messages: &["The provided password is an invalid application password."],
        meaning: "The Basic login names a user and none of that user's application passwords. The password of the account is never \
                  taken as Basic.",
        cure: "create an application password in the user's profile, and send it with the user's name, not the application's",
        rules: &[
            "application-password-refused",
            "login-overwritten-message",
            "login-refused",
            "authorization-replaced",
        ],
        ..BASE
    },
    Known {
        codes: &["invalid_username", "invalid_email"],
        messages: &[
            "Unknown username. Check again or try your email address.",
            "Unknown email address. Check again or try your username.",
        ],
        meaning: "The Basic login names no user of the site. Where a gate stands in front, it is the gate's own login that WordPress \
                  took for one.",
        cure: "leave /wp-json/ out of the gate, or strip its Basic before WordPress; without a gate correct the user name",
        rules: &[
            "gate-login-reaches-wordpress",
            "application-password-refused",
            "login-refused",
            "authorization-replaced",
        ],
        ..BASE
    },
    Known {
        codes: &["application_passwords_disabled"],
        statuses: &[401, 501],
        messages: &["Application passwords are not available."],
        meaning: "Application passwords are off: WordPress does not see TLS, or a plugin switched them off. 501 where their list was \
                  asked for. Most often a Basic login is passed over in silence instead.",
        place: Place::WordPress,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "let WordPress see TLS (X-Forwarded-Proto and HTTPS=on in wp-config.php); else allow them in the security plugin",
        rules: &[
            "application-passwords-need-https",
            "application-passwords-off",
            "forwarded-proto-untrusted",
            "login-overwritten-message",
        ],
        ..BASE
    },
    Known {
        codes: &["application_passwords_disabled_for_user"],
        statuses: &[401, 501],
        meaning: "Application passwords are off for this user, by a filter.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        cure: "allow the user's role in the plugin that filters wp_is_application_passwords_available_for_user",
        rules: &["application-passwords-off", "login-overwritten-message"],
        ..BASE
    },
    Known {
        codes: &[
            "rest_cannot_list_application_passwords",
            "rest_cannot_read_application_password",
            "rest_cannot_create_application_passwords",
            "rest_cannot_edit_application_password",
            "rest_cannot_delete_application_password",
            "rest_cannot_delete_application_passwords",
            "rest_cannot_introspect_app_password_for_non_authenticated_user",
            "rest_cannot_manage_application_passwords",
        ],
        statuses: &[401, 403],
        meaning: "The caller may not manage these application passwords. With 401 WordPress knows nobody, with 403 it knows the user.",
        cure: "with 401 see what became of Authorization; with 403 give the user the capability",
        rules: &["permission-refused", "authorization-lost-before-php"],
        ..MANAGED
    },
    Known {
        codes: &["rest_no_authenticated_app_password"],
        statuses: &[404],
        meaning: "The request was not logged in by an application password, but by something else.",
        cure: "nothing, where another credential was meant; it tells which one WordPress took",
        ..MANAGED
    },
    Known {
        codes: &["rest_application_password_not_found", "application_password_not_found"],
        statuses: &[404, 500],
        meaning: "There is no application password with this number.",
        cure: "list them first",
        ..MANAGED
    },
    Known {
        codes: &["application_password_empty_name"],
        statuses: &[400],
        meaning: "A new application password was asked for without a name.",
        cure: "send a name",
        source: "class-wp-application-passwords.php",
        ..MANAGED
    },
];
