//! The plugin "JWT Authentication for WP REST API" 1.3.4: who asks, by the token. What it makes of one stands in `token`.

use serde_json::{Value, json};

use super::jwt::{self, Key};
use super::{Refused, USERS, User};
use crate::moment::Moment;
use crate::token;

/// How long a token is good, in seconds: `jwt_auth_expire`.
const LIFETIME: i64 = 7 * 86_400;

/// The plugin, as far as it needs to know the site.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    /// `get_bloginfo('url')`.
    pub(super) home: String,
    pub(super) key: Key,
}

impl Plugin {
    /// A token for a user.
    pub(super) fn issue(&self, user: User, now: Moment) -> String {
        let now = now.seconds();
        let claims = json!({
            "iss": self.home, "iat": now, "nbf": now, "exp": now + LIFETIME,
            "data": { "user": { "id": user.id.to_string() } },
        });
        jwt::encode(&claims, &self.key)
    }

    /// `determine_current_user`: nobody, somebody, or the complaint that every route will answer with.
    pub(super) fn user(&self, authorization: &str, now: Moment) -> Result<Option<User>, Refused> {
        match self.judge(token::Route::Any, authorization, now) {
            // Nobody: the route itself says so, if it asks.
            Err(refused) if refused.status == 401 => Ok(None),
            Err(refused) => Err(refused),
            Ok(()) => {
                let id = token::user_of(authorization);
                Ok(USERS.into_iter().find(|user| Some(user.id.to_string()) == id))
            }
        }
    }

    /// `token/validate`. It does not ask whether the user exists.
    pub(super) fn validate(&self, authorization: &str, now: Moment) -> Result<Value, Refused> {
        self.judge(token::Route::Validate, authorization, now)?;
        Ok(json!({ "code": "jwt_auth_valid_token", "data": { "status": 200 } }))
    }

    fn judge(&self, route: token::Route, authorization: &str, now: Moment) -> Result<(), Refused> {
        let site = token::Site { secret: Some(self.key.expose()), home: Some(&self.home) };
        let course = token::judge(route, authorization, site, now);
        course.refusal().map_or(Ok(()), |token::Refused { status, code, message }| {
            Err(Refused::new(*status, code, message.clone()))
        })
    }
}
