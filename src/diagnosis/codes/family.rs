//! What can be said of a code that no table has: whose family it is, by how it begins.

/// A family of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// How its codes begin.
    pub prefix: &'static str,
    /// What they have in common.
    pub meaning: &'static str,
    /// The rules that its codes may lead to.
    pub rules: &'static [&'static str],
    /// Where that is from.
    pub source: &'static str,
}

/// The longest beginning first, where one holds another.
const FAMILIES: &[Family] = &[
    Family {
        prefix: "[jwt_auth] ",
        meaning: "JWT Authentication for WP REST API hands a refused login on with this mark; what follows is the code of \
                  WordPress or of a plugin that guards the login. It is about the login, never about a header that was lost.",
        rules: &["login-refused"],
        source: "class-jwt-auth-public.php, generate_token",
    },
    Family {
        prefix: "jwt_auth_",
        meaning: "A JWT plugin says so: JWT Authentication for WP REST API with 403, JWT Auth (usefulteam) with 401 and \
                  success and statusCode beside it, or one made from them; JWT Auth Pro, whose codes are not public, \
                  may be another. But for those with no_auth_header, such a code means that the plugin looked at the request.",
        rules: &["unknown-code"],
        source: "class-jwt-auth-public.php; class-auth.php; the rest is unverified",
    },
    Family {
        prefix: "simple_jwt_login_",
        meaning: "Simple JWT Login says so. Most of its errors are numbers; the message tells more than this code.",
        rules: &["simple-jwt-login-refused"],
        source: "Simple JWT Login 4, AuthenticationHandler.php",
    },
    Family {
        prefix: "woocommerce_rest_cannot_",
        meaning: "A permission of WooCommerce's REST API failed: 401 says that WordPress knows nobody, 403 that it knows the \
                  user, who may not.",
        rules: &["woocommerce-key-unseen", "permission-refused"],
        source: "class-wc-rest-authentication.php",
    },
    Family {
        prefix: "woocommerce_rest_",
        meaning: "WooCommerce's REST API says so. Codes with authentication in them are about the key; the others are about \
                  what was asked for.",
        rules: &["woocommerce-key-refused"],
        source: "class-wc-rest-authentication.php",
    },
    Family {
        prefix: "cocart_",
        meaning: "CoCart says so; its codes with jwt_auth in them are about the token.",
        rules: &["plugin-refused-token"],
        source: "CoCart JWT",
    },
    Family {
        prefix: "graphql-jwt-",
        meaning: "WPGraphQL JWT Authentication says so, with a text of GraphQL's errors.",
        rules: &["wpgraphql-jwt-refused"],
        source: "WPGraphQL JWT Authentication 0.7, src/Auth.php",
    },
    Family {
        prefix: "oauth2.",
        meaning: "WP-API/OAuth2 says so: it takes Bearer for its own tokens.",
        rules: &["oauth-token-refused"],
        source: "Tmeister/wp-api-jwt-auth#147",
    },
    Family {
        prefix: "rest_authentication_",
        meaning: "WP-API/jwt-auth says so, an experiment that closes every REST route while it is active.",
        rules: &["plugin-refused-token"],
        source: "WP-API/jwt-auth#21",
    },
    Family {
        prefix: "rest_cannot_",
        meaning: "A permission of a REST route failed: 401 says that WordPress took the caller for anonymous (no header \
                  arrived, or it was passed over), 403 that it knows the user, who may not.",
        rules: &["permission-refused", "authorization-lost-before-php"],
        source: "wp-includes/rest-api.php, rest_authorization_required_code",
    },
    Family {
        prefix: "rest_",
        meaning: "WordPress's REST API or a route of a plugin says so. With 401 the caller is anonymous to it, with 403 known; \
                  with 400 the request was refused before anybody asked who it is from.",
        rules: &["unknown-code"],
        source: "wp-includes/rest-api.php, rest_authorization_required_code; class-wp-rest-server.php, dispatch",
    },
    Family {
        prefix: "application_password",
        meaning: "WordPress's application passwords say so.",
        rules: &[
            "application-passwords-off",
            "application-passwords-need-https",
            "login-overwritten-message",
        ],
        source: "class-wp-application-passwords.php",
    },
];

/// The family of a code, when it has one.
#[must_use]
pub fn family(code: &str) -> Option<&'static Family> {
    let code = code.trim().to_ascii_lowercase();
    let is_code = !code.is_empty() && code.len() <= 64 && !code.chars().any(char::is_control);
    let has_words = code.trim_start_matches("[jwt_auth] ").contains(char::is_whitespace);
    FAMILIES.iter().filter(|_| is_code && !has_words).find(|family| code.starts_with(family.prefix))
}

#[cfg(test)]
mod tests {
    use super::super::super::rule;
    use super::{FAMILIES, family};

    #[test]
    fn a_family_is_told_by_the_beginning() {
        let prefix = |code: &str| family(code).map(|family| family.prefix);
        assert_eq!(prefix("jwt_auth_rate_limited"), Some("jwt_auth_"));
        assert_eq!(prefix("[jwt_auth] captcha_missing"), Some("[jwt_auth] "));
        assert_eq!(prefix("rest_cannot_frobnicate"), Some("rest_cannot_"));
        assert_eq!(prefix("rest_strange"), Some("rest_"));
        assert_eq!(prefix("rest_ of the text"), None);
        assert_eq!(prefix("my_plugin_denied"), None);
    }

    #[test]
    fn every_family_leads_to_rules_that_there_are_and_hides_behind_no_shorter_one() {
        for (at, one) in FAMILIES.iter().enumerate() {
            assert!(one.rules.iter().all(|id| rule(id).is_some()), "{}", one.prefix);
            let before = FAMILIES.iter().take(at);
            assert!(!before.clone().any(|other| one.prefix.starts_with(other.prefix)), "{}", one.prefix);
        }
    }
}
