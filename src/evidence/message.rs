//! The messages of errors, as far as we know them.
//!
//! A message is what tells the causes within one code apart: `jwt_auth_invalid_token` stands for seven of them. It may
//! also name a user or quote what was sent, so none is kept: it is freed of its markup, recognised in a table, and from
//! then on the table's words stand for it. What the table does not have is nobody's business.

use std::borrow::Cow;
use std::fmt;

use crate::moment::Moment;

/// A message of the table below: `…` in it stands for anything, also for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message(&'static str);

impl Message {
    /// php-jwt: not three parts.
    pub const WRONG_SEGMENTS: Self = Self("Wrong number of segments");
    /// php-jwt: `exp` has come.
    pub const EXPIRED: Self = Self("Expired token");
    /// php-jwt: another secret, or not the token that was signed.
    pub const SIGNATURE: Self = Self("Signature verification failed");
    /// php-jwt: `nbf` or `iat` has not come; `not_before` of the symptom is the time.
    pub const PRIOR: Self = Self("Cannot handle token prior to …");
    /// php-jwt: an algorithm it does not have, `none` among them.
    pub const NOT_SUPPORTED: Self = Self("Algorithm not supported");
    /// php-jwt: another algorithm than the site's.
    pub const INCORRECT_KEY: Self = Self("Incorrect key for this algorithm");
    /// php-jwt: three parts that are no JSON.
    pub const SYNTAX: Self = Self("Syntax error, malformed JSON");
    /// php-jwt: three parts, and not even text in them.
    pub const MALFORMED_UTF8: Self = Self("Malformed UTF-8 characters");
    /// Tmeister: another issuer than `get_bloginfo('url')`.
    pub const BAD_ISS: Self = Self("The iss do not match with this server");
    /// Tmeister: no `data.user.id` in the token.
    pub const NO_USER: Self = Self("User ID not found in the token");
    /// Tmeister: no secret in wp-config.php.
    pub const NOT_CONFIGURED: Self = Self("JWT is not configured properly, please contact the admin");
    /// Tmeister, usefulteam: PHP has no `Authorization`.
    pub const HEADER_NOT_FOUND: Self = Self("Authorization header not found.");
    /// Tmeister, usefulteam: no `Bearer` and token in it.
    pub const HEADER_MALFORMED: Self = Self("Authorization header malformed.");
    /// php-jwt: a part holds bytes that no text does.
    pub const CONTROL: Self = Self("Unexpected control character found");
    /// php-jwt: the first part is JSON, but `null`.
    pub const HEADER_ENCODING: Self = Self("Invalid header encoding");
    /// php-jwt: the second part is JSON, but `null`.
    pub const CLAIMS_ENCODING: Self = Self("Invalid claims encoding");
    /// php-jwt: the second part is JSON, but no object.
    pub const NO_OBJECT: Self = Self("Payload must be a JSON object");
    /// php-jwt: no `alg`.
    pub const NO_ALGORITHM: Self = Self("Empty algorithm");
    /// php-jwt: no key at all.
    pub const KEY_EMPTY: Self = Self("Key may not be empty");
    /// php-jwt from 7.0: the secret is shorter than its algorithm asks for.
    pub const KEY_TOO_SHORT: Self = Self("Provided key is too short");
    /// php-jwt: OpenSSL cannot use the key.
    pub const OPENSSL: Self = Self("OpenSSL error: …");
    /// Core: the words of a wrong application password, also when it was the login password that was wrong.
    pub const APPLICATION_PASSWORD: Self = Self("The provided password is an invalid application password.");
    /// Core: `application_passwords_disabled`.
    pub const APPLICATION_PASSWORDS_OFF: Self = Self("Application passwords are not available.");

    /// Finds the pattern of a message.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = plain(text);
        let text = without_label(&text);
        let other = OTHERWISE.iter().find(|(pattern, _)| fits(pattern, text)).map(|(_, message)| *message);
        other.or_else(|| KNOWN.iter().find(|known| fits(known, text)).map(|known| Self(known)))
    }

    /// The pattern.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The time in `Cannot handle token prior to …`: `nbf` or `iat`, as php-jwt writes it with `DateTime::ISO8601`.
pub(super) fn not_before(text: &str) -> Option<Moment> {
    if Message::of(text) != Some(Message::PRIOR) {
        return None;
    }
    let (_, time) = text.split_once("prior to ")?;
    Moment::from_iso8601(time.trim_end().as_bytes())
}

/// Whether a text is of a pattern, in which `…` stands for anything.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Core's login errors begin with a label, spelled `ERROR` before 5.4.
fn without_label(text: &str) -> &str {
    const LABEL: &str = "error:";
    match text.split_at_checked(LABEL.len()) {
        Some((label, rest)) if label.eq_ignore_ascii_case(LABEL) => rest.trim_start(),
        _ => text,
    }
}

/// Removes tags and decodes the entities that occur: core's login errors are HTML (`wp_authenticate_username_password`
/// in `wp-includes/user.php`), and some plugins escape theirs.
fn plain(text: &str) -> Cow<'_, str> {
    const MOST: usize = 1024;
    let text = text.get(..text.floor_char_boundary(MOST)).unwrap_or_default().trim();
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let (stands_for, length) = tag(from).or_else(|| entity(from)).unwrap_or_else(|| as_it_is(from));
        out.push_str(stands_for);
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out.trim().to_owned())
}

/// A tag stands for nothing.
fn tag(text: &str) -> Option<(&'static str, usize)> {
    let inside = text.strip_prefix('<')?;
    inside.starts_with(|first: char| first == '/' || first.is_ascii_alphabetic()).then_some(())?;
    Some(("", text.find('>')? + 1))
}

fn entity(text: &str) -> Option<(&'static str, usize)> {
    const ENTITIES: [(&str, &str); 12] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#039;", "'"),
        ("&#39;", "'"),
        ("&#8217;", "'"),
        ("&#8220;", "\""),
        ("&#8221;", "\""),
        ("&hellip;", "…"),
        ("&nbsp;", " "),
    ];
    ENTITIES.iter().find(|(name, _)| text.starts_with(name)).map(|(name, sign)| (*sign, name.len()))
}

/// A sign that begins neither.
fn as_it_is(text: &str) -> (&'static str, usize) {
    if text.starts_with('<') { ("<", 1) } else { ("&", 1) }
}

/// What other versions and plugins say for the same: newer php-jwt, usefulteam (`class-auth.php`), WPGraphQL JWT
/// Authentication (`src/Auth.php`).
const OTHERWISE: [(&str, Message); 6] = [
    ("Cannot handle token with nbf prior to …", Message::PRIOR),
    ("Cannot handle token with iat prior to …", Message::PRIOR),
    ("The iss do not match with this server.", Message::BAD_ISS),
    ("User ID not found in the token.", Message::NO_USER),
    ("JWT is not configured properly.", Message::NOT_CONFIGURED),
    ("JWT is not configured properly", Message::NOT_CONFIGURED),
];

/// The messages we know. php-jwt's are never translated; core's and most plugins' are, and then only the code speaks.
const KNOWN: [&str; 97] = [
    // php-jwt (`src/JWT.php`), by way of `jwt_auth_invalid_token`, `invalid-secret-key` and others.
    "Wrong number of segments",
    "Expired token",
    "Signature verification failed",
    "Cannot handle token prior to …",
    "Syntax error, malformed JSON",
    "Malformed UTF-8 characters",
    "Unexpected control character found",
    "Maximum stack depth exceeded",
    "Invalid header encoding",
    "Invalid claims encoding",
    "Invalid signature encoding",
    "Payload must be a JSON object",
    "Payload exp must be a number",
    "Payload nbf must be a number",
    "Payload iat must be a number",
    "Empty algorithm",
    "Algorithm not supported",
    "Algorithm not allowed",
    "Incorrect key for this algorithm",
    "Key may not be empty",
    "Provided key is too short",
    "OpenSSL error: …",
    // Tmeister (`class-jwt-auth-public.php`).
    "Authorization header not found.",
    "Authorization header malformed.",
    "The iss do not match with this server",
    "User ID not found in the token",
    "JWT is not configured properly, please contact the admin",
    "Algorithm not supported, see …",
    "Invalid Credentials.",
    // usefulteam (`class-auth.php`).
    "User doesn't exist",
    "Token is obsolete",
    "Invalid token",
    "Invalid refresh token",
    "Refresh token cookie not found.",
    "Custom authentication failed.",
    // WPGraphQL JWT Authentication (`src/Auth.php`).
    "JWT Auth is not configured correctly. Please contact a site administrator.",
    "The User Secret does not match or has been revoked for this user",
    "The provided refresh token is invalid",
    "The JWT Auth Secret cannot be …",
    "Only the user requesting a token can get a token issued for them",
    // Simple JWT Login (`AuthenticationHandler.php`, `RouteHandler.php`).
    "Invalid or unauthorized API key.",
    "You are not authorized to access this endpoint.",
    "Authentication is not enabled.",
    "Wrong user credentials.",
    "This JWT is invalid.",
    // miniOrange (`class-mo-api-authentication-*.php`).
    "Authorization header not received. …",
    "Authorization header must be type of …",
    "Incorrect JWT Format.",
    "Sorry, you are not using correct format to encode string.",
    "Invalid client ID or client …",
    // `WP-API/jwt-auth` (`class-wp-rest-token.php`).
    "Authorization header was not found.",
    "Authentication token is missing.",
    "Invalid bearer token.",
    "Expired bearer token.",
    "Token has expired.",
    "Token issuer is invalid.",
    "Token user must have an ID.",
    "Token user is invalid.",
    // CoCart JWT.
    "Authorization header malformed. Please check …",
    "JWT Token is not valid or has expired.",
    "JWT configuration error.",
    "The token issuer does not match with this server.",
    "Authentication failed.",
    // Core's REST API.
    "You are not currently logged in.",
    "Sorry, you are not allowed to …",
    "Sorry, you must be logged in to …",
    "Sorry, you cannot …",
    "Cookie check failed",
    "Cookie nonce is invalid",
    "No route was found matching the URL and request method.",
    "Invalid JSON body passed.",
    "Invalid parameter(s): …",
    "Missing parameter(s): …",
    "Only authenticated users can access the REST API.",
    // Core's login (`wp-includes/user.php`, `wp-includes/pluggable.php`).
    "The password you entered for the username … is incorrect. …",
    "The password you entered for the email address … is incorrect. …",
    "The username … is not registered on this site. …",
    "The username field is empty.",
    "The password field is empty.",
    "The email field is empty.",
    "Unknown username. Check again or try your email address.",
    "Unknown email address. Check again or try your username.",
    "Invalid username, email address or incorrect password.",
    "Your account has been marked as a spammer.",
    "The provided password is an invalid application password.",
    "Application passwords are not available.",
    // WooCommerce (`class-wc-rest-authentication.php`).
    "Consumer key is invalid.",
    "Consumer secret is invalid.",
    "Invalid signature - …",
    "Invalid timestamp.",
    "Invalid nonce - nonce has already been used.",
    "The API key provided does not have read permissions.",
    "The API key provided does not have write permissions.",
    "The provided API key cannot be used to access this endpoint.",
    "Missing OAuth parameter …",
    "Missing OAuth parameters …",
    "Unknown request method.",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{KNOWN, Message, not_before, plain};
    use crate::moment::Moment;

    fn pattern(text: &str) -> Option<&'static str> {
        Message::of(text).map(Message::as_str)
    }

    #[test]
    fn raw_messages_are_never_kept() {
        assert_eq!(pattern("Expired token for s3cret"), None);
        assert_eq!(pattern("an Expired token"), None);
        assert_eq!(pattern(""), None);
        let message = pattern("Cannot handle token prior to 2026-11-23T15:17:59+0000");
        assert_eq!(message, Some("Cannot handle token prior to …"));
    }

    #[test]
    fn every_pattern_finds_itself_first() {
        for known in KNOWN {
            assert_eq!(pattern(known), Some(known));
        }
    }

    #[test]
    fn every_constant_is_in_the_table() {
        let constants = [
            Message::WRONG_SEGMENTS,
            Message::EXPIRED,
            Message::SIGNATURE,
            Message::PRIOR,
            Message::NOT_SUPPORTED,
            Message::INCORRECT_KEY,
            Message::SYNTAX,
            Message::MALFORMED_UTF8,
            Message::BAD_ISS,
            Message::NO_USER,
            Message::NOT_CONFIGURED,
            Message::HEADER_NOT_FOUND,
            Message::HEADER_MALFORMED,
            Message::KEY_EMPTY,
            Message::KEY_TOO_SHORT,
            Message::OPENSSL,
            Message::APPLICATION_PASSWORD,
            Message::APPLICATION_PASSWORDS_OFF,
        ];
        for constant in constants {
            assert_eq!(Message::of(constant.as_str()), Some(constant));
        }
    }

    #[test]
    fn cores_login_errors_are_known_in_their_markup() {
        let wrong = "The password you entered for the username … is incorrect. …";
        let table = [
            (
                r#"<strong>Error:</strong> The password you entered for the username <strong>admin</strong> is incorrect. <a href="https://a/wp-login.php?action=lostpassword">Lost your password?</a>"#,
                wrong,
            ),
            (
                "Error: The password you entered for the username a is incorrect. is incorrect. Lost your password?",
                wrong,
            ),
            ("<strong>ERROR:</strong> The username field is empty.", "The username field is empty."),
            (
                "<strong>Error:</strong> The username <strong>bob</strong> is not registered on this site. If you are unsure of your username, try your email address instead.",
                "The username … is not registered on this site. …",
            ),
            ("User doesn&#8217;t exist", "User doesn't exist"),
            ("User doesn&#039;t exist", "User doesn't exist"),
            ("  Expired token\n", "Expired token"),
            ("JWT is not configured properly.", Message::NOT_CONFIGURED.as_str()),
            ("Cannot handle token with iat prior to 2026", "Cannot handle token prior to …"),
        ];
        for (text, known) in table {
            assert_eq!(pattern(text), Some(known), "{text}");
        }
    }

    #[test]
    fn markup_is_removed_and_other_signs_stay() {
        let table = [
            ("a <b>c</b>", "a c"),
            ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
            ("<", "<"),
            ("a<b", "a<b"),
            ("&amp;lt;", "&lt;"),
            ("&bogus;", "&bogus;"),
            ("<br />x", "x"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn the_time_a_token_becomes_good_is_read() {
        let at = Some(Moment::from_seconds(1_795_447_079));
        assert_eq!(not_before("Cannot handle token prior to 2026-11-23T15:17:59+0000"), at);
        assert_eq!(not_before("Cannot handle token prior to 2026-11-23T16:17:59+01:00"), at);
        assert_eq!(not_before("Cannot handle token with nbf prior to 2026-11-23T15:17:59Z"), at);
        assert_eq!(not_before("Cannot handle token prior to soon"), None);
        assert_eq!(not_before("Expired token"), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_only_the_tables_words_remain(text in any::<String>(), at in 0..KNOWN.len()) {
            if let Some(found) = pattern(&text) {
                assert!(KNOWN.contains(&found));
            }
            let filled = KNOWN[at].replace('…', &text);
            if let Some(found) = pattern(&filled) {
                assert!(KNOWN.contains(&found));
            }
        }

        #[test]
        fn a_users_name_changes_nothing(name in "[^<>&\\p{C}]{1,40}") {
            let text = format!("<strong>Error:</strong> The password you entered for the username <strong>{name}</strong> is incorrect. <a href=\"/\">Lost your password?</a>");
            assert_eq!(pattern(&text), Some("The password you entered for the username … is incorrect. …"));
        }

        #[test]
        fn markup_of_any_text_comes_off(text in any::<String>()) {
            assert!(plain(&text).len() <= 3 * text.len());
        }
    }
}
