//! WordPress's own words: the error in the body of a refusal.
//!
//! `rest_convert_error_to_response` (`wp-includes/rest-api.php`) writes `{"code", "message", "data": {"status"}}`.
//! The code says what is wrong; the message decides only within `jwt_auth_invalid_token`. Neither is kept as it
//! came: a code must have the form of one, and a [`Message`] is shown as our table has it, so that no plugin can
//! smuggle a token into a log.

use std::fmt;

use super::message::Message;
use crate::secret::looks_secret;

/// The error WordPress, or a plugin in it, answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPressError {
    /// The code.
    pub code: Code,
    /// The message, when it is one we know.
    pub message: Option<Message>,
}

/// An error code: 1 to 64 letters, digits, blanks and `_ - [ ]`, and nothing that looks like a token. Points only in
/// the codes of `WP-API/OAuth2`, which no token resembles: its first part would have to be JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Box<str>);

impl Code {
    /// Takes a code, if it has the form of one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let has_points = text.starts_with("oauth2.");
        let plain = |b: u8| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'-' | b'[' | b']' | b' ')
                || (has_points && b == b'.')
        };
        let safe = (1..=64).contains(&text.len()) && text.bytes().all(plain);
        (safe && !looks_secret(text.as_bytes())).then(|| Self(text.into()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of the codes for "you may not" whose status tells anonymous (401) from known (403):
    /// `rest_authorization_required_code` in `wp-includes/rest-api.php`, as core's endpoints use it
    /// (`wp-includes/rest-api/endpoints`) and WooCommerce's controllers (`class-wc-rest-posts-controller.php`).
    #[must_use]
    pub fn is_permission(&self) -> bool {
        const EXACT: [&str; 16] = [
            "rest_forbidden",
            "rest_not_logged_in",
            "rest_user_invalid_role",
            "rest_comment_login_required",
            "rest_comment_invalid_author",
            "rest_comment_invalid_author_ip",
            "rest_comment_invalid_status",
            "rest_block_type_cannot_view",
            "rest_block_directory_cannot_view",
            "rest_pattern_directory_cannot_view",
            "block_cannot_read",
            "woocommerce_rest_cannot_view",
            "woocommerce_rest_cannot_create",
            "woocommerce_rest_cannot_edit",
            "woocommerce_rest_cannot_delete",
            "woocommerce_rest_cannot_batch",
        ];
        const PREFIX: [&str; 3] = ["rest_forbidden_", "rest_cannot_", "rest_user_cannot_"];
        let code = self.as_str();
        let known = EXACT.contains(&code) || PREFIX.iter().any(|prefix| code.starts_with(prefix));
        known && !self.is_lockdown()
    }

    /// Whether it is the code of a plugin that closes the REST API to anonymous callers (Password Protected, Force
    /// Login and others): they choose their status freely.
    #[must_use]
    pub fn is_lockdown(&self) -> bool {
        ["rest_cannot_access", "rest_unauthorized", "rest_login_required", "rest_disabled"]
            .contains(&self.as_str())
    }

    /// Whether it is such a code and tells that WordPress does not know the caller: `rest_disabled` may be said to all.
    #[must_use]
    pub fn is_for_strangers(&self) -> bool {
        self.is_lockdown() && self.as_str() != "rest_disabled"
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_kept_in_a_safe_form_only() {
        assert!(Code::new("[jwt_auth] incorrect_password").is_some());
        for text in ["", "a.b.c", "<b>", "rest\nforbidden", "eyJhbGciOiJIUzI1NiJ9", &"a".repeat(65)] {
            assert_eq!(Code::new(text), None, "{text}");
        }
    }

    #[test]
    fn permission_codes_are_those_whose_status_follows_the_user() {
        let is = |code: &str| Code::new(code).unwrap().is_permission();
        for code in [
            "rest_forbidden",
            "rest_forbidden_context",
            "rest_cannot_edit",
            "rest_user_cannot_view",
            "rest_not_logged_in",
            "rest_block_type_cannot_view",
            "woocommerce_rest_cannot_view",
            "woocommerce_rest_cannot_batch",
        ] {
            assert!(is(code), "{code}");
        }
        for code in [
            "rest_cannot_access",
            "rest_unauthorized",
            "rest_login_required",
            "rest_disabled",
            "rest_cookie_invalid_nonce",
            "rest_post_incorrect_password",
            "rest_authentication_no_header",
            "jwt_auth_bad_iss",
            "woocommerce_rest_authentication_error",
            "woocommerce_rest_cannot_create_order_refund",
            "woocommerce_rest_invalid_product_id",
        ] {
            assert!(!is(code), "{code}");
        }
    }

    #[test]
    fn points_are_oauths_alone() {
        assert!(Code::new("oauth2.authentication.attempt_authentication.invalid_token").is_some());
        assert_eq!(Code::new("oauth3.a.b"), None);
    }
}
