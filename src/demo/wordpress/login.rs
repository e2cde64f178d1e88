//! `POST /jwt-auth/v1/token`: a login for a token.
//!
//! The complaints are those of a site on which application passwords are in use, as they were measured: core asks for
//! such a password last, and its answer covers the others'.

use serde_json::{Value, json};

use super::{Asked, Refused, USERS, User, WordPress};

pub(super) fn token(wordpress: &WordPress, asked: &Asked<'_>, _: Option<User>) -> Result<Value, Refused> {
    let Given { username, password } = Given::read(asked)?;
    let Some(user) = USERS.into_iter().find(|user| username == user.login || username == user.email) else {
        let message = "<strong>Error:</strong> Unknown username. Check again or try your email address.";
        return Err(Refused::new(403, "[jwt_auth] invalid_username", message));
    };
    if password != user.password {
        let message = "The provided password is an invalid application password.";
        return Err(Refused::new(403, "[jwt_auth] incorrect_password", message));
    }
    Ok(json!({
        "token": wordpress.plugin.issue(user, asked.now),
        "user_email": user.email, "user_nicename": user.login, "user_display_name": user.login,
    }))
}

/// Who somebody says to be.
#[derive(Default)]
struct Given {
    username: String,
    password: String,
}

impl Given {
    /// WordPress reads a body by its type: JSON, a form, and nothing else.
    fn read(asked: &Asked<'_>) -> Result<Self, Refused> {
        let kind = asked.content_type.split(';').next().unwrap_or_default().trim();
        match kind {
            "application/json" if asked.body.is_empty() => Ok(Self::default()),
            "application/json" => Self::of_json(asked.body),
            "application/x-www-form-urlencoded" => Ok(Self::of_form(&String::from_utf8_lossy(asked.body))),
            _ => Ok(Self::default()),
        }
    }

    fn of_json(body: &[u8]) -> Result<Self, Refused> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|_| Refused::new(400, "rest_invalid_json", "Invalid JSON body passed."))?;
        let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { username: field("username"), password: field("password") })
    }

    fn of_form(body: &str) -> Self {
        let field = |name: &str| {
            let value = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=').map(decoded);
            body.split('&').find_map(value).unwrap_or_default()
        };
        Self { username: field("username"), password: field("password") }
    }
}

/// A value of a form: `+` is a blank, `%40` is `@`.
fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut out = pieces.next().unwrap_or_default().replace('+', " ").into_bytes();
    for piece in pieces {
        let byte = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(b'%'));
        let rest = if byte.is_some() { piece.get(2..).unwrap_or_default() } else { piece };
        out.extend_from_slice(rest.replace('+', " ").as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}
