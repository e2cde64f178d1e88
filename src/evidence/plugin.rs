//! Which plugin an error betrays.
//!
//! The cure of "secret missing" or "wrong issuer" is another constant and another filter in each of them, and the same
//! code may come from two. Shape tells more than code, and code more than status.

use super::body::{Body, Shape};

/// A plugin known by its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// JWT Authentication for WP REST API, or what grew out of it: `jwt_auth_…` with 403, `[jwt_auth] …`
    /// (Tmeister, `public/class-jwt-auth-public.php`).
    Tmeister,
    /// JWT Auth: `jwt_auth_…` beside `success` and `statusCode` (usefulteam, `class-auth.php`).
    Usefulteam,
    /// Simple JWT Login: numbers instead of codes (`RouteHandler.php`, `AuthenticationHandler.php`, `ErrorCodes.php`).
    SimpleJwtLogin,
    /// miniOrange REST API Authentication (`class-mo-api-authentication-auth-error-codes.php`).
    MiniOrange,
    /// WPGraphQL JWT Authentication (`src/Auth.php`).
    WpGraphQl,
    /// WooCommerce (`class-wc-rest-authentication.php` and its REST controllers).
    WooCommerce,
    /// CoCart JWT: `cocart_jwt_auth_…`.
    CoCart,
    /// `WP-API/jwt-auth`, the experiment of the REST API's authors: `rest_authentication_…`
    /// (`class-wp-rest-token.php`).
    WpApiJwtAuth,
    /// `WP-API/OAuth2`: `oauth2.authentication.…`.
    OAuth2,
}

impl Plugin {
    /// The plugin, when shape or code leave no choice.
    pub(super) fn of(body: &Body, status: u16) -> Option<Self> {
        match body.shape() {
            Shape::Usefulteam => Some(Self::Usefulteam),
            Shape::SimpleJwtLogin => Some(Self::SimpleJwtLogin),
            Shape::MiniOrange => Some(Self::MiniOrange),
            Shape::GraphQl => is_wp_graphql(body.code()).then_some(Self::WpGraphQl),
            Shape::Rest if is_simple_jwt_login(body.number()) => Some(Self::SimpleJwtLogin),
            Shape::Rest => Self::by_code(body.code(), status),
            Shape::OAuth | Shape::Sent | Shape::Other => None,
        }
    }

    fn by_code(code: &str, status: u16) -> Option<Self> {
        const PREFIXES: [(&str, Plugin); 7] = [
            ("[jwt_auth] ", Plugin::Tmeister),
            ("simple_jwt_login_", Plugin::SimpleJwtLogin),
            ("woocommerce_rest_", Plugin::WooCommerce),
            ("cocart_jwt_auth_", Plugin::CoCart),
            ("cocart_authentication_", Plugin::CoCart),
            ("rest_authentication_", Plugin::WpApiJwtAuth),
            ("oauth2.", Plugin::OAuth2),
        ];
        // Tmeister's are 403, always; usefulteam's have a shape of their own.
        if code.starts_with("jwt_auth_") {
            return (status == 403 && code != "jwt_auth_token_revoked").then_some(Self::Tmeister);
        }
        PREFIXES.iter().find(|(prefix, _)| code.starts_with(prefix)).map(|(_, plugin)| *plugin)
    }
}

fn is_wp_graphql(code: &str) -> bool {
    matches!(code, "invalid-secret-key" | "invalid-jwt") || code.starts_with("graphql-jwt-")
}

/// Its codes run from 2 to 115 (`ErrorCodes.php`); a status in place of a code, as in much hand-made code, does not.
fn is_simple_jwt_login(number: Option<u64>) -> bool {
    number.is_some_and(|number| (2..=115).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::{Body, Plugin};

    fn plugin(status: u16, body: &str) -> Option<Plugin> {
        Plugin::of(&Body::read(body.as_bytes()), status)
    }

    fn rest(status: u16, code: &str) -> Option<Plugin> {
        plugin(status, &format!(r#"{{"code":{code},"message":"x","data":{{"status":{status}}}}}"#))
    }

    #[test]
    fn codes_betray_plugins() {
        let table = [
            (403, r#""jwt_auth_invalid_token""#, Some(Plugin::Tmeister)),
            (401, r#""jwt_auth_invalid_token""#, None),
            (403, r#""jwt_auth_token_revoked""#, None),
            (403, r#""[jwt_auth] incorrect_password""#, Some(Plugin::Tmeister)),
            (401, r#""simple_jwt_login_api_key_error""#, Some(Plugin::SimpleJwtLogin)),
            (400, "2", Some(Plugin::SimpleJwtLogin)),
            (401, "401", None),
            (401, r#""woocommerce_rest_cannot_view""#, Some(Plugin::WooCommerce)),
            (401, r#""cocart_jwt_auth_bad_iss""#, Some(Plugin::CoCart)),
            (403, r#""rest_authentication_no_header""#, Some(Plugin::WpApiJwtAuth)),
            (403, r#""oauth2.authentication.attempt_authentication.invalid_token""#, Some(Plugin::OAuth2)),
            (401, r#""rest_forbidden""#, None),
            (401, r#""incorrect_password""#, None),
        ];
        for (status, code, expected) in table {
            assert_eq!(rest(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn shapes_betray_plugins() {
        let table = [
            (
                r#"{"success":false,"statusCode":401,"code":"incorrect_password","message":"x","data":[]}"#,
                Some(Plugin::Usefulteam),
            ),
            (r#"{"success":false,"data":{"message":"x","errorCode":48}}"#, Some(Plugin::SimpleJwtLogin)),
            (
                r#"{"status":"error","error":"FORBIDDEN","code":"403","error_description":"x"}"#,
                Some(Plugin::MiniOrange),
            ),
            (r#"{"errors":[{"message":"invalid-secret-key | Expired token"}]}"#, Some(Plugin::WpGraphQl)),
            (r#"{"errors":[{"message":"Internal server error"}]}"#, None),
            (r#"{"success":false,"data":{"message":"x"}}"#, None),
            (r#"{"error":"invalid_token","error_description":"x"}"#, None),
        ];
        for (body, expected) in table {
            assert_eq!(plugin(401, body), expected, "{body}");
        }
    }
}
